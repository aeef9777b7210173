// Package proxy is a reverse proxy on this machine that leads to one API. It is for programs that cannot get tokens
// themselves: they send plain requests to a loopback address or a Unix socket, and a transport of the caller, such as
// that of okauth.Client, adds the token.
//
//	listener, err := proxy.Listen("127.0.0.1:0")                  // listen.go
//	upstream, err := proxy.ParseUpstream("https://api.example.com") // upstream.go
//	p := &proxy.Proxy{Upstream: upstream, Transport: …}
//	err = p.Serve(ctx, listener)
//
// A request passes through guard.go, which refuses those of web pages and those for another address, and net/http's
// reverse proxy, which streams both ways. What fails is answered with a problem document, see problem.go.
package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// repeatableSize is the size of a body that is kept in memory, so that a request can be sent again after a 401.
	repeatableSize = 64 << 10
	// headerTimeout bounds the header of a request, idleTimeout the time between two of a connection.
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// shutdownTimeout is how long open requests may go on after the end of Serve's context.
	shutdownTimeout = 10 * time.Second
	// copyBuffer is the size of the buffers between the two connections.
	copyBuffer = 16 << 10
)

// Proxy leads from a listener on this machine to one API.
type Proxy struct {
	Upstream *url.URL // as ParseUpstream returns it
	// Transport sends the requests, adds the token, and follows no redirect. An error that is no *UpstreamError, see
	// WrapErrors, is about the token.
	Transport http.RoundTripper
	// Hint returns what the user can do about an error, "" for nothing. It may be nil.
	Hint func(error) string
	// Failed is called with the error of each request that this proxy answers itself, or cannot answer to its end. It may
	// be called by several goroutines at once.
	Failed func(error)
}

// Serve answers requests until ctx ends. Then it accepts no more, lets open requests end for up to ten seconds, and
// returns nil. Another error is that of the listener. It closes the listener.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	open, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel() // ends what has left HTTP, such as websockets
	logger := log.New(failedLines(p.Failed), "", 0)
	server := &http.Server{
		Handler: p.handler(l.Addr(), logger), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: logger, BaseContext: func(net.Listener) context.Context { return open },
		DisableGeneralOptionsHandler: true, // it answers before the guard
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	bounded, stop := context.WithTimeout(open, shutdownTimeout)
	defer stop()
	if server.Shutdown(bounded) != nil {
		server.Close()
	}
	return nil
}

func (p *Proxy) handler(own net.Addr, logger *log.Logger) http.Handler {
	reverse := &httputil.ReverseProxy{
		Rewrite: p.rewrite, Transport: marksErrors{p.Transport}, FlushInterval: -1, ErrorLog: logger,
		BufferPool: newBuffers(),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if !isMarked(err) { // of the reverse proxy itself, about a 101
				err = &UpstreamError{p.Upstream.Scheme + "://" + p.Upstream.Host, err}
			}
			p.fail(w, r, err)
		},
	}
	guard := newGuard(own, p.Upstream)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := guard.check(r)
		if err == nil {
			err = keepBody(r)
		}
		if err != nil {
			p.fail(w, r, err)
			return
		}
		_ = http.NewResponseController(w).EnableFullDuplex() // else no answer begins before the end of the request
		reverse.ServeHTTP(w, r)
	})
}

// rewrite turns the caller's request into the one to the API: the same path and query below Upstream, byte for byte,
// without the caller's own credentials and without headers about proxies before this one.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	to, from := *p.Upstream, r.In.URL
	to.RawPath = strings.TrimSuffix(to.EscapedPath(), "/") + from.EscapedPath()
	to.Path = strings.TrimSuffix(to.Path, "/") + from.Path
	to.RawQuery, to.ForceQuery = from.RawQuery, from.ForceQuery
	r.Out.URL, r.Out.Host = &to, ""
	for name := range r.Out.Header {
		if strings.HasPrefix(name, "X-Forwarded-") {
			r.Out.Header.Del(name)
		}
	}
	for _, name := range []string{"Authorization", "DPoP"} {
		r.Out.Header.Del(name)
		r.Out.Trailer.Del(name)
	}
	if len(r.Out.Trailer) > 0 {
		r.Out.Body = &trailedBody{r.Out.Body, r.In, r.Out.Trailer}
	}
}

// trailedBody is the body of a request that ends with a trailer, which net/http knows when the body has been read.
type trailedBody struct {
	io.ReadCloser
	in      *http.Request
	trailer http.Header // of the request to the API: it gets the values of the names that it has
}

// Read implements io.Reader.
func (b *trailedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		for name := range b.trailer {
			b.trailer[name] = b.in.Trailer[name]
		}
	}
	return n, err
}

// keepBody keeps a small body in memory, so that the request can be sent again.
func keepBody(r *http.Request) error {
	if r.ContentLength < 0 || r.ContentLength > repeatableSize {
		r.Body = callersBody{r.Body}
	}
	if r.ContentLength <= 0 || r.ContentLength > repeatableSize {
		return nil
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return &RequestError{http.StatusBadRequest, "the body is shorter than its Content-Length"}
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	r.Header.Del("Expect") // it has been met
	return nil
}

// callersBody is a body that is sent on while it arrives. What is wrong with it is the caller's error, not the API's.
type callersBody struct{ io.ReadCloser }

// Read implements io.Reader.
func (b callersBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &RequestError{http.StatusBadRequest, "the body of the request: " + withoutQuotes(err.Error())}
	}
	return n, err
}

// failedLines is an io.Writer that makes an error of each line of net/http's log.
type failedLines func(error)

func (f failedLines) Write(line []byte) (int, error) {
	text := strings.TrimPrefix(strings.TrimSpace(string(line)), "httputil: ReverseProxy ")
	f(errors.New(withoutQuotes(strings.TrimPrefix(text, "http: "))))
	return len(line), nil
}

// buffers is a pool of the buffers between two connections.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return new([copyBuffer]byte) }}}
}

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte { return b.pool.Get().(*[copyBuffer]byte)[:] }

// Put implements httputil.BufferPool.
func (b *buffers) Put(buffer []byte) { b.pool.Put((*[copyBuffer]byte)(buffer)) }
