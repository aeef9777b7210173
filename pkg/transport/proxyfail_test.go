package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// listenOn hands each connection to serve, and closes it afterwards.
func listenOn(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// answering is a listener that reads a little of each connection, says text and hangs up.
func answering(t *testing.T, text string) string {
	t.Helper()
	return listenOn(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, text)
	})
}

// closed is an address at which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAT06_ProxyFailsByName(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	ntlm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Proxy-Authenticate", "Negotiate")
		w.Header().Add("Proxy-Authenticate", "NTLM")
		w.WriteHeader(http.StatusProxyAuthRequired)
		io.WriteString(w, "<html>canary-page</html>")
	}))
	t.Cleanup(ntlm.Close)
	basic := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Proxy-Authenticate", "NTLM")
		w.Header().Add("Proxy-Authenticate", `Basic realm="canary-realm"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(basic.Close)
	secure := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}}, &connectProxy{status: http.StatusForbidden})
	stranger := serve(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t, "another").issue(nil)}}, &connectProxy{status: http.StatusOK})
	renamed := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(func(c *x509.Certificate) { c.IPAddresses = nil })}}, &connectProxy{status: http.StatusOK})
	for _, test := range []struct {
		name, proxy, want string
		is                func(*ProxyError) bool // what the advice depends on
	}{
		{"407, Kerberos", ntlm.URL, "answered HTTP 407", func(e *ProxyError) bool { return e.Status == 407 && !e.Basic }},
		{"407, Basic", basic.URL, "answered HTTP 407", func(e *ProxyError) bool { return e.Status == 407 && e.Basic }},
		{"407, no offer", startProxy(t, &connectProxy{status: http.StatusProxyAuthRequired}), "answered HTTP 407", func(e *ProxyError) bool { return e.Basic }},
		{"403 with a page", startProxy(t, &connectProxy{status: http.StatusForbidden}), "answered HTTP 403", status(403)},
		{"204", startProxy(t, &connectProxy{status: http.StatusNoContent}), "answered HTTP 204", status(204)},
		{"403 over TLS", secure.URL, "answered HTTP 403", status(403)},
		{"refused", "http://" + closed(t), "refused", status(0)},
		{"a page without a head", "http://" + answering(t, "<html>canary-page</html>\r\n\r\n"), "not HTTP", wraps(ErrNotProxy)},
		{"garbage head", "http://" + answering(t, "HTTP/1.1 200 OK\r\ncanary page\r\n\r\n"), "not HTTP", wraps(ErrNotProxy)},
		{"hangs up", "http://" + answering(t, ""), "hung up", wraps(ErrNotProxy)},
		{"TLS where none is spoken", "http://" + answering(t, "\x15\x03\x01\x00\x02\x02\x16"), "not HTTP", wraps(ErrNotProxy)},
		{"no TLS where it should be", strings.Replace(basic.URL, "http", "https", 1), "first record does not look like a TLS handshake", status(0)},
		{"unknown authority", stranger.URL, "unknown authority", untrusted},
		{"another's certificate", renamed.URL, "validate certificate for 127.0.0.1", untrusted},
		{"SOCKS refused", "socks5://" + closed(t), "refused", status(0)},
		{"no SOCKS there", "socks5://" + answering(t, "HTTP/1.1 400 canary\r\n\r\n"), "unexpected protocol version", status(0)},
	} {
		at := mustURL(t, strings.Replace(test.proxy, "://", "://someone:canary-proxy-password@", 1))
		_, err := get(client(t, Config{CAFile: ours.file, Proxy: http.ProxyURL(at)}), "https://okta.example.test/")
		failed, ok := errors.AsType[*ProxyError](err)
		if !ok || failed.Host != at.Host || !strings.Contains(failed.Error(), test.want) || !test.is(failed) {
			t.Errorf("%s: got %v", test.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows a secret or the proxy's words: %v", test.name, err)
		}
	}
}

func status(code int) func(*ProxyError) bool {
	return func(e *ProxyError) bool { return e.Status == code }
}

func wraps(cause error) func(*ProxyError) bool {
	return func(e *ProxyError) bool { return errors.Is(e, cause) }
}

func untrusted(e *ProxyError) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](e)
	return ok
}

// What goes wrong once the proxy has connected us is not the proxy's fault.
func TestAT06_ProxyIsNotBlamedForTheServer(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"hangs up": "", "garbage": "canary"} {
		proxy := startProxy(t, &connectProxy{target: answering(t, text), status: http.StatusOK})
		_, err := get(client(t, Config{Proxy: http.ProxyURL(mustURL(t, proxy))}), "https://okta.example.test/")
		if _, blamed := errors.AsType[*ProxyError](err); blamed || err == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAT08_SilentProxyEnds(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(func() { silent.CloseClientConnections(); silent.Close() }) // net/http goes on with CONNECT for a minute
	c := client(t, Config{Timeout: 100 * time.Millisecond, Proxy: http.ProxyURL(mustURL(t, silent.URL))})
	_, err := get(c, "https://okta.example.test/")
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestProxyIsLeftAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
	t.Cleanup(func() { silent.CloseClientConnections(); silent.Close() }) // net/http goes on with CONNECT for a minute
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://okta.example.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client(t, Config{Proxy: http.ProxyURL(mustURL(t, silent.URL))}).Do(req)
	if _, blamed := errors.AsType[*ProxyError](err); blamed || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// socks serves one SOCKS5 connection after another (RFC 1928 and 1929), all to target, and tells who came and where they wanted to go.
func socks(t *testing.T, target string) (address string, seen <-chan string) {
	t.Helper()
	came := make(chan string, 8)
	return listenOn(t, func(in net.Conn) {
		read := func(n byte) []byte { b := make([]byte, n); io.ReadFull(in, b); return b }
		read(read(2)[1]) // the ways to sign in that it offers
		in.Write([]byte{5, 2})
		read(1)
		name := read(read(1)[0])
		password := read(read(1)[0])
		in.Write([]byte{1, 0})
		read(4)
		host := read(read(1)[0])
		read(2)
		in.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		came <- fmt.Sprintf("%s:%s %s", name, password, host)
		out, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer out.Close()
		go func() { io.Copy(out, in); out.Close() }()
		io.Copy(in, out)
	}), came
}

func TestAT06_SOCKS(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	at, seen := socks(t, server.Listener.Addr().String())
	proxy := http.ProxyURL(mustURL(t, "socks5://someone:wrong-horse@"+at))
	c := client(t, Config{CAFile: caFile, Proxy: proxy})
	if body, err := get(c, "https://example.com/"); err != nil || body != "hello" {
		t.Errorf("got %q, %v", body, err)
	}
	if got := <-seen; got != "someone:wrong-horse example.com" {
		t.Errorf("the proxy saw %q", got)
	}
	_, err := get(client(t, Config{Proxy: proxy}), "https://example.com/")
	if kindOf(err) != "unknown" {
		t.Errorf("unknown authority: got %v", err)
	}
	_, err = get(client(t, Config{CAFile: caFile, Proxy: proxy}), "https://example.net/")
	if kindOf(err) != "host" {
		t.Errorf("another host: got %v", err)
	}
}
