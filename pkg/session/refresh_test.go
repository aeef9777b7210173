package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// org is an Okta, and one user of it on one machine, who share a clock.
type org struct {
	server *oktatest.Server
	clock  *oktatest.Clock
	items  *faulty
	keeper session.Keeper
	want   session.Want
	client *okta.Client
}

// faulty is a store that can be told to fail.
type faulty struct {
	store.Memory
	mu     sync.Mutex
	onSet  func(account string) error
	onGet  func(account string) error
	writes int
}

func (f *faulty) Set(ctx context.Context, account string, value []byte) error {
	f.mu.Lock()
	hook := f.onSet
	f.writes++
	f.mu.Unlock()
	if hook != nil {
		if err := hook(account); err != nil {
			return err
		}
	}
	return f.Memory.Set(ctx, account, value)
}

func (f *faulty) Get(ctx context.Context, account string) ([]byte, error) {
	f.mu.Lock()
	hook := f.onGet
	f.mu.Unlock()
	if hook != nil {
		if err := hook(account); err != nil {
			return nil, err
		}
	}
	return f.Memory.Get(ctx, account)
}

var sharedKeys = sync.OnceValue(oktatest.NewKeys)

// newOrg is an org whose refresh tokens rotate, without any leeway unless said otherwise.
func newOrg(t *testing.T, rotation oktatest.Rotation) *org {
	t.Helper()
	clock := oktatest.NewClock(start)
	server, err := oktatest.Start(oktatest.WithKeys(sharedKeys()), oktatest.WithClock(clock), oktatest.WithRotation(rotation), oktatest.WithLimits(oktatest.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	at, err := okta.NewServer(server.URL(), "default")
	if err != nil {
		t.Fatal(err)
	}
	o := &org{server: server, clock: clock, items: &faulty{}}
	o.client = &okta.Client{Server: at, ID: oktatest.DefaultClientID, Secret: okta.NewSecret(oktatest.DefaultClientSecret), HTTP: server.Client(), Now: clock.Now}
	o.keeper = session.Keeper{Store: store.Sessions{Items: o.items, Locks: &store.Locks{Dir: t.TempDir() + "/locks", Wait: 5 * time.Second}}, Now: clock.Now}
	o.want = session.Want{
		Identity: store.Identity{Profile: "dev", Issuer: at.Issuer(), ClientID: oktatest.DefaultClientID, User: oktatest.DefaultUser, Grant: "password"},
		Scopes:   []string{"openid", "profile", "offline_access"}, MinTTL: time.Minute, Username: oktatest.DefaultUser,
	}
	return o
}

func (o *org) password(scopes ...string) grant.Password {
	if len(scopes) == 0 {
		scopes = o.want.Scopes
	}
	return grant.Password{Username: oktatest.DefaultUser, Password: okta.NewSecret(oktatest.DefaultPassword), Scopes: scopes}
}

func (o *org) login(t *testing.T) {
	t.Helper()
	if _, err := o.keeper.Login(t.Context(), o.client, o.password(), o.want); err != nil {
		t.Fatal(err)
	}
	o.server.ResetRequests()
}

func (o *org) ways() session.Ways {
	return session.Ways{Client: func(context.Context) (*okta.Client, error) { return o.client, nil }}
}

func (o *org) renew(t *testing.T) (session.Token, error) {
	t.Helper()
	return o.keeper.Renew(t.Context(), o.want, o.ways())
}

// mustRenew returns the token's text.
func (o *org) mustRenew(t *testing.T) string {
	t.Helper()
	token, err := o.renew(t)
	if err != nil {
		t.Fatal(err)
	}
	return token.Value.Reveal()
}

func (o *org) session(t *testing.T) *store.Session {
	t.Helper()
	s, err := o.keeper.Store.Load(t.Context(), o.want.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// posts returns the forms of the token requests since the last login, and checks
// that no spent refresh token was among them.
func (o *org) posts(t *testing.T) []url.Values {
	t.Helper()
	var forms []url.Values
	for _, r := range o.server.Requests() {
		if strings.HasSuffix(r.Path, "/token") {
			forms = append(forms, r.Form)
		}
	}
	if n := o.server.Reuses(); n != 0 {
		t.Errorf("the server was shown a spent refresh token %d times", n)
	}
	return forms
}

func (o *org) wantRequired(t *testing.T, err error, reason string) *session.LoginRequiredError {
	t.Helper()
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	if !ok || !strings.Contains(required.Error(), reason) {
		t.Fatalf("got error %v, want a LoginRequiredError with %q", err, reason)
	}
	return required
}

func TestRefreshAcrossExpiries(t *testing.T) {
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
				_, err := o.keeper.Token(t.Context(), o.want)
				if !o.wantRequired(t, err, "expired").Refreshable {
					t.Error("a session with a refresh token is not refreshable")
				}
				token := o.mustRenew(t)
				after := o.session(t)
				if slices.Contains(seen, token) || len(o.posts(t)) != n || after.Generation != before.Generation+1 {
					t.Fatalf("refresh %d: token new %v, %d posts, generation %d after %d", n, !slices.Contains(seen, token), len(o.posts(t)), after.Generation, before.Generation)
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
	o.server.SetQuirks(oktatest.Quirks{RefreshNotEchoed: true})
	o.login(t)
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

func TestAT93_ScopeSetsLiveSideBySide(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	all := o.mustRenew(t)
	narrow := o.want
	narrow.Scopes = []string{"openid"}
	few, err := o.keeper.Renew(t.Context(), narrow, o.ways())
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
	if _, err := o.keeper.Renew(t.Context(), narrow, o.ways()); err != nil {
		t.Errorf("the narrower set after that: %v", err)
	}
}

func TestIDTokenIsRefreshedByItsOwnLife(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.server.SetLifetimes(oktatest.Lifetimes{Access: 2 * time.Hour, ID: 10 * time.Minute})
	o.login(t)
	o.clock.Advance(11 * time.Minute)
	o.mustRenew(t)
	if n := len(o.posts(t)); n != 0 {
		t.Fatalf("%d posts for an access token that is valid", n)
	}
	o.want.Kind = session.ID
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
	go func() { tokens <- o.mustRenew(t) }()
	<-arrived
	waiting := make(chan struct{})
	go func() {
		before := o.want
		_, _ = o.keeper.Token(t.Context(), before)
		close(waiting)
		tokens <- o.mustRenew(t)
	}()
	<-waiting
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
		all.Go(func() { tokens[i] = o.mustRenew(t) })
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

func TestAT82_LostAnswer(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway})
	o.login(t)
	o.clock.Advance(time.Hour)
	o.server.Fail("/token", oktatest.HangUp())
	o.mustRenew(t)
	posts := o.posts(t)
	if len(posts) != 2 || posts[0].Get("refresh_token") != posts[1].Get("refresh_token") {
		t.Fatalf("%d posts, want the same one twice", len(posts))
	}
	if !o.server.RefreshAlive(o.session(t).Refresh.Value.Reveal()) {
		t.Error("the stored refresh token is dead")
	}

	o.clock.Advance(time.Hour)
	before, writes := o.session(t), o.items.writes
	o.server.Fail("/token", oktatest.HangUp(), oktatest.HangUp())
	if _, err := o.renew(t); !okta.Lost(err) {
		t.Fatalf("lost twice: %v", err)
	}
	if after := o.session(t); o.items.writes != writes || !after.Refresh.Value.Equal(before.Refresh.Value) {
		t.Error("the store was changed")
	}
	o.mustRenew(t) // within the leeway
}

// refusal is an answer of Okta's.
func refusal(status int, body string) oktatest.Fault {
	return oktatest.Respond(status, http.Header{"Content-Type": {"application/json"}}, body)
}

func TestAT83_WhatDoesNotClear(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktatest.Fault{
		"503":       oktatest.HTML(503),
		"500":       refusal(500, `{"errorCode":"E0000009","errorSummary":"Internal Server Error"}`),
		"429":       refusal(429, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`),
		"429 grant": refusal(429, `{"error":"invalid_grant","error_description":"API call exceeded rate limit due to too many requests."}`),
		"redirect":  oktatest.Redirect(307, "https://elsewhere.example.com/"),
		"hang-up":   oktatest.HangUp(),
		"portal":    oktatest.HTML(200),
		"client":    refusal(401, `{"error":"invalid_client","error_description":"The client secret supplied for a confidential client is invalid."}`),
		"policy":    refusal(400, `{"error":"access_denied","error_description":"Policy evaluation failed for this request, please check the policy configurations."}`),
		"truncated": oktatest.Truncated(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway})
			o.login(t)
			o.clock.Advance(time.Hour)
			before := o.session(t)
			o.server.FailAlways("/token", fault)
			if _, err := o.renew(t); err == nil {
				t.Fatal("no error")
			}
			if after := o.session(t); after.Generation != before.Generation || !after.Refresh.Value.Equal(before.Refresh.Value) {
				t.Error("the session has changed")
			}
			o.server.ClearFaults()
			o.mustRenew(t)
			o.posts(t)
		})
	}
}

func TestAT83_InvalidGrantClears(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(8 * 24 * time.Hour) // longer than a refresh token may lie idle
	_, err := o.renew(t)
	required := o.wantRequired(t, err, "no longer takes")
	if !strings.Contains(required.Error(), "The refresh token is invalid or expired.") || required.Refreshable {
		t.Errorf("got %q, refreshable %v", required, required.Refreshable)
	}
	if s := o.session(t); !s.Refresh.Value.IsZero() || len(s.Sets) == 0 {
		t.Errorf("refresh token forgotten %v, %d sets", s.Refresh.Value.IsZero(), len(s.Sets))
	}
	if _, err := o.renew(t); err == nil || len(o.posts(t)) != 1 {
		t.Errorf("afterwards: %v, %d posts", err, len(o.posts(t)))
	}
}

// Another machine, or a process that could not wait for the lock, has refreshed.
func TestAT83_InvalidGrantReadsAgain(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	elsewhere := *o.session(t)
	tokens, err := grant.Refresh{Token: elsewhere.Refresh.Value}.Exchange(t.Context(), o.client)
	if err != nil {
		t.Fatal(err)
	}
	o.server.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		elsewhere.Generation++
		elsewhere.Refresh.Value = tokens.RefreshToken
		if err := o.keeper.Store.Save(t.Context(), &elsewhere); err != nil {
			t.Error(err)
		}
		refusal(400, `{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`)(w, r, next)
	})
	o.mustRenew(t)
	if s := o.session(t); !o.server.RefreshAlive(s.Refresh.Value.Reveal()) {
		t.Error("the stored refresh token is dead")
	}
	o.posts(t)
}

func TestAT84_WhatCannotBeStoredIsHandedOut(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.login(t)
	o.clock.Advance(time.Hour)
	full := &store.Error{Kind: store.Failed, Op: "write", Err: errors.New("no space left on device")}
	o.items.onSet = func(string) error { return full }
	token, err := o.renew(t)
	if unkept, ok := errors.AsType[*session.NotKeptError](err); !ok || !errors.Is(unkept, full) || token.Value.IsZero() {
		t.Fatalf("got error %v, token there: %v", err, !token.Value.IsZero())
	}
	o.items.onSet = nil
	_, err = o.renew(t)
	o.wantRequired(t, err, "may be spent")
	if view, err := o.keeper.View(t.Context(), o.want.Identity.Account()); err != nil || view.Refresh == nil || !view.Refresh.CutShort {
		t.Errorf("view: %+v, %v", view.Refresh, err)
	}
	if n := len(o.posts(t)); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
	o.login(t)
	o.clock.Advance(time.Hour)
	o.mustRenew(t)
}

func TestAT85_LogoutWins(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.keeper.Store.Locks.Wait = 50 * time.Millisecond // what a logout waits before it goes on without the lock
	o.login(t)
	o.clock.Advance(time.Hour)
	arrived, release := make(chan struct{}), make(chan struct{})
	o.server.Fail("/token", oktatest.HoldAnswer(arrived, release))
	late := make(chan error, 1)
	go func() {
		_, err := o.renew(t)
		late <- err
	}()
	<-arrived
	f := o.logout(t)
	if !f.Found || f.DeleteErr != nil || f.RevokeErr != nil {
		t.Fatalf("%+v", f)
	}
	close(release)
	o.wantRequired(t, <-late, "signed out")
	if accounts := o.items.Accounts(); len(accounts) != 0 {
		t.Errorf("the session is back: %q", accounts)
	}
	revoked := 0
	for _, r := range o.server.Requests() {
		if strings.HasSuffix(r.Path, "/revoke") {
			revoked++
			if o.server.RefreshAlive(r.Form.Get("token")) {
				t.Error("a refresh token is still good at the server")
			}
		}
	}
	if revoked != 2 {
		t.Errorf("%d revocations, want one of the old refresh token and one of what the late refresh brought", revoked)
	}
}

func (o *org) logout(t *testing.T) session.Farewell {
	t.Helper()
	return o.keeper.Logout(t.Context(), o.want.Identity.Account(), func(context.Context, store.Identity) (*okta.Client, error) { return o.client, nil })
}
