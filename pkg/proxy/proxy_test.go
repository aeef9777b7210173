package proxy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/okauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/proxy"
	"okauth/pkg/session"
	"okauth/pkg/store/memory"
	"okauth/pkg/transport"
)

// keys are those of every org: making them takes a second.
var keys = sync.OnceValue(oktatest.NewKeys)

// rig is a proxy that leads to an API of the test, with the token of an org of its own.
type rig struct {
	okta    *oktatest.Server
	clock   *oktatest.Clock
	client  *okauth.Client
	options okauth.Options
	api     *httptest.Server
	url     string       // the proxy's
	caller  *http.Client // knows nothing of tokens, follows no redirect
	stop    func()       // what a signal does
	served  chan error   // gets what Serve returns
	failed  chan error   // what was reported
	ca      string       // the file with the certificate of the API
	listens net.Listener
}

// newRig starts a proxy for an API. change may be nil.
func newRig(t *testing.T, api *httptest.Server, change func(*rig, *proxy.Proxy)) *rig {
	t.Helper()
	clock := oktatest.NewClock(time.Now())
	server, err := oktatest.Start(oktatest.Options{Clock: clock, Keys: keys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	home := t.TempDir()
	env := map[string]string{
		"OKAUTH_USERNAME": oktatest.DefaultUser, "OKAUTH_PASSWORD": oktatest.DefaultPassword,
		"OKAUTH_CLIENT_SECRET": oktatest.DefaultClientSecret,
	}
	r := &rig{okta: server, clock: clock, api: api, served: make(chan error, 1), failed: make(chan error, 1000)}
	r.options = okauth.Options{
		Settings: map[string]string{
			"domain": server.URL(), "client_id": oktatest.DefaultClientID, "scopes": "openid offline_access",
		},
		LookupEnv:     func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		UserConfigDir: func() (string, error) { return home, nil },
		Keychain:      new(memory.Store), LockDir: filepath.Join(home, "locks"), Now: clock.Now,
	}
	p := &proxy.Proxy{Failed: func(err error) { r.failed <- err }}
	if api != nil {
		if p.Upstream, err = url.Parse(api.URL); err != nil {
			t.Fatal(err)
		}
		if cert := api.Certificate(); cert != nil {
			r.ca = filepath.Join(home, "ca.pem")
			writePEM(t, r.ca, cert.Raw)
		}
	}
	if change != nil {
		change(r, p)
	}
	if r.client, err = okauth.Open(t.Context(), r.options); err != nil {
		t.Fatal(err)
	}
	base, err := transport.NewAPI(transport.Config{CAFile: r.ca})
	if err != nil {
		t.Fatal(err)
	}
	p.Transport = r.client.Transport(t.Context(), proxy.WrapErrors(base), session.CachedToken{})
	if r.listens == nil {
		if r.listens, err = proxy.Listen("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	r.url = proxy.Address(r.listens)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop = stop
	go func() { r.served <- p.Serve(ctx, r.listens) }()
	t.Cleanup(stop)
	caller := &http.Transport{DisableCompression: true}
	t.Cleanup(caller.CloseIdleConnections)
	r.caller = &http.Client{Transport: caller, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return r
}

// serve returns an API: over plain http, https, or https with HTTP/2.
func serve(t *testing.T, kind string, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	api := httptest.NewUnstartedServer(handler)
	api.Config.ErrorLog = quiet()
	if kind == "http" {
		api.Start()
	} else {
		api.EnableHTTP2 = kind == "h2"
		api.StartTLS()
	}
	t.Cleanup(api.Close)
	return api
}

// kinds are what an API may speak.
func kinds() []string { return []string{"http", "https", "h2"} }

// do sends a request to the proxy and returns the answer with its body.
func (r *rig) do(t *testing.T, method, path string, body io.Reader, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := r.caller.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// The API gets the token, its own host, and what the caller says, but for what is about tokens, hops and proxies. The
// caller gets what the API says.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		var got http.Header
		var host, proto string
		api := serve(t, kind, func(w http.ResponseWriter, r *http.Request) {
			got, host, proto = r.Header.Clone(), r.Host, r.Proto
			w.Header()["Set-Cookie"] = []string{"a=1; Path=/", "b=2; Secure"}
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(http.StatusFound)
		})
		r := newRig(t, api, nil)
		resp, _ := r.do(t, "GET", "/", nil, http.Header{
			"Authorization": {"Bearer canary-1", "Basic canary-2"}, "Dpop": {"canary-3"}, "Cookie": {"c=3"}, "X-Custom": {"x", "y"},
			"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Host": {"h"}, "X-Forwarded-Port": {"1"}, "Forwarded": {"for=10.0.0.1"},
			"Connection": {"Authorization, X-Hop"}, "X-Hop": {"1"}, "User-Agent": {""}, "Proxy-Authorization": {"canary-4"},
		})
		if resp.StatusCode != 302 || resp.Header.Get("Location") != "https://elsewhere.example/" ||
			len(resp.Header["Set-Cookie"]) != 2 {
			t.Errorf("%s: got %s %v, want the redirect and two cookies", kind, resp.Status, resp.Header)
		}
		if wantProto := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[kind == "h2"]; proto != wantProto {
			t.Errorf("%s: the API was spoken to in %s", kind, proto)
		}
		if token := got["Authorization"]; len(token) != 1 || !strings.HasPrefix(token[0], "Bearer ey") {
			t.Errorf("%s: got the Authorization %.20q", kind, token)
		}
		if host != r.api.Listener.Addr().String() || got.Get("Cookie") != "c=3" || len(got["X-Custom"]) != 2 {
			t.Errorf("%s: got the host %q and %v", kind, host, got)
		}
		if text := fmt.Sprint(got); strings.Contains(text, "canary") || strings.Contains(text, "orwarded") ||
			strings.Contains(text, "Hop") || strings.Contains(text, "Go-http") || strings.Contains(text, "gzip") {
			t.Errorf("%s: the API got %v", kind, got)
		}
	}
}

// Path and query arrive as they were sent, below the path of the API.
func TestPaths(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	api := serve(t, "http", func(_ http.ResponseWriter, r *http.Request) { got <- r.RequestURI })
	for base, prefix := range map[string]string{"": "", "/": "", "/v1": "/v1", "/v1/": "/v1", "/a%2Fb": "/a%2Fb"} {
		r := newRig(t, api, func(_ *rig, p *proxy.Proxy) {
			var err error
			if p.Upstream, err = proxy.ParseUpstream(api.URL + base); err != nil {
				t.Fatal(err)
			}
		})
		for _, path := range []string{
			"/", "/orders", "/orders/", "//double//slash", "/a%2fb", "/a%2Fb/..%2f", "/../x", "/./x", "/%7euser", "/~user",
			"/a;b=c,d", "/?", "/x?a=b;c=d&%zz&&", "/x?q=%2F%20+", "/caf%C3%A9", "/a:b@c", "/%", "/x?u=http://h/?a",
		} {
			resp := r.raw(t, "GET "+path+" HTTP/1.1\r\nHost: "+r.listens.Addr().String()+"\r\nConnection: close\r\n\r\n")
			if path == "/%" { // no URL
				if resp != "HTTP/1.1 400 Bad Request" {
					t.Errorf("%s: got %s", path, resp)
				}
				continue
			}
			if arrived := <-got; resp != "HTTP/1.1 200 OK" || arrived != prefix+path {
				t.Errorf("base %q, path %q: arrived as %q: %s", base, path, arrived, resp)
			}
		}
	}
}

// raw sends bytes to the proxy and returns the first line of the answer.
func (r *rig) raw(t *testing.T, text string) string {
	t.Helper()
	conn, err := net.Dial(r.listens.Addr().Network(), r.listens.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return strings.TrimSpace(line)
}

// Only a program that means this proxy may use it.
func TestGuard(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 100)
	api := serve(t, "http", func(_ http.ResponseWriter, r *http.Request) { reached <- r.Method })
	r := newRig(t, api, nil)
	own := r.listens.Addr().String()
	_, port, _ := net.SplitHostPort(own)
	const ok, no = "HTTP/1.1 200 OK", "HTTP/1.1 403 Forbidden"
	for _, test := range []struct{ line, host, header, want string }{
		{"GET /", own, "", ok},
		{"GET /", "localhost:" + port, "", ok},
		{"GET /", "LOCALHOST:" + port, "", ok},
		{"GET /", "[::1]:" + port, "", ok},
		{"GET /", own, "Origin: http://" + own, ok},
		{"POST /", "localhost:" + port, "Origin: http://localhost:" + port + "\r\nSec-Fetch-Site: same-origin", ok},
		{"GET /", own, "Sec-Fetch-Site: none", ok},
		{"GET /", "evil.example:" + port, "", no}, // DNS rebinding
		{"GET /", "127.0.0.1", "", no},
		{"GET /", "127.0.0.1:1", "", no},
		{"GET /", "localhost.:" + port, "", no},
		{"GET /", "localhost.evil.example:" + port, "", no},
		{"GET /", "127.0.0.1.evil.example:" + port, "", no},
		{"GET /", "", "", no},
		{"GET /", api.Listener.Addr().String(), "", no},
		{"POST /", own, "Origin: http://evil.example\r\nContent-Type: text/plain", no},
		{"POST /", own, "Origin: null", no},
		{"POST /", own, "Origin: https://" + own, no},
		{"POST /", own, "Origin: http://localhost:" + port, no},
		{"POST /", own, "Origin: http://" + own + "\r\nOrigin: http://evil.example", no},
		{"GET /", own, "Sec-Fetch-Site: cross-site", no},
		{"GET /", own, "Sec-Fetch-Site: same-site", no},
		{"GET /", own, "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site", no},
		{"OPTIONS /", own, "Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT", no},
		{"GET /", own, "Origin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket", no},
		{"GET http://" + own + "/", own, "", no},
		{"GET http://other.example/", "other.example", "", no},
		{"GET " + api.URL + "/", own, "", no},
		{"CONNECT other.example:443", "other.example:443", "", no},
		{"CONNECT " + own, own, "", no},
		{"OPTIONS *", own, "", no},
		{"OPTIONS *", "evil.example", "", no},
	} {
		header := test.header
		if header != "" {
			header += "\r\n"
		}
		got := r.raw(t, test.line+" HTTP/1.1\r\nHost: "+test.host+"\r\n"+header+"Content-Length: 0\r\n\r\n")
		if got != test.want || (len(reached) == 1) != (test.want == ok) {
			t.Errorf("%s, %s, %q: got %s, and the API %d requests", test.line, test.host, test.header, got, len(reached))
		}
		for len(reached) > 0 {
			<-reached
		}
		for len(r.failed) > 0 {
			if err := <-r.failed; test.want == ok || !errors.As(err, new(*proxy.RequestError)) {
				t.Errorf("reported %v", err)
			}
		}
	}
}

// Requests that servers read in two ways (request smuggling) reach the API once and in one way, or not at all.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	api := serve(t, "http", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%s %s %q", r.Method, r.URL.Path, body))
	})
	r := newRig(t, api, nil)
	const inner = "GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, test := range map[string]struct{ header, body, want string }{
		"CL and TE":      {"Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + inner, `POST / ""`},
		"two CL":         {"Content-Length: 0\r\nContent-Length: " + fmt.Sprint(len(inner)), inner, ""},
		"unknown TE":     {"Transfer-Encoding: xchunked\r\nContent-Length: 0", inner, ""},
		"TE with a list": {"Transfer-Encoding: gzip, chunked", "0\r\n\r\n", ""},
		"space":          {"Transfer-Encoding : chunked", "0\r\n\r\n", ""},
		"bare LF":        {"Content-Length: 5\nX: y", "hello", `POST / "hello"`},
	} {
		r.raw(t, "POST / HTTP/1.1\r\nHost: "+r.listens.Addr().String()+"\r\nConnection: close\r\n"+test.header+"\r\n\r\n"+test.body)
		mu.Lock()
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s: the API got %s, want %s", name, text, test.want)
		}
		got = nil
		mu.Unlock()
	}
}

