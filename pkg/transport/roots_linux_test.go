package transport

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// The one certificate of the system's that matters is found without parsing the others, and nothing else is trusted for that.
func TestAT05_LikelyRoots(t *testing.T) {
	server, _ := startTLS(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	garbage := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append([]byte("garbage"), server.Certificate().RawIssuer...)})
	unwanted := func() (*x509.CertPool, error) { return nil, errors.New("asked for all roots") }
	for _, c := range []struct {
		name    string
		bundle  []byte
		trusted bool
	}{
		{"among others", append([]byte(otherCA), own...), true},
		{"behind garbage of its name", append(garbage, own...), true},
		{"not there", []byte(otherCA), false},
		{"garbage of its name", garbage, false},
		{"no PEM", []byte("hello"), false},
		{"empty", nil, false},
	} {
		file := filepath.Join(t.TempDir(), "bundle.pem")
		if err := os.WriteFile(file, c.bundle, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("SSL_CERT_FILE", file)
		d := &dialer{likely: likelyRoots, roots: unwanted}
		conn, err := d.dialTLS(t.Context(), server.Listener.Addr().String(), d.config)
		if (err == nil) != c.trusted {
			t.Errorf("%s: got %v", c.name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(t.TempDir(), "missing.pem"))
	if pool := likelyRoots([]*x509.Certificate{server.Certificate()}); pool != nil {
		t.Error("roots without a file")
	}
}

// A name and a date are judged as crypto/tls judges them.
func TestAT05_LikelyRootsAreNoExcuse(t *testing.T) {
	server, caFile := startTLS(t, func(http.ResponseWriter, *http.Request) {})
	t.Setenv("SSL_CERT_FILE", caFile)
	d := &dialer{likely: likelyRoots, roots: Roots("")}
	_, err := d.verify(t.Context(), "elsewhere.example.org", []*x509.Certificate{server.Certificate()})
	if _, ok := errors.AsType[x509.HostnameError](err); !ok {
		t.Errorf("for another host: got %v", err)
	}
	if _, err := d.verify(t.Context(), "127.0.0.1", []*x509.Certificate{server.Certificate()}); err != nil {
		t.Errorf("for its own address: got %v", err)
	}
}

// The same through a proxy, where http.Transport shakes hands.
func TestAT05_LikelyRootsThroughProxies(t *testing.T) {
	server, caFile := startTLS(t, func(http.ResponseWriter, *http.Request) {})
	target := server.Listener.Addr().String()
	unwanted := func() (*x509.CertPool, error) { return nil, errors.New("asked for all roots") }
	proxy := mustURL(t, startProxy(t, &connectProxy{target: target, status: http.StatusOK}))
	t.Setenv("SSL_CERT_FILE", caFile)
	d := &dialer{likely: likelyRoots, roots: unwanted}
	if err := d.way(t.Context(), "example.com", proxy).connect(t.Context(), "https", "example.com:443"); err != nil {
		t.Errorf("got %v", err)
	}
	err := d.way(t.Context(), "example.net", proxy).connect(t.Context(), "https", "example.net:443")
	if kindOf(err) != "host" {
		t.Errorf("another host: got %v", err)
	}
}
