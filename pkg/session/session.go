// Package session answers one question: which token is valid now?
//
// It stands between the grants, which turn credentials into tokens at the price
// of a request and perhaps a question, and the store, which keeps what they
// brought. A token is handed out from the store for as long as it is valid for
// the time the caller asks for; that costs one read and nothing else.
//
//	read session ─ valid for min-ttl? ─ yes → hand it out
//	      │ no
//	a caller that has credentials signs in again: [Keeper.Login]
//
// Nothing here prints, asks or reads a setting.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Kind says which of the tokens of a sign-in is meant.
type Kind string

// The kinds of token a session holds.
const (
	Access Kind = "access"
	ID     Kind = "id"
)

// clockSlack is how far a clock may run backwards after a sign-in before the
// stored time of that sign-in is no longer believed.
const clockSlack = 30 * time.Second

// Grant turns credentials into tokens with one request: one of package grant.
type Grant interface {
	Exchange(ctx context.Context, c *okta.Client) (*okta.Tokens, error)
}

// Want says which token a caller would like to have.
type Want struct {
	Identity store.Identity
	Scopes   []string      // as requested at sign-in, in any order
	Kind     Kind          // empty is Access
	MinTTL   time.Duration // how long the token must remain valid
	Username string        // who signs in, for Login
}

// Token is a token that is valid now, and what is known of it.
type Token struct {
	Value     okta.Secret
	Kind      Kind
	TokenType string
	Scope     []string  // as granted
	ExpiresAt time.Time // by the clock of this machine
	Username  string    // who signed in
	Notes     []string  // what the caller should tell the user; may be empty
}

// LoginRequiredError says that there is no token to hand out and that only a
// new sign-in can bring one. Callers that may ask a person do so; others exit 4.
type LoginRequiredError struct {
	Reason string // why: "not signed in", "the access token expired"
}

func (e *LoginRequiredError) Error() string { return e.Reason }

// Keeper hands out the tokens of sessions and keeps new ones.
type Keeper struct {
	Store store.Sessions
	Now   func() time.Time // nil: time.Now
}

// Token returns the token that w asks for, if the stored session has one that
// is valid for w.MinTTL. It costs one read of the store: no lock and no network.
//
// It returns a *LoginRequiredError when there is none, and the store's
// *store.Error when the store cannot be read.
func (k Keeper) Token(ctx context.Context, w Want) (Token, error) {
	set, s, err := k.find(ctx, w)
	if err != nil {
		return Token{}, err
	}
	t, life, err := pick(set, s, w.Kind)
	if err != nil {
		return Token{}, err
	}
	left, ok := remaining(set.ObtainedAt, life, k.now())
	switch {
	case !ok:
		return Token{}, &LoginRequiredError{"the session was stored in the future: the clock of this machine has run backwards"}
	case left <= 0:
		return Token{}, &LoginRequiredError{fmt.Sprintf("the %s token expired at %s", t.Kind, t.ExpiresAt.Local().Format("2006-01-02 15:04:05"))}
	case left < w.MinTTL && life > w.MinTTL:
		return Token{}, &LoginRequiredError{fmt.Sprintf("the %s token is valid for %s only, and %s are asked for", t.Kind, left.Round(time.Second), w.MinTTL)}
	case left < w.MinTTL:
		t.Notes = append(t.Notes, fmt.Sprintf("this token lives for %s in all, less than the %s asked for", life, w.MinTTL))
	}
	return t, nil
}

// Stored returns the token that w asks for as it is stored, valid or not, for
// those who want to look into it.
func (k Keeper) Stored(ctx context.Context, w Want) (Token, error) {
	set, s, err := k.find(ctx, w)
	if err != nil {
		return Token{}, err
	}
	t, _, err := pick(set, s, w.Kind)
	return t, err
}

