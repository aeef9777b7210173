package okta

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/transport"
)

// ErrNotHTTP is the cause of a NetworkError where the response is not HTTP. It replaces errors of net/http that quote
// the response.
var ErrNotHTTP = errors.New("not valid HTTP")

// NetworkError says that there was no complete response. Up to transport.PhaseTLS nothing was sent; after that the
// server may have counted the password or used up the refresh token, see MayHaveBeenProcessed.
type NetworkError struct {
	RequestInfo
	Phase string // one of the phases of pkg/transport
	// Timeout is how long the request waited, 0 where something else went wrong.
	Timeout time.Duration
	// Certificate says what is wrong with the certificate of the server or of a proxy; nil where nothing is.
	Certificate *CertificateError
	// ClientCertificate: the server requires a client certificate, or rejected the one it got.
	ClientCertificate bool
	// Err is the cause. Its text may hold foreign bytes; Error sanitizes them.
	Err error
}

func (e *NetworkError) Error() string {
	if e.Timeout > 0 {
		return fmt.Sprintf("reach %s: %s: timed out after %s", e.Server.Host(), e.Phase, safetext.Duration(e.Timeout))
	}
	text := Sanitize(e.cause(), 300)
	if e.Certificate != nil {
		text = e.Certificate.Error()
		if proxy, ok := errors.AsType[*transport.ProxyError](e.Err); ok {
			text = "proxy " + Sanitize(proxy.Host, 80) + ": " + text
		}
	}
	return fmt.Sprintf("reach %s: %s: %s", e.Server.Host(), e.Phase, text)
}

// cause returns the text of Err without what Error says anyway: package net repeats the address and the step.
func (e *NetworkError) cause() string {
	dial, ok := e.Err.(*net.OpError)
	if !ok || dial.Op != "dial" {
		return e.Err.Error()
	}
	text := strings.TrimPrefix(dial.Err.Error(), e.Phase+": ")
	if dns, ok := errors.AsType[*net.DNSError](dial.Err); ok && strings.HasPrefix(e.Server.Host()+":", dns.Name+":") {
		if dns.Server != "" {
			return dns.Err + " (asked " + dns.Server + ")"
		}
		return dns.Err
	}
	if dial.Addr != nil && dial.Addr.String() != e.Server.Host() {
		text = dial.Addr.String() + ": " + text // one of several addresses of the name
	}
	return text
}

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// canceledError says that the caller canceled the request.
type canceledError struct {
	host  string
	phase string // how far the request had come
}

func (e *canceledError) Error() string {
	return "request to " + e.host + ": " + context.Canceled.Error()
}

func (e *canceledError) Unwrap() error { return context.Canceled }

// failure turns an error of net/http into a NetworkError.
func (r response) failure(ctx context.Context, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // url.Error prints the URL
	}
	if setting, ok := errors.AsType[*transport.ProxySettingError](err); ok {
		return setting
	}
	phase := r.seen().Phase
	if r.Response != nil {
		phase = transport.PhaseRead // a RoundTripper that is not net/http's may report nothing
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return &canceledError{host: r.info.Server.Host(), phase: phase}
	}
	e := &NetworkError{
		RequestInfo: r.info, Phase: phase, Err: err,
		Certificate: certificateError(err), ClientCertificate: clientCertRejected(err),
	}
	if e.ClientCertificate {
		e.Phase = transport.PhaseTLS // a server that rejects the client does not read its request
	}
	switch text := err.Error(); {
	case strings.Contains(text, "malformed"), strings.Contains(text, "Location header"):
		e.Err = ErrNotHTTP
	case r.redact(text) != text:
		e.Err = errors.New(r.redact(text))
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		e.Timeout = time.Since(r.start).Round(100 * time.Millisecond)
		if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
			e.Timeout = end.Sub(r.began).Round(time.Millisecond)
		}
		e.Timeout = max(e.Timeout, time.Millisecond)
	}
	return e
}

// mayBeSent reports whether something of the request may have been sent in that phase.
func mayBeSent(phase string) bool {
	return phase == transport.PhaseSend || phase == transport.PhaseAwait || phase == transport.PhaseRead
}
