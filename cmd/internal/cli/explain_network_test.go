package cli

import (
	"bufio"
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

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

// startRaw reads a request to its end and lets respond write what it likes before the connection is closed.
func startRaw(t *testing.T, respond func(net.Conn)) (base string) {
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
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				io.Copy(io.Discard, req.Body)
				respond(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
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

func TestAT05_BadCertificatesAreRefusedAndNamed(t *testing.T) {
	t.Parallel()
	date := func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
	long, soon := time.Now().Add(-50*time.Hour), time.Now().Add(50*time.Hour)
	for _, test := range []struct {
		name    string
		options oktatest.Options
		foreign bool // no root trusts the server's authority
		row     string
		text    []string // in the error
		hint    string
	}{
		{"good", oktatest.Options{TLS: true}, false, "", nil, ""},
		{"TLS 1.2", oktatest.Options{EditTLS: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }}, false, "",
			nil, ""},
		{"TLS 1.1", oktatest.Options{EditTLS: func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10,
				tls.VersionTLS11
		}}, false, "old_tls", []string{"protocol version"}, "TLS 1.2 and 1.3"},
		{"TLS 1.0", oktatest.Options{EditTLS: func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10,
				tls.VersionTLS10
		}}, false, "old_tls", nil, "config get domain"},
		{"expired", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.NotBefore,
				c.NotAfter = long.Add(-time.Hour), long
		}}, false, "certificate_expired",
			[]string{`the certificate of "localhost", issued by "oktatest CA (for tests only)", expired on ` +
				date(long)}, "(it says " + time.Now().UTC().Format(time.DateOnly)},
		{"not yet valid", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.NotBefore,
				c.NotAfter = soon, soon.Add(time.Hour)
		}}, false, "certificate_early",
			[]string{`"localhost"`, "is not valid before " + date(soon)}, "clock is wrong"},
		{"wrong name", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.DNSNames,
				c.IPAddresses = []string{"a.example.com", "b.example.com"}, nil
		}}, false, "certificate_name",
			[]string{`the certificate of "a.example.com"`, `is for a.example.com, b.example.com, not for "127.0.0.1"`,
				"valid from 20"}, "okauth config get domain"},
		{"many names", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.DNSNames,
				c.IPAddresses = strings.Split("a.b c.d e.f g.h i.j", " "), nil
		}}, false, "certificate_name",
			[]string{"a.b, c.d, e.f and 2 more"}, "domain"},
		{"no name", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = nil,
				nil
		}}, false, "certificate_name", []string{`"oktatest"`, "is for no host"}, "domain"},
		{"self-signed", oktatest.Options{SelfSigned: true}, true, "certificate_self_signed",
			[]string{`the certificate of "localhost" is signed by itself`}, "set ca_file to this very certificate"},
		{"unknown authority", oktatest.Options{TLS: true}, true, "certificate_authority",
			[]string{`is issued by "oktatest CA (for tests only)", which is not trusted here`},
			"okauth config set ca_file"},
		{"another use", oktatest.Options{EditCertificate: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }}, false, "certificate_unusable",
			[]string{"may not be used for this"}, "operator of the server"},
		{"hostile names", oktatest.Options{EditCertificate: func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses, c.Subject.CommonName = nil, nil, "x\x1b]0;title\a\r\n\u202e"+strings.Repeat("y", 300)
		}}, false, "certificate_name", []string{"x\uFFFD]0;title"}, "domain"},
		{"client certificate", oktatest.Options{RequireClientCertificate: true}, false, "client_certificate",
			[]string{"certificate required"}, "set client_cert and client_key"},
		{"client certificate, TLS 1.2", oktatest.Options{EditTLS: func(c *tls.Config) {
			c.MaxVersion,
				c.ClientAuth = tls.VersionTLS12, tls.RequireAnyClientCert
		}}, false, "tls",
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
		if test.row == "" {
			if _, ok := errors.AsType[*okta.Error](err); !ok {
				t.Errorf("%s: got %v, want Okta's refusal", test.name, err)
			}
			continue
		}
		refused, ok := errors.AsType[*okta.NetworkError](err)
		if !ok || refused.Phase != transport.PhaseTLS || rowOf(err) != test.row ||
			!strings.Contains(Hint(err), test.hint) || handled != 0 || okta.MayHaveBeenProcessed(err) {
			t.Errorf("%s: got %v, row %q, after %d requests", test.name, err, rowOf(err), handled)
		}
		for _, text := range test.text {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got %v, want %q in it", test.name, err, text)
			}
		}
	}
}

