package okauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// A token lives for 2 s of a clock that each call moves, so that a slow machine makes as many calls in the life of a
// token as a fast one.
const (
	loadLife   = 2 * time.Second
	loadMinTTL = 200 * time.Millisecond
	callTime   = 4 * time.Millisecond
	goroutines = 64
	callsEach  = 30
)

// load is an org whose tokens are short-lived and whose refresh tokens work once. It takes its time to answer.
type load struct {
	*org
	began   time.Time
	tokens  atomic.Int32 // how many were issued
	refused atomic.Int32 // token requests
	midway  func() error // called once, in the middle of the life of a token
}

func newLoad(t *testing.T) *load {
	t.Helper()
	l := &load{org: newOrg(t), midway: func() error { return nil }}
	l.began, l.options.MinTTL = l.clock.Now(), loadMinTTL
	l.Change(func(o *oktatest.Options) { o.Lifetimes = oktatest.Lifetimes{Access: loadLife, ID: loadLife} })
	for _, id := range []string{oktatest.DefaultClientID, oktatest.DPoPClientID} {
		app, _ := l.App(id)
		app.Rotation.Rotate = true
		l.AddApp(app)
	}
	l.FailAlways("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		time.Sleep(20 * time.Millisecond) // so that many ask meanwhile
		oktatest.Alter(func(res *oktatest.Response) {
			if res.Status != http.StatusOK {
				l.refused.Add(1)
				return
			}
			l.tokens.Add(1)
		})(w, r, next)
	})
	return l
}

// run has many goroutines call the API. None of the calls may fail. Each token that expires costs one request; more is
// how many others there may be, and refused how many Okta refuses.
func (l *load) run(t *testing.T, more, refused int32, call func(ctx context.Context, i int) error) {
	t.Helper()
	var all sync.WaitGroup
	var calls, failed atomic.Int32
	for i := range goroutines {
		all.Go(func() {
			for range callsEach {
				if err := call(t.Context(), i); err != nil && failed.Add(1) <= 5 {
					t.Error(err)
				}
				l.clock.Advance(callTime)
				if calls.Add(1) != int32(5*loadLife/2/callTime) {
					continue
				}
				if err := l.midway(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := failed.Load(); n > 0 {
		t.Errorf("%d of %d calls failed", n, goroutines*callsEach)
	}
	took := l.clock.Now().Sub(l.began)
	least, most := int32(took/loadLife), 1+int32(took/(loadLife-l.options.MinTTL))+more
	if got := l.tokens.Load(); got < least || got > most {
		t.Errorf("got %d tokens, want %d to %d", got, least, most)
	}
	if l.refused.Load() != refused || l.Reuses() != 0 {
		t.Errorf("%d token requests were refused, want %d; %d refresh tokens were sent twice",
			l.refused.Load(), refused, l.Reuses())
	}
}

// get makes one request to the API, which verifies the token.
func (l *load) get(ctx context.Context, api *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/api/hello", nil)
	if err != nil {
		return err
	}
	resp, err := api.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s %q", resp.Status, resp.Header["Www-Authenticate"])
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Two clients share a session, and a quarter of the requests have little time.
func TestLoadTwoClientsAndDeadlines(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	apis := []*http.Client{
		l.open(t, l.options).HTTPClient(t.Context()), l.open(t, l.options).HTTPClient(t.Context()),
	}
	l.run(t, 0, 0, func(ctx context.Context, i int) error {
		if i%4 > 0 {
			return l.get(ctx, apis[i%2])
		}
		short, cancel := context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
		defer cancel()
		if err := l.get(short, apis[i%8/4]); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil
	})
}

// The first request to Okta lacks the nonce for its proof. The API wants one, too.
func TestLoadDPoP(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	l.options.Settings["client_id"], l.options.Settings["dpop"] = oktatest.DPoPClientID, "true"
	l.Change(func(o *oktatest.Options) { o.Quirks.ResourceNonce = true })
	api := l.open(t, l.options).HTTPClient(t.Context())
	l.run(t, 0, 1, func(ctx context.Context, _ int) error { return l.get(ctx, api) })
}

// Without a store the tokens are in memory alone.
func TestLoadWithoutStore(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	settings := l.options.Settings
	settings["storage"], settings["grant"] = okauth.StorageNone, "client-credentials"
	settings["client_id"], settings["scopes"] = oktatest.ServiceClientID, "api:read"
	api := l.open(t, l.options).HTTPClient(t.Context())
	l.run(t, 0, 0, func(ctx context.Context, _ int) error { return l.get(ctx, api) })
}

// A token that the API refuses before it expires costs one refresh.
func TestLoadRevokedToken(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	client := l.open(t, l.options)
	l.midway = func() error {
		token, err := client.Token(t.Context())
		if err != nil {
			return err
		}
		sender, err := client.OktaClient(t.Context())
		if err != nil {
			return err
		}
		return sender.Revoke(t.Context(), okta.NewSecret(token.AccessToken), "access_token")
	}
	api := client.HTTPClient(t.Context())
	l.run(t, 1, 0, func(ctx context.Context, _ int) error { return l.get(ctx, api) })
}

// After a sign-out elsewhere, a program that can do so signs in again.
func TestLoadSignOut(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	other := l.open(t, l.options)
	l.midway = func() error { return other.Logout(t.Context()) }
	api := l.open(t, l.options).HTTPClient(t.Context())
	l.run(t, 1, 0, func(ctx context.Context, _ int) error { return l.get(ctx, api) })
}

// After a sign-out elsewhere, a program that cannot sign in says so at once, and sends nothing to Okta.
func TestSignOutElsewhereEndsTheProgramsSession(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	if _, err := l.open(t, l.options).Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	api := l.open(t, l.withoutPassword()).HTTPClient(t.Context())
	if err := l.get(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	if err := l.open(t, l.options).Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			err := l.get(t.Context(), api)
			if _, ok := errors.AsType[*okauth.LoginRequiredError](err); !ok {
				t.Errorf("got %v, want a LoginRequiredError", err)
			}
		})
	}
	all.Wait()
	if got := l.tokens.Load() + l.refused.Load(); got != 1 {
		t.Errorf("%d token requests, want that of the sign-in", got)
	}
}

// Many exchange the token of the session, which ends as often as what they get for it.
func TestLoadExchange(t *testing.T) {
	t.Parallel()
	l := newLoad(t)
	l.options.MinTTL = time.Second
	var exchanges atomic.Int32
	l.FailAlways("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.FormValue("grant_type") != okta.TokenExchangeGrant {
			l.tokens.Add(1)
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"fake-exchanged-%d","token_type":"Bearer","expires_in":2,"issued_token_type":%q}`,
			exchanges.Add(1), okta.AccessTokenType)
	})
	client := l.open(t, l.options)
	l.run(t, 0, 0, func(ctx context.Context, _ int) error {
		_, err := client.Exchange(ctx, okauth.ExchangeRequest{Audience: "api://orders"})
		return err
	})
	if got, most := exchanges.Load(), l.tokens.Load()+1; got > most {
		t.Errorf("got %d exchanges, want %d at most", got, most)
	}
}
