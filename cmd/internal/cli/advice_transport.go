package cli

import (
	"crypto/tls"
	"errors"
	"net/http"

	"okauth/pkg/transport"
)

func pemFileAdvice(e *transport.FileError) string {
	file := ShellQuote(e.File)
	switch {
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
		"password percent-encoded (@ is %40); unset it to connect directly"
}

// proxyAdvice names the setting of the proxy, and what its response usually asks for.
func proxyAdvice(e *transport.ProxyError) string {
	switch {
	case e.Status == http.StatusProxyAuthRequired && !e.Basic:
		return "the proxy requires a sign-in that okauth does not support, such as Kerberos or NTLM: run a local proxy " +
			"that supports it (Px, Cntlm) and name that one in HTTPS_PROXY"
	case e.Status == http.StatusProxyAuthRequired:
		return "the proxy requires a name and a password: write them into HTTPS_PROXY as http://name:password@host:port, " +
			"special characters percent-encoded (@ is %40)"
	case e.Status != 0:
		return "the proxy does not connect to this host: ask its administrator, or check HTTPS_PROXY and NO_PROXY; " +
			"NO_PROXY lists the hosts to reach directly"
	case Is[*tls.CertificateVerificationError](e):
		return "okauth does not trust the proxy's own certificate: set ca_file to the certificate of its authority (PEM), " +
			"or name the proxy in HTTPS_PROXY as its certificate does"
	case errors.Is(e, transport.ErrNotProxy):
		return "what listens there is not an HTTP proxy, or expects another scheme: check host, port and http:// or " +
			"https:// in HTTPS_PROXY"
	}
	return "check host and port in HTTPS_PROXY; NO_PROXY lists the hosts to reach directly"
}
