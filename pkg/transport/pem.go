package transport

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/internal/roca"
)

// FileError says that a file with certificates or a key is unusable: a mistake in the settings, not in the network.
type FileError struct {
	Setting string // "ca_file", "client_cert" or "client_key"
	File    string // "" where none is named
	// Err is the cause, without anything of the file's contents: a *ShapeError, or an error that may wrap ErrKeyEncrypted
	// or ErrKeyNotPrivate.
	Err error
}

func (e *FileError) Error() string { return fmt.Sprintf("read %s %q: %v", e.Setting, e.File, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

var (
	// ErrKeyEncrypted says that a private key needs a passphrase.
	ErrKeyEncrypted = errors.New("the private key is encrypted, which okauth does not support")
	// ErrKeyNotPrivate says that other users can read the file of a private key, or change it.
	ErrKeyNotPrivate = errors.New("other users can read it or change it")
)

// maxPEMFile bounds a PEM file, in bytes. A whole system's bundle has about 250 KB.
const maxPEMFile = 4 << 20

// readPEM returns the text and the mode of a file. It refuses one that is not regular: a pipe could make it wait
// without end. The error does not name the file.
func readPEM(name string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, 0, privatefile.Cause(err)
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("not a regular file")
	case info.Size() > maxPEMFile:
		return nil, 0, fmt.Errorf("larger than %d bytes", maxPEMFile)
	}
	text, err := os.ReadFile(name)
	// Editors of Windows put a byte order mark before the first line, which then is none of PEM's.
	return bytes.TrimPrefix(text, []byte("\ufeff")), info.Mode(), privatefile.Cause(err)
}

// checkKey returns an error for a certificate whose key must not be trusted.
func checkKey(cert *x509.Certificate) error {
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		return roca.Check(key.N)
	}
	return nil
}

// checkKeys is checkKey for the certificates that a server shows, after they were verified.
func checkKeys(state tls.ConnectionState) error {
	for _, cert := range state.PeerCertificates {
		if err := checkKey(cert); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
	}
	return nil
}

// hasBlock reports whether the PEM text has a block whose type ends with suffix: "EC PRIVATE KEY" is a "PRIVATE KEY".
func hasBlock(text []byte, suffix string) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, suffix) {
			return true
		}
	}
	return false
}
