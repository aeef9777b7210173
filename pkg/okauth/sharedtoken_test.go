package okauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// counted is an org whose store counts reads, and an API that refuses some tokens.
type counted struct {
	*org
	reads   atomic.Int32
	refused sync.Map
	api     *httptest.Server
	client  *okauth.Client
	http    *http.Client
}

type readCounting struct {
	store.Backend
	reads *atomic.Int32
}

func (r readCounting) Get(ctx context.Context, account string) ([]byte, error) {
	r.reads.Add(1)
	return r.Backend.Get(ctx, account)
}

func newCounted(t *testing.T, change func(*okauth.Options)) *counted {
	t.Helper()
	c := &counted{org: newOrg(t)}
	c.api = api(t, &c.refused)
	options := c.options
	options.Keychain = readCounting{c.keeps, &c.reads}
	if change != nil {
		change(&options)
	}
	c.client = c.open(t, options)
	c.http = c.client.HTTPClient(t.Context())
	return c
}

// get sends n requests at once, and returns how many got which status; 0 for an error, of which it returns one.
func (c *counted) get(t *testing.T, n int) (map[int]int, error) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	got := map[int]int{}
	for range n {
		all.Go(func() {
			resp, err := c.http.Get(c.api.URL)
			status := 0
			if err == nil {
				status = resp.StatusCode
				resp.Body.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			got[status]++
			if err != nil {
				failed = err
			}
		})
	}
	all.Wait()
	return got, failed
}

func (c *counted) wantOK(t *testing.T, n int) {
	t.Helper()
	if got, err := c.get(t, n); got[200] != n {
		t.Fatalf("%d requests: got %v, %v, want each to succeed", n, got, err)
	}
}

// wantCalls wants so many requests to Okta and reads of the store, since the last time.
func (c *counted) wantCalls(t *testing.T, requests int, atMost int32) {
	t.Helper()
	if got, reads := len(c.Requests()), c.reads.Load(); got != requests || reads > atMost {
		t.Errorf("got %d requests to Okta, %d reads of the store, want %d and at most %d", got, reads, requests, atMost)
	}
	c.ResetRequests()
	c.reads.Store(0)
}

// The token stays in memory. When its end is near, one request to Okta gets the next one for all.
func TestHTTPClientSharesItsToken(t *testing.T) {
	t.Parallel()
	c := newCounted(t, nil)
	c.wantOK(t, 1)
	c.wantCalls(t, 1, 8)
	c.wantOK(t, 100)
	c.wantCalls(t, 0, 0)
	for _, later := range []time.Duration{time.Hour - 30*time.Second, 2 * time.Hour} { // within min_ttl, and after its end
		c.clock.Advance(later)
		c.wantOK(t, 100)
		c.wantCalls(t, 1, 8)
		c.wantOK(t, 100)
		c.wantCalls(t, 0, 0)
	}
}

// A token whose whole life is shorter than min_ttl stays in memory as well.
func TestHTTPClientKeepsAShortLivedToken(t *testing.T) {
	t.Parallel()
	c := newCounted(t, nil)
	c.Change(func(o *oktatest.Options) { o.Lifetimes.Access = 10 * time.Second })
	c.wantOK(t, 1)
	c.wantCalls(t, 1, 8)
	c.wantOK(t, 20)
	c.wantCalls(t, 0, 0)
	c.clock.Advance(8 * time.Second)
	c.wantOK(t, 20)
	c.wantCalls(t, 1, 8)
}

// While a renewal runs, the other requests use the old token as long as it is valid; its own waits for a moment. After
// its end all of them wait.
func TestHTTPClientUsesTheOldTokenMeanwhile(t *testing.T) {
	t.Parallel()
	c := newCounted(t, nil)
	c.wantOK(t, 1)
	c.clock.Advance(time.Hour - 30*time.Second)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	c.Fail("/token", oktatest.HoldRequest(arrived, release))
	c.wantOK(t, 10)
	<-arrived
	c.clock.Advance(time.Minute)
	waits, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(waits, http.MethodGet, c.api.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.http.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with an expired token: got %v, want a wait", err)
	}
	close(release)
	c.client.Wait()
	c.wantOK(t, 10)
	c.wantCalls(t, 2, 20)
}

// Okta fails while the old token is valid: no request does. After its end the error stands for all, for a moment.
func TestHTTPClientOutlastsAFailure(t *testing.T) {
	t.Parallel()
	c := newCounted(t, func(o *okauth.Options) { o.Settings["timeout"] = "5s" })
	c.wantOK(t, 1)
	c.FailAlways("/token", oktatest.HTML(http.StatusBadRequest))
	c.ResetRequests()
	c.clock.Advance(time.Hour - 30*time.Second)
	c.wantOK(t, 50)
	c.clock.Advance(time.Minute)
	got, err := c.get(t, 50)
	if _, ok := errors.AsType[*okta.ResponseError](err); !ok || got[0] != 50 {
		t.Fatalf("got %v, %v", got, err)
	}
	if tries := len(c.Requests()); tries > 4 {
		t.Errorf("100 requests made %d to Okta", tries)
	}
	c.ClearFaults()
	if _, err := c.client.Login(t.Context()); err != nil { // no one waits after a sign-in
		t.Fatal(err)
	}
	c.wantOK(t, 10)
}

