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

// dialer returns the function that connects; without TLS, to this machine only. For a TLS connection, it loads the
// system's certificates of trusted authorities meanwhile, which takes Go more than 10 ms. added are those of ca_file:
// they join the system's in config.RootCAs. Without any, config.RootCAs stays nil, which means the system's:
// crypto/x509 keeps them, or has the error for the handshake.
func dialer(
	config *tls.Config, system func() (*x509.CertPool, error), added []*x509.Certificate,
) func(ctx context.Context, network, addr string) (net.Conn, error) {
	load := sync.OnceFunc(func() {
		if pool := joined(system, added); len(added) > 0 {
			config.RootCAs = pool
		}
	})
	dialer := &net.Dialer{Timeout: connectTimeout}
	plain := loopbackDialer()
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if !routeOf(ctx).tls {
			return plain.DialContext(ctx, network, addr)
		}
		go load()
		conn, err := dialer.DialContext(ctx, network, addr)
		if err == nil && len(added) > 0 {
			load() // http.Transport copies config when it is connected
		}
		return conn, err
	}
}

// Roots returns the certificate authorities of the system and those of the PEM file caFile, for servers that are not
// reached over http; nil, which means the system's, for "". A file that is unusable is a *FileError.
func Roots(caFile string) (*x509.CertPool, error) {
	added, err := readCAFile(caFile)
	if err != nil || len(added) == 0 {
		return nil, err
	}
	return joined(x509.SystemCertPool, added), nil
}

// joined returns the system's pool with more certificates.
func joined(system func() (*x509.CertPool, error), added []*x509.Certificate) *x509.CertPool {
	pool, err := system()
	if err != nil {
		pool = x509.NewCertPool() // a container without certificates of its own works with ca_file alone
	}
	for _, cert := range added {
		pool.AddCert(cert)
	}
	return pool
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
		if err == nil {
			err = checkKey(cert)
		}
		if err != nil {
			return nil, &FileError{Setting: "ca_file", File: name, Err: fmt.Errorf("certificate %d: %w", len(certs)+1, err)}
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, &FileError{Setting: "ca_file", File: name, Err: expected("CERTIFICATE", text)}
	}
	return certs, nil
}
