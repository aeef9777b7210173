package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
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
//   - if a refresh is refused for another reason, or fails with Okta there, a sign-in that is at hand is made, so that
//     no state of the session lasts, whatever became of the token;
//   - the answer is stored before the access token is handed out.
//
// RFC 6749 §6 and RFC 9700 §4.14.2: https://www.rfc-editor.org/rfc/rfc9700.html#section-4.14.2
// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-reuse-detection

// The reasons of a *LoginRequiredError that are used more than once.
const (
	reasonNotSignedIn = "not signed in"
	reasonSignedOut   = "another process signed out meanwhile"
)

// refreshAttempt is one refresh: the session, its lock, and the client to send the request with.
type refreshAttempt struct {
	session *store.Session
	lock    store.Lock
	client  *okta.Client
}

// gracePeriod is how long a refresh that has begun goes on after ctx has ended: no other process can get its answer.
const gracePeriod = 2 * time.Second

// refresh gets a new token for r, stores it and returns it. The session's refresh token covers the scopes of r.
func (m Manager) refresh(ctx context.Context, r TokenRequest, a refreshAttempt) (CachedToken, error) {
	if ctx.Err() != nil {
		return CachedToken{}, context.Cause(ctx)
	}
	extended, cancel := extend(ctx)
	defer cancel()
	ctx = context.WithoutCancel(ctx)
	scopes, _ := refreshScopes(a.session, r)
	refresh := grant.Refresh{RefreshToken: a.session.Refresh.Value, Scopes: scopes}
	client, err := a.prover()
	if err != nil {
		return CachedToken{}, unusable(err)
	}
	tokens, err := refresh.Token(extended, client, nil)
	if okta.MayHaveBeenProcessed(err) && extended.Err() == nil {
		tokens, err = refresh.Token(extended, client, nil)
	}
	if err == nil {
		err = checkIDToken(tokens, r.Identity)
	}
	switch {
	case err == nil:
		return m.saveRefreshed(ctx, r, a, tokens)
	case isInvalidGrant(err):
		return m.refused(ctx, r, a, err)
	case isRefusedRefresh(err):
		return CachedToken{}, &LoginRequiredError{Reason: "Okta refused to refresh the session", Err: err}
	}
	return CachedToken{}, err
}

// prover returns the client to refresh with. A session that is bound to a key stays so: RFC 9449 §5,
// https://www.rfc-editor.org/rfc/rfc9449#section-5
func (a refreshAttempt) prover() (*okta.Client, error) {
	if a.session.DPoPKey.IsZero() {
		return a.client, nil
	}
	client, err := a.client.Bound(a.session.DPoPKey, a.session.DPoPNonce)
	if err != nil {
		return nil, store.CorruptError(err.Error())
	}
	return client, nil
}

// signInMayHelp reports whether the refresh that failed with err may fail each time, although Okta is there: the answer
// was lost or could not be used. What has waited for an answer in vain does not wait for another.
func signInMayHelp(err error) bool {
	network, _ := errors.AsType[*okta.NetworkError](err)
	late := network != nil && network.Timeout > 0
	return is[*IDTokenError](err) || okta.MayHaveBeenProcessed(err) && !late && !errors.Is(err, context.Canceled)
}

// extend returns a context that ends a grace period after ctx does.
func extend(ctx context.Context) (context.Context, context.CancelFunc) {
	extended, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(gracePeriod, cancel) })
	return extended, func() { stop(); cancel() }
}

// saveRefreshed stores the result of a refresh. If another process has signed out or in meanwhile without waiting for
// the lock, that wins.
func (m Manager) saveRefreshed(
	ctx context.Context, r TokenRequest, a refreshAttempt, tokens *okta.TokenResponse,
) (CachedToken, error) {
	after := m.afterRefresh(a.session, tokens, r)
	now, err := m.load(ctx, r.Identity)
	switch {
	case a.lock.Revoked(), err == nil && now == nil:
		return m.discard(ctx, a, after)
	case err == nil && !sameRefresh(now, a.session):
		return m.choose(now, r)
	}
	// Even a store that cannot be read may accept the session.
	err = m.Store.Save(ctx, after)
	switch {
	case a.lock.Revoked():
		return m.discard(ctx, a, after)
	case store.IsKind(err, store.LostLock):
		// This process stood still for too long. What the next holder of the lock stores wins; if it stores nothing, this
		// is still the only refresh token.
		a.lock.Release()
		if lock, lockErr := m.lock(ctx, r.Identity.Account()); lockErr == nil {
			defer lock.Release()
			a.lock = lock
			return m.saveRefreshed(ctx, r, a, tokens)
		}
	}
	return m.result(after, r, tokens, err)
}

