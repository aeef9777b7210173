// Package session answers one question: which token is valid now?
//
// It stands between the grants, which turn credentials into tokens at the price
// of a request and perhaps a question, and the store, which keeps what they
// brought:
//
//	read session ─ valid for min-ttl? ─ yes → hand it out          Token: no lock, no network
//	      │ no
//	lock ─ read again ─ valid? ─ yes → unlock, hand it out         Renew
//	      │ no
//	refresh token? → one POST → store, read back → unlock          refresh.go
//	      │ none, or Okta no longer takes it → unlock
//	credentials → lock → one POST → store → unlock                 login.go
//	      │ none
//	LoginRequiredError
//
// One process at a time does what is below the first line, for one session; the
// others wait, read what it has stored, and hand that out. The lock is never held
// while credentials are fetched: a person may be asked for them.
//
// Nothing here prints, asks or reads a setting.
package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// TokenRequest says which token a caller would like to have.
type TokenRequest struct {
	Identity store.Identity
	Scopes   []string      // as requested at sign-in, in any order
	Kind     TokenType     // empty is Access
	MinTTL   time.Duration // how long the token must remain valid
	Username string        // who signs in, for Login; elsewhere, whose token it must be, if not empty
	Fresh    bool          // for Renew: no token will do that was stored before the call

	seen uint64 // for Fresh: the generation of the session before the call
}

// Options are how a new token can be had.
type Options struct {
	// Client returns the client to ask with. It is called when a request is
	// about to be made, with the lock held: it must not ask a person.
	Client func(context.Context) (*okta.Client, error)
	// Credentials returns a grant and the user it signs in, when there is no
	// refresh token or Okta no longer takes it; it is told why. It may ask a
	// person. nil, or a nil Grant: there are none.
	Credentials func(context.Context, *LoginRequiredError) (grant.Grant, string, error)
}

// LoginRequiredError says that there is no token to hand out. From [Manager.Token]
// it means that [Manager.Renew] may have one; from Renew, that only a new sign-in
// can bring one. Callers that may ask a person do so; others exit 4.
type LoginRequiredError struct {
	Reason      string // why: "not signed in", "the access token expired at …"
	Refreshable bool   // the session has a refresh token for these scopes
	Err         error  // Okta's refusal of the refresh token, or nil
}

func (e *LoginRequiredError) Error() string {
	if e.Err != nil {
		return e.Reason + ": " + e.Err.Error()
	}
	return e.Reason
}

// Unwrap returns Okta's refusal, or nil.
func (e *LoginRequiredError) Unwrap() error { return e.Err }

// SaveError says that a new token was had but could not be stored. It comes
// with the token, which is good: the caller hands it out, and says this loudly.
type SaveError struct{ Err error }

func (e *SaveError) Error() string {
	return "the new session could not be stored, so the next call may need a sign-in: " + e.Err.Error()
}

// Unwrap returns the store's error.
func (e *SaveError) Unwrap() error { return e.Err }

// Manager hands out the tokens of sessions and keeps new ones.
type Manager struct {
	Store store.Sessions
	// Optional: a store that is not there is taken for one that keeps nothing.
	Optional bool
	Now      func() time.Time // nil: time.Now
}

// Token returns the token that w asks for, if the stored session has one that
// is valid for w.MinTTL. It costs one read of the store: no lock and no network.
//
// It returns a *LoginRequiredError when there is none, and the store's
// *store.Error when the store cannot be read.
func (k Manager) Token(ctx context.Context, w TokenRequest) (CachedToken, error) {
	s, err := k.load(ctx, w.Identity)
	if err != nil && !k.away(err) {
		return CachedToken{}, err
	}
	return k.choose(s, w)
}

// Renew returns a token as Token does, and gets a new one where the stored one
// is not good enough: with the session's refresh token, else with the caller's
// credentials. Of many processes that call it at once, one makes the request and
// the others get what it brought.
//
// Beside Token's errors it returns those of a grant's Token, and a *store.Error
// of kind Busy where another process has the lock for too long. With a
// *NotKeptError comes a token that is good.
//
// A refresh that has begun when ctx ends gets a moment more, and is stored: an
// answer that nobody waits for would cost a question to Okta at least.
func (k Manager) Renew(ctx context.Context, w TokenRequest, ways Options) (CachedToken, error) {
	before, err := k.load(ctx, w.Identity)
	switch {
	case k.away(err):
		k.Store = store.Sessions{Items: store.None{}} // nothing is kept, so there is nothing to lock
	case err != nil:
		return CachedToken{}, err
	case before != nil:
		w.seen = before.Revision
	}
	token, err := k.refreshed(ctx, w, before, ways)
	required, ok := errors.AsType[*LoginRequiredError](err)
	if !ok || ways.Credentials == nil {
		return token, err
	}
	g, username, err := ways.Credentials(ctx, required)
	if err != nil {
		return CachedToken{}, err
	}
	if g == nil {
		return CachedToken{}, required
	}
	w.Username = username
	return k.signedIn(ctx, w, ways, g)
}

// refreshed returns the token that another process has just stored, or gets one
// with the refresh token.
func (k Manager) refreshed(ctx context.Context, w TokenRequest, before *store.Session, ways Options) (CachedToken, error) {
	token, err := k.choose(before, w)
	if required, ok := errors.AsType[*LoginRequiredError](err); !ok || !required.Refreshable {
		return token, err
	}
	return k.withLock(ctx, w, func(a attempt, why *LoginRequiredError) (token CachedToken, err error) {
		if !why.Refreshable {
			return CachedToken{}, why
		}
		if a.client, err = ways.Client(ctx); err != nil {
			return CachedToken{}, err
		}
		return k.refresh(ctx, w, a)
	})
}

