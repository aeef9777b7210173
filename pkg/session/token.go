package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/okta/dpop"
	"okauth/pkg/store"
)

// TokenType names one of the tokens of a sign-in.
type TokenType string

// The types of token that a session holds.
const (
	Access  TokenType = "access"
	ID      TokenType = "id"
	Refresh TokenType = "refresh"
	// DeviceSecret is no token to get: an Exchange sends it.
	DeviceSecret TokenType = "device secret"
)

// clockTolerance is how far a clock may run backwards before a time that was stored is no longer believed.
const clockTolerance = time.Minute

// CachedToken is a token of a session, with its scopes, expiry and user.
type CachedToken struct {
	Value     okta.Secret
	Type      TokenType
	TokenType string    // okta.TypeBearer or TypeDPoP; "" for a refresh token
	Issued    string    // after a token exchange: what Value is, a URI
	Scope     []string  // as granted
	ExpiresAt time.Time // by the clock of this machine; zero where only Okta knows
	Username  string    // who signed in
	Notes     []string  // what the caller should tell the user; may be empty
	// DPoPKey is what an access token of TypeDPoP is bound to, see Prover; zero for others.
	DPoPKey okta.Secret
}

// Prover returns what makes the proofs that have to go with an access token of TypeDPoP; nil for another token. Nothing
// but this opens the key. The error is a *store.Error of kind Corrupt.
func (t CachedToken) Prover() (*dpop.Prover, error) {
	if t.DPoPKey.IsZero() {
		return nil, nil
	}
	key, err := dpop.ParseKey(t.DPoPKey)
	if err != nil {
		return nil, store.WithOp("read the session's key", store.CorruptError(err.Error()))
	}
	return &dpop.Prover{Key: key}, nil
}

// LoginRequiredError says that there is no token to return. From [Manager.Token] it means that [Manager.Renew] may get
// one; from Renew, that only a new sign-in can.
type LoginRequiredError struct {
	Profile     string  // "" where the caller did not add it
	Reason      string  // why: "not signed in", "the access token expired at …"
	Refreshable bool    // the session has a refresh token for these scopes
	NoStore     NoStore // why no session can be there, if that is so
	Err         error   // the cause, such as Okta's refusal of the refresh token, or nil
	// Unsure: the session may work later: a refresh failed, or a later okauth wrote it. A sign-in that is at hand is made;
	// a person is not asked for one.
	Unsure bool
}

// NoStore says why sessions are not kept.
type NoStore string

// The reasons for not keeping a session.
const (
	StoreOff         NoStore = "storage is none"
	StoreUnavailable NoStore = "there is no keychain"
)

