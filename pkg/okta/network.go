package okta

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"okauth/pkg/transport"
)

// The phases of a request, as NetworkError names them.
const (
	PhaseResolve = "look up the host"
	PhaseConnect = "connect"
	PhaseTLS     = "TLS handshake"
	PhaseSend    = "send the request"
	PhaseAwait   = "await the answer"
	PhaseRead    = "read the answer"
)

// NetworkError says that there is no complete answer. Up to PhaseTLS nothing was sent; after that the server may have counted
// the password or used up the refresh token; Lost knows.
type NetworkError struct {
	Phase string // one of the Phase constants
	Host  string // host and port that were asked
	// Timeout is how long it was waited, 0 where something else went wrong.
	Timeout time.Duration
	// Err is the cause. Its text may hold foreign bytes; Error makes them harmless.
	Err error

	about errand
}

func (e *NetworkError) Error() string {
	if e.Timeout > 0 {
		return fmt.Sprintf("reach %s: %s: timed out after %s", e.Host, e.Phase, e.Timeout)
	}
	return fmt.Sprintf("reach %s: %s: %s", e.Host, e.Phase, Printable(e.Err.Error(), 300))
}

func (e *NetworkError) Unwrap() error { return e.Err }

// Hint names the usual cause of the failure and the setting that mends it.
func (e *NetworkError) Hint() string {
	if proxy, ok := errors.AsType[*transport.ProxyError](e.Err); ok {
		return proxy.Hint()
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](e.Err); ok {
		return "the server's certificate is signed by an authority this machine does not know: set ca_file to that authority's certificate (PEM), as behind a company's inspecting proxy"
	}
	if wrong, ok := errors.AsType[x509.CertificateInvalidError](e.Err); ok && wrong.Reason == x509.Expired {
		return "the server's certificate has expired or is not valid yet: compare this machine's clock, then tell whoever runs the server"
	}
	if _, ok := errors.AsType[x509.HostnameError](e.Err); ok {
		return "the server's certificate is for another host: check domain (okauth config get domain)"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](e.Err); ok || errors.Is(e.Err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS on this port: check domain (okauth config get domain)"
	}
	if _, ok := errors.AsType[*net.DNSError](e.Err); ok {
		return "check domain for a typing mistake (okauth config get domain); where only a proxy reaches the Internet, set HTTPS_PROXY"
	}
	words := e.about.words()
	switch {
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens at this address: check domain and HTTPS_PROXY"
	case e.Phase == PhaseTLS && e.Timeout == 0:
		return "okauth speaks TLS 1.2 and 1.3 and checks certificates; something older or something in between may have answered"
	case e.Phase == PhaseResolve || e.Phase == PhaseConnect || e.Phase == PhaseTLS:
		return "check the network; where only a proxy reaches the Internet, set HTTPS_PROXY"
	case e.Timeout > 0:
		return words.unsure + "; " + words.next + ", or give it longer with --timeout"
	}
	return words.unsure + "; " + words.next
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
	req   *http.Request
	start time.Time
	about errand
	hide  func(string) string

	mu    sync.Mutex // the hooks below run in several goroutines
	phase string
}

// watch returns the progress of req, which goes on as progress.req.
func watch(req *http.Request, about errand, hide func(string) string) *progress {
	p := &progress{start: time.Now(), about: about, hide: hide, phase: PhaseConnect}
	p.req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { p.enter(PhaseResolve) },
		ConnectStart:         func(string, string) { p.enter(PhaseConnect) },
		TLSHandshakeStart:    func() { p.enter(PhaseTLS) },
		GotConn:              func(httptrace.GotConnInfo) { p.enter(PhaseSend) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { p.enter(PhaseAwait) },
		GotFirstResponseByte: func() { p.enter(PhaseRead) },
	}))
	return p
}

func (p *progress) enter(phase string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.phase == PhaseRead && phase == PhaseAwait: // an answer can come before the request is written to its end
	case sending(p.phase) && !sending(phase): // of two connections that were tried at once, the slower one reports late
	default:
		p.phase = phase
	}
}

// explain turns what net/http says into a NetworkError. limit is the client's own deadline.
func (p *progress) explain(limit time.Duration, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // url.Error prints the URL
	}
	if file, ok := errors.AsType[*transport.CAFileError](err); ok {
		return file
	}
	p.mu.Lock()
	phase := p.phase
	p.mu.Unlock()
	if errors.Is(p.req.Context().Err(), context.Canceled) {
		return &canceledError{host: p.req.URL.Host, phase: phase}
	}
	e := &NetworkError{Phase: phase, Host: p.req.URL.Host, Err: err, about: p.about}
	switch text := err.Error(); {
	case strings.Contains(text, "malformed"), strings.Contains(text, "Location header"):
		e.Err = errors.New("not valid HTTP") // net/http quotes the answer, which may be anything
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
