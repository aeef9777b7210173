package transport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func apiClient(t *testing.T, c Config) *http.Client {
	t.Helper()
	api, err := NewAPI(c)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: api, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// Requests to an API share a connection, through a proxy as well, which is not blamed for what the API does later.
func TestAPIKeepsConnections(t *testing.T) {
	t.Parallel()
	requests := 0
	server, caFile := startTLS(t, func(_ http.ResponseWriter, r *http.Request) {
		if requests++; requests > 3 {
			panic(http.ErrAbortHandler)
		}
		if encoding := r.Header.Get("Accept-Encoding"); encoding != "" {
			t.Errorf("asked for %q", encoding)
		}
	})
	server.TLS.NextProtos = nil // HTTP/1.1
	proxy := &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
	c := apiClient(t, Config{CAFile: caFile, Proxy: http.ProxyURL(mustURL(t, startProxy(t, proxy)))})
	for range 3 {
		if _, err := get(c, server.URL); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Post(server.URL, "text/plain", strings.NewReader("x")); err == nil || errors.As(err, new(*ProxyError)) {
		t.Errorf("the API hung up: got %v", err)
	}
	if n := proxy.connects.Load(); n != 1 {
		t.Errorf("%d connections for 4 requests", n)
	}
}

// Through a proxy that refuses, and to an authority that is not trusted, the errors are those of New. Plain http goes to
// this machine only.
func TestAPIFails(t *testing.T) {
	t.Parallel()
	server, _ := startTLS(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := get(apiClient(t, Config{}), server.URL); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("got %v", err)
	}
	proxy := startProxy(t, &connectProxy{status: http.StatusForbidden})
	_, err := get(apiClient(t, Config{Proxy: http.ProxyURL(mustURL(t, proxy))}), server.URL)
	if e, ok := errors.AsType[*ProxyError](err); !ok || e.Status != http.StatusForbidden {
		t.Errorf("got %v", err)
	}
	if _, err := get(apiClient(t, Config{}), "http://192.0.2.1/"); !errors.As(err, new(*NotLoopbackError)) {
		t.Errorf("got %v", err)
	}
	if _, err := NewAPI(Config{CAFile: "/nowhere"}); !errors.As(err, new(*FileError)) {
		t.Errorf("got %v", err)
	}
}

// The trace has no body of a request to an API, and lets it stream.
func TestAPITrace(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, r.Body)
	})
	var said lines
	c := apiClient(t, Config{CAFile: caFile, Trace: said.say, Detail: true})
	body, up := io.Pipe()
	req, err := http.NewRequest("POST", server.URL+"/x?canary=1", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer canary")
	resp, err := c.Do(req) // before the body is sent
	if err != nil {
		t.Fatal(err)
	}
	go func() { io.WriteString(up, "secret=canary"); up.Close() }()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "secret=canary" {
		t.Errorf("got %q, %v", text, err)
	}
	if text := strings.Join(said.all, "\n"); strings.Contains(text, "canary=1") || strings.Contains(text, "=canary") ||
		!strings.Contains(text, "> Authorization: Bearer ••••") || !strings.Contains(text, "< 200 after") {
		t.Errorf("got the trace %s", text)
	}
}