// discard deletes and revokes the result of a refresh that ended after a sign-out.
func (m Manager) discard(ctx context.Context, a refreshAttempt, after *store.Session) (CachedToken, error) {
	deleteErr := m.Store.DeleteAccount(ctx, after.Identity.Account())
	if store.IsKind(deleteErr, store.LostLock) { // after a sign-out nothing was stored
		deleteErr = nil
	}
	revokeErr := a.client.Revoke(ctx, after.Refresh.Value, "refresh_token")
	if err := cmp.Or(deleteErr, revokeErr); err != nil {
		return CachedToken{}, err
	}
	return CachedToken{}, &LoginRequiredError{Reason: reasonSignedOut}
}

// refused handles Okta's invalid_grant. Another process may have refreshed without this lock, on another machine
// perhaps, and stored a newer token: then that is used. Otherwise the refresh token is forgotten; the access tokens
// stay.
func (m Manager) refused(ctx context.Context, r TokenRequest, a refreshAttempt, refusal error) (CachedToken, error) {
	now, err := m.load(ctx, r.Identity)
	switch {
	case err != nil:
		return CachedToken{}, err
	case now == nil:
		return CachedToken{}, &LoginRequiredError{Reason: reasonSignedOut}
	case !sameRefresh(now, a.session):
		token, err := m.choose(now, r)
		_, covered := refreshScopes(now, r)
		if is[*LoginRequiredError](err) && covered && !now.Refresh.Value.Equal(a.session.Refresh.Value) {
			a.session = now
			return m.refresh(ctx, r, a)
		}
		return token, err
	}
	after := *now
	after.Revision++
	after.Refresh = store.RefreshToken{}
	_ = m.Store.Save(ctx, &after) // if that fails, the next call gets the same answer from Okta
	reason := "Okta no longer accepts the session's refresh token"
	return CachedToken{}, &LoginRequiredError{Reason: reason, Err: refusal}
}

// sameRefresh reports whether two sessions are the same state of one. Revisions count from 1 again after a sign-out.
func sameRefresh(a, b *store.Session) bool {
	return a.Revision == b.Revision && a.Refresh.Value.Equal(b.Refresh.Value)
}

// afterRefresh returns the session that a refresh makes of old.
func (m Manager) afterRefresh(old *store.Session, tokens *okta.TokenResponse, r TokenRequest) *store.Session {
	s := *old
	s.Revision++
	// A response without a refresh token leaves the old one valid. RFC 6749 §6: "The authorization server MAY issue a
	// new refresh token, in which case the client MUST discard the old refresh token".
	if next := tokens.RefreshToken; next.IsZero() || next.Equal(old.Refresh.Value) {
		s.Refresh.Rotation = store.Persistent
	} else {
		s.Refresh.Value, s.Refresh.ObtainedAt, s.Refresh.Rotation = next, tokens.ObtainedAt, store.Rotating
	}
	s.DPoPNonce = tokens.DPoPNonce
	set := tokenSet(tokens, r.Scopes)
	if set.Granted == nil { // neither request nor response named scopes: those of the sign-in
		set.Granted = old.Refresh.Granted
	}
	s.Sets = m.prune(append([]store.TokenSet{set}, old.Sets...))
	return &s
}

// refreshScopes returns the scopes to name in a refresh for r; none means those of the sign-in. covered is false if the
// session's refresh token cannot bring them: "The requested scope MUST NOT include any scope not originally granted by
// the resource owner". RFC 6749 §6: https://www.rfc-editor.org/rfc/rfc6749#section-6
func refreshScopes(s *store.Session, r TokenRequest) (scopes []string, covered bool) {
	if s == nil || s.Refresh.Value.IsZero() || r.DPoP && s.DPoPKey.IsZero() {
		return nil, false
	}
	scopes = canonical(r.Scopes)
	if slices.Equal(scopes, s.Refresh.Requested) {
		return nil, true
	}
	extra := slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(s.Refresh.Granted, scope) })
	return scopes, !extra
}

// isRefusedRefresh reports whether Okta refused a refresh for a reason that does not hold for a sign-in, such as a
// grant type that has been disabled. What it says about the client holds for both, and so does what it says about the
// proof, such as that this machine's clock is wrong, unless the refresh token is bound to another key.
func isRefusedRefresh(err error) bool {
	e, ok := errors.AsType[*okta.Error](err)
	if !ok || !e.IsRejection() {
		return false
	}
	switch e.Code {
	case "invalid_dpop_proof":
		return strings.Contains(e.Description, "refresh token")
	case "invalid_client", "use_dpop_nonce":
		return false
	}
	return true
}

// isInvalidGrant reports whether Okta refused the credentials or the refresh token: "The provided authorization grant
// … or refresh token is invalid, expired, revoked, … or was issued to another client."
// RFC 6749 §5.2: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
// A rate limit has the same code at Okta and says nothing about the token.
func isInvalidGrant(err error) bool {
	e, ok := errors.AsType[*okta.Error](err)
	return ok && e.Code == "invalid_grant" && e.IsRejection()
}
