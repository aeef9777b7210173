package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// unasked is a handler that no request may reach.
func unasked(t *testing.T) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a request was sent: %s %s", r.Method, r.URL) })
}

func TestInspect(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}, MaxVersion: version}, unasked(t))
		for way, proxy := range ours.ways(server.Listener.Addr().String()) {
			got, err := Inspect(t.Context(), Config{CAFile: ours.file, Proxy: proxy}, server.URL)
			if err != nil {
				t.Fatalf("%s: %v", way, err)
			}
			if got.Protocol != tls.VersionName(version) || got.Phase != PhaseTLS {
				t.Errorf("%s: got %+v", way, got)
			}
			if got.VouchedBy != "CN=an authority we know" || !got.FromCAFile {
				t.Errorf("%s: vouched for by %q, ca_file %v", way, got.VouchedBy, got.FromCAFile)
			}
			if len(got.Chain) != 2 || got.Chain[0].Subject != "CN=a test" || got.Chain[0].Issuer != "CN=an authority we know" ||
				strings.Join(got.Chain[0].DNSNames, " ") != "localhost 127.0.0.1 ::1" || got.Chain[0].NotAfter.Before(time.Now()) {
				t.Errorf("%s: chain %+v", way, got.Chain)
			}
			direct := way == "direct"
			if addresses := strings.Join(got.Addresses, " "); direct != (addresses == "127.0.0.1") || direct != (got.Proxy == "") {
				t.Errorf("%s: proxy %q, addresses %q", way, got.Proxy, addresses)
			}
		}
	}
}

func TestInspectNamesTheSystemsRoots(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	server := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}}, unasked(t))
	got, err := Inspect(t.Context(), Config{Roots: Roots(ours.file)}, server.URL)
	if err != nil || got.FromCAFile || got.VouchedBy != "CN=an authority we know" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestInspectHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(unasked(t))
	t.Cleanup(server.Close)
	got, err := Inspect(t.Context(), Config{}, server.URL)
	if err != nil || got.Phase != PhaseConnect || got.Protocol != "" || got.Chain != nil || len(got.Addresses) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestInspectTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "an authority we know"), newAuthority(t, "an authority we do not know")
	unknown := serve(t, &tls.Config{Certificates: []tls.Certificate{theirs.issue(nil)}}, unasked(t))
	expired := serve(t, &tls.Config{Certificates: []tls.Certificate{
		ours.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
	}}, unasked(t))
	old := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, unasked(t))
	forbidding := mustURL(t, startProxy(t, &connectProxy{status: http.StatusForbidden}))
	forbidding.User = mustURL(t, "http://someone:canary-proxy-password@x").User
	untrusted := serve(t, &tls.Config{Certificates: []tls.Certificate{theirs.issue(nil)}}, &connectProxy{status: http.StatusOK})
	bad := mustURL(t, "gopher://proxy.test")
	for _, test := range []struct {
		name, base string
		c          Config
		phase      string
		is         func(error) bool
		shown      int // certificates
	}{
		{"no such host", "https://no..host", Config{}, PhaseResolve, is[*net.DNSError], 0},
		{"refused", "https://" + closed(t), Config{}, PhaseConnect, is[*net.OpError], 0},
		{"unknown authority", unknown.URL, Config{CAFile: ours.file}, PhaseTLS, is[x509.UnknownAuthorityError], 1},
		{"expired", expired.URL, Config{CAFile: ours.file}, PhaseTLS, is[x509.CertificateInvalidError], 1},
		{"old TLS", old.URL, Config{CAFile: ours.file}, PhaseTLS, is[*net.OpError], 0},
		{"no TLS", "https://" + answering(t, "hello, hello"), Config{}, PhaseTLS, is[tls.RecordHeaderError], 0},
		{"proxy refuses", "https://okta.invalid", Config{Proxy: http.ProxyURL(forbidding)}, PhaseConnect, is[*ProxyError], 0},
		{"proxy not trusted", "https://okta.invalid", Config{CAFile: ours.file, Proxy: http.ProxyURL(mustURL(t, untrusted.URL))}, PhaseConnect, is[*ProxyError], 0},
		{"proxy makes no sense", "https://okta.invalid", Config{Proxy: http.ProxyURL(bad)}, PhaseProxy, is[*ProxySettingError], 0},
	} {
		got, err := Inspect(t.Context(), test.c, test.base)
		if got == nil || got.Phase != test.phase || !test.is(err) {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
			continue
		}
		if len(got.Chain) != test.shown || got.VouchedBy != "" {
			t.Errorf("%s: %d certificates, vouched for by %q", test.name, len(got.Chain), got.VouchedBy)
		}
		if strings.Contains(err.Error()+got.Proxy, "canary") {
			t.Errorf("%s: leaked %v, %q", test.name, err, got.Proxy)
		}
	}
}

// is reports whether err has an error of that type in it.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestInspectMistakes(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "okta.example.test", "ftp://okta.example.test", "https://", "https://canary word"} {
		if got, err := Inspect(t.Context(), Config{}, base); got != nil || err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: got %+v, %v", base, got, err)
		}
	}
	if got, err := Inspect(t.Context(), Config{CAFile: "none.pem"}, "https://okta.invalid"); got != nil || !is[*CAFileError](err) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := Inspect(t.Context(), Config{ClientCert: "none.pem"}, "https://okta.invalid"); got != nil || !is[*ClientCertError](err) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestInspectEnds(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // its connections are never accepted: silence
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	got, err := Inspect(t.Context(), Config{Timeout: 100 * time.Millisecond}, "https://"+listener.Addr().String())
	if !errors.Is(err, context.DeadlineExceeded) || got.Phase != PhaseTLS {
		t.Errorf("got %+v, %v", got, err)
	}
}
