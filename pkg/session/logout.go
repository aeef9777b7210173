package session

import (
	"context"
	"errors"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// LogoutResult says what signing out did.
type LogoutResult struct {
	Account  string // name of the session in the store
	Username string // who was signed in; "" where that could not be read
	Revoked  int    // tokens that Okta revoked

	RevokeErr error // why not all tokens were revoked
	DeleteErr error // why the session is still stored
	LockErr   error // why a refresh in flight may bring the session back
}

// ClientFunc returns the client for the identity of a session. It may ask a person.
type ClientFunc func(context.Context, store.Identity) (*okta.Client, error)

// Logout revokes the tokens of the session stored as account that are still valid, and deletes the session even if
// that fails or ctx ends. It waits for a refresh in flight, so that its result is revoked as well; a refresh that does
// not end in time finds its lock revoked and stores nothing. found is false if there was no session.
func (m Manager) Logout(ctx context.Context, account string, clientFor ClientFunc) (result LogoutResult, found bool) {
	result.Account = account
	s, err := m.Store.LoadAccount(ctx, account)
	var client *okta.Client
	if err == nil {
		result.Username = s.Username
		client, result.RevokeErr = clientFor(ctx, s.Identity)
	}
	lock, lockErr := m.lock(ctx, account)
	defer lock.Release()
	if store.IsKind(lockErr, store.LockTimeout) {
		lockErr = m.Store.Locks.Revoke(account)
	}
	// The tokens to revoke are those that a refresh or a sign-in has stored meanwhile.
	s, err = m.Store.LoadAccount(ctx, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if lockErr == nil { // what an interrupted login or logout left
			_ = m.Store.DeleteAccount(context.WithoutCancel(ctx), account)
		}
		return result, false
	case store.IsKind(err, store.Corrupt, store.WrongKey):
		result.RevokeErr = err
	case err != nil:
		return LogoutResult{Account: account, DeleteErr: err}, true
	case client == nil && result.RevokeErr == nil:
		result.Username = s.Username
		client, result.RevokeErr = clientFor(ctx, s.Identity)
	}
	result.LockErr = lockErr
	if client != nil && s != nil {
		result.Revoked, result.RevokeErr = m.revoke(ctx, client, s)
	}
	result.DeleteErr = m.Store.DeleteAccount(context.WithoutCancel(ctx), account)
	return result, true
}

// revoke revokes the refresh token, and the access tokens that are still valid, and returns how many it revoked.
// Revoking the refresh token revokes the access token that came with it, but others may be of another sign-in.
// RFC 7009 §2.1: https://www.rfc-editor.org/rfc/rfc7009#section-2.1
// https://developer.okta.com/docs/guides/revoke-tokens/main/
func (m Manager) revoke(ctx context.Context, client *okta.Client, s *store.Session) (revoked int, err error) {
	revoke := func(token okta.Secret, hint string) {
		if err != nil || token.IsZero() {
			return
		}
		err = client.Revoke(ctx, token, hint)
		switch refused, _ := errors.AsType[*okta.Error](err); {
		case err == nil:
			revoked++
		// "the authorization server does not support the revocation of the presented token type": RFC 7009 §2.2.1. An
		// access token ends soon, and with its refresh token the sign-in has ended.
		case refused != nil && refused.Code == "unsupported_token_type" &&
			(hint == "access_token" && !s.Refresh.Value.IsZero() || hint == "device_secret"):
			err = nil
		}
	}
	revoke(s.Refresh.Value, "refresh_token")
	revoke(s.DeviceSecret, "device_secret")
	for _, set := range s.Sets {
		if isExchanged(set) { // perhaps another client's, or another server's: it is forgotten, and ends soon
			continue
		}
		if left, _ := remaining(set.ObtainedAt, set.ExpiresIn, m.Now()); left > 0 {
			revoke(set.AccessToken, "access_token")
		}
	}
	return revoked, err
}
