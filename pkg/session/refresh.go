package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// A refresh token may work only once: "the previous refresh token is invalidated", and Okta takes a second use
// for theft, which ends every token of the sign-in. So:
//
//   - one process refreshes at a time, and it reads the store again first;
//   - a request whose answer was lost is repeated once, at once, with the same token: Okta's grace period covers it;
//   - a network error changes nothing in the store, and nothing is recorded of a refresh in flight: after a crash
//     the next call presents the stored token, which is all that is left;
//   - invalid_grant reads the store again, since another machine may have rotated the token, and forgets the token
//     only if it is still the stored one;
//   - the answer is stored before the access token is handed out.
//
// RFC 6749 §6 and RFC 9700 §4.14.2: https://www.rfc-editor.org/rfc/rfc9700.html#section-4.14.2
// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-reuse-detection

const signedOut = "another process signed out meanwhile"

// attempt is one refresh: a session, the lock that is held, and whom to ask.
type attempt struct {
	session *store.Session
	lock    *store.Lock
	client  *okta.Client
}

// grace is how long a refresh that has begun may go on when ctx is done: an answer
// that is on its way is worth a moment, since nobody else can have it.
const grace = 2 * time.Second

// refresh gets a new token for w, stores it and returns it. The session's refresh token covers the scopes of w.
func (k Manager) refresh(ctx context.Context, w TokenRequest, a attempt) (CachedToken, error) {
	if ctx.Err() != nil {
		return CachedToken{}, context.Cause(ctx)
	}
	asking, cancel := lingering(ctx)
	defer cancel()
	ctx = context.WithoutCancel(ctx)
	scopes, _ := refreshScopes(a.session, w)
	request := grant.Refresh{RefreshToken: a.session.Refresh.Value, Scopes: scopes}
	tokens, err := request.Token(asking, a.client, nil)
	if okta.MayHaveBeenProcessed(err) && asking.Err() == nil {
		tokens, err = request.Token(asking, a.client, nil)
	}
	switch {
	case err == nil:
		return k.keep(ctx, w, a, tokens)
	case isInvalidGrant(err):
		return k.refused(ctx, w, a, err)
	}
	return CachedToken{}, err
}

// lingering returns a context that ends a moment after ctx does.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// keep stores what a refresh brought, unless another process has signed out or in meanwhile without waiting for
// the lock: then that wins.
func (k Manager) keep(ctx context.Context, w TokenRequest, a attempt, tokens *okta.TokenResponse) (CachedToken, error) {
	after := k.afterRefresh(a.session, tokens, w)
	now, err := k.load(ctx, w.Identity)
	switch {
	case a.lock.Revoked(), err == nil && now == nil:
		return k.abandon(ctx, a, after)
	case err == nil && now.Revision != a.session.Revision:
		return k.choose(now, w)
	}
	// Even a store that cannot be read may accept the session.
	err = k.Store.Save(ctx, after)
	if a.lock.Revoked() {
		return k.abandon(ctx, a, after)
	}
	return k.handOut(after, w, tokens, err)
}

// abandon ends what a late refresh brought: a session that was signed out must not live on.
func (k Manager) abandon(ctx context.Context, a attempt, after *store.Session) (CachedToken, error) {
	err := k.Store.DeleteAccount(ctx, after.Identity.Account())
	if revoked := a.client.Revoke(ctx, after.Refresh.Value, "refresh_token"); err == nil {
		err = revoked
	}
	if err != nil {
		return CachedToken{}, err
	}
	return CachedToken{}, &LoginRequiredError{Reason: signedOut}
}

// refused handles Okta's invalid_grant. Somebody may have refreshed without our
// lock, on another machine perhaps, and stored a newer token: then that is used.
// Otherwise the refresh token is forgotten; the access tokens stay.
func (k Manager) refused(ctx context.Context, w TokenRequest, a attempt, refusal error) (CachedToken, error) {
	now, err := k.load(ctx, w.Identity)
	switch {
	case err != nil:
		return CachedToken{}, err
	case now == nil:
		return CachedToken{}, &LoginRequiredError{Reason: signedOut}
	case now.Revision != a.session.Revision:
		token, err := k.choose(now, w)
		_, covered := refreshScopes(now, w)
		if is[*LoginRequiredError](err) && covered && !now.Refresh.Value.Equal(a.session.Refresh.Value) {
			a.session = now
			return k.refresh(ctx, w, a)
		}
		return token, err
	}
	after := *now
	after.Revision++
	after.Refresh = store.RefreshToken{}
	_ = k.Store.Save(ctx, &after) // if that fails, the next call gets the same answer from Okta
	return CachedToken{}, &LoginRequiredError{Reason: "Okta no longer takes the session's refresh token", Err: refusal}
}

// afterRefresh is the session that a refresh makes of old.
func (k Manager) afterRefresh(old *store.Session, tokens *okta.TokenResponse, w TokenRequest) *store.Session {
	s := *old
	s.Revision++
	// An answer without a refresh token leaves the old one good. RFC 6749 §6:
	// "The authorization server MAY issue a new refresh token, in which case the
	// client MUST discard the old refresh token".
	if next := tokens.RefreshToken; next.IsZero() || next.Equal(old.Refresh.Value) {
		s.Refresh.Rotation = store.Persistent
	} else {
		s.Refresh.Value, s.Refresh.ObtainedAt, s.Refresh.Rotation = next, tokens.ObtainedAt, store.Rotating
	}
	set := tokenSet(tokens, w.Scopes)
	if set.Granted == nil { // neither we nor the answer named scopes: those of the sign-in
		set.Granted = old.Refresh.Granted
	}
	s.Sets = k.prune(append([]store.TokenSet{set}, old.Sets...))
	return &s
}

// refreshScopes returns the scopes to name in a refresh for w; none means those
// of the sign-in. covered is false when the session's refresh token can't bring
// them: "The requested scope MUST NOT include any scope not originally granted
// by the resource owner". RFC 6749 §6: https://www.rfc-editor.org/rfc/rfc6749#section-6
func refreshScopes(s *store.Session, w TokenRequest) (scopes []string, covered bool) {
	if s == nil || s.Refresh.Value.IsZero() {
		return nil, false
	}
	scopes = canonical(w.Scopes)
	if slices.Equal(scopes, s.Refresh.Requested) {
		return nil, true
	}
	for _, scope := range scopes {
		if !slices.Contains(s.Refresh.Granted, scope) {
			return nil, false
		}
	}
	return scopes, true
}

// isInvalidGrant: "The provided authorization grant … or refresh token is
// invalid, expired, revoked, … or was issued to another client."
// RFC 6749 §5.2: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
// A rate limit has the same code at Okta and says nothing about the token.
func isInvalidGrant(err error) bool {
	e, ok := errors.AsType[*okta.Error](err)
	return ok && e.Code == "invalid_grant" && e.IsRejection()
}
