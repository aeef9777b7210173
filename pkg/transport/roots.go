package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
)

// maxPEMFile bounds a PEM file, in bytes. A whole system's bundle has about 250 KB.
const maxPEMFile = 4 << 20

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

// CAFileError says that the file of trusted certificates is unusable: a mistake in the settings, not in the network.
type CAFileError struct {
	File string
	Err  error
}

func (e *CAFileError) Error() string { return fmt.Sprintf("read ca_file %q: %v", e.File, e.Err) }
func (e *CAFileError) Unwrap() error { return e.Err }

// readCAFile returns the certificates of a PEM file, none for "".
func readCAFile(name string) ([]*x509.Certificate, error) {
	if name == "" {
		return nil, nil
	}
	text, _, err := readRegular(name)
	if err != nil {
		return nil, &CAFileError{File: name, Err: err}
	}
	var certs []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &CAFileError{File: name, Err: fmt.Errorf("certificate %d: %w", len(certs)+1, err)}
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, &CAFileError{File: name, Err: errors.New("no certificate in it, expected \"-----BEGIN CERTIFICATE-----\"")}
	}
	return certs, nil
}

// readRegular reads a file and its mode, but not a pipe, which could make us wait without end. Its error does not have the
// name of the file.
func readRegular(name string) ([]byte, fs.FileMode, error) {
	text, mode, err := readFile(name)
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err // callers have the name in their own words
	}
	return text, mode, err
}

func readFile(name string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPEMFile+1))
	if err == nil && len(text) > maxPEMFile {
		err = fmt.Errorf("larger than %d bytes", maxPEMFile)
	}
	return text, info.Mode(), err
}
