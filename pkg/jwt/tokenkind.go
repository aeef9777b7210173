package jwt

import "strings"

// TokenKind is the kind of a token, as its claims suggest.
type TokenKind string

// The kinds that [Unverified.Kind] tells apart.
const (
	KindAccess  TokenKind = "access token" // for an API
	KindID      TokenKind = "ID token"     // for the client that signed the user in
	KindUnknown TokenKind = "token"        // neither, or signs of both
)

// Kind guesses what the token is for by its typ, the prefix of its jti and its claims. It is a word for people: a
// verifier must ask for what it needs and not for what the token seems to be.
//
// Okta's access tokens have cid, scp and a jti that starts with "AT."; its ID tokens have amr, idp, at_hash and a jti
// that starts with "ID.". https://developer.okta.com/docs/reference/api/oidc/
func (u Unverified) Kind() TokenKind {
	typ, _ := u.Header.String("typ")
	jti, _ := u.Claims.String("jti")
	access := isAtJWT(typ) || strings.HasPrefix(jti, "AT.") || u.Claims.has("scp", "cid", "uid", "client_id", "scope")
	id := strings.HasPrefix(jti, "ID.") || u.Claims.has("nonce", "at_hash", "c_hash")
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

// isAtJWT knows the media type of access tokens, which may be shortened:
// https://www.rfc-editor.org/rfc/rfc9068#section-2.1
func isAtJWT(typ string) bool {
	return strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "application/at+jwt")
}

// checkType asks for the kind of token that is wanted, and for no sign of the other. Each kind has its own receivers,
// and one that accepts the other kind accepts tokens that it should never see.
//
// "the validation rules for different kinds of JWTs MUST be mutually exclusive":
// https://www.rfc-editor.org/rfc/rfc8725#section-3.12
func (c *checker) checkType() {
	check := Check{Name: checkType, Expected: c.expected.kind}
	typ, problem := c.token.Header.text("typ")
	if c.token.Header.has("typ") && (problem != "" || !isAtJWT(typ) && !strings.EqualFold(typ, "JWT")) {
		check.Got = "typ " + c.token.Header.show("typ")
		check.Why = "the header's typ is neither that of an access token nor that of an ID token"
		c.fail(check)
		return
	}
	if c.config.Kind == KindAccess {
		check.Why = c.notAccessToken(isAtJWT(typ))
	} else {
		check.Why = c.notIDToken(isAtJWT(typ))
	}
	if check.Why != "" {
		check.Got = "a token"
		if kind := c.token.Kind(); kind != KindUnknown && kind != c.config.Kind {
			check.Got = "an " + string(kind)
		}
		c.fail(check)
		return
	}
	check.Got = check.Expected
	check.Why = c.boundNote()
	c.pass(check)
}

// notAccessToken returns "" for an access token, else the sign that it is none.
func (c *checker) notAccessToken(atJWT bool) string {
	jti, _ := c.token.Claims.String("jti")
	if strings.HasPrefix(jti, "ID.") {
		return `the jti starts with "ID.", as that of an ID token does`
	}
	for _, name := range [...]string{"nonce", "at_hash", "c_hash"} {
		if c.token.Claims.has(name) {
			return "the token has " + name + ", as an ID token has"
		}
	}
	if !atJWT && !c.token.Claims.has("cid", "scp") {
		return "the token has neither cid nor scp, which Okta's access tokens have"
	}
	return ""
}

// notIDToken returns "" for a token that may be an ID token, else the sign that it is none.
func (c *checker) notIDToken(atJWT bool) string {
	jti, _ := c.token.Claims.String("jti")
	switch {
	case strings.HasPrefix(jti, "AT."):
		return `the jti starts with "AT.", as that of an access token does`
	case atJWT:
		return "the header's typ is that of an access token"
	// A logout token has the issuer, the audience and the keys of an ID token, too:
	// https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken
	case c.token.Claims.has("events"):
		return "the token has events, as a logout token has"
	}
	// RFC 9068 §2.2 has scope and client_id, Okta scp and cid. https://www.rfc-editor.org/rfc/rfc9068#section-2.2
	for _, name := range [...]string{"scp", "cid", "scope", "client_id"} {
		if c.token.Claims.has(name) {
			return "the token has " + name + ", as an access token has"
		}
	}
	return ""
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