// What real sockets, proxies and names do.
func TestEveryNetworkFailureHasARow(t *testing.T) {
	t.Parallel()
	const closed = "http://127.0.0.1:1" // a port that no server gets by chance
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	raw := func(answer string) string {
		base := startRaw(t, func(conn net.Conn) { io.WriteString(conn, answer); conn.Close() })
		return base
	}
	mute := startRaw(t, func(conn net.Conn) { conn.Read(make([]byte, 1)) })
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
		{"broken", raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"), nil,
			"counted the password"},
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
		if rowOf(err) != test.row || !strings.Contains(Hint(err), test.hint) {
			t.Errorf("%s: got %v, row %q", test.row, err, rowOf(err))
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
		{transport.PhaseResolve, &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, "no_such_host"},
		{transport.PhaseResolve, &net.DNSError{Err: "read udp 127.0.0.1:1->127.0.0.1:53: read: connection refused",
			Name: "x", IsTemporary: true}, "no_dns"},
		{transport.PhaseResolve, &net.DNSError{Err: "dial udp 10.0.0.1:53: connect: network is unreachable", Name: "x"},
			"no_dns"},
		{transport.PhaseResolve, &net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}, "dns_failing"},
		{transport.PhaseResolve, &net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}, "dns_failing"},
		{transport.PhaseConnect, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)},
			"unreachable"},
		{transport.PhaseConnect, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)},
			"unreachable"},
		{transport.PhaseConnect, errors.New("something else"), "connect"},
		{transport.PhaseConnect, &net.OpError{Op: "dial", Err: &transport.NotLoopbackError{Address: "10.0.0.7:80"}},
			"not_loopback"},
		{transport.PhaseTLS, &net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "tls"},
		{transport.PhaseTLS, &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "client_certificate"},
		{transport.PhaseAwait, &net.OpError{Op: "read", Err: errors.New("tls: bad certificate")}, "broken"},
	} {
		e := &okta.NetworkError{Phase: test.phase, Err: test.err,
			ClientCertificate: test.row == "client_certificate"}
		if got := rowOf(e); got != test.row || !place.MatchString(Hint(e)) && !strings.Contains(Hint(e), "client_cert") {
			t.Errorf("%v: got the row %s, %s", test.err, got, Hint(e))
		}
	}
}

// respond answers every request in one way.
func respond(t *testing.T, status int, contentType, body string) *okta.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example")
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
}

func TestEveryResponseThatIsNotOktasHasARow(t *testing.T) {
	t.Parallel()
	const html, json = "text/html", "application/json"
	for _, test := range []struct {
		row, kind, body string
		status          int
	}{
		{"redirect", "", "", 302}, {"no_endpoint", html, "<html>", 404}, {"page_429", html, "<html>",
			429}, {"network_sign_in", html, "<html>", 511},
		{"page_5xx", html, "<html>", 502}, {"page", html, "<html>", 200}, {"page", "", "", 200}, {"not_okta", json,
			"{}", 200}, {"not_okta", "text/plain", "x", 200},
		{"dpop_token", json, `{"access_token":"canary","token_type":"DPoP","expires_in":3600}`, 200},
	} {
		err := send(t, "password", respond(t, test.status, test.kind, test.body))
		if rowOf(err) != test.row {
			t.Errorf("HTTP %d, %s: got %v, row %q, want %q", test.status, test.kind, err, rowOf(err), test.row)
		}
	}
}

