package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startTLS serves handler over HTTPS and returns the server and a file with its certificate.
func startTLS(t *testing.T, handler http.HandlerFunc) (*httptest.Server, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, file
}

func client(t *testing.T, c Config) *http.Client {
	t.Helper()
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// get returns the body of url, or the error of any step.
func get(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestAT01_RedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	resp, err := client(t, Config{}).Post(server.URL, "text/plain", strings.NewReader("canary-body"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || hits.Load() != 1 {
		t.Errorf("got HTTP %d after %d requests, want 307 after 1", resp.StatusCode, hits.Load())
	}
}

func TestAT05_CAFileIsAddedToSystemRoots(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

	_, err := get(client(t, Config{}), server.URL)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("without ca_file: got %v, want an unknown authority", err)
	}
	if body, err := get(client(t, Config{CAFile: caFile}), server.URL); err != nil || body != "hello" {
		t.Errorf("with ca_file: got %q, %v", body, err)
	}
	// A server whose authority the system knows, with some other certificate in ca_file.
	other := filepath.Join(t.TempDir(), "other.pem")
	write(t, other, []byte(otherCA))
	if body, err := get(client(t, Config{CAFile: other, systemRoots: only(server.Certificate())}), server.URL); err != nil || body != "hello" {
		t.Errorf("with another authority in ca_file: got %q, %v", body, err)
	}
	none := func() (*x509.CertPool, error) { return nil, errors.New("no certificates in this container") }
	if body, err := get(client(t, Config{CAFile: caFile, systemRoots: none}), server.URL); err != nil || body != "hello" {
		t.Errorf("without the system's: got %q, %v", body, err)
	}
}

// only stands for a system that trusts one certificate.
func only(cert *x509.Certificate) func() (*x509.CertPool, error) {
	return func() (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		pool.AddCert(cert)
		return pool, nil
	}
}

func TestAT05_OldTLSIsRefused(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		server.Config.ErrorLog = quiet()
		server.StartTLS()
		own := filepath.Join(t.TempDir(), "own.pem")
		write(t, own, pemOf("CERTIFICATE", server.Certificate().Raw))
		_, err := get(client(t, Config{CAFile: own}), server.URL)
		if refused := err != nil; refused != (version < tls.VersionTLS12) {
			t.Errorf("TLS %s: got %v", name, err)
		}
		server.Close()
	}
}

func TestCAFileMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, test := range []struct{ name, file, want string }{
		{"missing", filepath.Join(dir, "none.pem"), "no such file"},
		{"directory", dir, "not a regular file"},
		{"empty", write("empty.pem", ""), "no certificate"},
		{"text", write("text.pem", "hello"), "no certificate"},
		{"key only", write("key.pem", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"), "got a private key"},
		{"garbled", write("bad.pem", "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n"), "certificate 1"},
		{"large", write("large.pem", strings.Repeat("x", maxPEMFile+1)), "larger than"},
	} {
		_, err := New(Config{CAFile: test.file})
		_, ok := errors.AsType[*FileError](err)
		if !ok || !strings.Contains(err.Error(), strconv.Quote(test.file)) ||
			!strings.Contains(err.Error(), test.want) && runtime.GOOS != "windows" {
			t.Errorf("%s: got %v, want a FileError with %q", test.name, err, test.want)
		}
	}
	if _, err := New(Config{Timeout: -time.Second}); err == nil {
		t.Error("a negative timeout was taken")
	}
}

func TestRootsAreNotLoadedForHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	loaded := false
	c := client(t, Config{systemRoots: func() (*x509.CertPool, error) { loaded = true; return nil, errors.New("asked for roots") }})
	if _, err := get(c, server.URL); err != nil || loaded {
		t.Errorf("got %v, roots loaded: %v", err, loaded)
	}
}

// The roots below come only once the server has seen the connection: a client that loads them first never connects.
func TestRootsAreLoadedWhileConnecting(t *testing.T) {
	t.Parallel()
	for name, through := range map[string]bool{"direct": false, "through a proxy": true} {
		connected := make(chan struct{})
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		proxy := httptest.NewUnstartedServer(nil)
		first := server
		if through {
			first = proxy
		}
		first.Listener = &notifyListener{Listener: first.Listener, accepted: sync.OnceFunc(func() { close(connected) })}
		server.StartTLS()
		t.Cleanup(server.Close)
		proxy.Config.Handler = &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
		proxy.Start()
		t.Cleanup(proxy.Close)
		other := filepath.Join(t.TempDir(), "other.pem") // with ca_file the handshake must wait for both
		write(t, other, []byte(otherCA))
		c := Config{CAFile: other, Timeout: 5 * time.Second, Proxy: http.ProxyURL(nil), systemRoots: func() (*x509.CertPool, error) {
			<-connected
			return only(server.Certificate())()
		}}
		if through {
			c.Proxy = http.ProxyURL(mustURL(t, proxy.URL))
		}
		if _, err := get(client(t, c), server.URL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAT08_SilenceEnds(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"silence":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow body": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); <-r.Context().Done() },
	} {
		server := httptest.NewServer(handler)
		_, err := get(client(t, Config{Timeout: 100 * time.Millisecond}), server.URL)
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); !ok || !timeout.Timeout() {
			t.Errorf("%s: got %v, want a timeout", name, err)
		}
		server.Close()
	}
}

func TestAT10_HugeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 300<<10)) // Go by itself takes 10 MiB
	}))
	t.Cleanup(server.Close)
	if _, err := get(client(t, Config{}), server.URL); err == nil {
		t.Error("a header of 300 KiB was taken")
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// otherCA is a certificate that signed nothing; its key was thrown away.
const otherCA = `-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUJJuhyUgEaGgavijKpnFkQZCuZKcwCgYIKoZIzj0EAwIw
ITEfMB0GA1UEAwwWYW5vdGhlciBmYWtlIGF1dGhvcml0eTAgFw0yNjExMjIxOTI5
MTVaGA8yMTI2MTAyOTE5MjkxNVowITEfMB0GA1UEAwwWYW5vdGhlciBmYWtlIGF1
dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABB8BtzjYrqgt7deTAaG2
uQbaEN/kM8RCjhZXrCPUYjnK3VA3kwtdXd5RZcTjqWk1+An+7BwAoUceNEU322rT
s/SjUzBRMB0GA1UdDgQWBBTVyWBcdTkREshzPISjS+AfQZ6LhzAfBgNVHSMEGDAW
gBTVyWBcdTkREshzPISjS+AfQZ6LhzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49
BAMCA0cAMEQCIEL8C/mX30UYd/W27xsiiOvXqir5+5JQCotcGHYQ//x6AiAPm+Ft
JvLLJHkOOrpfU2T9xMxwwuPn/FwQjqBF5rRoOA==
-----END CERTIFICATE-----
`
