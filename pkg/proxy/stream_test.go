package proxy_test

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/proxy"
	"okauth/pkg/session"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func encodePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// listenRaw returns the address of a server that answers each connection with text.
func listenRaw(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = io.WriteString(conn, text)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// Each side hears the other at once, before its own end: a line up, a line down, and so on, and trailers at both ends.
func TestStreamsBothWays(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		trailer := make(chan string, 1)
		api := serve(t, kind, func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			if kind != "h2" {
				_ = control.EnableFullDuplex()
			}
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(200)
			_ = control.Flush()
			lines := bufio.NewScanner(r.Body)
			for n := 0; lines.Scan(); n++ {
				fmt.Fprintf(w, "%d %s\n", n, lines.Text())
				_ = control.Flush()
			}
			trailer <- r.Trailer.Get("X-End") + r.Trailer.Get("Authorization")
			w.Header().Set("X-Sum", "down")
			w.Header().Set(http.TrailerPrefix+"X-Late", "late")
		})
		r := newRig(t, api, nil)
		body, up := io.Pipe()
		req, err := http.NewRequest("POST", r.url, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-End": {"up"}, "Authorization": {"canary"}}
		resp, err := r.caller.Do(req) // before anything of the body is sent
		if err != nil {
			t.Fatal(kind, err)
		}
		lines := bufio.NewScanner(resp.Body)
		for n := range 5 {
			fmt.Fprintf(up, "line %d\n", n)
			if !lines.Scan() || lines.Text() != fmt.Sprintf("%d line %[1]d", n) {
				t.Fatalf("%s: got %q, %v", kind, lines.Text(), lines.Err())
			}
		}
		up.Close()
		if lines.Scan() || lines.Err() != nil {
			t.Errorf("%s: got more: %q, %v", kind, lines.Text(), lines.Err())
			t.Error(<-r.failed)
		}
		resp.Body.Close()
		if got := <-trailer; got != "up" || resp.Trailer.Get("X-Sum") != "down" || resp.Trailer.Get("X-Late") != "late" {
			t.Errorf("%s: trailers: up %q, down %v", kind, got, resp.Trailer)
		}
	}
}

// A connection that leaves HTTP, such as a websocket, goes on both ways, with an API that speaks HTTP/2 otherwise, too.
func TestWebsocket(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		api := serve(t, kind, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != "websocket" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_, _ = io.Copy(conn, rw) // an echo
		})
		r := newRig(t, api, nil)
		conn, err := net.Dial("tcp", r.listens.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", r.listens.Addr())
		reader := bufio.NewReader(conn)
		resp, err := http.ReadResponse(reader, nil)
		if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" {
			t.Fatalf("%s: got %v, %v", kind, resp, err)
		}
		for _, text := range []string{"\x81\x05hello", "\x00\xff\n"} {
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(text))
			if _, err := io.ReadFull(reader, got); err != nil || string(got) != text {
				t.Fatalf("%s: got %q, %v", kind, got, err)
			}
		}
		// The end of the proxy is the end of the connection.
		r.stop()
		if _, err := reader.ReadByte(); err == nil || <-r.served != nil {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

// After a 401, a request without a body, or with a small one, is repeated with a new token. Another gets the 401.
func TestRepeatsAfter401(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		refused := ""
		var tokens, bodies []string
		api := serve(t, kind, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			tokens, bodies = append(tokens, r.Header.Get("Authorization")), append(bodies, fmt.Sprint(len(body)))
			if r.Header.Get("Authorization") == refused {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, "the API's own words")
			}
		})
		r := newRig(t, api, nil)
		r.do(t, "GET", "/", nil, nil)
		for _, test := range []struct {
			name   string
			body   io.Reader
			status int
			want   string
		}{
			{"none", nil, 200, "0 0"},
			{"small", strings.NewReader(strings.Repeat("x", 64<<10)), 200, "65536 65536"},
			{"large", strings.NewReader(strings.Repeat("x", 64<<10+1)), 401, "65537"},
			{"streamed", io.MultiReader(strings.NewReader("hello")), 401, "5"},
		} {
			r.clock.Advance(2 * time.Minute) // a token that is refused right away is not replaced again
			r.do(t, "GET", "/", nil, nil)    // another replaces what the last test left
			refused = tokens[len(tokens)-1]
			tokens, bodies = nil, nil
			r.okta.ResetRequests()
			resp, text := r.do(t, "POST", "/", test.body, nil)
			if resp.StatusCode != test.status || strings.Join(bodies, " ") != test.want {
				t.Errorf("%s, %s: got %s after bodies of %v, want %d after %s", kind, test.name, resp.Status, bodies, test.status, test.want)
			}
			if calls := len(r.okta.Requests()); test.status == 401 && (text != "the API's own words" || calls != 0 ||
				resp.Header.Get("WWW-Authenticate") == "") || test.status == 200 && calls != 1 {
				t.Errorf("%s, %s: got %q %v and %d requests to Okta", kind, test.name, text, resp.Header, calls)
			}
			refused = ""
		}
		if len(r.failed) > 0 {
			t.Errorf("%s: reported %v", kind, <-r.failed)
		}
	}
}

