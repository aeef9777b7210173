package jwt

import "strings"

// TokenKind is what a token seems to be for, in words a person knows.
type TokenKind string

// The kinds that [Unverified.Kind] tells apart.
const (
	KindAccess  TokenKind = "access token" // for an API
	KindID      TokenKind = "ID token"     // for the client that signed the user in
	KindUnknown TokenKind = "token"        // neither, or signs of both
)

// Kind guesses what the token is for by its typ, the prefix of its jti and its claims. It is a word for people: a verifier must
// ask for what it needs and not for what the token seems to be.
//
// Okta's access tokens have cid, scp and a jti that starts with "AT."; its ID tokens have amr, idp, at_hash and a jti that starts
// with "ID.". https://developer.okta.com/docs/reference/api/oidc/
func (u Unverified) Kind() TokenKind {
	typ, _ := u.Header.String("typ")
	typ = strings.ToLower(typ)
	jti, _ := u.Claims.String("jti")
	access := typ == "at+jwt" || typ == "application/at+jwt" || // RFC 9068 section 2.1
		strings.HasPrefix(jti, "AT.") || u.hasAny("scp", "cid", "uid", "client_id", "scope")
	id := strings.HasPrefix(jti, "ID.") || u.hasAny("nonce", "at_hash", "c_hash")
	switch {
	case access && id:
		return KindUnknown
	case access:
		return KindAccess
	// An access token may be given amr and idp as custom claims, so they count only where nothing speaks for one.
	case id || u.hasAny("amr", "idp"):
		return KindID
	}
	return KindUnknown
}

func (u Unverified) hasAny(names ...string) bool {
	for _, name := range names {
		if _, ok := u.Claims.Get(name); ok {
			return true
		}
	}
	return false
}
