// Package transport builds the one http.Client that carries passwords and tokens.
//
// It is stricter than Go's default in every way that matters to a credential: no redirect is followed, TLS is at least 1.2, HTTP/2 is
// off (its debug switch prints request bodies), everything has a deadline, and no answer grows beyond 1 MiB. The layers, from the outside in:
//
//	http.Client   overall deadline, no redirects, no cookies
//	Capped        1 MiB of body, counted after decompression
//	Trace         where wanted: one line for each request and answer, without secrets
//	withRoots     hands the trusted certificates to connections through a proxy
//	Transport     HTTP/1.1, proxy from the environment; dialer.dialTLS for direct connections
//
// The system's certificates take Go 13 ms and more to parse, as long as the rest of a sign-in on a near network. So those that can matter are
// looked for first, and all are parsed only where these do not vouch for the server.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// DefaultTimeout bounds one request from the dial to the last byte of the answer.
	DefaultTimeout = 30 * time.Second
	// connectTimeout bounds the dial, the search for trusted certificates and the TLS handshake together.
	connectTimeout = 10 * time.Second
	// maxHeaderBytes bounds the header of an answer, interim 1xx answers included. Go's own limit is 10 MiB.
	maxHeaderBytes = 256 << 10
)

// Config is what may vary. The zero Config is a client for the public Internet.
type Config struct {
	// Timeout bounds one request from the dial to the last byte of the answer; 0 is DefaultTimeout.
	Timeout time.Duration
	// CAFile names a PEM file whose certificates are trusted besides the system's. They are tried first, by themselves.
	CAFile string
	// Roots yields all trusted certificates, and is called when a TLS connection needs them: never for http, and not where
	// CAFile was enough. nil means Roots(CAFile), the system's and CAFile's.
	Roots func() (*x509.CertPool, error)
	// Trace is told of each request and answer, a line each; nil: nobody is. A line holds text of the server: make it printable.
	Trace func(line string)
	// Proxy chooses the proxy of a request; nil means HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment.
	Proxy func(*http.Request) (*url.URL, error)
}

// New returns the client that c describes. The error is a *CAFileError, or names the setting that makes no sense.
func New(c Config) (*http.Client, error) {
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout is %s, expected a positive duration", c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	likely := func([]*x509.Certificate) *x509.CertPool { return nil }
	if c.Roots == nil {
		c.Roots, likely = Roots(c.CAFile), likelyRoots
	}
	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}
	own, err := readCAFile(c.CAFile)
	if err != nil {
		return nil, err
	}

	d := &dialer{tcp: net.Dialer{Timeout: connectTimeout}, likely: likely, roots: c.Roots}
	if len(own) > 0 {
		d.own = x509.NewCertPool()
		addAll(d.own, own)
	}
	var http1 http.Protocols
	http1.SetHTTP1(true)
	base := &http.Transport{
		Proxy:                  c.Proxy,
		OnProxyConnectResponse: checkProxyAnswer,
		DialContext:            d.tcp.DialContext,
		DialTLSContext:         d.dialTLS,
		TLSClientConfig:        tlsConfig(),
		TLSHandshakeTimeout:    connectTimeout,
		// GODEBUG=http2debug=2 would print the Authorization header, the form with the password and the token to stderr.
		Protocols:              &http1,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// What comes after an answer on a kept connection, Go prints to stderr: it may be a piece of a token. Nor does net/http ever
		// send a request again by itself on a connection that was not used before.
		DisableKeepAlives: true,
	}
	var layers http.RoundTripper = &withRoots{Base: base, roots: c.Roots}
	if c.Trace != nil {
		layers = &Trace{Base: layers, Say: c.Trace}
	}
	return &http.Client{
		Timeout:   c.Timeout,
		Transport: &Capped{Base: layers},
		// A 307 or 308 would make Go send the form, password and all, to wherever it points.
		// RFC 9700 §4.12: https://www.rfc-editor.org/rfc/rfc9700.html#section-4.12
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// tlsConfig is the policy of every connection, direct or through a proxy; the roots are added when they are known.
func tlsConfig() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }

// ProxyError says that a proxy would not connect us. Host is the proxy's, without its password.
type ProxyError struct {
	Host   string
	Status int // the HTTP status of its answer to CONNECT
}

func (e *ProxyError) Error() string {
	return fmt.Sprintf("proxy %s answered HTTP %d instead of connecting", e.Host, e.Status)
}

// Hint says where the proxy comes from and what its status usually asks for.
func (e *ProxyError) Hint() string {
	if e.Status == http.StatusProxyAuthRequired {
		return "the proxy wants a name and a password: write them into HTTPS_PROXY as http://name:password@host:port"
	}
	return "check HTTPS_PROXY and NO_PROXY: NO_PROXY takes the hosts to reach directly"
}

// checkProxyAnswer runs before Go builds an error out of the proxy's own words.
func checkProxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Host: proxy.Host, Status: answer.StatusCode}
}
