// Package session answers one question: which token is valid now?
//
//	read session ─ valid for MinTTL? ─ yes → return it             Manager.Token: no lock, no network
//	      │ no
//	lock ─ read again ─ valid? ─ yes → unlock, return it           renew.go
//	      │ no
//	refresh token? → one POST → store, read back → unlock          refresh.go
//	      │ none, or it brings no token → unlock
//	credentials → lock → one POST → store → unlock                 login.go, guard.go
//	      │ none
//	LoginRequiredError
//
// Below the first line one process at a time works on a session; the others wait, read what it stored and return that.
// The session is not locked while a person is asked for credentials; one process at a time asks, see
// [Options.WaitToAsk].
//
// [Manager] does all of this. It prints nothing, asks no one itself and reads no setting. In exchange.go it exchanges a
// token of the session for another, which it keeps in the session.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// TokenRequest says which token a caller needs.
type TokenRequest struct {
	Identity store.Identity
	Scopes   []string      // as requested at sign-in, in any order
	Type     TokenType     // "" is Access
	MinTTL   time.Duration // how long the token must remain valid
	Username string        // who signs in, for Login; elsewhere, whose token it must be, if not empty
	// Exchange is that of a store.TokenSet: a token of no other exchange will do; "": one of a sign-in or a refresh.
	Exchange string
	Stored   bool        // for Token: the stored token, valid or not
	Fresh    bool        // for Renew: the token must be newer than the call
	Last     okta.Secret // the token must be another one
	DPoP     bool        // the access token must be bound to a key; a session that is bound stays so without

	seen uint64 // for Fresh: the revision of the session before the call
}

// Manager returns the tokens of sessions and stores new ones.
type Manager struct {
	Store store.Sessions
	// Optional: where the store is not available, nothing is stored and that is no error.
	Optional bool
	Guard    LockoutGuard
	Now      func() time.Time
}

// Token returns the token that r asks for, if the stored session has one that is valid for r.MinTTL. It costs one read
// of the store: no lock and no network.
//
// The error is a *LoginRequiredError if there is none, a *MissingTokenError if the session has no token of that type,
// or the store's *store.Error.
func (m Manager) Token(ctx context.Context, r TokenRequest) (CachedToken, error) {
	s, err := m.load(ctx, r.Identity)
	if !r.Stored {
		err = unusable(err)
	}
	noStore := m.noStore(err)
	switch {
	case noStore != "":
		return CachedToken{}, &LoginRequiredError{Reason: reasonNotSignedIn, NoStore: noStore}
	case err != nil:
		return CachedToken{}, err
	}
	return m.choose(s, r)
}

// choose returns the token that r asks for, if it is valid for long enough. s is nil where nothing is stored.
func (m Manager) choose(s *store.Session, r TokenRequest) (CachedToken, error) {
	_, refreshable := refreshScopes(s, r)
	refreshable = refreshable || r.Exchange != "" // by another exchange
	required := func(reason string, args ...any) (CachedToken, error) {
		return CachedToken{}, &LoginRequiredError{Reason: fmt.Sprintf(reason, args...), Refreshable: refreshable}
	}
	switch {
	case s == nil:
	case r.Type != Refresh && r.Username != "" && store.UserKey(s.Username) != store.UserKey(r.Username):
		refreshable = false // a refresh would bring the other's token
		return required("signed in as another user")
	case r.Fresh && s.Revision <= r.seen:
		return required(noNewToken, strings.Join(canonical(r.Scopes), " "))
	}
	t, life, err := lookUp(s, r)
	switch {
	case err != nil || r.Type == Refresh || r.Stored:
		return t, err
	case t.Value.Equal(r.Last):
		return required(noNewToken, strings.Join(canonical(r.Scopes), " "))
	case r.DPoP && t.Type == Access && t.DPoPKey.IsZero():
		return required("the cached access token is not bound to a key, and dpop is true")
	}
	left, known := remaining(t.ExpiresAt.Add(-life), life, m.Now())
	switch {
	case !known:
		return required("the session was stored in the future: the clock of this machine has run backwards")
	case left <= 0:
		return required("the %s token expired at %s", t.Type, t.ExpiresAt.Local().Format("2006-01-02 15:04:05"))
	case left < r.MinTTL && life <= r.MinTTL && refreshable && left < life/2:
		return required("half of the %s token's life is over, and it can be refreshed", t.Type)
	case left < r.MinTTL && life > r.MinTTL:
		return required("the %s token is valid for only %s, less than the %s asked for",
			t.Type, safetext.Duration(left.Round(time.Second)), safetext.Duration(r.MinTTL))
	case left < r.MinTTL:
		t.Notes = append(t.Notes, shortNote(life, r.MinTTL))
	}
	return t, nil
}

const noNewToken = "a new token is asked for, and the session has no refresh token for the scopes %q"

// shortNote is the note about a token whose whole life is shorter than what is asked for.
func shortNote(life, minTTL time.Duration) string {
	if life == okta.UnknownLifetime {
		return okta.LifetimeWarning
	}
	return fmt.Sprintf("this token is valid for %s in all, and at least %s is asked for",
		safetext.Duration(life), safetext.Duration(minTTL))
}

// lookUp returns the token that r asks for, valid or not, and how long it lives in all. The scopes must be exactly
// those of r: a token with more or fewer rights is another token.
func lookUp(s *store.Session, r TokenRequest) (CachedToken, time.Duration, error) {
	if s == nil {
		return CachedToken{}, 0, &LoginRequiredError{Reason: reasonNotSignedIn}
	}
	if r.Type == Refresh {
		return pickOrSignIn(store.TokenSet{}, s, Refresh)
	}
	scopes := canonical(r.Scopes)
	i := slices.IndexFunc(s.Sets, func(set store.TokenSet) bool {
		return set.Exchange == r.Exchange && slices.Equal(set.Requested, scopes)
	})
	if i < 0 {
		_, refreshable := refreshScopes(s, r)
		reason := fmt.Sprintf("not signed in for the scopes %q", strings.Join(scopes, " "))
		return CachedToken{}, 0, &LoginRequiredError{Reason: reason, Refreshable: refreshable}
	}
	return pickOrSignIn(s.Sets[i], s, r.Type)
}

// pickOrSignIn is pick, but for a token that a sign-in may bring, since Okta granted its scope, the error is a
// *LoginRequiredError.
func pickOrSignIn(set store.TokenSet, s *store.Session, kind TokenType) (CachedToken, time.Duration, error) {
	t, life, err := pick(set, s, kind)
	if missing, ok := errors.AsType[*MissingTokenError](err); ok && missing.Granted != "" {
		err = &LoginRequiredError{Reason: err.Error()}
	}
	return t, life, err
}

// load reads the session; nil where there is none. A store that is not available is an error: it may come back.
func (m Manager) load(ctx context.Context, id store.Identity) (*store.Session, error) {
	s, err := m.Store.Load(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return s, err
}

// noStore returns why sessions are not kept, after err from reading one; "" where they are.
func (m Manager) noStore(err error) NoStore {
	switch {
	case m.storesNothing():
		return StoreOff
	case m.Optional && store.IsKind(err, store.Unavailable):
		return StoreUnavailable
	}
	return ""
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
