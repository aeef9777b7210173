package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate, as PEM
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	write(t, a.file, pemOf("CERTIFICATE", der))
	return a
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue signs a certificate for localhost, 127.0.0.1 and ::1, after change has edited it.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve answers "hello" over TLS with the configuration given, on 127.0.0.1.
func serve(t *testing.T, config *tls.Config, handler http.Handler) *httptest.Server {
	t.Helper()
	if handler == nil {
		handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// routes are those to a server at target: what to set as Config.Proxy.
func (a *authority) routes(target string) map[string]func(*http.Request) (*url.URL, error) {
	a.t.Helper()
	plain := startProxy(a.t, &connectProxy{target: target, status: http.StatusOK})
	secure := serve(a.t, &tls.Config{Certificates: []tls.Certificate{a.issue(nil)}}, &connectProxy{target: target, status: http.StatusOK})
	return map[string]func(*http.Request) (*url.URL, error){
		"direct":        http.ProxyURL(nil),
		"through http":  http.ProxyURL(mustURL(a.t, plain)),
		"through https": http.ProxyURL(mustURL(a.t, secure.URL)),
	}
}

func TestAT05_CertificatesAreVerifiedOnEveryRoute(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "an authority we know"), newAuthority(t, "an authority we do not know")
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	for _, test := range []struct {
		name, host string
		by         *authority
		change     func(*x509.Certificate)
		want       string // the type of the error, "" for none
	}{
		{"good name", "localhost", ours, nil, ""},
		{"good address", "127.0.0.1", ours, nil, ""},
		{"expired", "localhost", ours, expired, "invalid"},
		{"not yet valid", "localhost", ours, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }, "invalid"},
		{"another name", "localhost", ours, func(c *x509.Certificate) { c.DNSNames = []string{"okta.example.test"} }, "host"},
		{"another address", "127.0.0.1", ours, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }, "host"},
		{"no address", "127.0.0.1", ours, func(c *x509.Certificate) { c.IPAddresses = nil }, "host"},
		{"unknown authority", "localhost", theirs, nil, "unknown"},
		{"unknown authority, address", "127.0.0.1", theirs, nil, "unknown"},
		{"for clients only", "localhost", ours, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "invalid"},
	} {
		server := serve(t, &tls.Config{Certificates: []tls.Certificate{test.by.issue(test.change)}}, nil)
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		for route, proxy := range ours.routes(server.Listener.Addr().String()) {
			body, err := get(client(t, Config{CAFile: ours.file, Proxy: proxy}), "https://"+net.JoinHostPort(test.host, port))
			if got := kindOf(err); got != test.want || err == nil && body != "hello" {
				t.Errorf("%s, %s: got %q, %v, want %q", test.name, route, body, err, test.want)
			}
		}
	}
}

// kindOf names what is wrong with a certificate.
func kindOf(err error) string {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, proxy := errors.AsType[*ProxyError](err)
	switch {
	case err == nil:
		return ""
	case proxy || !verification:
		return err.Error()
	case invalid:
		return "invalid"
	case host:
		return "host"
	case unknown:
		return "unknown"
	}
	return err.Error()
}

func TestAT05_SelfSignedIsRefused(t *testing.T) {
	t.Parallel()
	server, own := startTLS(t, func(http.ResponseWriter, *http.Request) {})
	ours := newAuthority(t, "an authority we know")
	for route, proxy := range ours.routes(server.Listener.Addr().String()) {
		_, err := get(client(t, Config{CAFile: ours.file, Proxy: proxy}), server.URL)
		if kindOf(err) != "unknown" {
			t.Errorf("%s: got %v", route, err)
		}
	}
	if _, err := get(client(t, Config{CAFile: own}), server.URL); err != nil {
		t.Errorf("named in ca_file: got %v", err)
	}
}

func TestAT05_OldTLSIsRefusedThroughProxies(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	cert := ours.issue(nil)
	for version, refused := range map[uint16]bool{tls.VersionTLS11: true, tls.VersionTLS12: false, tls.VersionTLS13: false} {
		server := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: version}, nil)
		for route, proxy := range ours.routes(server.Listener.Addr().String()) {
			_, err := get(client(t, Config{CAFile: ours.file, Proxy: proxy}), server.URL)
			if (err != nil) != refused || refused && !strings.Contains(err.Error(), "protocol version") {
				t.Errorf("%s, %s: got %v", tls.VersionName(version), route, err)
			}
		}
	}
}

func TestIPv6Literal(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil { // a machine without IPv6: the literal is then the other family's
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ours := newAuthority(t, "an authority we know")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	server.Listener.Close()
	server.Listener, server.TLS = listener, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}}
	server.StartTLS()
	t.Cleanup(server.Close)
	for route, proxy := range ours.routes(listener.Addr().String()) {
		if body, err := get(client(t, Config{CAFile: ours.file, Proxy: proxy}), "https://"+listener.Addr().String()); err != nil || body != "hello" {
			t.Errorf("%s: got %q, %v", route, body, err)
		}
	}
}

// ca_file takes nothing away: where it has an authority's certificate that has expired, the system's newer one, for the same key, counts.
func TestAT05_StaleCAFile(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "an authority")
	template := *a.cert
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(9), time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(t.TempDir(), "stale.pem")
	write(t, stale, pemOf("CERTIFICATE", der))
	server := serve(t, &tls.Config{Certificates: []tls.Certificate{a.issue(nil)}}, http.NotFoundHandler())
	newer := func() (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		return pool, nil
	}
	if _, err := get(client(t, Config{CAFile: stale, systemRoots: newer}), server.URL); err != nil {
		t.Errorf("with a newer certificate among the system's: %v", err)
	}
	_, err = get(client(t, Config{CAFile: stale}), server.URL)
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || invalid.Reason != x509.Expired {
		t.Errorf("with the expired one alone: got %v, want that it has expired", err)
	}
}
