package okta

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

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

// row returns what of the table an error is explained with.
func row(err error) string {
	if e, ok := errors.AsType[*NetworkError](err); ok {
		return why(networkCauses(), e).id
	}
	if e, ok := errors.AsType[*ResponseError](err); ok {
		return why(responseCauses(), e).id
	}
	return ""
}

func TestAT05_BadCertificatesAreRefusedAndNamed(t *testing.T) {
	t.Parallel()
	date := func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
	long, soon := time.Now().Add(-50*time.Hour), time.Now().Add(50*time.Hour)
	for _, test := range []struct {
		name    string
		options oktatest.Options
		foreign bool // nobody trusts the server's authority
		row     string
		text    []string // in the error
		hint    string
	}{
		{"good", oktatest.Options{TLS: true}, false, "", nil, ""},
		{"TLS 1.2", oktatest.Options{EditTLS: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }}, false, "", nil, ""},
		{"TLS 1.1", oktatest.Options{EditTLS: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }}, false, "old_tls", []string{"protocol version"}, "TLS 1.2 and 1.3"},
		{"TLS 1.0", oktatest.Options{EditTLS: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }}, false, "old_tls", nil, "config get domain"},
		{"expired", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.NotBefore, c.NotAfter = long.Add(-time.Hour), long }}, false, "certificate_expired",
			[]string{`the certificate of "localhost", issued by "oktatest CA (for tests only)", expired on ` + date(long)}, "(it says " + time.Now().UTC().Format(time.DateOnly)},
		{"not yet valid", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.NotBefore, c.NotAfter = soon, soon.Add(time.Hour) }}, false, "certificate_early",
			[]string{`"localhost"`, "is not valid before " + date(soon)}, "clock is wrong"},
		{"wrong name", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"a.example.com", "b.example.com"}, nil }}, false, "certificate_name",
			[]string{`the certificate of "a.example.com"`, `is for a.example.com, b.example.com, not for "127.0.0.1"`, "valid from 20"}, "okauth config get domain"},
		{"many names", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = strings.Split("a.b c.d e.f g.h i.j", " "), nil }}, false, "certificate_name",
			[]string{"a.b, c.d, e.f and 2 more"}, "domain"},
		{"no name", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }}, false, "certificate_name", []string{`"oktatest"`, "is for no host"}, "domain"},
		{"self-signed", oktatest.Options{SelfSigned: true}, true, "certificate_self_signed", []string{`the certificate of "localhost" is signed by itself`}, "set ca_file to this very certificate"},
		{"unknown authority", oktatest.Options{TLS: true}, true, "certificate_authority", []string{`is issued by "oktatest CA (for tests only)", which is not trusted here`}, "okauth config set ca_file"},
		{"another use", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }}, false, "certificate_unusable",
			[]string{"may not be used for this"}, "whoever runs the server"},
		{"hostile names", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses, c.Subject.CommonName = nil, nil, "x\x1b]0;title\a\r\n\u202e"+strings.Repeat("y", 300)
		}}, false, "certificate_name", []string{"x\uFFFD]0;title"}, "domain"},
		{"client certificate", oktatest.Options{RequireClientCertificate: true}, false, "client_certificate", []string{"certificate required"}, "set client_cert and client_key"},
		{"client certificate, TLS 1.2", oktatest.Options{EditTLS: func(c *tls.Config) { c.MaxVersion, c.ClientAuth = tls.VersionTLS12, tls.RequireAnyClientCert }}, false, "tls",
			[]string{"handshake failure"}, "set client_cert and client_key"}, // as TLS 1.2 says it, which has no alert for this
	} {
		org, err := oktatest.Start(test.options)
		if err != nil {
			t.Fatal(err)
		}
		config := trusting(t, org.CAPEM())
		if test.foreign {
			config = trusting(t, nil)
		}
		_, err = clientFor(t, org.URL(), config).Token(t.Context(), form())
		handled := len(org.Requests())
		org.Close()
		checkHarmless(t, err)
		if test.row == "" {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%s: got %v, want Okta's refusal", test.name, err)
			}
			continue
		}
		refused, ok := errors.AsType[*NetworkError](err)
		if !ok || refused.Phase != PhaseTLS || row(err) != test.row || !strings.Contains(refused.Hint(), test.hint) || handled != 0 || MayHaveBeenProcessed(err) {
			t.Errorf("%s: got %v, row %q, after %d requests", test.name, err, row(err), handled)
		}
		for _, text := range test.text {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got %v, want %q in it", test.name, err, text)
			}
		}
	}
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

