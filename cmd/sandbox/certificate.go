package sandbox

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"time"

	"okauth/pkg/oktatest"
)

// certificateKinds are the values of --certificate.
func certificateKinds() []string {
	return []string{"expired", "not-yet-valid", "wrong-name", "self-signed", "unknown-ca", "client-required"}
}

// certificateOptions returns the options of a server with such a certificate.
func certificateOptions(kind string) oktatest.Options {
	switch kind {
	case "expired":
		return oktatest.Options{EditCertificate: func(leaf *x509.Certificate) {
			leaf.NotBefore, leaf.NotAfter = time.Now().AddDate(0, -3, 0), time.Now().AddDate(0, 0, -1)
		}}
	case "not-yet-valid":
		return oktatest.Options{EditCertificate: func(leaf *x509.Certificate) {
			leaf.NotBefore = time.Now().AddDate(0, 0, 1)
		}}
	case "wrong-name":
		return oktatest.Options{EditCertificate: func(leaf *x509.Certificate) {
			leaf.DNSNames, leaf.IPAddresses = []string{"another.example"}, []net.IP{net.IPv4(192, 0, 2, 1)}
		}}
	case "self-signed":
		return oktatest.Options{SelfSigned: true}
	case "client-required":
		return oktatest.Options{RequireClientCertificate: true}
	}
	return oktatest.Options{} // unknown-ca: serve does not export the authority
}

// files are the certificates that a client of a server with TLS needs, in a directory of their own.
type files struct{ dir, ca, clientCert, clientKey string }

func (f files) remove() {
	if f.dir != "" {
		os.RemoveAll(f.dir)
	}
}

func writeFiles(server *oktatest.Server) (f files, err error) {
	if server.CAPEM() == nil {
		return f, nil
	}
	if f.dir, err = os.MkdirTemp("", "okauth-sandbox-"); err != nil {
		return f, err
	}
	cert, key := server.ClientCertificate()
	for _, file := range []struct {
		name string
		text []byte
		path *string
	}{
		{"ca.pem", server.CAPEM(), &f.ca}, {"client.pem", cert, &f.clientCert}, {"client-key.pem", key, &f.clientKey},
	} {
		if file.text == nil {
			continue
		}
		*file.path = filepath.Join(f.dir, file.name)
		if err := os.WriteFile(*file.path, file.text, 0o600); err != nil {
			f.remove()
			return files{}, err
		}
	}
	return f, nil
}
