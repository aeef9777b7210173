package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

const (
	bucketFull = `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`
	userFull   = `{"error":"invalid_grant","error_description":"API call exceeded rate limit due to too many requests."}`
)

// putOff is an answer that names the time to come again: a Date, and a reset so many seconds later.
func putOff(status int, kind, body string, seconds int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC) // not this machine's time
		w.Header().Set("Date", now.Format(http.TimeFormat))
		w.Header().Set("X-Rate-Limit-Remaining", "0")
		w.Header().Set("X-Rate-Limit-Reset", fmt.Sprint(now.Unix()+int64(seconds)))
		respond(status, kind, body)(w, r)
	}
}

var everything = append([]RequestInfo{signIn, clientSignIn, refresh, revocation, introspection, probe}, gets...)

// tryAgain counts the requests and waits of one call at a server that always answers the same.
func tryAgain(t *testing.T, about RequestInfo, limit time.Duration, handler http.HandlerFunc) (hits int, w *waits,
	err error) {
	t.Helper()
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		handler(w, r)
	}))
	defer server.Close()
	w = &waits{}
	client := clientFor(t, server.URL, transport.Config{Timeout: limit})
	client.Wait = w.wait
	err = send(t.Context(), t, about, client)
	return int(n.Load()), w, err
}

func TestAT13_WhatIsPutOffIsAskedOnceMore(t *testing.T) {
	t.Parallel()
	harmless := append([]RequestInfo{revocation, introspection}, gets...)
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		again   []RequestInfo // all others are asked once
		wait    time.Duration
	}{
		{"bucket", putOff(429, "application/json", bucketFull, 7), everything, 8 * time.Second},
		{"user", putOff(429, "application/json", userFull, 7), harmless, 8 * time.Second},
		{"page", putOff(429, "text/html", "<html>", 7), harmless, 8 * time.Second},
		{"empty", putOff(429, "", "", 7), harmless, 8 * time.Second},
		{"JSON that says nothing", putOff(429, "application/json", "{}", 7), harmless, 8 * time.Second},
		{"reset in the past", putOff(429, "application/json", bucketFull, -100), everything, time.Second},
		{"no header", respond(429, "application/json", bucketFull), nil, 0},
		{"another day", putOff(429, "application/json", bucketFull, 86400), nil, 0},
		{"does not fit", putOff(429, "application/json", bucketFull, 29), nil, 0},
		{"other refusal", putOff(400, "application/json", bucketFull, 7), nil, 0},
	} {
		for _, about := range everything {
			hits, w, err := tryAgain(t, about, 30*time.Second, test.handler)
			want := 1
			if slices.Contains(test.again, about) {
				want = 2 // never a third time
			}
			if hits != want || len(w.list) != want-1 || err == nil || MayHaveBeenProcessed(err) {
				t.Errorf("%s, %s: got %d requests, want %d; waits %v; %v", test.name, about.Name(), hits, want,
					w.list, err)
			}
			if want == 2 && (w.list[0] != test.wait || !strings.Contains(w.why[0], "127.0.0.1") ||
				Sanitize(w.why[0], 200) != w.why[0]) {
				t.Errorf("%s, %s: waited %s for %q, want %s", test.name, about.Name(), w.list[0], w.why[0], test.wait)
			}
		}
	}
}

func TestAT13_RetryAfterIsObeyedAndCapped(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"3": 3 * time.Second, "Thu, 01 Jan 2026 00:00:09 GMT": 9 * time.Second, "-5": time.Second, "0": time.Second,
		"-9223372037": time.Second, "-9223372036854775808": time.Second, "9223372036854775807": 0, "Thu, 01 Jan 2099 00:00:00 GMT": 0, "": 0,
	} {
		hits, w, err := tryAgain(t, signIn, 30*time.Second, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
			if value != "" {
				w.Header().Set("Retry-After", value)
			}
			respond(429, "application/json", bucketFull)(w, r)
		})
		refusal, ok := errors.AsType[*Error](err)
		if !ok || (hits == 2) != (want > 0) || want > 0 && w.list[0] != want || refusal.RetryAfter > maxWait {
			t.Errorf("%q: got %d requests, waits %v, %v; want %s", value, hits, w.list, err, want)
		}
	}
}

