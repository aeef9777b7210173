package cmd

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

// certificateOptions let the sandbox have such a certificate.
func certificateOptions(kind string) oktatest.Options {
	switch kind {
	case "expired":
		return oktatest.Options{EditCertificate: func(leaf *x509.Certificate) {
			leaf.NotBefore, leaf.NotAfter = time.Now().AddDate(0, -3, 0), time.Now().AddDate(0, 0, -1)
		}}
	case "not-yet-valid":
		return oktatest.Options{EditCertificate: func(leaf *x509.Certificate) { leaf.NotBefore = time.Now().AddDate(0, 0, 1) }}
	case "wrong-name":
		return oktatest.Options{EditCertificate: func(leaf *x509.Certificate) {
			leaf.DNSNames, leaf.IPAddresses = []string{"another.example"}, []net.IP{net.IPv4(192, 0, 2, 1)}
		}}
	case "self-signed":
		return oktatest.Options{SelfSigned: true}
	case "client-required":
		return oktatest.Options{RequireClientCertificate: true}
	}
	return oktatest.Options{} // unknown-ca: its authority is not told to the client
}

// sandboxFiles are the certificates that a client of a sandbox with TLS needs, in
// a directory of their own.
type sandboxFiles struct{ dir, ca, clientCert, clientKey string }

func (f sandboxFiles) remove() {
	if f.dir != "" {
		os.RemoveAll(f.dir)
	}
}

// writeFiles puts the certificates where a client can read them.
func writeFiles(server *oktatest.Server) (files sandboxFiles, err error) {
	if server.CAPEM() == nil {
		return files, nil
	}
	if files.dir, err = os.MkdirTemp("", "okauth-sandbox-"); err != nil {
		return files, err
	}
	cert, key := server.ClientCertificate()
	for _, file := range []struct {
		name string
		text []byte
		path *string
	}{{"ca.pem", server.CAPEM(), &files.ca}, {"client.pem", cert, &files.clientCert}, {"client-key.pem", key, &files.clientKey}} {
		if file.text == nil {
			continue
		}
		*file.path = filepath.Join(files.dir, file.name)
		if err := os.WriteFile(*file.path, file.text, 0o600); err != nil {
			files.remove()
			return sandboxFiles{}, err
		}
	}
	return files, nil
}
