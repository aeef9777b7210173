package transport

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
)

// likelyRoots returns those of the system's certificates that bear the name of an issuer in chain; nil where there are none, or no file of
// certificates. It reads the file that crypto/x509 would read first, and parses next to nothing of it.
func likelyRoots(chain []*x509.Certificate) *x509.CertPool {
	var pool *x509.CertPool
	for rest := systemBundle(); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return pool
		}
		if !names(block.Bytes, chain) {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue // crypto/x509 skips it as well
		}
		if pool == nil {
			pool = x509.NewCertPool()
		}
		pool.AddCert(cert)
	}
}

// names reports whether the certificate der has the name of one of the issuers in it, as its own or as its issuer's.
func names(der []byte, chain []*x509.Certificate) bool {
	for _, cert := range chain {
		if bytes.Contains(der, cert.RawIssuer) {
			return true
		}
	}
	return false
}

// systemBundle reads the system's file of certificates. The list is that of crypto/x509 (root_linux.go), and the first that can be read is
// the only one there, too.
func systemBundle() []byte {
	files := []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/pki/tls/cacert.pem",                           // OpenELEC
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7
		"/etc/ssl/cert.pem",                                 // Alpine
	}
	if name := os.Getenv("SSL_CERT_FILE"); name != "" {
		files = []string{name}
	}
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil {
			return text
		}
	}
	return nil
}
