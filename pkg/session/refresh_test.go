package session_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

func TestST03_RefreshAcrossExpiries(t *testing.T) {
	t.Parallel()
	for name, rotation := range map[string]oktatest.Rotation{"rotating": {Rotate: true}, "persistent": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, rotation)
			o.login(t)
			seen := []string{o.mustRenew(t)}
			if n := len(o.posts(t)); n != 0 {
				t.Fatalf("%d requests for a token that is valid", n)
			}
			for n := 1; n <= 3; n++ {
				o.clock.Advance(time.Hour)
				before := o.session(t)
				_, err := o.manager.Token(t.Context(), o.want)
				if !o.wantRequired(t, err, "expired").Refreshable {
					t.Error("a session with a refresh token is not refreshable")
				}
				token := o.mustRenew(t)
				after := o.session(t)
				if slices.Contains(seen, token) || len(o.posts(t)) != n || after.Revision != before.Revision+1 {
					t.Fatalf("refresh %d: token new %v, %d posts, generation %d after %d", n, !slices.Contains(seen, token), len(o.posts(t)), after.Revision, before.Revision)
				}
				if same := after.Refresh.Value.Equal(before.Refresh.Value); same == rotation.Rotate {
					t.Errorf("refresh %d: the stored refresh token stayed the same: %v", n, same)
				}
				if !o.server.RefreshAlive(after.Refresh.Value.Reveal()) {
					t.Fatalf("refresh %d: the stored refresh token is dead", n)
				}
				seen = append(seen, token)
			}
			if got := o.session(t).Refresh.Rotation; got != map[bool]store.Rotation{true: store.Rotating, false: store.Persistent}[rotation.Rotate] {
				t.Errorf("rotation %q", got)
			}
		})
	}
}

func TestRefreshTokenIsKeptWhenNoneComes(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.login(t)
	o.server.Fail("/token", oktatest.Override("refresh_token", ""))
	before := o.session(t).Refresh.Value
	o.clock.Advance(time.Hour)
	o.mustRenew(t)
	if after := o.session(t).Refresh.Value; !after.Equal(before) {
		t.Error("the refresh token is not the one from before")
	}
}

func TestRefreshScopes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		sent       []string // the scope parameter; nil: none
		covered    bool
	}{
		{"those of the sign-in, in another order", "profile offline_access openid", nil, true},
		{"fewer", "openid", []string{"openid"}, true},
		{"fewer, two", "profile openid", []string{"openid profile"}, true},
		{"one more", "openid profile offline_access email", nil, false},
		{"another", "email", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{Rotate: true})
			o.login(t)
			o.clock.Advance(time.Hour)
			o.want.Scopes = strings.Fields(c.want)
			token, err := o.renew(t)
			if !c.covered {
				if required := o.wantRequired(t, err, "not signed in for the scopes"); required.Refreshable || len(o.posts(t)) != 0 {
					t.Errorf("refreshable %v, %d posts", required.Refreshable, len(o.posts(t)))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if posts := o.posts(t); len(posts) != 1 || !slices.Equal(posts[0]["scope"], c.sent) {
				t.Errorf("posts %v, want one with scope %q", posts, c.sent)
			}
			slices.Sort(token.Scope)
			if fields := slices.Sorted(slices.Values(o.want.Scopes)); !slices.Equal(token.Scope, fields) {
				t.Errorf("got a token for %q, want %q", token.Scope, fields)
			}
		})
	}
}

func TestAT93_RefreshesForScopeSets(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	all := o.mustRenew(t)
	narrow := o.want
	narrow.Scopes = []string{"openid"}
	few, err := o.manager.Renew(t.Context(), narrow, o.options())
	if err != nil || few.Value.Reveal() == all || !slices.Equal(few.Scope, []string{"openid"}) {
		t.Fatalf("got %v for %q", err, few.Scope)
	}
	if again := o.mustRenew(t); again != all {
		t.Error("the token of the wider set has changed")
	}
	if n := len(o.posts(t)); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
	o.clock.Advance(time.Hour)
	o.mustRenew(t)
	if sets := o.session(t).Sets; len(sets) != 1 {
		t.Errorf("%d sets are kept, want the expired one dropped", len(sets))
	}
	if _, err := o.manager.Renew(t.Context(), narrow, o.options()); err != nil {
		t.Errorf("the narrower set after that: %v", err)
	}
}

func TestIDTokenIsRefreshedByItsOwnLife(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.server.Change(func(o *oktatest.Options) {
		o.Lifetimes = oktatest.Lifetimes{Access: 2 * time.Hour, ID: 10 * time.Minute}
	})
	o.login(t)
	o.clock.Advance(11 * time.Minute)
	o.mustRenew(t)
	if n := len(o.posts(t)); n != 0 {
		t.Fatalf("%d posts for an access token that is valid", n)
	}
	o.want.Type = session.ID
	o.mustRenew(t)
	if n := len(o.posts(t)); n != 1 {
		t.Fatalf("%d posts for an ID token that has expired, want 1", n)
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	first := o.mustRenew(t)
	o.want.Fresh = true
	second := o.mustRenew(t)
	if second == first || len(o.posts(t)) != 1 {
		t.Fatalf("a fresh token is the old one: %v; %d posts", second == first, len(o.posts(t)))
	}
	o.want.Fresh = false
	if third := o.mustRenew(t); third != second {
		t.Error("the fresh token was not kept")
	}
	// What another process has brought while we waited for the lock is fresh.
	o.want.Fresh = true
	arrived, release := make(chan struct{}), make(chan struct{})
	o.server.Fail("/token", oktatest.HoldAnswer(arrived, release))
	tokens := make(chan string, 2)
	renew := func() {
		token, err := o.renew(t)
		if err != nil {
			t.Error(err)
		}
		tokens <- token.Value.Reveal()
	}
	go renew()
	<-arrived
	go renew()
	close(release)
	if a, b := <-tokens, <-tokens; a == first || b == first {
		t.Error("a fresh token is an old one")
	}
	o.posts(t)
}

func TestAT80_OneRefreshForMany(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	var all sync.WaitGroup
	tokens := make([]string, 64)
	for i := range tokens {
		all.Go(func() {
			token, err := o.renew(t)
			if err != nil {
				t.Error(err)
			}
			tokens[i] = token.Value.Reveal()
		})
	}
	all.Wait()
	if got := slices.Compact(tokens); len(got) != 1 {
		t.Errorf("%d different tokens", len(got))
	}
	if n := len(o.posts(t)); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
	if !o.server.RefreshAlive(o.session(t).Refresh.Value.Reveal()) {
		t.Error("the stored refresh token is dead")
	}
}

// A token whose whole life is shorter than what is asked for is given, and
// still renewed in time.
func TestShortLives(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.server.Change(func(o *oktatest.Options) { o.Lifetimes = oktatest.Lifetimes{Access: 5 * time.Minute} })
	o.login(t)
	o.want.MinTTL = 10 * time.Minute
	first := o.mustRenew(t)
	o.clock.Advance(2 * time.Minute)
	if again := o.mustRenew(t); again != first || len(o.posts(t)) != 0 {
		t.Errorf("in the first half of its life: new %v, %d posts", again != first, len(o.posts(t)))
	}
	o.clock.Advance(time.Minute)
	token, err := o.renew(t)
	if err != nil || token.Value.Reveal() == first || len(o.posts(t)) != 1 || len(token.Notes) != 1 {
		t.Errorf("in the second half: %v, %d posts, notes %q", err, len(o.posts(t)), token.Notes)
	}
}
