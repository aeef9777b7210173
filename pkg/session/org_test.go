package session_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
	"okauth/pkg/store/memory"
)

// org is an Okta, and one user of it on one machine, who share a clock.
type org struct {
	server   *oktatest.Server
	clock    *oktatest.Clock
	items    *faulty
	locks    *filelock.Locks
	manager  session.Manager
	guardDir string // of the records of its guard
	want     session.TokenRequest
	client   *okta.Client
}

// faulty is a store that can be told to fail.
type faulty struct {
	memory.Store
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
	return f.Store.Set(ctx, account, value)
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
	return f.Store.Get(ctx, account)
}

var sharedKeys = sync.OnceValue(oktatest.NewKeys)

// newOrg is an org whose refresh tokens rotate, without any leeway unless said otherwise.
func newOrg(t *testing.T, rotation oktatest.Rotation) *org {
	t.Helper()
	clock := oktatest.NewClock(start)
	server := oktatest.ForTest(t, oktatest.Options{Keys: sharedKeys(), Clock: clock, Rotation: rotation, Limits: &oktatest.Limits{}})
	at, err := okta.NewAuthorizationServer(server.URL(), "default")
	if err != nil {
		t.Fatal(err)
	}
	o := &org{server: server, clock: clock, items: &faulty{}}
	o.client = &okta.Client{Server: at, ID: oktatest.DefaultClientID, Auth: clientauth.ForSecret(okta.NewSecret(oktatest.DefaultClientSecret)), HTTP: server.Client(), Now: clock.Now}
	o.locks = &filelock.Locks{Dir: t.TempDir() + "/locks", Wait: 30 * time.Second}
	o.manager = session.Manager{Store: store.Sessions{Items: o.items, Locks: o.locks}, Now: clock.Now}
	o.manager.Guard = session.LockoutGuard{Now: clock.Now}.WithFastHash(nil)
	o.guardIn(t.TempDir() + "/guard")
	o.want = session.TokenRequest{
		Identity: store.Identity{Profile: "dev", Issuer: at.Issuer(), ClientID: oktatest.DefaultClientID, User: oktatest.DefaultUser, Grant: "password"},
		Scopes:   []string{"openid", "profile", "offline_access"}, MinTTL: time.Minute, Username: oktatest.DefaultUser,
	}
	return o
}

// guardIn moves the records and locks of the guard to a directory.
func (o *org) guardIn(dir string) {
	place := session.UserPlace{Locks: filelock.Locks{Dir: dir}}
	o.manager.Guard.Items, o.manager.Guard.Locks, o.guardDir = place, place, dir
}

func (o *org) password(scopes ...string) grant.Password {
	if len(scopes) == 0 {
		scopes = o.want.Scopes
	}
	return grant.Password{Username: oktatest.DefaultUser, Password: okta.NewSecret(oktatest.DefaultPassword), Scopes: scopes}
}

func (o *org) credentials() session.Credentials {
	return session.Credentials{Grant: o.password(), Username: oktatest.DefaultUser}
}

func (o *org) login(t *testing.T) {
	t.Helper()
	if _, err := o.manager.Login(t.Context(), o.client, o.credentials(), o.want); err != nil {
		t.Fatal(err)
	}
	o.server.ResetRequests()
}

func (o *org) options() session.Options {
	return session.Options{
		Client: func(context.Context) (*okta.Client, error) { return o.client, nil },
		Credentials: func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
			return session.Credentials{}, nil
		},
	}
}

func (o *org) renew(t *testing.T) (session.CachedToken, error) {
	t.Helper()
	return o.manager.Renew(t.Context(), o.want, o.options())
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
	s, err := o.manager.Store.Load(t.Context(), o.want.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// posts returns the forms of the token requests since the last login, and checks
// that no spent refresh token was among them.
func (o *org) posts(t *testing.T) []url.Values {
	t.Helper()
	if n := o.server.Reuses(); n != 0 {
		t.Errorf("the server was shown a spent refresh token %d times", n)
	}
	return o.forms()
}

// forms returns the forms of the token requests since the last login.
func (o *org) forms() []url.Values {
	var forms []url.Values
	for _, r := range o.server.Requests() {
		if strings.HasSuffix(r.Path, "/token") {
			forms = append(forms, r.Form)
		}
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

func (o *org) logout(t *testing.T) (result session.LogoutResult, found bool) {
	t.Helper()
	return o.manager.Logout(t.Context(), o.want.Identity.Account(), func(context.Context, store.Identity) (*okta.Client, error) { return o.client, nil })
}