// With a proof an answer means something else than without.
func TestST35_AnswersToAProof(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		row, body string
		status    int
	}{
		{"bearer_token", `{"access_token":"canary","token_type":"Bearer","expires_in":3600}`, 200},
		{"dpop_lost", `{"error":"invalid_dpop_proof","error_description":"The DPoP proof JWT header is missing."}`, 400},
		{"dpop_lost", `{"error":"use_dpop_nonce","error_description":"x"}`, 400},
		{"dpop_invalid", `{"error":"invalid_dpop_proof","error_description":"'jti' claim is missing"}`, 400},
	} {
		client, err := respond(t, test.status, "application/json", test.body).Bound(okta.Secret{}, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := send(t, "password", client); rowOf(err) != test.row {
			t.Errorf("%s: got %v, row %q, want %q", test.body, err, rowOf(err), test.row)
		}
	}
}

// The advice is about what was requested.
func TestHintsNameTheRequest(t *testing.T) {
	t.Parallel()
	const json, html, page = "application/json", "text/html", "<html></html>"
	for _, test := range []struct {
		kind         string
		status       int
		media, body  string
		hint, absent string
	}{
		{"refresh_token", 400, json,
			`{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`,
			"session has ended", "password"},
		{"refresh_token", 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "the refresh token stays valid",
			"password"},
		{"refresh_token", 500, json, `{"errorCode":"E0000009"}`, "status.okta.com", "password"},
		{"refresh_token", 404, html, page, "no token endpoint", "password"},
		{"refresh_token", 429, html, page, "next refresh", "sign-in"},
		{"refresh_token", 302, "", "", "okauth sends a refresh token to the configured host only", "password"},
		{"revoke", 401, json,
			`{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter."}`,
			oktatest.DefaultClientID, "password"},
		{"revoke", 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "not revoked yet", "password"},
		{"revoke", 503, json, `{"errorCode":"E0000010"}`, "maintenance", "password"},
		{"revoke", 404, html, page, "no revocation endpoint", "token endpoint"},
		{"revoke", 429, html, page, "next revocation", "sign-in"},
		{"revoke", 302, "", "", "okauth sends a token to the configured host only", "password"},
		{"revoke", 400, json, `{}`, "domain", "password"},
		{"client_credentials", 401, json, `{"error":"invalid_client","error_description":"x"}`, "client_secret",
			"password"},
		{"client_credentials", 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`,
			"client secret was not checked", "password"},
		{"client_credentials", 404, html, page, "no token endpoint", "password"},
		{"client_credentials", 429, html, page, "next client sign-in", "password"},
		{"client_credentials", 302, "", "", "okauth sends a client secret to the configured host only", "password"},
		{"password", 429, html, page, "next sign-in", "refresh"},
		{"password", 302, "", "", "okauth sends a password", "refresh"},
		{"userinfo", 302, "", "", "okauth sends an access token to the configured host only", "password"},
		{"probe", 404, html, page, "no token endpoint", "counted the password"},
	} {
		err := send(t, test.kind, respond(t, test.status, test.media, test.body))
		if hint := Hint(err); err == nil || !strings.Contains(hint, test.hint) || strings.Contains(hint, test.absent) {
			t.Errorf("%s, HTTP %d: got %v, hint %q, want %q without %q", test.kind, test.status, err, hint, test.hint,
				test.absent)
		}
	}
}

// Without a response, the advice says what the server may have done.
func TestHintsSayWhatMayHaveHappened(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"password": "counted the password", "client_credentials": "which does no harm; try again",
		"refresh_token": "used up the refresh token", "revoke": "may still be valid", "probe": "no password was sent",
	} {
		for _, limit := range []time.Duration{5 * time.Second, 150 * time.Millisecond} {
			hangUp := limit > time.Second
			base := startRaw(t, func(conn net.Conn) {
				if !hangUp {
					conn.Read(make([]byte, 1)) // until the client gives up
				}
			})
			err := send(t, kind, clientFor(t, base, transport.Config{Timeout: limit}))
			if hint := Hint(err); !Is[*okta.NetworkError](err) || !strings.Contains(hint, want) ||
				strings.Contains(hint, "--timeout") == hangUp {
				t.Errorf("%s: got %v, hint %q, want %q in it", kind, err, hint, want)
			}
		}
	}
}

func TestIssuerAndInputAdvice(t *testing.T) {
	t.Parallel()
	const own = "https://dev-1.okta.com/oauth2/default"
	for issuer, want := range map[string]string{
		own + "/": "HTTPS_PROXY",
		"https://login.example.com/oauth2/default": "okauth config set domain login.example.com",
		"HTTPS://DEV-1.OKTA.COM/oauth2/default":    "okauth config", "https://dev-1.okta.com": "okauth config list",
		"https://dev-1.okta.com/oauth2/aus1": "okauth config list", own +
			"?x": "okauth config list", "https://a\uFFFDb.example": "okauth config list",
		"nonsense": "okauth config list", "https://оkta.com": "okauth config list",
	} {
		if got := Hint(&okta.IssuerError{Expected: own, Got: issuer}); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", issuer, got, want)
		}
	}
	for field, want := range map[string]string{
		"username": "OKAUTH_PASSWORD", "password": "--password-stdin",
		"factor": "okauth login --factor push", "otp": "OKAUTH_OTP or otp_command",
		"assertion": "OKAUTH_ASSERTION, assertion_file or assertion_command",
	} {
		if got := Hint(&grant.InteractionRequiredError{Field: field}); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	for field, want := range map[string]string{
		"username": "OKAUTH_USERNAME", "password": "--password-stdin", "client secret": "OKAUTH_CLIENT_SECRET",
		"refresh token": "okauth login", "one-time code": "OKAUTH_OTP", "factor": "--factor push",
		"scopes":       "OKAUTH_SCOPES",
		"redirect URI": "Sign-in redirect URIs",
	} {
		if got := Hint(&grant.InputError{Field: field, Problem: "is empty"}); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
}

// A browser that cannot come back, or does not, costs exit code 1 or 4, and the hint names redirect_uri.
func TestHintsForTheBrowser(t *testing.T) {
	t.Parallel()
	const at = "http://127.0.0.1:8085/callback"
	for err, code := range map[error]int{
		&grant.ListenError{RedirectURI: at, Err: syscall.EADDRINUSE}:           ExitFailure,
		&grant.NoAnswerError{RedirectURI: at, Waited: 5 * time.Minute}:         ExitLoginRequired,
		&grant.InputError{Field: "redirect URI", Problem: "is not an address"}: ExitUsage,
	} {
		hint := Hint(err)
		if ExitCode(err) != code || !strings.Contains(hint, "redirect_uri") || !strings.Contains(hint, "Admin Console, ") {
			t.Errorf("%v: got exit code %d, %s", err, ExitCode(err), hint)
		}
	}
	expired := &grant.ExpiredError{What: "device code", Err: &okta.Error{Status: 400, Code: "expired_token"}}
	if ExitCode(expired) != ExitLoginRequired || Hint(expired) != "run okauth login again" {
		t.Errorf("got exit code %d, %s", ExitCode(expired), Hint(expired))
	}
	expected := "https://login.example.com/oauth2/default"
	err := &okta.IssuerError{Source: "answer to the sign-in", Expected: "https://dev-1.okta.com/oauth2/default", Got: expected}
	if ExitCode(err) != exitNetwork || !strings.Contains(Hint(err), "okauth config set domain login.example.com") {
		t.Errorf("got exit code %d, %s", ExitCode(err), Hint(err))
	}
}
