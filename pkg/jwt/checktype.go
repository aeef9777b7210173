package jwt

import "strings"

// judgeType asks for the kind of token that is wanted, and for no sign of the other. The kinds are made for different receivers, and
// one that takes the other's is open to whoever got that one honestly.
//
// "the validation rules for different kinds of JWTs MUST be mutually exclusive": https://www.rfc-editor.org/rfc/rfc8725#section-3.12
func (t *trial) judgeType() {
	c := Check{Name: checkType, Expected: t.expected.typ}
	typ, present, ok := t.token.Header.text("typ", "JWT")
	atJWT := isAtJWT(typ)
	if present && (!ok || !atJWT && !strings.EqualFold(typ, "JWT")) {
		c.Got = "typ " + t.token.Header.show("typ")
		c.Why = "the header's typ is of something else than the tokens of a sign-in"
		t.fail(c)
		return
	}
	if t.rules.Kind == KindAccess {
		c.Why = t.whyNoAccessToken(atJWT)
	} else {
		c.Why = t.whyNoIDToken(atJWT)
	}
	if c.Why != "" {
		c.Got = t.kindInWords()
		t.fail(c)
		return
	}
	c.Got = c.Expected
	c.Why = t.boundNote()
	t.pass(c)
}

// isAtJWT knows the media type of access tokens, which may be shortened: https://www.rfc-editor.org/rfc/rfc9068#section-2.1
func isAtJWT(typ string) bool {
	return strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "application/at+jwt")
}

// kindInWords is what a token that is not of the kind wanted seems to be.
func (t *trial) kindInWords() string {
	if kind := t.token.Kind(); kind != KindUnknown && kind != t.rules.Kind {
		return "an " + string(kind)
	}
	return "a token"
}

// whyNoAccessToken returns "" for an access token.
func (t *trial) whyNoAccessToken(atJWT bool) string {
	const remedy = ": send the access token, or judge this one with okauth verify --type id"
	jti, _ := t.token.Claims.String("jti")
	if strings.HasPrefix(jti, "ID.") {
		return `the jti starts with "ID.", as that of an ID token does` + remedy
	}
	for _, name := range [...]string{"nonce", "at_hash", "c_hash"} {
		if t.token.Claims.has(name) {
			return "the token has " + name + ", as an ID token has" + remedy
		}
	}
	if !atJWT && !t.token.hasAny("cid", "scp") {
		return "the token has neither cid nor scp, which Okta's access tokens have" + remedy
	}
	return ""
}

// whyNoIDToken returns "" for a token that nothing keeps from being an ID token.
func (t *trial) whyNoIDToken(atJWT bool) string {
	const remedy = ": give the ID token, or judge this one with okauth verify --type access"
	jti, _ := t.token.Claims.String("jti")
	switch {
	case strings.HasPrefix(jti, "AT."):
		return `the jti starts with "AT.", as that of an access token does` + remedy
	case atJWT:
		return "the header's typ is that of an access token" + remedy
	// A logout token has the issuer, the audience and the keys of an ID token, too:
	// https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken
	case t.token.Claims.has("events"):
		return "the token has events, as a logout token has"
	}
	// RFC 9068 §2.2 has scope and client_id, Okta scp and cid. https://www.rfc-editor.org/rfc/rfc9068#section-2.2
	for _, name := range [...]string{"scp", "cid", "scope", "client_id"} {
		if t.token.Claims.has(name) {
			return "the token has " + name + ", as an access token has" + remedy
		}
	}
	return ""
}

// boundNote says what is not judged of a token that is bound to a key of its holder.
// https://www.rfc-editor.org/rfc/rfc9449#section-6
func (t *trial) boundNote() string {
	raw, ok := t.token.Claims.Get("cnf")
	if !ok || raw[0] != '{' {
		return ""
	}
	if cnf, err := readObject("cnf", raw); err != nil || !cnf.has("jkt") {
		return ""
	}
	return "the token is bound to a key (DPoP): an API also asks for a proof that the sender has it, which is not judged here"
}
