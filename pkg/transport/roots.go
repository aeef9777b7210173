package transport

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxPEMFile bounds a PEM file, in bytes. A whole system's bundle has about 250 KB.
const maxPEMFile = 4 << 20

// Roots returns a function that loads the system's trusted certificates and those of caFile ("" for none) when first called, and
// keeps the result. On Linux the system's place can be changed with SSL_CERT_FILE and SSL_CERT_DIR.
// Its error is a *CAFileError where the file is to blame.
func Roots(caFile string) func() (*x509.CertPool, error) {
	return sync.OnceValues(func() (*x509.CertPool, error) {
		extra, err := readCAFile(caFile)
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			if len(extra) == 0 {
				return nil, fmt.Errorf("load the system's certificates: %w", err)
			}
			pool = x509.NewCertPool() // a container without certificates, but with its own CA, is a working set-up
		}
		addAll(pool, extra)
		return pool, nil
	})
}

func addAll(pool *x509.CertPool, certs []*x509.Certificate) {
	for _, cert := range certs {
		pool.AddCert(cert)
	}
}

// CAFileError says that the file of trusted certificates is unusable: a mistake in the settings, not in the network.
type CAFileError struct {
	File string
	Err  error
}

func (e *CAFileError) Error() string { return fmt.Sprintf("read ca_file %q: %v", e.File, e.Err) }
func (e *CAFileError) Unwrap() error { return e.Err }

// Hint says what belongs into the file.
func (*CAFileError) Hint() string {
	return "ca_file (OKAUTH_CA_FILE) names a PEM file with the certificate of the authority that signed the server's; okauth trusts it besides the system's"
}

// readCAFile returns the certificates of a PEM file, none for "".
func readCAFile(name string) ([]*x509.Certificate, error) {
	if name == "" {
		return nil, nil
	}
	text, err := readRegular(name)
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

// readRegular reads a file, but not a pipe, which could make us wait for ever. Its error does not have the name.
func readRegular(name string) ([]byte, error) {
	text, err := readFile(name)
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err // callers have the name in their own words
	}
	return text, err
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPEMFile+1))
	if err == nil && len(text) > maxPEMFile {
		err = fmt.Errorf("larger than %d bytes", maxPEMFile)
	}
	return text, err
}