// The time of the next request is no later than in five minutes, whatever a header says, and never before now.
func TestAT13_RateLimitResetIsCapped(t *testing.T) {
	t.Parallel()
	const now = 1767225600 // 2026-01-01
	for value, want := range map[string]time.Duration{
		"1767225603": 4 * time.Second, "1767225600": time.Second, "1767220000": time.Second, "0": time.Second,
		"-1": time.Second, "-9223372036854775808": time.Second, "1767225899": maxWait, "1767225901": maxWait,
		"1767225600000": maxWait, "9223372036": maxWait, "9223372037": maxWait, "9223372036854775807": maxWait,
	} {
		for _, date := range []string{"Thu, 01 Jan 2026 00:00:00 GMT", ""} {
			header := http.Header{"X-Rate-Limit-Reset": {value}}
			if date != "" {
				header.Set("Date", date)
			}
			wait, named := retryAfter(http.StatusTooManyRequests, header, time.Unix(now, 0))
			if wait != want || !named {
				t.Errorf("%s: got %s, %v, want %s", value, wait, named, want)
			}
		}
	}
}

func TestAT13_ServerFailuresAreTriedAgainWhereNothingIsCounted(t *testing.T) {
	t.Parallel()
	free := []RequestInfo{discovery, keys, organization, introspection}
	for name, handler := range map[string]http.HandlerFunc{
		"500": respond(500, "application/json", `{"errorCode":"E0000009"}`),
		"502": respond(502, "text/html", "<html>"),
		"503": respond(503, "application/json", "{}"),
		"504": respond(504, "", ""),
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		},
	} {
		for _, about := range everything {
			want := 1
			if slices.Contains(free, about) {
				want = 3
			}
			hits, w, err := tryAgain(t, about, 30*time.Second, handler)
			if hits != want || len(w.list) != want-1 || err == nil {
				t.Errorf("%s, %s: got %d requests, want %d; waits %v; %v", name, about.Name(), hits, want, w.list, err)
			}
			for i, d := range w.list {
				if middle := firstPause << i; d < middle/2 || d >= middle*3/2 {
					t.Errorf("%s, %s: wait %d was %s, want about %s", name, about.Name(), i, d, middle)
				}
			}
			if lost := MayHaveBeenProcessed(err); (name == "500" || name == "cut") && !lost {
				t.Errorf("%s, %s: not taken for lost: %v", name, about.Name(), err)
			}
		}
	}
	for _, status := range []int{200, 400, 404, 511} {
		if hits, w, err := tryAgain(t, discovery, 30*time.Second,
			respond(status, "text/html", "<html>")); hits != 1 || len(w.list) > 0 || err == nil {
			t.Errorf("HTTP %d: got %d requests, %v", status, hits, err)
		}
	}
	hits, w, _ := tryAgain(t, discovery, 30*time.Second, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "4")
		respond(503, "text/html", "<html>")(w, r)
	})
	if hits != 3 || w.list[0] != 4*time.Second {
		t.Errorf("503 with Retry-After: got %d requests, waits %v", hits, w.list)
	}
}

// ageing lets a second pass while each request is under way.
type ageing struct {
	http.RoundTripper
	clock *oktatest.Clock
}

func (a ageing) RoundTrip(req *http.Request) (*http.Response, error) {
	defer a.clock.Advance(time.Second)
	return a.RoundTripper.RoundTrip(req)
}

func TestTheSecondAnswerCounts(t *testing.T) {
	t.Parallel()
	clock := oktatest.NewClock(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC))
	server, client, w := startPatient(t, oktatest.Options{Clock: clock, Limits: &oktatest.Limits{BucketPerMinute: 1}})
	client.Now, client.HTTP.Timeout, client.HTTP.Transport = clock.Now, 2*time.Minute, ageing{client.HTTP.Transport,
		clock}
	client.Wait = func(ctx context.Context, d time.Duration, why string) error {
		clock.Advance(d)
		return w.wait(ctx, d, why)
	}
	ask := form()
	ask.Set("username", oktatest.DefaultUser)
	ask.Set("password", oktatest.DefaultPassword)
	for round := range 3 {
		tokens, err := client.Token(t.Context(), ask)
		requests := server.Requests()
		if err != nil || len(w.list) != round || len(requests) != 2*round+1 {
			t.Fatalf("got %v, %v after the waits %v and %d requests", tokens, err, w.list, len(requests))
		}
		if sent := requests[2*round].Time; !tokens.ObtainedAt.Equal(sent) {
			t.Errorf("tokens were obtained at %s, want %s, when the last request was sent", tokens.ObtainedAt, sent)
		}
	}
	for _, d := range w.list {
		if d != time.Minute { // a second of the minute has passed, and a second is added
			t.Errorf("waited %s, want what is left of a minute", d)
		}
	}
}

func TestWaitingEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	bucket := putOff(429, "application/json", bucketFull, 7) // 8 s
	for _, test := range []struct {
		timeout, deadline time.Duration
		want              int
	}{
		{30 * time.Second, 0, 2}, {12 * time.Second, 0, 2}, {8500 * time.Millisecond, 0, 1}, {time.Second, 0, 1},
		{30 * time.Second, 12 * time.Second, 2}, {30 * time.Second, 8500 * time.Millisecond, 1}, {12 * time.Second,
			time.Minute, 2}, {8 * time.Second, time.Minute, 1},
	} {
		var hits atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			bucket(w, r)
		}))
		w := &waits{}
		client := clientFor(t, server.URL, transport.Config{Timeout: test.timeout})
		client.Wait = w.wait
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if test.deadline > 0 {
			ctx, cancel = context.WithTimeout(ctx, test.deadline)
		}
		err := send(ctx, t, signIn, client)
		cancel()
		server.Close()
		if int(hits.Load()) != test.want || err == nil || !strings.Contains(err.Error(), "retry after 8s") {
			t.Errorf("%+v: got %d requests, %v", test, hits.Load(), err)
		}
	}
}

// deadlines remembers until when each request may take.
type deadlines struct {
	http.RoundTripper
	list []time.Time
}

func (d *deadlines) RoundTrip(req *http.Request) (*http.Response, error) {
	end, _ := req.Context().Deadline()
	d.list = append(d.list, end)
	return d.RoundTripper.RoundTrip(req)
}

func TestTheSecondRequestHasTheTimeThatIsLeft(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	d := &deadlines{RoundTripper: client.HTTP.Transport}
	client.HTTP.Transport, client.HTTP.Timeout = d, 30*time.Second
	client.Wait = nil
	server.FailAlways("/token", respondFault(putOff(429, "application/json", bucketFull, -1)))
	start := time.Now()
	send(t.Context(), t, signIn, client)
	if took := time.Since(start); took < time.Second {
		t.Errorf("waited %s, want 1 s", took)
	}
	if len(d.list) != 2 {
		t.Fatalf("got %d requests, want 2", len(d.list))
	}
	// What is left is rounded.
	if later := d.list[1].Sub(d.list[0]); later > 100*time.Millisecond || later < -5*time.Second {
		t.Errorf("the second request may take until %s after the first one's end", later)
	}
}

func respondFault(handler http.HandlerFunc) oktatest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) { handler(w, r) }
}

func TestCancelEndsAWait(t *testing.T) {
	t.Parallel()
	for _, hook := range []bool{true, false} {
		server, client, _ := startPatient(t)
		ctx, cancel := context.WithCancel(t.Context())
		client.Wait = nil
		if hook {
			client.Wait = func(ctx context.Context, _ time.Duration, _ string) error { cancel(); return ctx.Err() }
		}
		server.Fail("/token", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			putOff(429, "application/json", bucketFull, 0)(w, r)
			if !hook {
				time.AfterFunc(200*time.Millisecond, cancel)
			}
		})
		start := time.Now()
		err := send(ctx, t, refresh, client)
		if !errors.Is(err, context.Canceled) || MayHaveBeenProcessed(err) || time.Since(start) > 3*time.Second ||
			len(server.Requests()) != 1 {
			t.Errorf("got %v after %s and %d requests", err, time.Since(start), len(server.Requests()))
		}
		cancel()
	}
}

func TestARefusedWaitReturnsOktasError(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	client.Wait = func(context.Context, time.Duration, string) error { return errors.New("no time") }
	server.FailAlways("/token", respondFault(putOff(429, "application/json", bucketFull, 0)))
	err := send(t.Context(), t, signIn, client)
	if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Status != 429 || refusal.RetryAfter != time.Second ||
		len(server.Requests()) != 1 {
		t.Errorf("got %v", err)
	}
}

// A loss after the wait is a loss: what was put off before does not soften it.
func TestALossAfterAWaitIsALoss(t *testing.T) {
	t.Parallel()
	for _, about := range []RequestInfo{refresh, revocation, signIn} {
		server, client, w := startPatient(t)
		server.FailAlways("", oktatest.HangUp())
		server.Fail("", respondFault(putOff(429, "application/json", bucketFull, 0)))
		if err := send(t.Context(), t, about, client); !MayHaveBeenProcessed(err) || len(server.Requests()) != 2 ||
			len(w.list) != 1 {
			t.Errorf("%s: got %v after %d requests", about.Name(), err, len(server.Requests()))
		}
	}
}
