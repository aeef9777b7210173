package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"sync/atomic"
)

// route is how one request reaches its server. It is in the request's context, for the callbacks of http.Transport.
type route struct {
	proxy *url.URL // nil for a direct connection
	tls   bool     // the server speaks TLS
	// open reports that the proxy has done its part: what fails afterwards is not its fault. A SOCKS proxy gives no sign
	// of it but has errors of its own, see wrapProxyError.
	open atomic.Bool
}

type routeKey struct{}

func routeOf(ctx context.Context) *route { return ctx.Value(routeKey{}).(*route) }

// router chooses the proxy of each request, and names it in the error if it is the proxy that failed.
type router struct {
	Base     http.RoundTripper
	proxy    func(*http.Request) (*url.URL, error)
	observes bool // the phases of direct requests as well, which costs a microsecond
}

// RoundTrip sends the request with its route in the context.
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	var proxy *url.URL
	var err error
	secure := req.URL.Scheme == "https"
	if secure { // plain http stays on this machine, and a proxy has a loopback of its own
		proxy, err = r.proxy(req)
	}
	if err == nil && proxy != nil {
		err = checkProxy(proxy)
	}
	if err != nil {
		if req.Body != nil {
			req.Body.Close() // a RoundTripper closes it even if it fails
		}
		return nil, err
	}
	to := &route{proxy: proxy, tls: secure}
	to.open.Store(proxy == nil || proxy.Scheme == "socks5" || proxy.Scheme == "socks5h")
	ctx := req.Context()
	var seen *observer
	if r.observes || proxy != nil {
		ctx, seen = observe(ctx)
		seen.reset(proxy)
	}
	ctx = context.WithValue(ctx, routeKey{}, to)
	resp, err := r.Base.RoundTrip(req.WithContext(ctx))
	if err != nil && proxy != nil && ctx.Err() != context.Canceled {
		switch seen.connection().Phase {
		case PhaseSend, PhaseAwait, PhaseRead: // it has a connection, which another request may have opened
			to.open.Store(true)
		}
		err = wrapProxyError(to, err)
	}
	return resp, err
}

// newTransport returns the transport that connects, for requests that a router sends.
func newTransport(c Config) (*http.Transport, error) {
	authorities, err := readCAFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	clientCert, err := loadClientCert(c.ClientCert, c.ClientKey)
	if err != nil {
		return nil, err
	}
	var http1 http.Protocols
	http1.SetHTTP1(true)
	t := &http.Transport{
		Proxy:                  func(req *http.Request) (*url.URL, error) { return routeOf(req.Context()).proxy, nil },
		OnProxyConnectResponse: proxyAnswered,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: checkKeys},
		TLSHandshakeTimeout:    connectTimeout,
		// GODEBUG=http2debug=2 would print the Authorization header, the form with the password and the token to stderr.
		Protocols:              &http1,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// Go prints to stderr what follows a response on a kept connection: it may be a piece of a token. Nor does net/http
		// ever send a request again by itself on a connection that was not used before.
		DisableKeepAlives: true,
	}
	if clientCert != nil {
		// A certificate in Config.Certificates is held back from a server that lists other authorities, such as one that
		// knows the upper end of a chain of which the file has only the lower. Then no error says what is wrong.
		t.TLSClientConfig.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if !routeOf(info.Context()).open.Load() {
				return new(tls.Certificate), nil // the proxy asks; an empty one means none
			}
			return clientCert, nil
		}
	}
	if c.systemRoots == nil {
		c.systemRoots = x509.SystemCertPool
	}
	t.DialContext = dialer(t.TLSClientConfig, c.systemRoots, authorities)
	return t, nil
}
