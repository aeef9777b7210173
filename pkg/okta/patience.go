package okta

// Which requests are sent again, and when.
//
// Nothing is sent again that may have been counted or used up: a password, a refresh token, a revocation's token, an access token. What remains:
//
//	429            once, after the time that its header names. Of a request with a credential only where the body is E0000047: then Okta's front, which
//	               counts requests, put it off before anything looked at it. A 429 invalid_grant is about this user's passwords, and a page is anybody's.
//	5xx, no        of what can be asked as often as one likes (discovery, keys, organization, introspection), twice at most, after about
//	connection     250 and 500 ms.
//
// All of it happens within the time that one request may take: the deadline of the context and the Timeout of the http.Client, counted from the
// first request on. A wait that does not fit is not begun, and the error tells the time.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	moreTries  = 2
	firstPause = 250 * time.Millisecond
	// leastTime is what must be left for a request after a wait: one that cannot be answered would only hide why it was waited.
	leastTime = time.Second
)

// retryPolicy counts what was done for one request.
type retryPolicy struct {
	about  operation
	until  time.Time // zero: no end
	waited bool      // for a 429
	tries  int       // after a 5xx or a failed connection
}

// send sends r, again where that is allowed, and returns the last answer.
func (c *Client) send(ctx context.Context, r request) (response, error) {
	client, err := c.http()
	if err != nil {
		return response{}, err
	}
	p := retryPolicy{about: r.about}
	if client.Timeout > 0 {
		p.until = time.Now().Add(client.Timeout)
	}
	if end, ok := ctx.Deadline(); ok && (p.until.IsZero() || end.Before(p.until)) {
		p.until = end
	}
	for {
		a, err := c.once(ctx, client, r)
		pause, why := p.pause(a, err)
		if pause == 0 || !p.fits(pause) {
			return a, err
		}
		if c.wait(ctx, pause, why) != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return response{}, &canceledError{host: c.Server.Host()}
			}
			return a, err
		}
		if client.Timeout > 0 {
			// A round number, because an error may show it, and at least a little, because 0 would be no limit.
			client.Timeout = max(time.Until(p.until).Truncate(100*time.Millisecond), 100*time.Millisecond)
		}
	}
}

// pause returns how long to wait before the request is sent again, and why; 0 where it is not.
func (p *retryPolicy) pause(a response, err error) (time.Duration, string) {
	failed, _ := errors.AsType[*NetworkError](err)
	switch {
	case a.Response != nil && a.StatusCode == http.StatusTooManyRequests:
		if p.waited || !p.uncounted(a, err) {
			return 0, ""
		}
		p.waited = true
		return namedWait(a.StatusCode, a.Header, a.client.now()), a.client.Server.Host() + " has had too many requests"
	case !p.about.free(), p.tries == moreTries:
		return 0, ""
	case failed != nil && passing(failed):
		p.tries++
		return p.backoff(), failed.Error()
	case a.Response != nil && a.StatusCode >= 500 && a.StatusCode != http.StatusNetworkAuthenticationRequired:
		p.tries++
		return max(p.backoff(), namedWait(a.StatusCode, a.Header, a.client.now())), fmt.Sprintf("%s answered HTTP %d", a.client.Server.Host(), a.StatusCode)
	}
	return 0, ""
}

// uncounted reports whether nothing can have been counted by whoever answered 429.
func (p *retryPolicy) uncounted(a response, err error) bool {
	if p.about.harmless() {
		return true
	}
	if err == nil {
		_, err = a.object()
	}
	refusal, ok := errors.AsType[*Error](err)
	return ok && refusal.Code == "E0000047"
}

func (p *retryPolicy) fits(pause time.Duration) bool {
	return p.until.IsZero() || time.Until(p.until) >= pause+leastTime
}

// backoff doubles, and varies so that many who failed together don't come back together.
func (p *retryPolicy) backoff() time.Duration {
	pause := firstPause << (p.tries - 1)
	return pause/2 + rand.N(pause)
}

// passing reports whether a failure may be over in a moment: the connection was refused or cut, or not made in time. A request that was sent and not
// answered in time has used up the time; a wrong name or certificate stays wrong.
func passing(e *NetworkError) bool {
	if e.Timeout > 0 {
		return !sending(e.Phase)
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
