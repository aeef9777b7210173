package session

import (
	"context"
	"errors"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Farewell is what came of signing out.
type Farewell struct {
	Username string // who was signed in; empty where nothing was stored or it could not be read
	Found    bool   // something was stored
	Revoked  int    // tokens that Okta was told to forget

	RevokeErr error // why Okta was not told, or not of all
	DeleteErr error // why something is still stored
}

// Logout revokes what can still be used of the session stored as account, and
// deletes it, also when the revocation fails. It waits for a refresh that is
// under way, so that the token that brings is revoked as well; one that does not
// end in time will find the session gone, and keep nothing.
//
// client returns whom to ask for the session's identity. It may ask a person.
func (k Keeper) Logout(ctx context.Context, account string, client func(context.Context, store.Identity) (*okta.Client, error)) Farewell {
	f := Farewell{Found: true}
	s, err := k.Store.LoadAccount(ctx, account)
	var c *okta.Client
	switch {
	case errors.Is(err, store.ErrNotFound), k.Optional && isKind(err, store.Absent):
		return Farewell{}
	case isKind(err, store.Corrupt, store.WrongKey):
		f.RevokeErr = err
	case err != nil:
		return Farewell{Found: true, DeleteErr: err}
	default:
		f.Username = s.Username
		if len(k.usable(s)) > 0 {
			c, f.RevokeErr = client(ctx, s.Identity)
		}
	}
	lock, err := k.lockAccount(ctx, account)
	if err != nil && !isKind(err, store.Busy) {
		f.DeleteErr = err
		return f
	}
	defer lock.Release()
	if c != nil {
		// What a refresh has brought meanwhile is what must be revoked.
		if now, err := k.Store.LoadAccount(ctx, account); err == nil {
			s = now
		}
		f.Revoked, f.RevokeErr = revoke(ctx, c, k.usable(s))
	}
	f.DeleteErr = k.Store.DeleteAccount(ctx, account)
	if f.DeleteErr == nil {
		unmark(lock)
	}
	return f
}

// usable is a token that is worth revoking.
type usable struct {
	token okta.Secret
	hint  string // token_type_hint
}

// usable returns what Okta must be told to forget: the refresh token, with which
// go the access tokens that came with it; where there is none, the access tokens
// that are still valid.
// RFC 7009 §2.1: https://www.rfc-editor.org/rfc/rfc7009#section-2.1
// https://developer.okta.com/docs/guides/revoke-tokens/main/
func (k Keeper) usable(s *store.Session) []usable {
	if !s.Refresh.Value.IsZero() {
		return []usable{{s.Refresh.Value, "refresh_token"}}
	}
	var tokens []usable
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

func (k Keeper) lockAccount(ctx context.Context, account string) (*store.Lock, error) {
	if k.Store.Locks == nil {
		return nil, nil
	}
	return k.Store.Locks.Acquire(ctx, account)
}
