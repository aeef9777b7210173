package okauth_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// Calls of one client wait for one that gets a token, and for no longer than they have time.
func TestCallsWaitForOneRenewal(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	arrived, release := make(chan struct{}), make(chan struct{})
	o.Fail("/token", oktatest.HoldRequest(arrived, release))
	first, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := client.Token(first); !errors.Is(err, context.Canceled) {
			t.Errorf("the first call, which gave up: got %v", err)
		}
	})
	<-arrived
	for range 16 {
		all.Go(func() {
			if token, err := client.Token(t.Context()); err != nil || token.AccessToken == "" {
				t.Errorf("a call that waited: got %v", err)
			}
		})
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := client.Token(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call with little time: got %v", err)
	}
	giveUp()
	all.Wait()
	close(release)
	if got := len(o.Requests()); got != 2 {
		t.Errorf("got %d requests, want 2: of the first call, and of one that waited", got)
	}
}

// One failure is that of all who waited: they do not wait for Okta one after the other.
func TestCallsShareAFailure(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	options := o.withoutPassword()
	options.Settings = maps.Clone(options.Settings)
	options.Settings["timeout"] = "1s"
	if _, err := o.open(t, o.options).Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(2 * time.Hour)
	o.ResetRequests()
	o.FailAlways("/token", oktatest.Silence())
	client := o.open(t, options)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := client.Get(t.Context(), session.Access); err == nil {
				t.Error("got no error")
			}
		})
	}
	all.Wait()
	if got := len(o.Requests()); got > 4 {
		t.Errorf("got %d requests, want those of one call", got)
	}
}

// A request ends when its own context does, with the error of that: while a token is renewed, and while another request
// replaces one that the API has refused.
func TestHTTPClientKeepsTheDeadlineOfARequest(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var refused sync.Map
	server := api(t, &refused)
	client := o.open(t, o.options)
	caller := client.HTTPClient(t.Context())
	get := func(ctx context.Context) (status int, err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return 0, err
		}
		resp, err := caller.Do(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	for _, what := range []string{"sign-in", "replacement"} {
		arrived, release := make(chan struct{}), make(chan struct{})
		o.Fail("/token", oktatest.HoldRequest(arrived, release))
		var first sync.WaitGroup
		first.Go(func() {
			if status, err := get(t.Context()); err != nil || status != http.StatusOK {
				t.Errorf("%s: got %d, %v", what, status, err)
			}
		})
		<-arrived
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if status, err := get(short); !errors.Is(err, context.DeadlineExceeded) && status != http.StatusUnauthorized {
			t.Errorf("%s: with little time: got %d, %v", what, status, err)
		}
		cancel()
		close(release)
		first.Wait()
		token, err := client.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused.Store(token.AccessToken, true)
	}
}