// Login signs in with g at c and keeps what that brings under w.Identity, as
// w.Username's. A session that is already there keeps its tokens for other
// scopes when the same user signed in.
//
// When the grant succeeded but the session could not be stored, both the tokens
// and the store's error are returned: the caller decides what is lost.
func (k Keeper) Login(ctx context.Context, c *okta.Client, g Grant, w Want) (*okta.Tokens, error) {
	// What is stored is read while the server thinks.
	before := make(chan stored, 1)
	go func() {
		old, err := k.Store.Load(ctx, w.Identity)
		before <- stored{old, err}
	}()
	tokens, err := g.Exchange(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &store.Session{Identity: w.Identity, Username: w.Username, RefreshToken: tokens.RefreshToken, Generation: 1}
	old := <-before
	var broken *store.Error
	switch {
	case old.err == nil:
		s.Generation = old.session.Generation + 1
		if old.session.Username == w.Username {
			s.Sets = old.session.Sets
			// A sign-in without offline_access brings no refresh token and
			// takes none away: the one from before is still good.
			if s.RefreshToken.IsZero() {
				s.RefreshToken = old.session.RefreshToken
			}
		}
	case errors.Is(old.err, store.ErrNotFound):
	case errors.As(old.err, &broken) && broken.Kind == store.Corrupt:
		// A sign-in is how a broken entry is mended: it is written anew.
	default:
		return tokens, old.err
	}
	s.Sets = k.prune(append([]store.TokenSet{{
		Requested: canonical(w.Scopes), Granted: tokens.Scope,
		AccessToken: tokens.AccessToken, IDToken: tokens.IDToken, TokenType: tokens.TokenType,
		ObtainedAt: tokens.ObtainedAt, ExpiresIn: tokens.ExpiresIn,
	}}, s.Sets...))
	return tokens, k.Store.Save(ctx, s)
}

// stored is what a read of the store brought.
type stored struct {
	session *store.Session
	err     error
}

// prune drops the sets that the first one replaces and those that have expired,
// so that a session does not grow for ever.
func (k Keeper) prune(sets []store.TokenSet) []store.TokenSet {
	kept := sets[:1]
	for _, t := range sets[1:] {
		left, ok := remaining(t.ObtainedAt, t.ExpiresIn, k.now())
		if ok && left > 0 && !slices.Equal(t.Requested, sets[0].Requested) {
			kept = append(kept, t)
		}
	}
	return kept
}

// find reads the session and the set of tokens that was signed in for exactly
// the scopes of w: a token with more or fewer rights is not the one asked for.
func (k Keeper) find(ctx context.Context, w Want) (store.TokenSet, *store.Session, error) {
	s, err := k.Store.Load(ctx, w.Identity)
	if errors.Is(err, store.ErrNotFound) {
		return store.TokenSet{}, nil, &LoginRequiredError{"not signed in"}
	}
	if err != nil {
		return store.TokenSet{}, nil, err
	}
	scopes := canonical(w.Scopes)
	for _, set := range s.Sets {
		if slices.Equal(set.Requested, scopes) {
			return set, s, nil
		}
	}
	return store.TokenSet{}, nil, &LoginRequiredError{fmt.Sprintf("not signed in for the scopes %q", scopes)}
}

// pick takes one token out of a session, with its whole life.
func pick(set store.TokenSet, s *store.Session, kind Kind) (Token, time.Duration, error) {
	t := Token{Kind: kind, TokenType: set.TokenType, Scope: set.Granted, Username: s.Username}
	life := set.ExpiresIn
	switch kind {
	case Access, "":
		t.Kind, t.Value = Access, set.AccessToken
	case ID:
		t.Value, life = set.IDToken, idTokenLife(set)
	default:
		return Token{}, 0, fmt.Errorf("there is no %q token: access or id", kind)
	}
	if t.Value.IsZero() {
		return Token{}, 0, &MissingTokenError{Kind: kind}
	}
	t.ExpiresAt = set.ObtainedAt.Add(life)
	return t, life, nil
}

// MissingTokenError says that the sign-in brought no token of that kind.
type MissingTokenError struct{ Kind Kind }

func (e *MissingTokenError) Error() string {
	return fmt.Sprintf("the session has no %s token", e.Kind)
}

// Hint tells which scope brings the token.
func (e *MissingTokenError) Hint() string {
	if e.Kind == ID {
		return `sign in with the scope "openid": okauth login --scope "openid …"`
	}
	return ""
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

func (k Keeper) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}
