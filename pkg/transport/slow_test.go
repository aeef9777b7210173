package transport

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tripper is a function as a RoundTripper.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// lateBody has nothing to read until the time is up.
type lateBody struct {
	wait time.Duration
	err  error
}

func (b lateBody) Read([]byte) (int, error) { time.Sleep(b.wait); return 0, b.err }
func (lateBody) Close() error               { return nil }

// The clock of these is the bubble's: it stands still while anything runs.
func TestSlowRequestsAreTold(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, test := range []struct {
		name       string
		head, body time.Duration // how long each takes
		err        error         // of the head
		bodyErr    error
		read       bool // to the end, else the body is closed unread
		want       string
	}{
		{"fast", SlowAfter / 2, 0, nil, io.EOF, true, ""},
		{"just in time", SlowAfter - 1, 0, nil, io.EOF, true, ""},
		{"slow head", SlowAfter + 1, 0, nil, io.EOF, true, "example.test:8443 done"},
		{"slow failure", SlowAfter + 1, 0, broken, nil, false, "example.test:8443 done"},
		{"fast failure", 0, 0, broken, nil, false, ""},
		{"slow body", 1, SlowAfter, nil, io.EOF, true, "example.test:8443 done"},
		{"slow body that breaks", 1, SlowAfter, nil, broken, true, "example.test:8443 done"},
		{"slow head, unread", SlowAfter + 1, time.Hour, nil, io.EOF, false, "example.test:8443 done"},
		{"fast, unread", 1, time.Hour, nil, io.EOF, false, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told []string
			s := &slowNotice{
				Base: tripper(func(*http.Request) (*http.Response, error) {
					time.Sleep(test.head)
					if test.err != nil {
						return nil, test.err
					}
					return &http.Response{Body: lateBody{test.body, test.bodyErr}}, nil
				}),
				notify: func(host string) func() {
					told = append(told, host)
					return func() { told = append(told, "done") }
				},
			}
			resp, err := s.RoundTrip(httptest.NewRequest(http.MethodGet, "http://example.test:8443/path", nil))
			if !errors.Is(err, test.err) {
				t.Fatalf("%s: got %v", test.name, err)
			}
			if err == nil {
				if test.read {
					io.ReadAll(resp.Body)
					if got := strings.Join(told, " "); got != test.want {
						t.Errorf("%s: read to the end, and told %q", test.name, got)
					}
				}
				resp.Body.Close()
			}
			if got := strings.Join(told, " "); got != test.want {
				t.Errorf("%s: told %q, want %q", test.name, got, test.want)
			}
			time.Sleep(time.Hour) // a timer that was left would tell now
			if got := strings.Join(told, " "); got != test.want {
				t.Errorf("%s: an hour later %q, want %q", test.name, got, test.want)
			}
		})
	}
}

// A request that ends in the very moment may be told or not, but what begins also ends.
func TestSlowJustWhenItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, ended := 0, 0
		s := &slowNotice{
			Base:   tripper(func(*http.Request) (*http.Response, error) { time.Sleep(SlowAfter); return nil, io.EOF }),
			notify: func(string) func() { begun++; return func() { ended++ } },
		}
		for range 200 {
			s.RoundTrip(httptest.NewRequest(http.MethodGet, "http://example.test/", nil))
			synctest.Wait()
		}
		if begun != ended {
			t.Errorf("begun %d times, ended %d times", begun, ended)
		}
	})
}

func TestSlowMayHaveNothingToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowNotice{
			Base:   tripper(func(*http.Request) (*http.Response, error) { time.Sleep(time.Second); return nil, io.EOF }),
			notify: func(string) func() { return nil },
		}
		if _, err := s.RoundTrip(httptest.NewRequest(http.MethodGet, "http://example.test/", nil)); err != io.EOF {
			t.Errorf("got %v", err)
		}
	})
}

// The server answers once it is told that the request is slow.
func TestSlowIsToldByTheClient(t *testing.T) {
	t.Parallel()
	told := make(chan struct{})
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { <-told; io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	c := client(t, Config{Slow: func(host string) func() {
		if host != strings.TrimPrefix(server.URL, "http://") {
			t.Errorf("told of %q", host)
		}
		close(told)
		return func() { close(over) }
	}})
	if body, err := get(c, server.URL); err != nil || body != "hello" {
		t.Errorf("got %q, %v", body, err)
	}
	<-over
}
