package transport

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ClientCertError says that the certificate for mutual TLS, or its key, is unusable: a mistake in the settings, not in the network.
type ClientCertError struct {
	File string // the file of client_cert or client_key; "" where none is named
	Err  error  // never with anything of the file's contents

	hint string
}

func (e *ClientCertError) Error() string {
	if e.File == "" {
		return "read client_cert: " + e.Err.Error()
	}
	return fmt.Sprintf("read client certificate %q: %v", e.File, e.Err)
}

func (e *ClientCertError) Unwrap() error { return e.Err }

// Hint says what belongs into the files, or what to run.
func (e *ClientCertError) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	return "client_cert (OKAUTH_CLIENT_CERT) names a PEM file with the certificate, client_key (OKAUTH_CLIENT_KEY) one with its private key; one file may have both"
}

// loadClientCert reads the certificate of certFile and its key, from certFile where keyFile is ""; nil for no certFile.
func loadClientCert(certFile, keyFile string) (*tls.Certificate, error) {
	if certFile == "" {
		if keyFile != "" {
			return nil, &ClientCertError{Err: errors.New("client_key is set, and client_cert is not")}
		}
		return nil, nil
	}
	if keyFile == "" {
		keyFile = certFile
	}
	cert, err := readRegular(certFile)
	if err != nil {
		return nil, &ClientCertError{File: certFile, Err: err}
	}
	if !hasBlock(cert, "CERTIFICATE") {
		return nil, &ClientCertError{File: certFile, Err: errors.New("no certificate in it, expected \"-----BEGIN CERTIFICATE-----\"")}
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	switch {
	case err == nil:
		return &pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return nil, &ClientCertError{File: keyFile, Err: errors.New("the private key does not belong to the certificate")}
	}
	return nil, &ClientCertError{File: keyFile, Err: errors.New("the certificate or the private key cannot be read, expected X.509 and PKCS #8, PKCS #1 or SEC 1")}
}

// readKey reads a file that others cannot read, and that has a private key which is not encrypted.
func readKey(file string) ([]byte, error) {
	text, err := readRegular(file)
	if err != nil {
		return nil, &ClientCertError{File: file, Err: err}
	}
	switch {
	case hasBlock(text, "ENCRYPTED PRIVATE KEY"), bytes.Contains(text, []byte("Proc-Type: 4,ENCRYPTED")):
		return nil, &ClientCertError{
			File: file, Err: errors.New("the private key is encrypted, which okauth does not support"),
			hint: "write the key without its passphrase into a file of your own: (umask 077; openssl pkey -in " + shellQuote(file) + " -out client.key), and set client_key to it",
		}
	case !hasBlock(text, "PRIVATE KEY"):
		return nil, &ClientCertError{File: file, Err: errors.New("no private key in it, expected \"-----BEGIN PRIVATE KEY-----\"")}
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, &ClientCertError{File: file, Err: errors.New("look at the file again")}
	}
	// A group may read it: that is how a secret reaches a container whose user is not root.
	if mode := permissions(info); mode&0o027 != 0 {
		return nil, &ClientCertError{
			File: file, Err: fmt.Errorf("the file holds a private key and its mode is %04o: everybody can read it, or others can change it", mode),
			hint: "run `chmod 600 " + shellQuote(file) + "`, and have the certificate replaced if somebody else may have seen the key",
		}
	}
	return text, nil
}

// hasBlock reports whether the PEM text has a block whose type ends like kind: "EC PRIVATE KEY" is a "PRIVATE KEY".
func hasBlock(text []byte, kind string) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, kind) {
			return true
		}
	}
}

// shellQuote makes a path safe to paste behind a command.
func shellQuote(path string) string {
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
