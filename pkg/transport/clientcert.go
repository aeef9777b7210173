package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// loadClientCert reads the certificate of certFile and its key, from certFile where keyFile is ""; nil for no certFile.
func loadClientCert(certFile, keyFile string) (*tls.Certificate, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "":
		return nil, &FileError{Setting: "client_cert", Err: errors.New("client_key is set, and client_cert is not")}
	case keyFile == "":
		keyFile = certFile
	}
	cert, _, err := readPEM(certFile)
	if err == nil && !bytes.Contains(cert, []byte("-----BEGIN CERTIFICATE-----")) {
		err = expected("CERTIFICATE", cert)
	}
	if err != nil {
		return nil, &FileError{Setting: "client_cert", File: certFile, Err: err}
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, &FileError{Setting: "client_key", File: keyFile, Err: err}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // its text may quote the file
		text := "the certificate or the private key cannot be read, expected X.509 and PKCS #8, PKCS #1 or SEC 1"
		if strings.Contains(err.Error(), "does not match") {
			text = "the private key does not belong to the certificate"
		}
		return nil, &FileError{Setting: "client_key", File: keyFile, Err: errors.New(text)}
	}
	if err := checkKey(pair.Leaf); err != nil {
		return nil, &FileError{Setting: "client_cert", File: certFile, Err: err}
	}
	return &pair, nil
}

// readKey reads a file that other users cannot read, with a private key that is not encrypted.
func readKey(file string) ([]byte, error) {
	text, mode, err := readPEM(file)
	switch {
	case err != nil:
		return nil, err
	case hasBlock(text, "ENCRYPTED PRIVATE KEY"), bytes.Contains(text, []byte("Proc-Type: 4,ENCRYPTED")):
		return nil, ErrKeyEncrypted
	case !hasBlock(text, "PRIVATE KEY"):
		return nil, expected("PRIVATE KEY", text)
	// A group may read it: that is how a secret reaches a container whose user is not root. Windows has access lists
	// instead of a mode.
	case mode.Perm()&0o027 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("the file holds a private key and its mode is %04o: %w", mode.Perm(), ErrKeyNotPrivate)
	}
	return text, nil
}
