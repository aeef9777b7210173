// Package transport builds the one http.Client that carries passwords and tokens.
//
// It is stricter than Go's default wherever that matters to a credential: it follows no redirect, speaks TLS 1.2 or
// later, never HTTP/2 (whose debug switch prints request bodies), has a deadline for everything, and reads at most 1 MiB
// of a response. The layers, from the outside in:
//
//	http.Client     overall deadline, no redirects, no cookies
//	bodyLimit       1 MiB of body, counted after decompression
//	slowNotice      optional: reports a request that takes long
//	router          chooses the proxy, and names it in the error if it fails
//	trace           optional: one line for each request and response, without secrets
//	http.Transport  HTTP/1.1, one connection for each request
//
// crypto/tls verifies servers with the system's trusted certificates, which Go takes more than 10 ms to load. So they
// are loaded while the connection is made.
package transport

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// DefaultTimeout bounds one request from the dial to the last byte of the answer.
	DefaultTimeout = 30 * time.Second
	// SlowAfter is how long a request takes before Config.Slow is told of it.
	SlowAfter = 500 * time.Millisecond
	// connectTimeout bounds the dial, the search for trusted certificates and the TLS handshake together.
	connectTimeout = 10 * time.Second
	// maxHeaderBytes bounds the header of an answer, interim 1xx answers included. Go's own limit is 10 MiB.
	maxHeaderBytes = 256 << 10
)

// Config is what may vary. The zero Config is a client for the public Internet.
type Config struct {
	// Timeout bounds one request from the dial to the last byte of the answer; 0 is DefaultTimeout.
	Timeout time.Duration
	// CAFile names a PEM file with certificates of authorities that are trusted besides the system's.
	CAFile string
	// ClientCert names a PEM file with the certificate, and those that lead to its authority, that is shown to a server which asks for
	// one; "" for none. ClientKey names the PEM file of its private key, not encrypted; "" means that ClientCert has the key, too.
	// A file with a key must be readable by its owner alone. A proxy is never shown the certificate.
	ClientCert, ClientKey string
	// Trace gets a line for each request and response; nil for none. A line is printable and without secrets.
	Trace func(line string)
	// Detail adds headers, form fields and certificates to the trace.
	Detail bool
	// Slow is called once when a request, up to the end of its answer, has taken SlowAfter: with the host and port that are asked, in a
	// goroutine of its own. What it returns is called once when that request is over, however it ended; it may be nil.
	Slow func(host string) (done func())
	// Proxy chooses the proxy of a request, nil for none; nil means the environment. That is HTTPS_PROXY for https and HTTP_PROXY for
	// http, with or without "http://" before the host, then the same in lower case. NO_PROXY lists what is reached directly: hosts
	// (with all below them), addresses, networks as 10.0.0.0/8, each with or without a port, or "*". localhost and loopback addresses
	// are never asked for through a proxy; ALL_PROXY is not read. Schemes: http, https (its certificate is checked like a
	// server's), socks5 and socks5h. A name and a password stand before the host, percent-encoded.
	Proxy func(*http.Request) (*url.URL, error)

	systemRoots func() (*x509.CertPool, error) // for tests; nil means x509.SystemCertPool
}

// New returns the client that c describes. The error is a *CAFileError or a *ClientCertError, or names the setting that makes no sense.
func New(c Config) (*http.Client, error) {
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout is %s, expected a positive duration", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	base, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	var layers http.RoundTripper = base
	if c.Trace != nil {
		layers = &trace{Base: layers, log: c.Trace, detail: c.Detail}
	}
	if c.Proxy == nil {
		c.Proxy = environmentProxy
	}
	layers = &router{Base: layers, proxy: c.Proxy}
	if c.Slow != nil {
		layers = &slowNotice{Base: layers, notify: c.Slow}
	}
	return &http.Client{
		Timeout:   c.Timeout,
		Transport: &bodyLimit{Base: layers},
		// A 307 or 308 would make Go send the form, password and all, to wherever it points.
		// RFC 9700 §4.12: https://www.rfc-editor.org/rfc/rfc9700.html#section-4.12
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
