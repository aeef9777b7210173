package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"sync"
)

// rootLoader completes a TLS configuration with the certificates of trusted authorities.
type rootLoader struct {
	config *tls.Config
	system func() (*x509.CertPool, error) // x509.SystemCertPool outside tests
	added  []*x509.Certificate            // those of ca_file
	once   sync.Once
}

// load loads the system's certificates, which takes Go about as long as a TLS handshake. Without ca_file
// config.RootCAs stays nil, which means the system's: crypto/x509 keeps them, or has the error for the handshake.
func (l *rootLoader) load() {
	l.once.Do(func() {
		pool, err := l.system()
		if len(l.added) == 0 {
			return
		}
		if err != nil {
			pool = x509.NewCertPool() // a container without certificates of its own works with ca_file alone
		}
		for _, cert := range l.added {
			pool.AddCert(cert)
		}
		l.config.RootCAs = pool
	})
}

// dialContext connects, and loads the certificates meanwhile if the connection needs them.
func (l *rootLoader) dialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if !routeOf(ctx).tls {
		return dialer.DialContext(ctx, network, addr)
	}
	go l.load()
	conn, err := dialer.DialContext(ctx, network, addr)
	if err == nil && len(l.added) > 0 {
		l.load() // http.Transport copies config when it is connected
	}
	return conn, err
}

// readCAFile returns the certificates of a PEM file, none for "".
func readCAFile(name string) ([]*x509.Certificate, error) {
	if name == "" {
		return nil, nil
	}
	text, _, err := readPEM(name)
	if err != nil {
		return nil, &FileError{Setting: "ca_file", File: name, Err: err}
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &FileError{Setting: "ca_file", File: name, Err: fmt.Errorf("certificate %d: %w", len(certs)+1, err)}
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, &FileError{Setting: "ca_file", File: name, Err: errNoCertificate}
	}
	return certs, nil
}
