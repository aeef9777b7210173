package jwt

import (
	"fmt"
	"strings"
)

// TokenKind is what a token is for.
type TokenKind string

// The kinds that [Unverified.Kind] tells apart.
const (
	KindAccess  TokenKind = "access token" // for an API
	KindID      TokenKind = "ID token"     // for the client that signed the user in
	KindUnknown TokenKind = "token"        // neither, or signs of both
)

// Kind guesses what the token is for by its typ, the prefix of its jti and its claims. It is a word for people: a
// verifier must ask for what it needs and not for what the token seems to be.
func (u Unverified) Kind() TokenKind {
	access := u.signOf(KindAccess) != "" || u.Claims.has("uid")
	id := u.signOf(KindID) != ""
	switch {
	case access && id:
		return KindUnknown
	case access:
		return KindAccess
	// An access token may have amr and idp as custom claims, so they count only if nothing else shows one.
	case id || u.Claims.has("amr", "idp"):
		return KindID
	}
	return KindUnknown
}

// checkType asks for the kind of token that is wanted, and for no sign of the other. Each kind has its own receivers,
// and one that accepts the other kind accepts tokens that it should never see.
//
// "the validation rules for different kinds of JWTs MUST be mutually exclusive":
// https://www.rfc-editor.org/rfc/rfc8725#section-3.12
func (c *checker) checkType() {
	own, other := KindAccess, KindID
	if c.config.Kind == KindID {
		own, other = KindID, KindAccess
	}
	check := Check{Name: "type", Expected: "an " + string(own), Got: "a token", Why: c.token.signOf(other)}
	typ, problem := c.token.Header.text("typ")
	switch {
	case c.token.Header.has("typ") && (problem != "" || !isAtJWT(typ) && !strings.EqualFold(typ, "JWT")):
		check.Got = "typ " + c.token.Header.show("typ")
		check.Why = "the header's typ is neither that of an access token nor that of an ID token"
	case check.Why != "":
		if c.token.Kind() == other {
			check.Got = "an " + string(other)
		}
	// A logout token has the issuer, the audience and the keys of an ID token, too:
	// https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken
	case own == KindID && c.token.Claims.has("events"):
		check.Why = "the token has events, as a logout token has"
	case own == KindAccess && !isAtJWT(typ) && !c.token.Claims.has("cid", "scp"):
		check.Why = "the token has neither cid nor scp, which Okta's access tokens have"
	default:
		check.State, check.Got, check.Why = Passed, check.Expected, c.boundNote()
	}
	c.add(check)
}

// signOf returns what shows that the token is of a kind, or "". Okta's tokens say it in the prefix of their jti.
// https://developer.okta.com/docs/reference/api/oidc/
func (u Unverified) signOf(kind TokenKind) string {
	prefix, claims := "ID.", []string{"nonce", "at_hash", "c_hash"}
	if kind == KindAccess {
		// RFC 9068 §2.2 has scope and client_id, Okta scp and cid. https://www.rfc-editor.org/rfc/rfc9068#section-2.2
		prefix, claims = "AT.", []string{"scp", "cid", "scope", "client_id"}
		if typ, _ := u.Header.String("typ"); isAtJWT(typ) {
			return "the header's typ is that of an access token"
		}
	}
	if jti, _ := u.Claims.String("jti"); strings.HasPrefix(jti, prefix) {
		return fmt.Sprintf("the jti starts with %q, as that of an %s does", prefix, kind)
	}
	for _, name := range claims {
		if u.Claims.has(name) {
			return fmt.Sprintf("the token has %s, as an %s has", name, kind)
		}
	}
	return ""
}

// isAtJWT knows the media type of access tokens, which may be shortened:
// https://www.rfc-editor.org/rfc/rfc9068#section-2.1
func isAtJWT(typ string) bool {
	return strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "application/at+jwt")
}

// boundNote says what is not checked of a token that is bound to a key of its holder.
// https://www.rfc-editor.org/rfc/rfc9449#section-6
func (c *checker) boundNote() string {
	raw, ok := c.token.Claims.Get("cnf")
	if !ok {
		return ""
	}
	if cnf, err := ParseObject(raw); err != nil || !cnf.has("jkt") {
		return ""
	}
	return "the token is bound to a key (DPoP): an API also asks for a proof that the sender has it, which is not " +
		"checked here"
}