// A body that breaks off in the middle is the caller's error: 400, and not a word about the API.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		api := serve(t, kind, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		r := newRig(t, api, nil)
		line := r.raw(t, "POST / HTTP/1.1\r\nHost: "+r.listens.Addr().String()+"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
		if line != "HTTP/1.1 400 Bad Request" {
			t.Errorf("%s: got %s", kind, line)
		}
		if err := <-r.failed; !errors.As(err, new(*proxy.RequestError)) || !strings.Contains(err.Error(), "the body of the request: ") {
			t.Errorf("%s: reported %v", kind, err)
		}
	}
}

// document is a problem document.
type document struct {
	Type, Title, Detail, Hint string
	Status                    int
}

// wantProblem wants a problem document, and an error that was reported with the same text.
func (r *rig) wantProblem(t *testing.T, resp *http.Response, body string, status int, detail string) document {
	t.Helper()
	var got document
	err := json.Unmarshal([]byte(body), &got)
	if err != nil || resp.StatusCode != status || got.Status != status || got.Title != http.StatusText(status) ||
		resp.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(got.Detail, detail) {
		t.Errorf("got %s %v %s, want %d with %q", resp.Status, resp.Header, body, status, detail)
	}
	select {
	case err := <-r.failed:
		if err.Error() != got.Detail {
			t.Errorf("reported %q, answered %q", err, got.Detail)
		}
	default:
		t.Error("nothing was reported")
	}
	return got
}