func (e *LoginRequiredError) Error() string {
	text := e.Reason
	if e.Profile != "" {
		text = fmt.Sprintf("profile %q: %s", e.Profile, text)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

// MissingTokenError says that the session has no token of that type. The scope openid brings an ID token,
// offline_access a refresh token.
type MissingTokenError struct {
	Type TokenType
	// Granted is the scope that should have brought the token, where Okta granted it; else "". "Upon successful
	// validation of the Refresh Token, the response body is the Token Response […] except that it might not contain an
	// id_token": https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
	Granted string
	Scopes  []string // those that were asked for
}

func (e *MissingTokenError) Error() string {
	switch {
	case e.Type == DeviceSecret:
		return "the session has no device secret"
	case e.Granted == "":
		return fmt.Sprintf("the session has no %s token", e.Type)
	case e.Type == ID:
		return fmt.Sprintf("Okta granted the scope %s, but left the ID token out of its last response", e.Granted)
	}
	return fmt.Sprintf("the session has no %s token, although Okta granted the scope %s", e.Type, e.Granted)
}

// missing returns the error for a token that is not there, of a set or of the session.
func missing(set store.TokenSet, s *store.Session, kind TokenType) error {
	e := &MissingTokenError{Type: kind}
	sets, scope := []store.TokenSet{set}, "openid"
	if kind == Refresh {
		sets, scope = slices.DeleteFunc(slices.Clone(s.Sets), isExchanged), "offline_access"
	}
	if slices.ContainsFunc(sets, func(t store.TokenSet) bool { return slices.Contains(t.Granted, scope) }) {
		e.Granted = scope
	}
	if len(sets) > 0 {
		e.Scopes = sets[0].Requested
	}
	return e
}

// isExchanged reports whether a set is the result of a token exchange.
func isExchanged(set store.TokenSet) bool { return set.Exchange != "" }

// pick returns a token of s, of one of its sets if it is no refresh token, and how long it lives in all. Only Okta
// knows how long a refresh token is valid.
func pick(set store.TokenSet, s *store.Session, kind TokenType) (CachedToken, time.Duration, error) {
	t := CachedToken{
		Type: kind, TokenType: set.TokenType, Issued: set.IssuedTokenType, Scope: set.Granted, Username: s.Username,
	}
	life := set.ExpiresIn
	switch kind {
	case Access, "":
		t.Type, t.Value = Access, set.AccessToken
		if set.TokenType == okta.TypeDPoP {
			t.DPoPKey = s.DPoPKey
		}
		if !set.DPoPKey.IsZero() {
			t.DPoPKey = set.DPoPKey
		}
	case ID: // which no key is bound to
		t.Value, life, t.TokenType = set.IDToken, idTokenLife(set), okta.TypeBearer
	case Refresh:
		t.Value, t.Scope = s.Refresh.Value, s.Refresh.Granted
	default:
		return CachedToken{}, 0, fmt.Errorf("unknown token type %q: expected access, id or refresh", kind)
	}
	if t.Value.IsZero() {
		return CachedToken{}, 0, missing(set, s, kind)
	}
	t.ExpiresAt = set.ObtainedAt.Add(life)
	return t, life, nil
}

// idTokenLife returns how long an ID token is valid. "expires_in" is about the access token (RFC 6749 §5.1), and the
// two differ on custom servers, so the ID token's own claims are used: they are meant for the client (OpenID Connect
// Core §2). Only the difference of the two counts, so that the server's clock need not agree with ours.
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

// remaining returns how long a token is still valid; ok is false if the clock has run backwards since. It counts from
// the time the token was obtained and "expires_in", not from the token's claims: "The client MUST NOT inspect the
// content of the access token" (https://www.rfc-editor.org/rfc/rfc9068#section-6).
func remaining(obtained time.Time, life time.Duration, now time.Time) (left time.Duration, ok bool) {
	age := now.Sub(obtained)
	if age < -clockTolerance {
		return 0, false
	}
	return life - max(age, 0), true
}

// Lifetime is from when until when a token is valid, by the clock of this machine.
type Lifetime struct {
	From, Until time.Time
	Left        time.Duration // 0 when it has expired or the clock has run backwards
}

// Lifetimes returns how long the tokens of a set are valid; nil where there is no such token.
func Lifetimes(set store.TokenSet, now time.Time) (access, id *Lifetime) {
	lifetime := func(token okta.Secret, life time.Duration) *Lifetime {
		if token.IsZero() {
			return nil
		}
		left, _ := remaining(set.ObtainedAt, life, now)
		return &Lifetime{From: set.ObtainedAt, Until: set.ObtainedAt.Add(life), Left: max(left, 0)}
	}
	return lifetime(set.AccessToken, set.ExpiresIn), lifetime(set.IDToken, idTokenLife(set))
}

// canonical returns scopes in order and without duplicates: they are a set.
func canonical(scopes []string) []string {
	s := slices.Clone(scopes)
	slices.Sort(s)
	return slices.Compact(s)
}

// IDTokenError says that a response had an ID token with a wrong claim. Its tokens were neither stored nor returned.
type IDTokenError struct {
	Err error // a *jwt.IDTokenError or *jwt.FormatError
}

func (e *IDTokenError) Error() string { return "the response is not accepted: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *IDTokenError) Unwrap() error { return e.Err }

// OtherUserError says that another user signed in, in a browser, than the one who was asked for. Nothing was stored.
type OtherUserError struct{ Wanted, SignedIn string }

func (e *OtherUserError) Error() string {
	return fmt.Sprintf("signed in as %s, and not as %s", okta.Sanitize(e.SignedIn, 200), okta.Sanitize(e.Wanted, 200))
}

// identify takes the user of a sign-in that named none from the checked ID token. The error is an *OtherUserError if
// that is not the user called wanted, who may be called by what stands before the @. An ID token without
// preferred_username cannot be compared, which is a warning.
func identify(tokens *okta.TokenResponse, wanted string) error {
	if tokens.Username != "" || tokens.IDToken.IsZero() {
		return nil
	}
	t, err := jwt.Parse(tokens.IDToken.Reveal())
	if err != nil {
		return &IDTokenError{err}
	}
	name, named := t.Claims.String("preferred_username")
	email, _ := t.Claims.String("email")
	sub, _ := t.Claims.String("sub")
	tokens.Username = cmp.Or(name, email, sub)
	local, _, _ := strings.Cut(name, "@")
	want := store.UserKey(wanted)
	if wanted == "" || want == store.UserKey(name) || want == store.UserKey(local) {
		return nil
	}
	if !named {
		tokens.Warnings = append(tokens.Warnings, "the ID token has no user name, so okauth cannot tell whether it is "+
			okta.Sanitize(wanted, 200)+" who signed in; with the scope profile it can")
		return nil
	}
	return &OtherUserError{Wanted: wanted, SignedIn: name}
}

// checkIDToken checks the ID token of a response, if it has one. The error is an *IDTokenError.
func checkIDToken(tokens *okta.TokenResponse, id store.Identity) error {
	if err := grant.CheckIDToken(tokens, id.Issuer, id.ClientID); err != nil {
		return &IDTokenError{err}
	}
	return nil
}
