package session

import (
	"fmt"
	"slices"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// TokenType says which of the tokens of a sign-in is meant.
type TokenType string

// The kinds of token a session holds.
const (
	Access  TokenType = "access"
	ID      TokenType = "id"
	Refresh TokenType = "refresh"
)

// clockSlack is how far a clock may run backwards after a sign-in before the
// stored time of that sign-in is no longer believed.
const clockSlack = 30 * time.Second

// CachedToken is a token that is valid now, and what is known of it.
type CachedToken struct {
	Value     okta.Secret
	Kind      TokenType
	TokenType string
	Scope     []string  // as granted
	ExpiresAt time.Time // by the clock of this machine; zero where only Okta knows
	Username  string    // who signed in
	Notes     []string  // what the caller should tell the user; may be empty
}

// MissingTokenError says that the sign-in brought no token of that kind.
type MissingTokenError struct{ Kind TokenType }

func (e *MissingTokenError) Error() string {
	return fmt.Sprintf("the session has no %s token", e.Kind)
}

// Hint tells which scope brings the token.
func (e *MissingTokenError) Hint() string {
	switch e.Kind {
	case ID:
		return `sign in with the scope "openid": okauth login --scope "openid …"`
	case Refresh:
		return `sign in with the scope "offline_access" at an app that has the grant Refresh Token: okauth login --scope "openid offline_access …"`
	}
	return ""
}

// pick takes one token out of a set of s, with its whole life.
func pick(set store.TokenSet, s *store.Session, kind TokenType) (CachedToken, time.Duration, error) {
	t := CachedToken{Kind: kind, TokenType: set.TokenType, Scope: set.Granted, Username: s.Username}
	life := set.ExpiresIn
	switch kind {
	case Access, "":
		t.Kind, t.Value = Access, set.AccessToken
	case ID:
		t.Value, life = set.IDToken, idTokenLife(set)
	default:
		return CachedToken{}, 0, fmt.Errorf("there is no %q token: access, id or refresh", kind)
	}
	if t.Value.IsZero() {
		return CachedToken{}, 0, &MissingTokenError{Kind: kind}
	}
	t.ExpiresAt = set.ObtainedAt.Add(life)
	return t, life, nil
}

// refreshToken takes the refresh token out of s. How long it lives is known to
// Okta alone.
func refreshToken(s *store.Session) (CachedToken, error) {
	if s.Refresh.Value.IsZero() {
		return CachedToken{}, &MissingTokenError{Kind: Refresh}
	}
	return CachedToken{Value: s.Refresh.Value, Kind: Refresh, Scope: s.Refresh.Granted, Username: s.Username}, nil
}

// idTokenLife is how long an ID token lives. "expires_in" speaks of the access
// token alone (RFC 6749 §5.1), and the two differ on custom servers, so the ID
// token's own claims are asked: the client is the party they are written for
// (OpenID Connect Core §2). Only the difference of the two is used, so that the
// server's clock need not agree with ours.
// https://openid.net/specs/openid-connect-core-1_0.html#IDToken
func idTokenLife(set store.TokenSet) time.Duration {
	if set.IDToken.IsZero() {
		return 0
	}
	t, err := jwt.Parse(set.IDToken.Reveal())
	if err != nil {
		return set.ExpiresIn
	}
	iat, ok1 := t.Claims.Time("iat")
	exp, ok2 := t.Claims.Time("exp")
	if !ok1 || !ok2 || !exp.After(iat) {
		return set.ExpiresIn
	}
	return exp.Sub(iat)
}

// remaining is how much of a token's life is left. It is counted from the time
// the token was obtained and "expires_in", never from the token's own claims:
// "The client MUST NOT inspect the content of the access token"
// https://www.rfc-editor.org/rfc/rfc9068#section-6
// ok is false when the clock has run backwards since.
func remaining(obtained time.Time, life time.Duration, now time.Time) (left time.Duration, ok bool) {
	age := now.Sub(obtained)
	if age < -clockSlack {
		return 0, false
	}
	return life - max(age, 0), true
}

// canonical orders scopes: they are a set, and an answer may list them otherwise.
func canonical(scopes []string) []string {
	s := slices.Clone(scopes)
	slices.Sort(s)
	return slices.Compact(s)
}
