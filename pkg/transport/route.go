package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
)

// routes gives each request a Transport of its own, which knows the host it leads to: one that serves many cannot tell, where that
// host is an IP address behind a proxy, whose certificate it is to judge. Connections are not kept, so nothing is lost by it.
type routes struct {
	dialer *dialer
	proxy  func(*http.Request) (*url.URL, error)
}

func newRoutes(c Config) (*routes, error) {
	d, err := newDialer(c)
	if err != nil {
		return nil, err
	}
	choose := c.Proxy
	if choose == nil {
		choose = environmentProxy
	}
	return &routes{dialer: d, proxy: func(req *http.Request) (*url.URL, error) {
		proxy, err := choose(req)
		if err != nil || proxy == nil {
			return nil, err
		}
		return proxy, checkProxy(proxy)
	}}, nil
}

// RoundTrip finds the way and hands the request on unchanged.
func (r *routes) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := r.proxy(req)
	if err != nil {
		if req.Body != nil {
			req.Body.Close() // a RoundTripper closes it, also when it fails
		}
		return nil, err
	}
	way := r.dialer.way(req.Context(), req.URL.Hostname(), proxy)
	resp, err := way.RoundTrip(req)
	return resp, way.blame(req.Context(), err)
}

// way leads to one host.
type way struct {
	*http.Transport
	proxy *url.URL    // nil for none
	open  atomic.Bool // the proxy has connected us
	// release lets go of the connection to the proxy: until then it ends with the request.
	release func() bool
}

// way returns the way to host for a request with that context.
func (d *dialer) way(ctx context.Context, host string, proxy *url.URL) *way {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	w := &way{proxy: proxy, release: func() bool { return true }}
	w.Transport = &http.Transport{
		Proxy:                  http.ProxyURL(proxy),
		OnProxyConnectResponse: w.proxyAnswered,
		DialContext: func(dial context.Context, network, addr string) (net.Conn, error) {
			return w.hold(ctx)(d.tcp.DialContext(dial, network, addr))
		},
		// For what is connected to first: the server, or a proxy that speaks TLS.
		DialTLSContext: func(dial context.Context, _, addr string) (net.Conn, error) {
			if proxy != nil {
				return w.hold(ctx)(d.dialTLS(dial, addr, d.config))
			}
			return d.dialTLS(dial, addr, d.serverConfig)
		},
		// For the server behind a proxy, and nothing else.
		TLSClientConfig:     d.serverConfig(ctx, host),
		TLSHandshakeTimeout: connectTimeout,
		// GODEBUG=http2debug=2 would print the Authorization header, the form with the password and the token to stderr.
		Protocols:              &http1,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// What comes after an answer on a kept connection, Go prints to stderr: it may be a piece of a token. Nor does net/http ever
		// send a request again by itself on a connection that was not used before.
		DisableKeepAlives: true,
	}
	verify := w.TLSClientConfig.VerifyConnection
	w.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error {
		w.release()
		return verify(state)
	}
	return w
}

// proxyAnswered runs before Go builds an error out of the proxy's own words.
func (w *way) proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode != http.StatusOK {
		return proxyRefusal(w.proxy, answer)
	}
	w.open.Store(true)
	return nil
}

// hold ends a connection to a proxy with ctx. http.Transport goes on with it, and a minute long with a proxy that is silent, in the hope
// that some other request will use it.
func (w *way) hold(ctx context.Context) func(net.Conn, error) (net.Conn, error) {
	return func(conn net.Conn, err error) (net.Conn, error) {
		if err == nil && w.proxy != nil {
			w.release = context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
}

// connect goes the way to its end, but sends no request.
func (w *way) connect(ctx context.Context, scheme, addr string) error {
	conn, err := w.NewClientConn(ctx, scheme, addr)
	if err != nil {
		return w.blame(ctx, err)
	}
	return conn.Close()
}

// blame names the proxy where it is the proxy that failed.
func (w *way) blame(ctx context.Context, err error) error {
	if err == nil || w.proxy == nil || ctx.Err() == context.Canceled {
		return err
	}
	return proxyFailure(w.proxy, w.open.Load(), err)
}
