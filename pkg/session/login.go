package session

import (
	"context"
	"slices"

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
func (k Keeper) Login(ctx context.Context, c *okta.Client, g Grant, w Want) (*okta.Tokens, error) {
	lock, err := k.lock(ctx, w.Identity)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	// What is stored is read while the server thinks.
	before := make(chan stored, 1)
	go func() {
		old, err := k.load(ctx, w.Identity)
		before <- stored{old, err}
	}()
	tokens, err := g.Exchange(ctx, c)
	if err != nil {
		return nil, err
	}
	old := <-before
	switch {
	case isKind(old.err, store.Corrupt, store.WrongKey):
		// A sign-in is how a broken entry is mended: it is written anew.
	case old.err != nil:
		return tokens, old.err
	}
	return tokens, k.saveLogin(ctx, lock, k.afterLogin(old.session, tokens, w))
}

// saveLogin stores a session that a sign-in made, and lets it be listed, which
// the one before it may not have been.
func (k Keeper) saveLogin(ctx context.Context, lock *store.Lock, s *store.Session) error {
	var err error
	if s.Generation > 1 { // Save does it for the first
		err = k.Store.Enlist(ctx, s.Identity)
	}
	if err == nil {
		err = k.Store.Save(ctx, s)
	}
	if err == nil {
		unmark(lock)
	}
	if k.Optional && isKind(err, store.Absent) {
		return nil
	}
	return err
}

// stored is what a read of the store brought.
type stored struct {
	session *store.Session
	err     error
}

// unmark takes back the mark of a refresh token. One that can't be removed costs
// a sign-in at worst: it fits that token only.
func unmark(lock *store.Lock) {
	if lock != nil {
		_ = lock.Unmark()
	}
}

// afterLogin is the session that a sign-in makes of old, which may be nil.
func (k Keeper) afterLogin(old *store.Session, tokens *okta.Tokens, w Want) *store.Session {
	s := &store.Session{Identity: w.Identity, Username: w.Username, Generation: 1}
	if old != nil {
		s.Generation = old.Generation + 1
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
func tokenSet(tokens *okta.Tokens, scopes []string) store.TokenSet {
	return store.TokenSet{
		Requested: canonical(scopes), Granted: tokens.Scope,
		AccessToken: tokens.AccessToken, IDToken: tokens.IDToken, TokenType: tokens.TokenType,
		ObtainedAt: tokens.ObtainedAt, ExpiresIn: tokens.ExpiresIn,
	}
}

// prune drops the sets that the first one replaces and those that have expired,
// so that a session does not grow for ever.
func (k Keeper) prune(sets []store.TokenSet) []store.TokenSet {
	kept := sets[:1]
	for _, t := range sets[1:] {
		left, ok := remaining(t.ObtainedAt, t.ExpiresIn, k.now())
		if ok && left > 0 && !slices.Equal(t.Requested, sets[0].Requested) {
			kept = append(kept, t)
		}
	}
	return kept
}
