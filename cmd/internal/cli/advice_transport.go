package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"okauth/pkg/proxy"
	"okauth/pkg/transport"
)

func pemFileAdvice(e *transport.FileError) string {
	file := ShellQuote(e.File)
	shape, otherShape := errors.AsType[*transport.ShapeError](e)
	switch {
	case otherShape:
		return shapeAdvice(e, shape.Shape)
	case errors.Is(e, transport.ErrKeyEncrypted):
		return "write the key without its passphrase into a file of your own: (umask 077; openssl pkey -in " + file +
			" -out client.key), and set client_key to it"
	case errors.Is(e, transport.ErrKeyNotPrivate):
		return "run `chmod 600 " + file + "`, and have the certificate replaced if someone else may have read the key"
	case e.Setting == "ca_file":
		return "ca_file (OKAUTH_CA_FILE) names a PEM file with the certificate of the authority that signed the server's; " +
			"okauth trusts it besides the system's"
	}
	return "client_cert (OKAUTH_CLIENT_CERT) names a PEM file with the certificate, client_key (OKAUTH_CLIENT_KEY) one " +
		"with its private key; one file may have both"
}

func proxySettingAdvice(*transport.ProxySettingError) string {
	return "write HTTPS_PROXY as http://host:port, or http://name:password@host:port with @, :, /, # and % of the " +
		"password percent-encoded (@ is %40), without quotes and blanks, as NO_PROXY; unset it to connect directly"
}

// shapeAdvice gives the command that makes PEM of another shape, where there is one.
func shapeAdvice(e *transport.FileError, shape transport.Shape) string {
	commands := map[transport.Shape]string{
		transport.ShapeDER:      "openssl x509 -inform der -in FILE -out OUT",
		transport.ShapeBase64:   "base64 -d <FILE | openssl x509 -inform der -out OUT",
		transport.ShapeTrusted:  "openssl x509 -in FILE -out OUT",
		transport.ShapePKCS7:    "openssl pkcs7 -print_certs -in FILE -out OUT",
		transport.ShapePKCS7DER: "openssl pkcs7 -inform der -print_certs -in FILE -out OUT",
		transport.ShapePKCS12:   "openssl pkcs12 -nokeys -in FILE -out OUT",
		transport.ShapeUTF16:    "iconv -f utf-16 -t utf-8 <FILE >OUT",
	}
	out, otherwise := "ca.pem", "name the certificate of the authority that signed the server's"
	switch e.Setting {
	case "client_cert":
		out, otherwise = "client.pem", "name the certificate that an authority made for the key"
		commands[transport.ShapePKCS12] = "(umask 077; openssl pkcs12 -nodes -in FILE -out OUT)" // the key as well
	case "client_key":
		out, otherwise = "client.key", "name the private key of the certificate"
		commands = map[transport.Shape]string{
			transport.ShapeKeyDER: "(umask 077; openssl pkey -inform der -in FILE -out OUT)",
			transport.ShapePKCS12: "(umask 077; openssl pkcs12 -nodes -nocerts -in FILE -out OUT)",
			transport.ShapeUTF16:  "(umask 077; iconv -f utf-16 -t utf-8 <FILE >OUT)",
		}
	}
	command, ok := commands[shape]
	if !ok {
		return otherwise + " as " + e.Setting
	}
	command = strings.NewReplacer("FILE", ShellQuote(e.File), "OUT", out).Replace(command)
	return "run `" + command + "`, and set " + e.Setting + " to " + out
}

// upstreamAdvice says what the user can do about the API of okauth proxy.
func upstreamAdvice(e *proxy.UpstreamError) string {
	switch {
	case Is[*transport.ProxyError](e), Is[*transport.ProxySettingError](e):
		return "" // theirs
	case Is[x509.UnknownAuthorityError](e):
		return "set ca_file (OKAUTH_CA_FILE) to a PEM file with the certificate of the authority that signed the API's"
	case Is[*tls.CertificateVerificationError](e):
		return "check the address in --upstream and the clock of this machine, or tell those who run the API"
	}
	return "check that --upstream is the address of the API, and that the API is up"
}

// addressAdvice says what the user can do about an address where okauth proxy cannot listen.
func addressAdvice(e *proxy.ListenError) string {
	path, isSocket := strings.CutPrefix(e.Address, "unix:")
	switch {
	case isErrno(e, syscall.EADDRINUSE):
		return "another program listens there: name another address; without --listen, okauth takes a free port"
	case isSocket && noDirectory(e):
		return "make the directory: mkdir -m 700 " + ShellQuote(filepath.Dir(path))
	case isSocket && errors.Is(e, fs.ErrPermission):
		return "name a socket in a directory of yours, such as one under $XDG_RUNTIME_DIR"
	case errors.Is(e, fs.ErrPermission):
		return "take a port from 1024 up: those below are for root"
	}
	return ""
}
