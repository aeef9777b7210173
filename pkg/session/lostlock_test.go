package session_test

import (
	"errors"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/store"
)

// A refresh that finds, when it writes, that another process has its lock: what that has stored wins, and where it has
// stored nothing the new refresh token is not lost.
func TestRefreshThatLostItsLock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(o *org, s store.Session) error // what the other does
		signedOut bool
		token     string // "": that of this refresh
	}{
		"the other does nothing": {meanwhile: func(*org, store.Session) error { return nil }},
		"the other refreshes": {token: "canary-other", meanwhile: func(o *org, s store.Session) error {
			s.Revision++
			s.Refresh.Value = okta.NewSecret("canary-refresh")
			s.Sets[0].AccessToken, s.Sets[0].ObtainedAt = okta.NewSecret("canary-other"), o.clock.Now()
			return o.manager.Store.Save(t.Context(), &s)
		}},
		"the other signs out": {signedOut: true, meanwhile: func(o *org, s store.Session) error {
			return o.manager.Store.DeleteAccount(t.Context(), s.Identity.Account())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{Rotate: true})
			o.login(t)
			o.clock.Advance(time.Hour)
			before := *o.session(t)
			o.items.onSet = func(string) error {
				o.items.onSet = nil
				if err := c.meanwhile(o, before); err != nil {
					return err
				}
				return store.NewError(store.LostLock, "write", errors.New("another process has it"))
			}
			token, err := o.renew(t)
			if c.signedOut {
				o.wantRequired(t, err, "signed out")
				if o.server.RefreshAlive(before.Refresh.Value.Reveal()) {
					t.Error("the refresh token was not revoked")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			stored := o.session(t)
			if !stored.Sets[0].AccessToken.Equal(token.Value) || c.token != "" && token.Value.Reveal() != c.token {
				t.Error("another token is stored than was returned")
			}
			if c.token == "" && !o.server.RefreshAlive(stored.Refresh.Value.Reveal()) {
				t.Error("the new refresh token is lost")
			}
			o.posts(t)
		})
	}
}