// Okta has ended the session: the error says so, each time, until there is another session.
func TestHTTPClientSaysThatTheSessionHasEnded(t *testing.T) {
	t.Parallel()
	c := newCounted(t, nil)
	if _, err := c.client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	options := c.withoutPassword()
	other := c.open(t, options)
	c.http = other.HTTPClient(t.Context())
	c.wantOK(t, 1)
	token, err := other.Get(t.Context(), session.Access)
	if err != nil {
		t.Fatal(err)
	}
	c.refused.Store(token.Value.Reveal(), true)
	c.FailAlways("/token", oktatest.Respond(400, http.Header{"Content-Type": {"application/json"}},
		`{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`))
	c.ResetRequests()
	for range 2 {
		got, err := c.get(t, 8)
		if required, ok := errors.AsType[*okauth.LoginRequiredError](err); !ok || required.Err == nil || got[0] != 8 {
			t.Errorf("got %v, %v, want a *LoginRequiredError", got, err)
		}
		time.Sleep(okauth.CallPause)
	}
	c.wantCalls(t, 1, 50)
	c.ClearFaults()
	if _, err := c.client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.wantOK(t, 8)
	// Another process signs out: the API refuses, and there is no session any more.
	if token, err = other.Get(t.Context(), session.Access); err != nil {
		t.Fatal(err)
	}
	c.refused.Store(token.Value.Reveal(), true)
	if err := c.client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := c.get(t, 8); !errors.As(err, new(*okauth.LoginRequiredError)) || got[0] != 8 {
		t.Errorf("after a logout: got %v, %v", got, err)
	}
}

// Without a refresh token, an API that refuses the token has the last word. A new session is found.
func TestHTTPClientPassesARefusalThrough(t *testing.T) {
	t.Parallel()
	c := newCounted(t, func(o *okauth.Options) { o.Settings["scopes"] = "openid" })
	if _, err := c.client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	var warnings atomic.Int32
	options := c.withoutPassword()
	options.Events.Warning = func(text string) {
		if warnings.Add(1); strings.Contains(text, "ey") || !strings.Contains(text, "refused") {
			t.Errorf("got the warning %q", text)
		}
	}
	c.http = c.open(t, options).HTTPClient(t.Context())
	c.wantOK(t, 1)
	token, err := c.client.Get(t.Context(), session.Access)
	if err != nil {
		t.Fatal(err)
	}
	c.refused.Store(token.Value.Reveal(), true)
	for range 3 {
		if got, err := c.get(t, 8); got[401] != 8 {
			t.Errorf("got %v, %v, want the API's 401", got, err)
		}
	}
	if warnings.Load() != 1 {
		t.Errorf("got %d warnings, want 1", warnings.Load())
	}
	if _, err := c.client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(okauth.CallPause)
	c.wantOK(t, 8)
}

// A body that cannot be sent again gets the API's 401; the next request has a new token.
func TestHTTPClientReplacesARefusedTokenLater(t *testing.T) {
	t.Parallel()
	c := newCounted(t, nil)
	c.wantOK(t, 1)
	token, err := c.client.Get(t.Context(), session.Access)
	if err != nil {
		t.Fatal(err)
	}
	c.refused.Store(token.Value.Reveal(), true)
	for _, want := range []int{401, 200} {
		resp, err := c.http.Post(c.api.URL, "text/plain", io.MultiReader(strings.NewReader("hello")))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("got %s, want %d", resp.Status, want)
		}
	}
}

// hesitant is a person who types no password.
type hesitant struct {
	crowd
	asked chan struct{}
	ended chan error
}

func (h *hesitant) AskPassword(ctx context.Context, _ string) (okta.Secret, error) {
	close(h.asked)
	<-ctx.Done()
	h.ended <- context.Cause(ctx)
	return okta.Secret{}, context.Cause(ctx)
}

// The end of the only request that waits ends the question.
func TestHTTPClientStopsAsking(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	who := &hesitant{asked: make(chan struct{}), ended: make(chan error, 1)}
	options := o.withoutPassword()
	options.Interaction = who
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL()+"/api/hello", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-who.asked
		cancel()
	}()
	if _, err := o.open(t, options).HTTPClient(t.Context()).Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-who.ended; !errors.Is(err, context.Canceled) || len(o.Requests()) != 0 {
		t.Errorf("the question ended with %v, after %d requests", err, len(o.Requests()))
	}
}
