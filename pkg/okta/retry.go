package okta

// Which requests are sent again, and when.
//
// Never one that may have been counted or used up: a password, a refresh token, a token to revoke, an access token. The
// rest:
//
//	429            once, after the time that its header names. A token request only where the body is E0000047: then
//	               Okta's rate limit rejected it before anything else looked at it. A 429 invalid_grant is about this
//	               user's passwords, and an HTML page can be anything.
//	5xx, no        for metadata, keys, organization and introspection, twice at most, after about 250 and 500 ms
//	connection
//
// All of it happens within the time that one request may take: the deadline of the context and the Timeout of the
// http.Client, counted from the first request. A wait that does not fit is not begun, and the error names the time.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	maxRetries = 2
	firstPause = 250 * time.Millisecond
	// minTimeLeft must remain for a request after a wait: one that cannot be answered would hide the reason for it.
	minTimeLeft = time.Second
	// maxWait bounds what a header may ask for. Okta's rate limits have windows of a minute.
	maxWait = 5 * time.Minute
)

// retryPolicy decides about one request and counts what it decided.
type retryPolicy struct {
	op       Operation
	deadline time.Time // zero: none
	waited   bool      // after a 429
	retries  int       // after a 5xx or a failed connection
}

// send sends r, again where the policy allows it, and returns the last response.
func (c *Client) send(ctx context.Context, r request) (response, error) {
	client, err := c.http()
	if err != nil {
		return response{}, err
	}
	p := retryPolicy{op: r.info.Operation}
	if client.Timeout > 0 {
		p.deadline = time.Now().Add(client.Timeout)
	}
	if end, ok := ctx.Deadline(); ok && (p.deadline.IsZero() || end.Before(p.deadline)) {
		p.deadline = end
	}
	for {
		res, err := c.once(ctx, client, r)
		pause, why := p.pause(res, err)
		if pause == 0 || !p.fits(pause) {
			return res, err
		}
		if c.wait(ctx, pause, why) != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return response{}, &canceledError{host: c.Server.Host()}
			}
			return res, err
		}
		if client.Timeout > 0 {
			// Rounded, because an error may show it, and not 0, which would be no limit.
			client.Timeout = max(time.Until(p.deadline).Truncate(100*time.Millisecond), 100*time.Millisecond)
		}
	}
}

// pause returns how long to wait before the request is sent again, and why; 0 where it is not.
func (p *retryPolicy) pause(res response, err error) (time.Duration, string) {
	failed, _ := errors.AsType[*NetworkError](err)
	status := 0
	if res.Response != nil {
		status = res.StatusCode
	}
	switch {
	case status == http.StatusTooManyRequests:
		if p.waited || !p.uncounted(res, err) {
			return 0, ""
		}
		p.waited = true
		return namedWait(status, res.Header, res.received), res.info.Server.Host() + " has had too many requests"
	case !p.op.repeatable(), p.retries == maxRetries:
		return 0, ""
	case failed != nil && failed.temporary():
		p.retries++
		return p.backoff(), failed.Error()
	case status >= 500 && status != http.StatusNetworkAuthenticationRequired:
		p.retries++
		pause := max(p.backoff(), namedWait(status, res.Header, res.received))
		return pause, fmt.Sprintf("%s answered HTTP %d", res.info.Server.Host(), status)
	}
	return 0, ""
}

// uncounted reports whether a 429 came before anything was counted.
func (p *retryPolicy) uncounted(res response, err error) bool {
	if !p.op.counts() {
		return true
	}
	if err == nil {
		_, err = res.object()
	}
	refusal, ok := errors.AsType[*Error](err)
	return ok && refusal.Code == "E0000047"
}

func (p *retryPolicy) fits(pause time.Duration) bool {
	return p.deadline.IsZero() || time.Until(p.deadline) >= pause+minTimeLeft
}

// backoff doubles with each retry. It is random, so that clients that failed together do not come back together.
func (p *retryPolicy) backoff() time.Duration {
	pause := firstPause << (p.retries - 1)
	return pause/2 + rand.N(pause)
}

// temporary reports whether a failure may be over in a moment: the connection was refused, broken or not made in
// time. A request without a response in time has used up the time; a wrong name or certificate stays wrong.
func (e *NetworkError) temporary() bool {
	if e.Timeout > 0 {
		return !mayBeSent(e.Phase)
	}
	if dns, ok := errors.AsType[*net.DNSError](e.Err); ok {
		return dns.IsTemporary
	}
	_, system := errors.AsType[*os.SyscallError](e.Err)
	return system || errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF)
}

func (c *Client) wait(ctx context.Context, d time.Duration, why string) error {
	if c.Wait != nil {
		return c.Wait(ctx, d, why)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads from a 429 or 503 how long to wait, at least 1 s after a 429 and at most maxWait; 0 where the
// header says nothing.
//
// "X-Rate-Limit-Reset … the time at which the current rate limit resets, in UTC epoch seconds"; it is compared with
// the response's own Date, so that a wrong clock here does no harm.
// https://developer.okta.com/docs/reference/rl2-monitor/ Okta does not document Retry-After (RFC 9110 §10.2.3), but a
// proxy before it may send it.
func retryAfter(status int, header http.Header, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	var wait time.Duration
	if status == http.StatusTooManyRequests {
		wait = max(time.Second, untilReset(header, now))
	}
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		// Bounded before the multiplication, which could overflow.
		wait = max(wait, time.Duration(min(seconds, int64(maxWait/time.Second)))*time.Second)
	} else if date, err := http.ParseTime(text); err == nil {
		wait = max(wait, date.Sub(now))
	}
	return min(max(wait, 0), maxWait)
}

// namedWait is retryAfter where a header names the time, and 0 where none does.
func namedWait(status int, header http.Header, now time.Time) time.Duration {
	_, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if header.Get("Retry-After") == "" && (err != nil || status != http.StatusTooManyRequests) {
		return 0
	}
	return retryAfter(status, header, now)
}

// untilReset is 0 while the bucket still has room: then another limit was reached, the one per user, which lasts a
// second.
func untilReset(header http.Header, now time.Time) time.Duration {
	if left, err := strconv.ParseInt(header.Get("X-Rate-Limit-Remaining"), 10, 64); err == nil && left > 0 {
		return 0
	}
	reset, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return time.Unix(reset, 0).Sub(now) + time.Second
}
