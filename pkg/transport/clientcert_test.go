package transport

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// clientFiles writes a certificate for clients and its key, each alone and both in one file.
func (a *authority) clientFiles(t *testing.T) (cert, key, both string) {
	t.Helper()
	pair := a.issue(func(c *x509.Certificate) {
		c.Subject.CommonName = "a test's client"
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key, both = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem")
	certText, keyText := pemOf("CERTIFICATE", pair.Certificate[0]), pemOf("PRIVATE KEY", der)
	write(t, cert, certText)
	write(t, key, keyText)
	write(t, both, append(certText, keyText...))
	return cert, key, both
}

func TestClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	ours, clients := newAuthority(t, "an authority we know"), newAuthority(t, "an authority of clients")
	cert, key, both := clients.clientFiles(t)
	pool := x509.NewCertPool()
	pool.AddCert(clients.cert)
	name := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := serve(t, &tls.Config{
			Certificates: []tls.Certificate{ours.issue(nil)}, MaxVersion: version,
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		}, name)
		for route, proxy := range ours.routes(server.Listener.Addr().String()) {
			for files, c := range map[string]Config{"two files": {ClientCert: cert, ClientKey: key}, "one file": {ClientCert: both}} {
				c.CAFile, c.Proxy = ours.file, proxy
				if body, err := get(client(t, c), server.URL); err != nil || body != "a test's client" {
					t.Errorf("%s, %s, %s: got %q, %v", tls.VersionName(version), route, files, body, err)
				}
			}
			if _, err := get(client(t, Config{CAFile: ours.file, Proxy: proxy}), server.URL); err == nil {
				t.Errorf("%s, %s: a server that wants a certificate was content without", tls.VersionName(version), route)
			}
		}
	}
}

// A server that lists other authorities gets the certificate too, and says what is wrong with it.
func TestClientCertificateIsShownToAServerOfAnotherAuthority(t *testing.T) {
	t.Parallel()
	ours, clients := newAuthority(t, "an authority we know"), newAuthority(t, "an authority of clients")
	_, _, both := clients.clientFiles(t)
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	server := serve(t, &tls.Config{
		Certificates: []tls.Certificate{ours.issue(nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}, nil)
	_, err := get(client(t, Config{CAFile: ours.file, ClientCert: both}), server.URL)
	if err == nil || strings.Contains(err.Error(), "certificate required") {
		t.Errorf("got %v, want that the certificate is not believed", err)
	}
}

func TestClientCertificateIsNotForProxies(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	_, _, both := ours.clientFiles(t)
	target := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}}, nil)
	shown := make(chan int, 1)
	config := &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}, ClientAuth: tls.RequestClientCert}
	config.VerifyConnection = func(state tls.ConnectionState) error { shown <- len(state.PeerCertificates); return nil }
	proxy := serve(t, config, &connectProxy{target: target.Listener.Addr().String(), status: http.StatusOK})
	c := client(t, Config{CAFile: ours.file, ClientCert: both, Proxy: http.ProxyURL(mustURL(t, proxy.URL))})
	if _, err := get(c, target.URL); err != nil {
		t.Fatal(err)
	}
	if n := <-shown; n != 0 {
		t.Errorf("the proxy was shown %d certificates", n)
	}
}

func TestClientCertificateMistakes(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	cert, key, _ := ours.clientFiles(t)
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		write(t, filepath.Join(dir, name), text)
		return filepath.Join(dir, name)
	}
	_, otherKey, _ := ours.clientFiles(t)
	canary := base64.StdEncoding.EncodeToString([]byte("canary-key-material"))
	broken := []byte("-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n")
	encrypted := pemOf("ENCRYPTED PRIVATE KEY", []byte("canary-key-material"))
	legacy := []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + canary + "\n-----END RSA PRIVATE KEY-----\n")
	none := filepath.Join(dir, "none.pem")
	for _, test := range []struct{ name, cert, key, file, want string }{
		{"no certificate named", "", key, "", "client_cert is not"},
		{"certificate missing", none, key, none, ""},
		{"key missing", cert, none, none, ""},
		{"no key in the file", cert, "", cert, "no private key"},
		{"swapped", key, cert, key, "got a private key"},
		{"key of another", cert, otherKey, otherKey, "does not belong"},
		{"key broken", cert, file("broken.pem", broken), filepath.Join(dir, "broken.pem"), "cannot be read"},
		{"key encrypted", cert, file("enc.pem", encrypted), filepath.Join(dir, "enc.pem"), "encrypted"},
		{"key encrypted in the old way", cert, file("old.pem", legacy), filepath.Join(dir, "old.pem"), "encrypted"},
		{"directory", dir, "", dir, "not a regular file"},
	} {
		_, err := New(Config{ClientCert: test.cert, ClientKey: test.key})
		mistake, ok := errors.AsType[*FileError](err)
		if !ok || mistake.File != test.file || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want a FileError about %q", test.name, err, test.file)
			continue
		}
		if errors.Is(err, ErrKeyEncrypted) != strings.Contains(test.name, "encrypted") {
			t.Errorf("%s: got %v", test.name, err)
		}
		if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), canary[:8]) {
			t.Errorf("%s: the error shows key material: %v", test.name, err)
		}
	}
}

func TestClientKeyOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	cert, key, both := ours.clientFiles(t)
	for _, mode := range []os.FileMode{0o600, 0o400, 0o440, 0o640, 0o604, 0o660} {
		for _, c := range []Config{{ClientCert: cert, ClientKey: key}, {ClientCert: both}} {
			file := c.ClientKey
			if file == "" {
				file = c.ClientCert
			}
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			_, err := New(c)
			mistake, refused := errors.AsType[*FileError](err)
			if want := mode&0o027 != 0 && runtime.GOOS != "windows"; refused != want || err != nil && !refused {
				t.Errorf("%04o: got %v", mode, err)
			}
			if refused && (!errors.Is(err, ErrKeyNotPrivate) || mistake.File != file) {
				t.Errorf("%04o: got %v, file %q", mode, err, mistake.File)
			}
		}
	}
	if err := os.Chmod(cert, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{ClientCert: cert, ClientKey: key}); err != nil {
		t.Errorf("a certificate is no secret: got %v", err)
	}
}

func TestClientKeyForms(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	pair := ours.issue(nil)
	sec1, err := x509.MarshalECPrivateKey(pair.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaCert, err := x509.CreateCertificate(rand.Reader, ours.cert, ours.cert, &rsaKey.PublicKey, ours.key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, text := range map[string][]byte{
		"SEC 1":   append(pemOf("EC PRIVATE KEY", sec1), pemOf("CERTIFICATE", pair.Certificate[0])...),
		"PKCS #1": append(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), pemOf("CERTIFICATE", rsaCert)...),
	} {
		file := filepath.Join(t.TempDir(), "both.pem")
		write(t, file, text)
		if _, err := New(Config{ClientCert: file}); err != nil {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}