// signedIn returns the token that another process has just stored, or signs in.
func (k Manager) signedIn(ctx context.Context, w TokenRequest, ways Options, g grant.Grant) (CachedToken, error) {
	return k.withLock(ctx, w, func(a attempt, _ *LoginRequiredError) (CachedToken, error) {
		client, err := ways.Client(ctx)
		if err != nil {
			return CachedToken{}, err
		}
		if err := k.enlist(ctx, w.Identity); err != nil {
			return CachedToken{}, err
		}
		tokens, err := g.Token(ctx, client, nil)
		if err != nil {
			k.delist(ctx, a.session, w.Identity)
			return CachedToken{}, err
		}
		after := k.afterLogin(a.session, tokens, w)
		return k.handOut(after, w, tokens, k.saveLogin(ctx, after))
	})
}

// withLock waits until no other process is at the session, and returns the token
// that is stored then, if it is good enough. Otherwise it returns what act does,
// and no other process is at the session meanwhile.
func (k Manager) withLock(ctx context.Context, w TokenRequest, act func(attempt, *LoginRequiredError) (CachedToken, error)) (CachedToken, error) {
	lock, err := k.lock(ctx, w.Identity.Account())
	if err != nil {
		return CachedToken{}, err
	}
	defer lock.Release()
	s, err := k.load(ctx, w.Identity)
	if err != nil {
		return CachedToken{}, err
	}
	token, err := k.choose(s, w)
	required, ok := errors.AsType[*LoginRequiredError](err)
	if !ok {
		return token, err
	}
	return act(attempt{session: s, lock: lock}, required)
}

// handOut returns the token of a session that has just been made, however
// short-lived it is. saved is the error of storing it.
func (k Manager) handOut(s *store.Session, w TokenRequest, tokens *okta.TokenResponse, saved error) (CachedToken, error) {
	w.Fresh = false
	token, err := k.choose(s, w)
	if is[*LoginRequiredError](err) {
		token, _, err = pick(s.Sets[0], s, w.Kind) // it expires sooner than the clock's tolerance
	}
	if err != nil {
		return CachedToken{}, err
	}
	token.Notes = append(token.Notes, tokens.Warnings...)
	if saved != nil {
		return token, &SaveError{saved}
	}
	return token, nil
}

// choose takes the token that w asks for out of s, if it is good enough. s is
// nil where nothing is stored.
func (k Manager) choose(s *store.Session, w TokenRequest) (CachedToken, error) {
	if s == nil {
		return CachedToken{}, &LoginRequiredError{Reason: "not signed in"}
	}
	_, covered := refreshScopes(s, w)
	no := func(reason string, args ...any) (CachedToken, error) {
		return CachedToken{}, &LoginRequiredError{Reason: fmt.Sprintf(reason, args...), Refreshable: covered}
	}
	if w.Fresh && s.Revision <= w.seen {
		return no("a new token is asked for, and the session has no refresh token for the scopes %q", canonical(w.Scopes))
	}
	if w.Kind == Refresh {
		return refreshToken(s)
	}
	if w.Username != "" && s.Username != w.Username {
		return no("signed in as somebody else")
	}
	set, ok := find(s, w.Scopes)
	if !ok {
		return no("not signed in for the scopes %q", canonical(w.Scopes))
	}
	t, life, err := pick(set, s, w.Kind)
	if err != nil {
		return CachedToken{}, err
	}
	left, known := remaining(set.ObtainedAt, life, k.now())
	switch {
	case !known:
		return no("the session was stored in the future: the clock of this machine has run backwards")
	case left <= 0:
		return no("the %s token expired at %s", t.Kind, t.ExpiresAt.Local().Format("2006-01-02 15:04:05"))
	case left < w.MinTTL && life <= w.MinTTL && covered && left < life/2:
		return no("half of the %s token's life is over, and a new one can be had without asking", t.Kind)
	case left < w.MinTTL && life > w.MinTTL:
		return no("the %s token is valid for %s only, and %s are asked for", t.Kind, left.Round(time.Second), w.MinTTL)
	case left < w.MinTTL:
		t.Notes = append(t.Notes, fmt.Sprintf("this token lives for %s in all, less than the %s asked for", life, w.MinTTL))
	}
	return t, nil
}

// find returns the set of tokens that was had for exactly these scopes: a token
// with more or fewer rights is not the one asked for.
func find(s *store.Session, scopes []string) (store.TokenSet, bool) {
	scopes = canonical(scopes)
	for _, set := range s.Sets {
		if slices.Equal(set.Requested, scopes) {
			return set, true
		}
	}
	return store.TokenSet{}, false
}

// load reads the session; nil where there is none. A store that is not there is
// an error: what was in it may come back.
func (k Manager) load(ctx context.Context, id store.Identity) (*store.Session, error) {
	s, err := k.Store.Load(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return s, err
}

// away reports whether err says that there is no store, where none is needed.
func (k Manager) away(err error) bool { return k.Optional && isKind(err, store.Unavailable) }

// lock waits for the turn of this process to change the session of an account.
func (k Manager) lock(ctx context.Context, account string) (*store.Lock, error) {
	if k.Store.Locks == nil {
		return nil, nil
	}
	return k.Store.Locks.Acquire(ctx, account)
}

func (k Manager) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isKind(err error, kinds ...store.ErrorKind) bool {
	e, ok := errors.AsType[*store.Error](err)
	return ok && slices.Contains(kinds, e.Kind)
}
