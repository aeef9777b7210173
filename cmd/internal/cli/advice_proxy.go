package cli

import (
	"crypto/tls"
	"crypto/x509"

	"okauth/pkg/proxy"
	"okauth/pkg/transport"
)

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
