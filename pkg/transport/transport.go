// Package transport builds the one http.Client that carries passwords and tokens.
//
// It is stricter than Go's default wherever that matters to a credential: it follows no redirect, speaks TLS 1.2 or
// later but not HTTP/2 (whose debug switch prints request bodies), connects without TLS to loopback addresses only, and
// has a deadline for everything. The caller decides how much of a body it reads. The layers, from the outside in:
//
//	http.Client     overall deadline, no redirects, no cookies
//	slowNotice      optional: reports a request that takes long
//	router          chooses the proxy, and names it in the error if it fails
//	trace           optional: one line for each request and response, without secrets
//	http.Transport  HTTP/1.1, one connection for each request
package transport

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// DefaultTimeout bounds one request from the dial to the last byte of the response.
	DefaultTimeout = 30 * time.Second
	// SlowAfter is how long a request takes before Config.Slow is called.
	SlowAfter = 500 * time.Millisecond
	// connectTimeout bounds the TCP connection, and again the TLS handshake.
	connectTimeout = 10 * time.Second
	// maxHeaderBytes bounds the header of a response, with interim 1xx responses. Go's own limit is 10 MiB.
	maxHeaderBytes = 256 << 10

	// idleConnections is how many connections to an API stay open when no request uses them.
	idleConnections = 1024
	idleTimeout     = 90 * time.Second
	// pingAfter is how long an HTTP/2 connection may be silent before it has to show that it works. A machine that slept,
	// or a network that was changed, leaves dead ones.
	pingAfter = 15 * time.Second
)

// Config configures the client of New. The zero Config is right for the public Internet.
type Config struct {
	// Timeout bounds one request from the dial to the last byte of the response; 0 is DefaultTimeout.
	Timeout time.Duration
	// CAFile names a PEM file with certificates of authorities that are trusted besides the system's.
	CAFile string
	// ClientCert names a PEM file with the certificate, and those that lead to its authority, for servers that ask for
	// one; "" for none. ClientKey names the PEM file of its private key, not encrypted; "" means that ClientCert has the
	// key, too. Other users must not be able to read a file with a key. A proxy never gets the certificate.
	ClientCert, ClientKey string
	// Trace gets a line for each request and response; nil for none. A line is printable and without secrets.
	Trace func(line string)
	// Detail adds headers, form fields and certificates to the trace.
	Detail bool
	// Slow is called, in a goroutine of its own, when a request has taken SlowAfter up to the end of its response: with
	// the server's host and port. The function that it returns, if any, is called when that request has ended.
	Slow func(host string) (done func())
	// Proxy returns the proxy of a request over https, nil for none. Plain http goes to loopback addresses only, without a
	// proxy. A nil Proxy means http.ProxyFromEnvironment, except that an address that is not a URL is an error. Schemes:
	// http, https (its certificate is verified like a server's), socks5 and socks5h.
	Proxy func(*http.Request) (*url.URL, error)

	systemRoots func() (*x509.CertPool, error) // for tests; nil means x509.SystemCertPool
}

// New returns the client that c describes. A file that is unusable is a *FileError.
func New(c Config) (*http.Client, error) {
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout is %s, expected a positive duration", c.Timeout)
	}
	base, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	var layers http.RoundTripper = c.router(base, false)
	if c.Slow != nil {
		layers = &slowNotice{Base: layers, notify: c.Slow}
	}
	return &http.Client{
		Timeout:   cmp.Or(c.Timeout, DefaultTimeout),
		Transport: layers,
		// A 307 or 308 would make Go send the form, password and all, to wherever it points.
		// RFC 9700 §4.12: https://www.rfc-editor.org/rfc/rfc9700.html#section-4.12
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// NewAPI returns what sends the requests of a reverse proxy to an API. It differs from the client of New in this: it
// speaks HTTP/2 as well, keeps connections, and passes bodies of any size and length of time through as they are. It
// has no deadline but those of the connection and ignores c.Timeout and c.Slow. Plain http goes to loopback addresses
// only. A file that is unusable is a *FileError.
func NewAPI(c Config) (http.RoundTripper, error) {
	base, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	base.Protocols.SetHTTP2(true)
	base.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter}
	base.DisableKeepAlives, base.MaxIdleConnsPerHost, base.IdleConnTimeout = false, idleConnections, idleTimeout
	base.DisableCompression = true // net/http would ask for it in the caller's name, and decompress
	base.ExpectContinueTimeout = time.Second
	return c.router(base, true), nil
}

// router returns base with the layers that choose the proxy and trace. streams: no body is read before it is sent.
func (c Config) router(base http.RoundTripper, streams bool) *router {
	if c.Trace != nil {
		base = &trace{Base: base, log: c.Trace, detail: c.Detail, streams: streams}
	}
	if c.Proxy == nil {
		c.Proxy = environmentProxy
	}
	return &router{Base: base, proxy: c.Proxy, observes: !streams || c.Trace != nil}
}
