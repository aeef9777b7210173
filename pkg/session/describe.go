package session

import (
	"context"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Stored returns the token that r asks for as it is stored, valid or not. Its errors are those of [Manager.Token].
func (m Manager) Stored(ctx context.Context, r TokenRequest) (CachedToken, error) {
	s, err := m.load(ctx, r.Identity)
	if err != nil && !m.unavailable(err) {
		return CachedToken{}, err
	}
	t, _, err := lookUp(s, r)
	return t, err
}

// Description describes a session without its tokens, for display.
type Description struct {
	Identity store.Identity
	Username string
	Revision uint64
	Sets     []TokenSetDescription
	Refresh  *RefreshDescription // nil: there is no refresh token
}

// TokenSetDescription is one set of tokens of a [Description].
type TokenSetDescription struct {
	Requested, Granted []string
	Access, ID         *Lifetime // nil: there is no such token
}

// Lifetime is from when until when a token is valid, by the clock of this machine.
type Lifetime struct {
	From, Until time.Time
	Left        time.Duration // 0 when it has expired or the clock has run backwards
}

// RefreshDescription describes a refresh token. Only Okta knows how long it is valid.
type RefreshDescription struct {
	Requested, Granted []string
	ObtainedAt         time.Time
	Rotation           store.Rotation
}

// Describe returns what may be shown of the session stored as account. It costs one read of the store; the errors are
// those of [store.Sessions.LoadAccount].
func (m Manager) Describe(ctx context.Context, account string) (Description, error) {
	s, err := m.Store.LoadAccount(ctx, account)
	if err != nil {
		return Description{}, err
	}
	d := Description{Identity: s.Identity, Username: s.Username, Revision: s.Revision}
	for _, set := range s.Sets {
		d.Sets = append(d.Sets, TokenSetDescription{
			Requested: set.Requested, Granted: set.Granted,
			Access: m.lifetime(set.AccessToken, set, set.ExpiresIn), ID: m.lifetime(set.IDToken, set, idTokenLife(set)),
		})
	}
	if s.Refresh.Value.IsZero() {
		return d, nil
	}
	d.Refresh = &RefreshDescription{
		Requested: s.Refresh.Requested, Granted: s.Refresh.Granted,
		ObtainedAt: s.Refresh.ObtainedAt, Rotation: s.Refresh.Rotation,
	}
	return d, nil
}

func (m Manager) lifetime(token okta.Secret, set store.TokenSet, life time.Duration) *Lifetime {
	if token.IsZero() {
		return nil
	}
	left, _ := remaining(set.ObtainedAt, life, m.Now())
	return &Lifetime{From: set.ObtainedAt, Until: set.ObtainedAt.Add(life), Left: max(left, 0)}
}
