package session

import (
	"context"
	"errors"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// LogoutResult is what came of signing out.
type LogoutResult struct {
	Username string // who was signed in; empty where nothing was stored or it could not be read
	Found    bool   // something was stored
	Revoked  int    // tokens that Okta was told to forget

	RevokeErr error // why Okta was not told, or not of all
	DeleteErr error // why something is still stored
	LockErr   error // why a refresh that is under way may bring the session back
}

// Logout revokes what can still be used of the session stored as account, and
// deletes it, also when the revocation fails or ctx ends meanwhile. It waits for a
// refresh that is under way, so that the token that brings is revoked as well; one
// that does not end in time finds its lock revoked, and keeps nothing.
//
// client returns whom to ask for the session's identity. It may ask a person.
func (k Manager) Logout(ctx context.Context, account string, client func(context.Context, store.Identity) (*okta.Client, error)) LogoutResult {
	f := LogoutResult{}
	s, err := k.Store.LoadAccount(ctx, account)
	var c *okta.Client
	if err == nil {
		f.Username = s.Username
		c, f.RevokeErr = client(ctx, s.Identity)
	}
	lock, lockErr := k.lock(ctx, account)
	defer lock.Release()
	if isKind(lockErr, store.LockTimeout) {
		// Whoever holds the lock must not keep what it is about to get.
		lockErr = k.Store.Locks.Revoke(account)
	}
	// What a refresh or a sign-in has brought meanwhile is what must be revoked.
	s, err = k.Store.LoadAccount(ctx, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if lock != nil { // a logout or a login may have been cut short
			_ = k.Store.DeleteAccount(context.WithoutCancel(ctx), account)
		}
		return LogoutResult{}
	case isKind(err, store.Corrupt, store.WrongKey):
		f.RevokeErr = err
	case err != nil:
		return LogoutResult{Found: true, DeleteErr: err}
	case c == nil && f.RevokeErr == nil:
		f.Username = s.Username
		c, f.RevokeErr = client(ctx, s.Identity)
	}
	f.Found, f.LockErr = true, lockErr
	if c != nil {
		f.Revoked, f.RevokeErr = revoke(ctx, c, k.usable(s))
	}
	f.DeleteErr = k.Store.DeleteAccount(context.WithoutCancel(ctx), account)
	return f
}

// usable is a token that is worth revoking.
type usable struct {
	token okta.Secret
	hint  string // token_type_hint
}

// usable returns what Okta must be told to forget: the refresh token, with which
// goes the access token that came with it, and the access tokens that are still
// valid, which may be of another sign-in.
// RFC 7009 §2.1: https://www.rfc-editor.org/rfc/rfc7009#section-2.1
// https://developer.okta.com/docs/guides/revoke-tokens/main/
func (k Manager) usable(s *store.Session) []usable {
	var tokens []usable
	if !s.Refresh.Value.IsZero() {
		tokens = append(tokens, usable{s.Refresh.Value, "refresh_token"})
	}
	for _, set := range s.Sets {
		if left, _ := remaining(set.ObtainedAt, set.ExpiresIn, k.now()); left > 0 && !set.AccessToken.IsZero() {
			tokens = append(tokens, usable{set.AccessToken, "access_token"})
		}
	}
	return tokens
}

// revoke returns how many tokens Okta was told to forget.
func revoke(ctx context.Context, c *okta.Client, tokens []usable) (int, error) {
	for n, t := range tokens {
		if err := c.Revoke(ctx, t.token, t.hint); err != nil {
			return n, err
		}
	}
	return len(tokens), nil
}
