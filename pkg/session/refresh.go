package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// A refresh token may be good for one use: "the previous refresh token is
// invalidated", and Okta takes a second use of it for a theft, which ends every
// token of the sign-in. So:
//
//   - one process at a time, and it reads the store again first;
//   - before the token is sent, a mark beside the lock says so, and it stays until the
//     answer has been stored. Whoever finds it, after a crash or a full disk, knows
//     that the stored token may be spent, and does not send it again;
//   - an answer that was lost on the way is asked for again, once and at once;
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

// refresh gets a new token for w, stores it and returns it.
func (k Keeper) refresh(ctx context.Context, w Want, a attempt) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, context.Cause(ctx)
	}
	ctx = context.WithoutCancel(ctx)
	scopes, covered := refreshScopes(a.session, w)
	if !covered {
		return k.choose(a.session, w)
	}
	if cut, err := a.cutShort(); err != nil {
		return Token{}, err
	} else if cut {
		return Token{}, &LoginRequiredError{Reason: "an earlier refresh was cut short, and its refresh token may be spent"}
	}
	if err := a.mark(); err != nil {
		return Token{}, err
	}
	tokens, err := grant.Refresh{Token: a.session.Refresh.Value, Scopes: scopes}.Exchange(ctx, a.client)
	if okta.Lost(err) {
		tokens, err = grant.Refresh{Token: a.session.Refresh.Value, Scopes: scopes}.Exchange(ctx, a.client)
	}
	switch {
	case isInvalidGrant(err):
		return k.refused(ctx, w, a, err)
	case err != nil:
		unmark(a.lock) // nothing is known to have happened: the token is tried again next time
		return Token{}, err
	}
	return k.keep(ctx, w, a, tokens)
}

// keep stores what a refresh brought, unless another process has signed out or
// in meanwhile without waiting for the lock: it wins.
func (k Keeper) keep(ctx context.Context, w Want, a attempt, tokens *okta.Tokens) (Token, error) {
	after := k.afterRefresh(a.session, tokens, w)
	now, err := k.load(ctx, w.Identity)
	switch {
	case err != nil:
		return k.handOut(after, w, tokens, err)
	case now == nil:
		_ = a.client.Revoke(ctx, after.Refresh.Value, "refresh_token") // what was signed out must not live on
		unmark(a.lock)
		return Token{}, &LoginRequiredError{Reason: signedOut}
	case now.Generation != a.session.Generation:
		return k.choose(now, w)
	}
	if err := k.Store.Save(ctx, after); err != nil {
		return k.handOut(after, w, tokens, err) // the mark stays: what is stored may be spent
	}
	unmark(a.lock)
	return k.handOut(after, w, tokens, nil)
}

// refused handles Okta's invalid_grant. Somebody may have refreshed without our
// lock, on another machine perhaps, and stored a newer token: then that is used.
// Otherwise the refresh token is forgotten; the access tokens stay.
func (k Keeper) refused(ctx context.Context, w Want, a attempt, refusal error) (Token, error) {
	now, err := k.load(ctx, w.Identity)
	switch {
	case err != nil:
		return Token{}, err
	case now == nil:
		unmark(a.lock)
		return Token{}, &LoginRequiredError{Reason: signedOut}
	case now.Generation != a.session.Generation:
		token, err := k.choose(now, w)
		if is[*LoginRequiredError](err) && !now.Refresh.Value.Equal(a.session.Refresh.Value) {
			a.session = now
			return k.refresh(ctx, w, a)
		}
		return token, err
	}
	after := *now
	after.Generation++
	after.Refresh = store.RefreshToken{}
	if err := k.Store.Save(ctx, &after); err == nil {
		unmark(a.lock)
	}
	return Token{}, &LoginRequiredError{Reason: "Okta no longer takes the session's refresh token", Err: refusal}
}

// afterRefresh is the session that a refresh makes of old.
func (k Keeper) afterRefresh(old *store.Session, tokens *okta.Tokens, w Want) *store.Session {
	s := *old
	s.Generation++
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
func refreshScopes(s *store.Session, w Want) (scopes []string, covered bool) {
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
	return ok && e.Code == "invalid_grant" && e.Refused()
}

// cutShort reports whether this refresh token has been sent before, by a process
// that did not live to store the answer. One that is known to stay the same at
// each use can be sent again.
func (a attempt) cutShort() (bool, error) {
	if a.lock == nil || a.session.Refresh.Rotation == store.Persistent {
		return false, nil
	}
	mark, err := a.lock.Marked()
	return marks(mark, a.session), err
}

// marks reports whether a mark is about the session's refresh token. One that
// can't be read, which begins with "?", may be.
func marks(mark string, s *store.Session) bool {
	return mark == fingerprint(s) || strings.HasPrefix(mark, "?")
}

func (a attempt) mark() error {
	if a.lock == nil {
		return nil
	}
	return a.lock.Mark(fingerprint(a.session))
}

// fingerprint tells refresh tokens apart without telling anything about them.
func fingerprint(s *store.Session) string {
	sum := sha256.Sum256([]byte("okauth refresh token\n" + s.Refresh.Value.Reveal()))
	return hex.EncodeToString(sum[:16])
}
