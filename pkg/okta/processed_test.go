package okta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/transport"
)

// What is answered, over plain connections whose server has read the request to its end.
func TestAT82_ProcessedByResponse(t *testing.T) {
	t.Parallel()
	const json, html, page = "application/json", "text/html", "<html></html>"
	for _, test := range []struct {
		name       string
		status     int
		kind, body string
		want       bool
	}{
		{"good", 200, json, goodAnswer, false},
		{"cut off inside", 200, json, goodAnswer[:20], true},
		{"empty", 200, json, "", true},
		{"no content", 204, "", "", true},
		{"other success", 201, json, goodAnswer, true},
		{"other type", 200, "text/plain", goodAnswer, true},
		{"no access token", 200, json, "{}", true},
		{"too large", 200, json, strings.Repeat(" ", 1<<20+1), true},
		{"captive portal", 200, html, page, false},
		{"captive portal in disguise", 200, json, page, false},
		{"error with 200", 200, json, `{"error":"invalid_grant"}`, false},
		{"network wants a sign-in", 511, html, page, false},
		{"redirect", 307, "", "", false},
		{"refused", 400, json, `{"error":"invalid_grant"}`, false},
		{"client refused", 401, json, `{"errorCode":"invalid_client"}`, false},
		{"too busy", 400, json, `{"error":"temporarily_unavailable"}`, false},
		{"rate limit", 429, json, `{"errorCode":"E0000047"}`, false},
		{"page of a rate limit", 429, html, page, false},
		{"unusable refusal", 400, json, "{", false},
		{"page of 404", 404, html, page, false},
		{"proxy wants a name", 407, html, page, false},
		{"failure", 500, json, `{"errorCode":"E0000009"}`, true},
		{"failure in the OAuth shape", 500, json, `{"error":"server_error"}`, true},
		{"read-only", 503, json, `{"errorCode":"E0000010"}`, true},
		{"page of 500", 500, html, page, true},
		{"page of 502", 502, html, page, true},
		{"empty 503", 503, "", "", true},
		{"page of 504", 504, html, page, true},
	} {
		err := askAbout(t, refresh, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			respond(test.status, test.kind, test.body)(w, r)
		})
		if (err == nil) != (test.name == "good") || MayHaveBeenProcessed(err) != test.want {
			t.Errorf("%s: got %t for %v, want %t", test.name, MayHaveBeenProcessed(err), err, test.want)
		}
	}
}

// Where the connection ends.
func TestAT82_ProcessedByPhase(t *testing.T) {
	t.Parallel()
	const header = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n"
	plain := httptest.NewServer(respond(200, "application/json", goodAnswer))
	defer plain.Close()
	broken := httptest.NewUnstartedServer(nil)
	broken.Config.ErrorLog = log.New(io.Discard, "", 0)
	broken.StartTLS()
	defer broken.Close()
	refusing := httptest.NewServer(respond(502, "text/html", "<html></html>"))
	defer refusing.Close()
	address := func(l net.Listener) string { return "http://" + l.Addr().String() }
	answering := func(text string) string {
		_, base := startRaw(t, func(conn net.Conn) { io.WriteString(conn, text); conn.Close() })
		return base
	}
	hangUp := func(conn net.Conn) { conn.Close() }
	for _, test := range []struct {
		name, base string
		config     transport.Config
		want       bool
	}{
		{"nothing listens", "http://127.0.0.1:1", transport.Config{}, false},
		{"no TLS there", strings.Replace(plain.URL, "http:", "https:", 1), transport.Config{}, false},
		{"unknown authority", broken.URL, transport.Config{}, false},
		{"no handshake", "https" + strings.TrimPrefix(address(listenOn(t, hangUp)), "http"), transport.Config{}, false},
		{"proxy refuses", "https://okta.example.test", transport.Config{Proxy: proxyAt(t, refusing.URL)}, false},
		{"hung up before the request was read", address(listenOn(t, hangUp)), transport.Config{}, true},
		{"no answer", answering(""), transport.Config{}, true},
		{"not HTTP", answering("canary\r\n\r\n"), transport.Config{}, true},
		{"cut off in the status line", answering("HTTP/1.1 2"), transport.Config{}, true},
		{"cut off in the header", answering(header), transport.Config{}, true},
		{"cut off before the body", answering(header + "\r\n"), transport.Config{}, true},
		{"cut off in the body", answering(header + "\r\n" + goodAnswer), transport.Config{}, true},
		{"silence", address(listenOn(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })),
			transport.Config{Timeout: 100 * time.Millisecond}, true},
	} {
		err := send(t.Context(), t, refresh, clientFor(t, test.base, test.config))
		if err == nil || MayHaveBeenProcessed(err) != test.want {
			t.Errorf("%s: got %t for %v, want %t", test.name, MayHaveBeenProcessed(err), err, test.want)
		}
	}
	lookup := &NetworkError{Phase: transport.PhaseResolve, Err: &net.DNSError{Name: "nowhere.invalid", IsNotFound: true}}
	for _, err := range []error{nil, errors.New("client id is empty"), lookup, fmt.Errorf("wrapped: %w", lookup)} {
		if MayHaveBeenProcessed(err) {
			t.Errorf("got true for %v", err)
		}
	}
	if err := fmt.Errorf("wrapped: %w", &Error{Status: 500}); !MayHaveBeenProcessed(err) {
		t.Errorf("got false for %v", err)
	}
}

func TestAT82_ProcessedAfterCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, base := startRaw(t, func(conn net.Conn) { cancel(); io.Copy(io.Discard, conn) })
	client := clientFor(t, base, transport.Config{})
	err := send(ctx, t, refresh, client)
	if !errors.Is(err, context.Canceled) || !MayHaveBeenProcessed(err) {
		t.Errorf("cancelled after it was sent: got %t for %v", MayHaveBeenProcessed(err), err)
	}
	err = send(ctx, t, refresh, client)
	if !errors.Is(err, context.Canceled) || MayHaveBeenProcessed(err) {
		t.Errorf("cancelled before: got %t for %v", MayHaveBeenProcessed(err), err)
	}
}

// listenOn hands each connection to serve and closes it afterwards. The test ends when every serve has returned.
func listenOn(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	return listener
}

func proxyAt(t *testing.T, address string) func(*http.Request) (*url.URL, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return http.ProxyURL(u)
}