// What real sockets, proxies and names do.
func TestEveryNetworkFailureHasARow(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + free.Addr().String()
	free.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	raw := func(answer string) string {
		_, base := startRaw(t, func(conn net.Conn) { io.WriteString(conn, answer); conn.Close() })
		return base
	}
	_, mute := startRaw(t, func(conn net.Conn) { conn.Read(make([]byte, 1)) })
	proxy := func(handler http.HandlerFunc) *url.URL {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		u, _ := url.Parse(server.URL)
		return u
	}
	nobody, _ := url.Parse(closed)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for _, test := range []struct {
		row, base string
		proxy     *url.URL
		hint      string
	}{
		{"refused", closed, nil, "HTTPS_PROXY"},
		{"no_tls", strings.Replace(plain.URL, "http:", "https:", 1), nil, "does not speak TLS"},
		{"tls", strings.Replace(raw(""), "http:", "https:", 1), nil, "client_cert"},
		{"connect_timeout", "https://" + silent.Addr().String(), nil, "HTTPS_PROXY"},
		{"answer_timeout", mute, nil, "--timeout"},
		{"not_http", raw("SSH-2.0-OpenSSH\r\n"), nil, "domain"},
		{"broken", raw(""), nil, "counted the password"},
		{"broken", raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"), nil, "counted the password"},
		{"proxy_sign_in", "https://okta.example", proxy(status(407)), "name:password"},
		{"proxy_refused", "https://okta.example", proxy(status(403)), "NO_PROXY"},
		{"proxy", "https://okta.example", nobody, "HTTPS_PROXY"},
	} {
		config := trusting(t, nil)
		if strings.HasSuffix(test.row, "timeout") {
			config.Timeout = 150 * time.Millisecond
		}
		config.Proxy = func(*http.Request) (*url.URL, error) { return test.proxy, nil }
		_, err := clientFor(t, test.base, config).Token(t.Context(), form())
		checkHarmless(t, err)
		hinter, ok := err.(interface{ Hint() string })
		if !ok || row(err) != test.row || !strings.Contains(hinter.Hint(), test.hint) {
			t.Errorf("%s: got %v, row %q", test.row, err, row(err))
		}
	}
}

// What can't be had on loopback is made of the errors that Go gives.
func TestNamesAndRoutesThatFail(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		phase string
		err   error
		row   string
	}{
		{PhaseResolve, &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, "no_such_host"},
		{PhaseResolve, &net.DNSError{Err: "read udp 127.0.0.1:1->127.0.0.1:53: read: connection refused", Name: "x", IsTemporary: true}, "no_dns"},
		{PhaseResolve, &net.DNSError{Err: "dial udp 10.0.0.1:53: connect: network is unreachable", Name: "x"}, "no_dns"},
		{PhaseResolve, &net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}, "dns_failing"},
		{PhaseResolve, &net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}, "dns_failing"},
		{PhaseConnect, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}, "unreachable"},
		{PhaseConnect, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, "unreachable"},
		{PhaseConnect, errors.New("something else"), "connect"},
		{PhaseTLS, &net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "tls"},
		{PhaseTLS, &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "client_certificate"},
		{PhaseAwait, &net.OpError{Op: "read", Err: errors.New("tls: bad certificate")}, "broken"},
	} {
		e := &NetworkError{Phase: test.phase, Host: "okta.example", Err: test.err}
		if got := row(e); got != test.row || !place.MatchString(e.Hint()) && !strings.Contains(e.Hint(), "client_cert") {
			t.Errorf("%v: got the row %s, %s", test.err, got, e.Hint())
		}
	}
}

func TestEveryAnswerThatIsNotOktasHasARow(t *testing.T) {
	t.Parallel()
	const html, json = "text/html", "application/json"
	for _, test := range []struct {
		row, kind, body string
		status          int
	}{
		{"redirect", "", "", 302}, {"no_endpoint", html, "<html>", 404}, {"page_429", html, "<html>", 429}, {"network_sign_in", html, "<html>", 511},
		{"page_5xx", html, "<html>", 502}, {"page", html, "<html>", 200}, {"page", "", "", 200}, {"not_okta", json, "{}", 200}, {"not_okta", "text/plain", "x", 200},
		{"dpop_token", json, answerWith("token_type", `"DPoP"`), 200},
	} {
		_, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			respond(test.status, test.kind, test.body)(w, r)
		})
		if row(err) != test.row {
			t.Errorf("HTTP %d, %s: got %v, row %q, want %q", test.status, test.kind, err, row(err), test.row)
		}
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
