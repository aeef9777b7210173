package session

import (
	"context"
	"errors"
	"slices"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Options say how Renew gets a new token.
type Options struct {
	// Client returns the client to send requests with. Like Credentials it may ask a person: the session is not locked.
	Client func(context.Context) (*okta.Client, error)
	// Credentials returns what to sign in with when a refresh is not possible, for the reason it is given; without a
	// Grant, no sign-in is possible.
	Credentials func(context.Context, *LoginRequiredError) (Credentials, error)
	// WaitToAsk, if set, waits until no other process asks a person for the same Credentials; Renew then looks for the
	// session of the others. The caller lets others ask when Renew has returned. The error is that of the wait.
	WaitToAsk func(context.Context) error
}

// SaveError says that a new token could not be stored. It comes with the token, which is valid: the caller uses the
// token and reports the error.
type SaveError struct{ Err error }

func (e *SaveError) Error() string {
	return "the new session could not be stored, so the next call may need a sign-in: " + e.Err.Error()
}

// Unwrap returns the store's error.
func (e *SaveError) Unwrap() error { return e.Err }

// Renew returns a token as Token does, and gets a new one where the stored one is not valid for long enough: with the
// session's refresh token, else with credentials. If many processes call it at once, one makes the request and the
// others return its result.
//
// Besides Token's errors it returns those of a grant, a *PasswordBlockedError, and a *store.Error of kind LockTimeout
// where another process holds the lock for too long. With a *SaveError comes a token that is valid.
//
// A corrupt session counts as none. Where a refresh fails with Okta there, or a later okauth wrote the session, a
// sign-in is made if it is at hand; otherwise that error is returned.
//
// A refresh that has begun when ctx ends continues for a moment and is stored, because its answer may hold the only
// refresh token that works.
func (m Manager) Renew(ctx context.Context, r TokenRequest, o Options) (CachedToken, error) {
	before, err := m.load(ctx, r.Identity)
	if store.IsKind(err, store.Corrupt) {
		before, err = m.loadLocked(ctx, r.Identity) // a process that was writing may have shown halves
	}
	noStore := m.noStore(err)
	if noStore != "" {
		m.Store, err = store.Sessions{Items: store.None{}}, nil // nothing is stored, so nothing is locked
	}
	if before != nil {
		r.seen = before.Revision
	}
	var token CachedToken
	if err = unusable(err); err == nil {
		token, err = m.refreshed(ctx, r, before, o)
	}
	required, ok := errors.AsType[*LoginRequiredError](err)
	if !ok && signInMayHelp(err) {
		required, ok = &LoginRequiredError{Reason: "the session could not be refreshed", Err: err, Unsure: true}, true
	}
	if !ok {
		return token, err
	}
	required.NoStore = noStore
	if store.IsKind(required.Err, store.UnsupportedVersion) {
		m.Store = store.Sessions{Items: store.None{}} // the session stays the later okauth's
	}
	token, err = m.signedIn(ctx, r, o, required)
	switch {
	case err == error(required) && required.Unsure:
		return CachedToken{}, required.Err
	case !token.Value.IsZero() && required.Err != nil && !isInvalidGrant(required.Err):
		token.Notes = append(token.Notes, required.Error()+"; okauth has signed in again")
	}
	return token, err
}

// signedIn returns a token from a sign-in, or from that of another process that asked first.
func (m Manager) signedIn(
	ctx context.Context, r TokenRequest, o Options, required *LoginRequiredError,
) (CachedToken, error) {
	if o.WaitToAsk != nil && !required.Unsure {
		if token, err := m.ofOther(ctx, r, o); !is[*LoginRequiredError](err) {
			return token, err
		}
	}
	c, err := o.Credentials(ctx, required)
	if err != nil {
		return CachedToken{}, err
	}
	if c.Grant == nil {
		return CachedToken{}, required
	}
	client, err := o.Client(ctx)
	if err != nil {
		return CachedToken{}, err
	}
	r.Username = c.Username
	session, tokens, err := m.signIn(ctx, signIn{Credentials: c, request: r, client: client})
	if tokens != nil {
		return m.result(session, r, tokens, err)
	}
	missing, ok := errors.AsType[*grant.InteractionRequiredError](err)
	switch {
	case ok && missing.Resume != nil:
		return CachedToken{}, &LoginRequiredError{Reason: required.Reason, NoStore: required.NoStore, Err: err}
	case ok:
		return CachedToken{}, required
	case err != nil:
		return CachedToken{}, err
	}
	token, err := m.choose(session, r)
	if is[*LoginRequiredError](err) {
		r.MinTTL = 0 // signIn has found that the token of another process is valid for so long, a moment ago
		token, err = m.choose(session, r)
	}
	return token, err
}

// ofOther waits for the process that asks a person, and returns the token of its session.
func (m Manager) ofOther(ctx context.Context, r TokenRequest, o Options) (CachedToken, error) {
	if err := o.WaitToAsk(ctx); err != nil {
		return CachedToken{}, err
	}
	before, err := m.load(ctx, r.Identity)
	if err = unusable(err); err != nil {
		return CachedToken{}, err
	}
	return m.refreshed(ctx, r, before, o)
}

// refreshed returns the token that another process has just stored, or gets one with the refresh token.
func (m Manager) refreshed(ctx context.Context, r TokenRequest, before *store.Session, o Options) (CachedToken, error) {
	token, err := m.choose(before, r)
	if !refreshable(err) {
		return token, err
	}
	client, err := o.Client(ctx)
	if err != nil {
		return CachedToken{}, err
	}
	var s *store.Session
	done := func() bool {
		if s, err = m.load(ctx, r.Identity); err != nil {
			token, err = CachedToken{}, unusable(err)
			return true
		}
		token, err = m.choose(s, r)
		return !refreshable(err)
	}
	lock, lockErr := m.lockUnless(ctx, r.Identity.Account(), done)
	switch {
	case lockErr != nil:
		return CachedToken{}, lockErr
	case lock == nil:
		return token, err
	}
	defer lock.Release()
	token, err = m.refresh(ctx, r, refreshAttempt{session: s, lock: lock, client: client})
	pause(lock, err)
	return token, err
}

// refreshable reports whether err says that a refresh brings the token.
func refreshable(err error) bool {
	required, ok := errors.AsType[*LoginRequiredError](err)
	return ok && required.Refreshable
}

// result returns the token of a session that has just been made, however short-lived it is. saved is the error of
// storing it.
func (m Manager) result(
	s *store.Session, r TokenRequest, tokens *okta.TokenResponse, saved error,
) (CachedToken, error) {
	r.Fresh = false
	token, err := m.choose(s, r)
	if is[*LoginRequiredError](err) {
		token, _, err = pick(s.Sets[0], s, r.Type) // it expires within the clock's tolerance
	}
	if err != nil {
		return CachedToken{}, err
	}
	for _, warning := range tokens.Warnings {
		if !slices.Contains(token.Notes, warning) {
			token.Notes = append(token.Notes, warning)
		}
	}
	if saved != nil {
		return token, &SaveError{saved}
	}
	return token, nil
}

// loadLocked is load while no other process changes the session.
func (m Manager) loadLocked(ctx context.Context, id store.Identity) (*store.Session, error) {
	lock, err := m.lock(ctx, id.Account())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	return m.load(ctx, id)
}

// unusable returns err as a *LoginRequiredError if it is about a session that no key and no waiting makes usable. One
// that is sealed with another key is not: the key may be wrong, and the session good.
func unusable(err error) error {
	if store.IsKind(err, store.Corrupt, store.UnsupportedVersion) {
		later := store.IsKind(err, store.UnsupportedVersion) // okauth can be upgraded
		return &LoginRequiredError{Reason: "the stored session cannot be used", Err: err, Unsure: later}
	}
	return err
}
