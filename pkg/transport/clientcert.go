package transport

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// ClientCertError says that the certificate for mutual TLS, or its key, is unusable: a mistake in the settings, not in
// the network.
type ClientCertError struct {
	File string // the file of client_cert or client_key; "" where none is named
	Err  error  // never with anything of the file's contents; it may wrap ErrKeyEncrypted or ErrKeyNotPrivate
}

func (e *ClientCertError) Error() string {
	if e.File == "" {
		return "read client_cert: " + e.Err.Error()
	}
	return fmt.Sprintf("read client certificate %q: %v", e.File, e.Err)
}

// Unwrap returns the cause.
func (e *ClientCertError) Unwrap() error { return e.Err }

var (
	// ErrKeyEncrypted says that a private key needs a passphrase.
	ErrKeyEncrypted = errors.New("the private key is encrypted, which okauth does not support")
	// ErrKeyNotPrivate says that other users can read the file of a private key, or change it.
	ErrKeyNotPrivate = errors.New("other users can read it or change it")
)

// loadClientCert reads the certificate of certFile and its key, from certFile where keyFile is ""; nil for no certFile.
func loadClientCert(certFile, keyFile string) (*tls.Certificate, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "":
		return nil, &ClientCertError{Err: errors.New("client_key is set, and client_cert is not")}
	case keyFile == "":
		keyFile = certFile
	}
	cert, _, err := readRegular(certFile)
	if err == nil && !hasBlock(cert, "CERTIFICATE") {
		err = errors.New(`no certificate in it, expected "-----BEGIN CERTIFICATE-----"`)
	}
	if err != nil {
		return nil, &ClientCertError{File: certFile, Err: err}
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, &ClientCertError{File: keyFile, Err: err}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // its text may quote the file
		text := "the certificate or the private key cannot be read, expected X.509 and PKCS #8, PKCS #1 or SEC 1"
		if strings.Contains(err.Error(), "does not match") {
			text = "the private key does not belong to the certificate"
		}
		return nil, &ClientCertError{File: keyFile, Err: errors.New(text)}
	}
	return &pair, nil
}

// readKey reads a file that other users cannot read, and that has a private key which is not encrypted.
func readKey(file string) ([]byte, error) {
	text, mode, err := readRegular(file)
	switch {
	case err != nil:
		return nil, err
	case hasBlock(text, "ENCRYPTED PRIVATE KEY"), bytes.Contains(text, []byte("Proc-Type: 4,ENCRYPTED")):
		return nil, ErrKeyEncrypted
	case !hasBlock(text, "PRIVATE KEY"):
		return nil, errors.New(`no private key in it, expected "-----BEGIN PRIVATE KEY-----"`)
	// A group may read it: that is how a secret reaches a container whose user is not root. Windows has access lists
	// instead of a mode.
	case mode.Perm()&0o027 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("the file holds a private key and its mode is %04o: %w", mode.Perm(), ErrKeyNotPrivate)
	}
	return text, nil
}

// hasBlock reports whether the PEM text has a block whose type ends with suffix: "EC PRIVATE KEY" is a "PRIVATE KEY".
func hasBlock(text []byte, suffix string) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, suffix) {
			return true
		}
	}
}
