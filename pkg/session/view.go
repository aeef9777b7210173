package session

import (
	"context"
	"fmt"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Stored returns the token that w asks for as it is stored, valid or not, for
// those who want to look into it.
func (k Manager) Stored(ctx context.Context, w TokenRequest) (CachedToken, error) {
	s, err := k.load(ctx, w.Identity)
	if err != nil && !k.away(err) {
		return CachedToken{}, err
	}
	if s == nil {
		return CachedToken{}, &LoginRequiredError{Reason: "not signed in"}
	}
	if w.Kind == Refresh {
		return refreshToken(s)
	}
	set, ok := find(s, w.Scopes)
	if !ok {
		return CachedToken{}, &LoginRequiredError{Reason: fmt.Sprintf("not signed in for the scopes %q", canonical(w.Scopes))}
	}
	t, _, err := pick(set, s, w.Kind)
	return t, err
}

// Description is a session as it may be shown: without a secret.
type Description struct {
	Identity   store.Identity
	Username   string
	Generation uint64
	Sets       []SetView
	Refresh    *RefreshView // nil: there is no refresh token
}

// SetView is one set of tokens of a [Description].
type SetView struct {
	Requested, Granted []string
	Access, ID         *Lifetime // nil: there is no such token
}

// Lifetime is from when until when a token is valid, by the clock of this machine.
type Lifetime struct {
	From, Until time.Time
	Left        time.Duration // 0 when it has expired or the clock has run backwards
}

// RefreshView is what is known of a refresh token. How long it lives is not.
type RefreshView struct {
	Requested, Granted []string
	ObtainedAt         time.Time
	Rotation           store.Rotation
}

// Describe returns the session stored as account for showing it. It costs one read
// of the store; the errors are those of [store.Sessions.LoadAccount].
func (k Manager) Describe(ctx context.Context, account string) (Description, error) {
	s, err := k.Store.LoadAccount(ctx, account)
	if err != nil {
		return Description{}, err
	}
	v := Description{Identity: s.Identity, Username: s.Username, Generation: s.Revision}
	for _, set := range s.Sets {
		v.Sets = append(v.Sets, SetView{
			Requested: set.Requested, Granted: set.Granted,
			Access: k.life(set.AccessToken, set, set.ExpiresIn), ID: k.life(set.IDToken, set, idTokenLife(set)),
		})
	}
	if s.Refresh.Value.IsZero() {
		return v, nil
	}
	v.Refresh = &RefreshView{
		Requested: s.Refresh.Requested, Granted: s.Refresh.Granted, ObtainedAt: s.Refresh.ObtainedAt, Rotation: s.Refresh.Rotation,
	}
	return v, nil
}

func (k Manager) life(token okta.Secret, set store.TokenSet, whole time.Duration) *Lifetime {
	if token.IsZero() {
		return nil
	}
	left, _ := remaining(set.ObtainedAt, whole, k.now())
	return &Lifetime{From: set.ObtainedAt, Until: set.ObtainedAt.Add(whole), Left: max(left, 0)}
}
