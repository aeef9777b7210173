package okta

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/transport"
)

// The phases of a request, as NetworkError names them.
const (
	PhaseResolve = transport.PhaseResolve
	PhaseConnect = transport.PhaseConnect
	PhaseTLS     = transport.PhaseTLS
	PhaseSend    = transport.PhaseSend
	PhaseAwait   = transport.PhaseAwait
	PhaseRead    = transport.PhaseRead
)

// errNotHTTP stands for net/http's own errors that quote the answer, which may be anything.
var errNotHTTP = errors.New("not valid HTTP")

// dateAndTime is how errors show a time, always in UTC.
const dateAndTime = "2006-01-02 15:04 UTC"

// NetworkError says that there is no complete answer. Up to PhaseTLS nothing was sent; after that the server may have counted
// the password or used up the refresh token; Lost knows.
type NetworkError struct {
	Phase string // one of the Phase constants
	Host  string // host and port that were asked
	// Timeout is how long it was waited, 0 where something else went wrong.
	Timeout time.Duration
	// Err is the cause. Its text may hold foreign bytes; Error makes them harmless.
	Err error

	about operation
}

func (e *NetworkError) Error() string {
	if e.Timeout > 0 {
		return fmt.Sprintf("reach %s: %s: timed out after %s", e.Host, e.Phase, e.Timeout)
	}
	text := Sanitize(e.Err.Error(), 300)
	if f := faultOf(e.Err); f.kind != noFault {
		text = f.String()
		if proxy, ok := errors.AsType[*transport.ProxyError](e.Err); ok {
			text = "proxy " + Sanitize(proxy.Host, 80) + ": " + text
		}
	}
	return fmt.Sprintf("reach %s: %s: %s", e.Host, e.Phase, text)
}

func (e *NetworkError) Unwrap() error { return e.Err }

// Hint names the usual cause of the failure and the setting that mends it.
func (e *NetworkError) Hint() string {
	row := why(networkCauses(), e)
	return fill(row.means+": "+row.do, e.about, "", "")
}

// canceledError says that the caller gave up.
type canceledError struct {
	host  string
	phase string // how far the request had come
}

func (e *canceledError) Error() string {
	return "request to " + e.host + ": " + context.Canceled.Error()
}

func (e *canceledError) Unwrap() error { return context.Canceled }

// progress knows how far a request has come.
type progress struct {
	req      *http.Request
	start    time.Time
	about    operation
	hide     func(string) string
	seen     func() transport.Connection
	answered bool // the head of the answer is here
}

// watch returns the progress of req, which goes on as progress.req.
func watch(req *http.Request, about operation, hide func(string) string) *progress {
	ctx, seen := transport.Observe(req.Context())
	return &progress{req: req.WithContext(ctx), start: time.Now(), about: about, hide: hide, seen: seen}
}

// explain turns what net/http says into a NetworkError. limit is the client's own deadline.
func (p *progress) explain(limit time.Duration, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // url.Error prints the URL
	}
	if setting, ok := errors.AsType[*transport.ProxySettingError](err); ok {
		return setting
	}
	phase := p.seen().Phase
	if p.answered {
		phase = PhaseRead // a RoundTripper that is not net/http's may report nothing
	}
	if errors.Is(p.req.Context().Err(), context.Canceled) {
		return &canceledError{host: p.req.URL.Host, phase: phase}
	}
	if clientCertRefused(err) {
		phase = PhaseTLS // whoever does not take the client does not take its request
	}
	e := &NetworkError{Phase: phase, Host: p.req.URL.Host, Err: err, about: p.about}
	switch text := err.Error(); {
	case strings.Contains(text, "malformed"), strings.Contains(text, "Location header"):
		e.Err = errNotHTTP
	case p.hide(text) != text:
		e.Err = errors.New(p.hide(text))
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		e.Timeout = time.Since(p.start).Round(100 * time.Millisecond)
		if limit > 0 && time.Since(p.start) >= limit {
			e.Timeout = limit
		}
		e.Timeout = max(e.Timeout, time.Millisecond)
	}
	return e
}
