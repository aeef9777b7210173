package okta

// Which requests are sent again, and when.
//
// Never one that may have been counted or used up: a password, a refresh token, a token to revoke, an access token. The
// rest:
//
//	429            once, after the time that its header names. A token request only where the body is E0000047: then
//	               Okta's rate limit rejected it before anything else looked at it. A 429 invalid_grant is about this
//	               user's passwords, and an HTML page can be anything.
//	use_dpop_nonce once, at once, where the header names the nonce: the server has looked at nothing but the proof
//	5xx, no        for metadata, keys, organization and introspection, twice at most, after about 250 and 500 ms
//	connection
//
// All of it happens within the time that one request may take: the deadline of the context and the Timeout of the
// http.Client. A wait that does not fit is not begun, and the error names the time.

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

// send sends r, again where retryPolicy allows it, and returns the last response.
func (c *Client) send(ctx context.Context, r request) (response, error) {
	client := *c.HTTP
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.began = time.Now()
	if client.Timeout > 0 { // for all requests together
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.began.Add(client.Timeout))
		defer cancel()
		client.Timeout = 0
	}
	p := retryPolicy{op: r.info.Operation.traits()}
	r.info.DPoP = p.op.proven && c.DPoP != nil
	for {
		res, err := c.once(ctx, &client, r)
		if p.takesNonce(res, err) {
			continue
		}
		pause, why := p.pause(res, err)
		if end, ok := ctx.Deadline(); pause == 0 || ok && time.Until(end) < pause+minTimeLeft {
			return res, err
		}
		wait := c.Wait
		if wait == nil {
			wait = func(ctx context.Context, d time.Duration, _ string) error { return Sleep(ctx, d) }
		}
		if wait(ctx, pause, why) != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return response{}, &canceledError{host: c.Server.Host()}
			}
			return res, err
		}
	}
}

// Sleep returns after d, or with the error of ctx when that ends before.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryPolicy decides about one request and counts what it decided.
type retryPolicy struct {
	op      traits
	waited  bool // after a 429
	retries int  // after a 5xx or a failed connection
	nonce   bool // taken after use_dpop_nonce
}

// takesNonce reports whether the request is sent again at once, with the nonce of the response. RFC 9449 §8:
// https://www.rfc-editor.org/rfc/rfc9449#section-8
func (p *retryPolicy) takesNonce(res response, err error) bool {
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Code != "use_dpop_nonce" || !res.namesNonce || p.nonce {
		return false
	}
	p.nonce = true
	return true
}

// pause returns how long to wait before the request is sent again, and why; 0 where it is not.
func (p *retryPolicy) pause(res response, err error) (time.Duration, string) {
	failed, _ := errors.AsType[*NetworkError](err)
	refused, _ := errors.AsType[*Error](err)
	var status int
	var header http.Header
	if res.Response != nil {
		status, header = res.StatusCode, res.Header
	}
	wait, named := retryAfter(status, header, res.received)
	var why string
	switch {
	case status == http.StatusTooManyRequests:
		uncounted := !p.op.counted || refused != nil && refused.Code == "E0000047"
		if p.waited || !uncounted || !named {
			return 0, ""
		}
		p.waited = true
		return wait, res.info.Server.Host() + " has had too many requests"
	case !p.op.repeatable, p.retries == maxRetries:
		return 0, ""
	case failed != nil && failed.temporary():
		why = failed.Error()
	case status >= 500 && status != http.StatusNetworkAuthenticationRequired:
		why = fmt.Sprintf("%s answered HTTP %d", res.info.Server.Host(), status)
	default:
		return 0, ""
	}
	// It doubles, and is random, so that clients that failed together do not come back together.
	pause := firstPause << p.retries
	p.retries++
	return max(pause/2+rand.N(pause), wait), why
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

// retryAfter reads from a 429 or 503 how long to wait: at least 1 s after a 429 and at most maxWait. named reports
// whether a header names the time.
//
// "X-Rate-Limit-Reset … the time at which the current rate limit resets, in UTC epoch seconds"; it is compared with
// the response's own Date, so that a wrong clock here does no harm.
// https://developer.okta.com/docs/reference/rl2-monitor/ Okta does not document Retry-After (RFC 9110 §10.2.3), but a
// proxy before it may send it.
func retryAfter(status int, header http.Header, now time.Time) (wait time.Duration, named bool) {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0, false
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	if status == http.StatusTooManyRequests {
		wait = time.Second
		reset, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
		named = err == nil
		left, _ := strconv.ParseInt(header.Get("X-Rate-Limit-Remaining"), 10, 64)
		// While the bucket has room, another limit was reached, the one per user, which lasts a second.
		if named && left <= 0 {
			reset = min(max(reset, 0), now.Add(maxWait).Unix()) // a difference of times could overflow
			wait = max(wait, time.Unix(reset, 0).Sub(now)+time.Second)
		}
	}
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		// Bounded before the multiplication, which could overflow.
		wait = max(wait, time.Duration(min(max(seconds, 0), int64(maxWait/time.Second)))*time.Second)
	} else if date, err := http.ParseTime(text); err == nil {
		wait = max(wait, date.Sub(now))
	}
	return min(max(wait, 0), maxWait), named || text != ""
}