// An API that does not answer is a problem of its own: 502, and why.
func TestUpstreamFails(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	garbage := listenRaw(t, "canary-secret\r\n\r\n")
	untrusted := serve(t, "https", func(http.ResponseWriter, *http.Request) {})
	for want, api := range map[string]string{
		"refused":                      closed.URL,
		"its answer is not valid HTTP": garbage,
		"unknown authority":            untrusted.URL,
	} {
		r := newRig(t, nil, func(_ *rig, p *proxy.Proxy) {
			p.Upstream, _ = url.Parse(api)
			p.Hint = func(err error) string {
				if !errors.As(err, new(*proxy.UpstreamError)) {
					t.Errorf("got a %T", err)
				}
				return "see to it"
			}
		})
		resp, body := r.do(t, "POST", "/", strings.NewReader("hello"), nil)
		got := r.wantProblem(t, resp, body, 502, want)
		if got.Hint != "see to it" || !strings.HasPrefix(got.Detail, "reach "+api+": ") || strings.Contains(body, "canary") {
			t.Errorf("got %s", body)
		}
	}
}

// The session has ended: 502, and no secret. After a sign-in it works again.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	api := serve(t, "h2", func(http.ResponseWriter, *http.Request) {})
	var signedIn *okauth.Client
	r := newRig(t, api, func(r *rig, _ *proxy.Proxy) {
		var err error
		if signedIn, err = okauth.Open(t.Context(), r.options); err != nil {
			t.Fatal(err)
		}
		lookup := r.options.LookupEnv
		r.options.LookupEnv = func(name string) (string, bool) {
			if name == "OKAUTH_PASSWORD" {
				return "", false
			}
			return lookup(name)
		}
	})
	if _, err := signedIn.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp, _ := r.do(t, "GET", "/", nil, nil); resp.StatusCode != 200 {
		t.Fatalf("got %s", resp.Status)
	}
	if err := signedIn.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(2 * time.Hour)
	resp, body := r.do(t, "GET", "/", nil, nil)
	r.wantProblem(t, resp, body, 502, "get an access token: profile")
	if _, err := signedIn.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if resp, _ = r.do(t, "GET", "/", nil, nil); resp.StatusCode == 200 {
			return
		}
		time.Sleep(50 * time.Millisecond) // an error stands for a second
	}
	t.Errorf("after a sign-in: %s", resp.Status)
}

func writePEM(t *testing.T, file string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, encodePEM(der), 0o600); err != nil {
		t.Fatal(err)
	}
}
