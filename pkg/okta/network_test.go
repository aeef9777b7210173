package okta

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

func TestNetworkErrorsNameThePhase(t *testing.T) {
	t.Parallel()
	const closed = "127.0.0.1:1" // a port that no server gets by chance
	plain := httptest.NewServer(respond(200, "application/json", goodAnswer))
	defer plain.Close()
	for _, test := range []struct{ name, base, phase string }{
		{"nothing listens", "http://" + closed, transport.PhaseConnect},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), transport.PhaseTLS},
	} {
		_, err := clientFor(t, test.base, transport.Config{Timeout: 5 * time.Second}).Token(t.Context(), form())
		checkHarmless(t, err)
		e, ok := errors.AsType[*NetworkError](err)
		if !ok || e.Phase != test.phase || e.Timeout != 0 || !strings.Contains(test.base, e.Server.Host()) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

// TestNetworkErrorRepeatsNothing: package net puts the address and the step into its errors, too.
func TestNetworkErrorRepeatsNothing(t *testing.T) {
	t.Parallel()
	_, refused := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	noHost := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
		Err: "no such host", Name: "a.example", Server: "192.0.2.1:53", IsNotFound: true}}
	for _, test := range []struct {
		base, phase string
		err         error
		want        string
	}{
		{"http://127.0.0.1:1", transport.PhaseConnect, refused, "reach 127.0.0.1:1: connect: "},
		{"http://localhost:1", transport.PhaseConnect, refused, "reach localhost:1: connect: 127.0.0.1:1: "},
		{"https://a.example", transport.PhaseResolve, noHost,
			"reach a.example: look up the host: no such host (asked 192.0.2.1:53)"},
		{"https://b.example", transport.PhaseResolve, noHost, "reach b.example: look up the host: lookup a.example on "},
		{"https://a.example", transport.PhaseAwait, io.ErrUnexpectedEOF, "reach a.example: await the answer: unexpected EOF"},
	} {
		server, err := NewAuthorizationServer(test.base, "default")
		if err != nil {
			t.Fatal(err)
		}
		got := (&NetworkError{RequestInfo: RequestInfo{Server: server}, Phase: test.phase, Err: test.err}).Error()
		if !strings.HasPrefix(got, test.want) || strings.Contains(got, "dial") || strings.Count(got, "connect:") > 1 {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestAT08_SlowServersEnd(t *testing.T) {
	t.Parallel()
	const limit = 150 * time.Millisecond
	drip := func(text string) func(net.Conn) { // one byte at a time until the client hangs up
		return func(conn net.Conn) {
			ticker := time.NewTicker(limit / 10)
			defer ticker.Stop()
			for i := 0; ; i++ {
				if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
					return
				}
				<-ticker.C
			}
		}
	}
	for _, test := range []struct {
		name, phase string
		answer      func(net.Conn)
	}{
		{"silence", transport.PhaseAwait, func(conn net.Conn) { conn.Read(make([]byte, 1)) }},
		{"header, byte by byte", transport.PhaseRead, drip("HTTP/1.1 200 OK\r\nX-A: b" + strings.Repeat("c", 200))},
		{"body, byte by byte", transport.PhaseRead, func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
			drip(" ")(conn)
		}},
	} {
		server, base := startRaw(t, test.answer)
		_, err := clientFor(t, base, transport.Config{Timeout: limit}).Token(t.Context(), form())
		checkHarmless(t, err)
		e, ok := errors.AsType[*NetworkError](err)
		if !ok || e.Phase != test.phase || e.Timeout != limit || !strings.Contains(err.Error(), "150ms") {
			t.Errorf("%s: got %v", test.name, err)
		}
		if n := server.requests.Load(); n != 1 {
			t.Errorf("%s: %d requests, want 1", test.name, n)
		}
	}
	// A server that accepts and does not shake hands.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, err = clientFor(t, "https://"+listener.Addr().String(), transport.Config{Timeout: limit}).Token(t.Context(),
		form())
	if e, ok := errors.AsType[*NetworkError](err); !ok || e.Phase != transport.PhaseTLS || e.Timeout != limit {
		t.Errorf("no handshake: got %v", err)
	}
	// The caller's own deadline.
	_, base := startRaw(t, func(conn net.Conn) { conn.Read(make([]byte, 1)) })
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err = clientFor(t, base, transport.Config{}).Token(ctx, form())
	if e, ok := errors.AsType[*NetworkError](err); !ok || e.Timeout == 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("caller's deadline: got %v", err)
	}
}

