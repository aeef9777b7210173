package session

import (
	"context"
	"errors"
	"slices"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Login signs in with g at c and keeps what that brings under w.Identity, as
// w.Username's, in the place of what is there. A session that is already there
// keeps its tokens for other scopes when the same user signed in.
//
// No other process changes the session meanwhile. A *store.Error of kind Busy
// says that one would not let go of it; then nothing has been sent. When the
// grant succeeded but the session could not be stored, both the tokens and the
// store's error are returned: the caller decides what is lost.
func (k Manager) Login(ctx context.Context, c *okta.Client, g grant.Grant, w TokenRequest) (*okta.TokenResponse, error) {
	lock, err := k.lock(ctx, w.Identity.Account())
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	old, err := k.load(ctx, w.Identity)
	// A sign-in is how an entry that cannot be read is mended: it is written anew.
	if err != nil && !isKind(err, store.Corrupt, store.WrongKey, store.UnsupportedVersion) {
		return nil, err
	}
	if err := k.enlist(ctx, w.Identity); err != nil {
		return nil, err
	}
	tokens, err := g.Token(ctx, c, nil)
	if err != nil {
		k.delist(ctx, old, w.Identity)
		return nil, err
	}
	return tokens, k.saveLogin(ctx, k.afterLogin(old, tokens, w))
}

// enlist lets the session be listed before it is there: the other way round, one
// could be there that nobody knows of.
func (k Manager) enlist(ctx context.Context, id store.Identity) error {
	if _, nowhere := k.Store.Items.(store.None); nowhere {
		return nil
	}
	return k.Store.AddToIndex(ctx, id)
}

// delist takes that back after a sign-in that failed, where there was no session.
func (k Manager) delist(ctx context.Context, old *store.Session, id store.Identity) {
	if old != nil {
		return
	}
	if _, err := k.Store.LoadAccount(ctx, id.Account()); errors.Is(err, store.ErrNotFound) {
		_ = k.Store.DeleteAccount(context.WithoutCancel(ctx), id.Account()) // an entry without a session does no harm
	}
}

// saveLogin stores a session that a sign-in made, where there is a store.
func (k Manager) saveLogin(ctx context.Context, s *store.Session) error {
	if _, nowhere := k.Store.Items.(store.None); nowhere {
		return nil
	}
	return k.Store.Save(context.WithoutCancel(ctx), s)
}

// afterLogin is the session that a sign-in makes of old, which may be nil.
func (k Manager) afterLogin(old *store.Session, tokens *okta.TokenResponse, w TokenRequest) *store.Session {
	s := &store.Session{Identity: w.Identity, Username: w.Username, Revision: 1}
	if old != nil {
		s.Revision = old.Revision + 1
	}
	if old != nil && old.Username == w.Username {
		s.Sets, s.Refresh = old.Sets, old.Refresh
	}
	set := tokenSet(tokens, w.Scopes)
	// A sign-in without offline_access brings no refresh token and takes none
	// away: the one from before is still good.
	if !tokens.RefreshToken.IsZero() {
		s.Refresh = store.RefreshToken{
			Value: tokens.RefreshToken, Requested: set.Requested, Granted: set.Granted, ObtainedAt: tokens.ObtainedAt,
		}
	}
	s.Sets = k.prune(append([]store.TokenSet{set}, s.Sets...))
	return s
}

// tokenSet is what is kept of an answer to a request for scopes.
func tokenSet(tokens *okta.TokenResponse, scopes []string) store.TokenSet {
	return store.TokenSet{
		Requested: canonical(scopes), Granted: tokens.Scope,
		AccessToken: tokens.AccessToken, IDToken: tokens.IDToken, TokenType: tokens.TokenType,
		ObtainedAt: tokens.ObtainedAt, ExpiresIn: tokens.ExpiresIn,
	}
}

// prune drops the sets that the first one replaces and those that have expired,
// so that a session does not grow for ever.
func (k Manager) prune(sets []store.TokenSet) []store.TokenSet {
	kept := sets[:1]
	for _, t := range sets[1:] {
		left, ok := remaining(t.ObtainedAt, t.ExpiresIn, k.now())
		if ok && left > 0 && !slices.Equal(t.Requested, sets[0].Requested) {
			kept = append(kept, t)
		}
	}
	return kept
}