// With DPoP each request has a proof for the API's address, and one more is sent for a nonce.
func TestProves(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, func(r *rig, p *proxy.Proxy) {
		r.options.Settings["client_id"], r.options.Settings["dpop"] = oktatest.DPoPClientID, "true"
		var err error
		if p.Upstream, err = proxy.ParseUpstream(r.okta.URL() + "/api"); err != nil {
			t.Fatal(err)
		}
	})
	if token, err := r.client.Get(t.Context(), session.Access); err != nil || token.TokenType != okta.TypeDPoP {
		t.Fatal(token.TokenType, err)
	}
	r.okta.Change(func(o *oktatest.Options) { o.Quirks.ResourceNonce = true })
	for _, want := range []int{2, 1, 2} {
		r.okta.ResetRequests()
		resp, text := r.do(t, "GET", "/hello?x=1", nil, http.Header{"Dpop": {"canary"}, "Authorization": {"Bearer canary"}})
		if resp.StatusCode != 200 || !strings.Contains(text, oktatest.DefaultUser) || len(r.okta.Requests()) != want {
			t.Errorf("got %s %s after %d requests, want %d", resp.Status, text, len(r.okta.Requests()), want)
		}
		if want == 1 {
			r.okta.RotateNonces()
		}
	}
}

// After the end of its context the proxy accepts nothing, and open requests end.
func TestShutdown(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan bool), make(chan bool)
	api := serve(t, "h2", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		_ = http.NewResponseController(w).Flush()
		begun <- true
		<-goOn
		fmt.Fprintln(w, "last")
	})
	r := newRig(t, api, nil)
	answer := make(chan string)
	go func() {
		_, text := r.do(t, "GET", "/", nil, nil)
		answer <- text
	}()
	<-begun
	r.stop()
	for {
		conn, err := net.DialTimeout("tcp", r.listens.Addr().String(), time.Second)
		if err != nil {
			break
		}
		conn.Close()
	}
	close(goOn)
	if got := <-answer; got != "first\nlast\n" {
		t.Errorf("the open request got %q", got)
	}
	if err := <-r.served; err != nil {
		t.Error(err)
	}
}

// An answer that breaks off breaks off at the caller, too, and is reported.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	address := listenRaw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
	r := newRig(t, nil, func(_ *rig, p *proxy.Proxy) {
		var err error
		if p.Upstream, err = proxy.ParseUpstream(address); err != nil {
			t.Fatal(err)
		}
	})
	resp, err := r.caller.Get(r.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil || string(text) != "hello" {
		t.Errorf("got %q, %v, want an error after hello", text, err)
	}
	if err := <-r.failed; !strings.Contains(err.Error(), "body copy") {
		t.Errorf("reported %v", err)
	}
}

// Interim answers, HEAD and a caller that waits for "100 Continue" work as with the API itself.
func TestHTTPDetails(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		api := serve(t, kind, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Content-Length", "5")
			w.Header().Set("ETag", `"x"`)
			if r.Method == "POST" {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			_, _ = io.WriteString(w, "hello")
		})
		r := newRig(t, api, nil)
		if resp, _ := r.do(t, "HEAD", "/", nil, nil); resp.StatusCode != 200 || resp.ContentLength != 5 || resp.Header.Get("ETag") == "" {
			t.Errorf("%s: HEAD: got %s %v", kind, resp.Status, resp.Header)
		}
		conn, err := net.Dial("tcp", r.listens.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", r.listens.Addr())
		var got []string
		for range 3 {
			resp, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, fmt.Sprint(resp.StatusCode)); resp.StatusCode == 100 {
				fmt.Fprint(conn, "hello")
			}
		}
		if text := strings.Join(got, " "); text != "100 103 200" {
			t.Errorf("%s: got %s", kind, text)
		}
	}
}

// An API whose certificate has another name, or that speaks an old TLS, gets no token.
func TestTLS(t *testing.T) {
	t.Parallel()
	reached := make(chan bool, 10)
	api := serve(t, "https", func(http.ResponseWriter, *http.Request) { reached <- true })
	api.TLS.MaxVersion = tls.VersionTLS11 // from the next connection on
	r := newRig(t, api, nil)
	resp, body := r.do(t, "GET", "/", nil, nil)
	r.wantProblem(t, resp, body, 502, "protocol version")
	if len(reached) > 0 {
		t.Error("the API was reached")
	}
}