func TestAT09_AT10_BrokenAnswers(t *testing.T) {
	t.Parallel()
	const header = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, answer := range map[string]string{
		"10 MB header":         header + "X-Long: " + strings.Repeat("x", 10<<20) + "\r\n\r\n",
		"1xx storm":            strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 100_000),
		"length too long":      header + "Content-Length: 9999\r\n\r\n" + goodAnswer,
		"length too short":     header + "Content-Length: 40\r\n\r\n" + goodAnswer,
		"two lengths":          header + "Content-Length: 40\r\nContent-Length: 41\r\n\r\n" + goodAnswer,
		"negative length":      header + "Content-Length: -1\r\n\r\n" + goodAnswer,
		"chunk cut off":        header + "Transfer-Encoding: chunked\r\n\r\nffff\r\n" + goodAnswer,
		"garbled chunk":        header + "Transfer-Encoding: chunked\r\n\r\ncanary\r\n" + goodAnswer,
		"body too large":       header + "\r\n" + strings.Repeat(" ", 2<<20),
		"HTTP/0.9":             "canary-not-http\r\n",
		"echo in the header":   "HTTP/1.1 200 OK\r\n" + password + "\r\n\r\n",
		"not gzip":             header + "Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\ncanary",
		"unknown encoding":     header + "Content-Encoding: br\r\nContent-Length: 6\r\n\r\ncanary",
		"switching protocols":  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"only the status line": "HTTP/1.1 200 OK\r\n",
	} {
		server, base := startRaw(t, func(conn net.Conn) { io.WriteString(conn, answer); conn.Close() })
		tokens, err := clientFor(t, base, transport.Config{Timeout: 10 * time.Second}).Token(t.Context(), form())
		checkHarmless(t, err)
		_, unusable := errors.AsType[*ResponseError](err)
		_, network := errors.AsType[*NetworkError](err)
		if tokens != nil || !unusable && !network {
			t.Errorf("%s: got %v, %v", name, tokens, err)
		}
		if n := server.requests.Load(); n != 1 {
			t.Errorf("%s: %d requests, want 1", name, n)
		}
	}
}

func TestAT66_ErrorsShowNoURL(t *testing.T) {
	t.Parallel()
	_, base := startRaw(t, nil)
	_, err := clientFor(t, base, transport.Config{Timeout: 5 * time.Second}).Token(t.Context(), form())
	if err == nil || strings.Contains(err.Error(), "/v1/token") || strings.Contains(err.Error(), "Post ") {
		t.Errorf("got %v", err)
	}
}

// trusting is a configuration that trusts these certificates besides the system's.
func trusting(t *testing.T, pem []byte) transport.Config {
	t.Helper()
	c := transport.Config{Timeout: 5 * time.Second}
	if pem != nil {
		c.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(c.CAFile, pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// The certificate that a server wants, shown to it, is enough.
func TestAClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	org, err := oktatest.Start(oktatest.Options{RequireClientCertificate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer org.Close()
	config := trusting(t, org.CAPEM())
	cert, key := org.ClientCertificate()
	config.ClientCert = filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(config.ClientCert, append(cert, key...), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = clientFor(t, org.URL(), config).Token(t.Context(), form())
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("got %v, want Okta's refusal", err)
	}
}

// A proxy's setting that makes no sense is a mistake of the settings, not of the network.
func TestAProxySettingIsNoNetworkError(t *testing.T) {
	t.Parallel()
	config := trusting(t, nil)
	config.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("gopher://proxy.example") }
	_, err := clientFor(t, "https://okta.example", config).Token(context.Background(), form())
	if _, ok := errors.AsType[*transport.ProxySettingError](err); !ok || MayHaveBeenProcessed(err) {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*NetworkError](err); ok {
		t.Errorf("got the NetworkError %v", err)
	}
}
