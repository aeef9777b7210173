package okauth_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// docs/programs.md shows the service as it is compiled and run.
func TestServiceInTheDocumentation(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("example_service_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "// ordersService ")
	code, _, ok := strings.Cut("// ordersService "+code, "// A service that ")
	text, err := os.ReadFile("../../docs/programs.md")
	if err != nil {
		t.Fatal(err)
	}
	if !ok || !strings.Contains(string(text), "```go\n"+strings.TrimSpace(code)+"\n```\n") {
		t.Error("the code in docs/programs.md is not that of example_service_test.go")
	}
}

// What the service answers and logs when it cannot get an answer.
func TestServiceFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path   string // that does not answer as it should
		fault  oktatest.Fault
		status int
		logged string
	}{
		"not signed in":   {"", nil, http.StatusServiceUnavailable, "not signed in"},
		"Okta is down":    {"/token", oktatest.HTML(http.StatusServiceUnavailable), http.StatusBadGateway, "503"},
		"the API refuses": {"/hello", oktatest.HTML(http.StatusUnauthorized), http.StatusBadGateway, "401"},
		"caller gone":     {"/hello", oktatest.Silence(), http.StatusOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			options := o.options
			if test.fault == nil {
				options = o.withoutPassword()
			} else {
				o.FailAlways(test.path, test.fault)
			}
			var log bytes.Buffer
			client := o.open(t, options)
			defer client.Wait() // before t.Context ends: an abandoned lock would still make its directory
			service := &ordersService{
				client.HTTPClient(t.Context()), o.URL() + "/api/hello",
				slog.New(slog.NewTextHandler(&log, nil)),
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.logged == "" {
				cancel()
			}
			w := httptest.NewRecorder()
			service.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
			if w.Code != test.status || (w.Header().Get("Retry-After") != "") != (w.Code == http.StatusServiceUnavailable) {
				t.Errorf("got %d %q, want %d", w.Code, w.Header(), test.status)
			}
			if got := log.String(); !strings.Contains(got, test.logged) || test.logged == "" && got != "" ||
				strings.Contains(got, "eyJ") {
				t.Errorf("logged %q, want %q", got, test.logged)
			}
		})
	}
}

// A request that waits for a new token when the service is stopped is answered.
func TestServiceStopsAfterItsRequests(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.options.Settings["scopes"] = "openid" // so it signs in again; a refresh would go on by itself
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, o.URL()+"/api/hello", o.options) }()
	get := func() (int, error) {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if status, err := get(); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	o.clock.Advance(2 * time.Hour)
	arrived, release := make(chan struct{}), make(chan struct{})
	o.Fail("/token", oktatest.HoldRequest(arrived, release))
	answered := make(chan error, 1)
	go func() {
		status, err := get()
		if err == nil && status != http.StatusOK {
			t.Errorf("the last request: %d", status)
		}
		answered <- err
	}()
	<-arrived
	stop()
	for { // until the service no longer listens
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(release)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
