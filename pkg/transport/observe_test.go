package transport

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// observed sends a request to base and returns what it met.
func observed(t *testing.T, c Config, base string) (Connection, error) {
	t.Helper()
	ctx, seen := Observe(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, c).Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return seen(), err
}

func TestObserve(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}, MaxVersion: version}, nil)
		for route, proxy := range ours.routes(server.Listener.Addr().String()) {
			got, err := observed(t, Config{CAFile: ours.file, Proxy: proxy}, server.URL)
			if err != nil || got.TLS == nil {
				t.Fatalf("%s: got %+v, %v", route, got, err)
			}
			chain := got.TLS.VerifiedChains[0]
			if got.TLS.Version != version || chain[0].Subject.CommonName != "a test" || chain[1].Subject.CommonName != "an authority we know" {
				t.Errorf("%s: got %+v", route, got.TLS)
			}
			direct := route == "direct"
			if addresses := strings.Join(got.Addresses, " "); direct != (addresses == "127.0.0.1") || direct != (got.Proxy == "") {
				t.Errorf("%s: proxy %q, addresses %q", route, got.Proxy, addresses)
			}
		}
	}
}

// A context that is observed twice: pkg/okta does, and doctor around it.
func TestObserveTwice(t *testing.T) {
	t.Parallel()
	proxy := mustURL(t, startProxy(t, &connectProxy{status: http.StatusForbidden}))
	ctx, outer := Observe(t.Context())
	for range 2 {
		inner, seen := Observe(ctx)
		req, err := http.NewRequestWithContext(inner, http.MethodGet, "https://okta.invalid", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client(t, Config{Proxy: http.ProxyURL(proxy)}).Do(req); err == nil {
			t.Fatal("no error")
		}
		for name, got := range map[string]Connection{"inner": seen(), "outer": outer()} {
			if got.Phase != PhaseConnect || got.Proxy != proxy.Host {
				t.Errorf("%s: got %+v", name, got)
			}
		}
	}
}

func TestObserveLooksUpAddresses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	got, err := observed(t, Config{}, strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	if err != nil || !strings.Contains(strings.Join(got.Addresses, " "), "127.0.0.1") || got.TLS != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestObserveFailures(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	unknown := serve(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t, "an authority we do not know").issue(nil)}}, nil)
	plain := mustURL(t, startProxy(t, &connectProxy{target: unknown.Listener.Addr().String(), status: http.StatusOK}))
	refusing := mustURL(t, startProxy(t, &connectProxy{status: http.StatusForbidden}))
	refusing.User = url.UserPassword("someone", "canary-proxy-password")
	for _, test := range []struct {
		name, base string
		proxy      *url.URL
		address    string
		phase      string
	}{
		{"no such host", "https://no..host", nil, "", PhaseResolve},
		{"refused", "https://" + closed(t), nil, "127.0.0.1", PhaseConnect},
		{"unknown authority", unknown.URL, nil, "127.0.0.1", PhaseTLS},
		{"unknown authority behind a proxy", unknown.URL, plain, "", PhaseTLS},
		{"proxy refuses", "https://okta.invalid", refusing, "", PhaseConnect},
	} {
		got, err := observed(t, Config{CAFile: ours.file, Proxy: http.ProxyURL(test.proxy)}, test.base)
		want := ""
		if test.proxy != nil {
			want = test.proxy.Host
		}
		if err == nil || got.Phase != test.phase || got.TLS != nil || strings.Join(got.Addresses, " ") != test.address || got.Proxy != want {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
	}
}

// Of two addresses that are tried at once, the slower one reports after the faster one carries the request.
func TestAT82_ALateDialDoesNotTurnBackThePhase(t *testing.T) {
	t.Parallel()
	_, o := observe(t.Context())
	for _, step := range [][2]string{
		{PhaseResolve, PhaseResolve}, {PhaseConnect, PhaseConnect}, {PhaseTLS, PhaseTLS}, {PhaseSend, PhaseSend},
		{PhaseConnect, PhaseSend}, {PhaseAwait, PhaseAwait}, {PhaseTLS, PhaseAwait}, {PhaseRead, PhaseRead}, {PhaseAwait, PhaseRead},
	} {
		if o.begin(step[0]); o.seen.Phase != step[1] {
			t.Errorf("begin %q: got %q, want %q", step[0], o.seen.Phase, step[1])
		}
	}
}
