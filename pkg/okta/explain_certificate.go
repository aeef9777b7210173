package okta

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// certificateCauses are about the certificates of a TLS connection, the server's and ours.
func certificateCauses() []cause[*NetworkError] {
	is := func(fault certificateFault) func(*NetworkError) bool {
		return func(e *NetworkError) bool { return faultOf(e.Err).kind == fault }
	}
	return []cause[*NetworkError]{
		{"certificate_expired", is(expiredCert), "the certificate of … expired on …", "whoever runs the server has not renewed its certificate, or this machine's clock is wrong (it says {now})",
			"compare the clock; where it is right, tell whoever runs the server"},
		{"certificate_early", is(earlyCert), "the certificate of … is not valid before …", "this machine's clock is wrong (it says {now}), or the server's certificate was put in place too early",
			"set the clock; where it is right, tell whoever runs the server"},
		{"certificate_name", is(foreignCert), "the certificate of … is for …, not for …", "the server's certificate is for another host",
			checkDomain + "; where it is right, something on the way answers in the server's place"},
		{"certificate_self_signed", is(selfSignedCert), "the certificate of … is signed by itself", "nobody that this machine trusts vouches for the server, as with a test server or a device on the way",
			"where it is the right one, set ca_file to this very certificate (PEM): okauth config set ca_file …"},
		{"certificate_authority", is(unknownCert), "the certificate of … is issued by …, which is not trusted here",
			"it is signed by an authority this machine does not know, as behind a company's inspecting proxy, or the machine has no list of authorities",
			"set ca_file to that authority's certificate (PEM): okauth config set ca_file …; in a bare container install ca-certificates"},
		{"certificate_unusable", is(unusableCert), "the certificate of … may not be used for this", "the server's certificate, or one that it rests on, is made for something else", "tell whoever runs the server, or the proxy on the way"},
		{"client_certificate", func(e *NetworkError) bool { return clientCertRefused(e.Err) }, "remote error: tls: certificate required",
			"the server wants a client certificate (mutual TLS), or does not take the one that it was shown", setClient},
	}
}

// certificateFault is what is wrong with a certificate.
type certificateFault int

const (
	noFault certificateFault = iota
	expiredCert
	earlyCert
	foreignCert
	selfSignedCert
	unknownCert
	unusableCert
)

// fault is a certificate that failed, and why.
type fault struct {
	kind certificateFault
	cert *x509.Certificate
	host string // that it should be for
}

// faultOf returns what crypto/x509 found, by the types of its errors.
func faultOf(err error) fault {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Cert != nil {
		switch {
		case invalid.Reason != x509.Expired:
			return fault{unusableCert, invalid.Cert, ""}
		case time.Now().Before(invalid.Cert.NotBefore):
			return fault{earlyCert, invalid.Cert, ""}
		}
		return fault{expiredCert, invalid.Cert, ""}
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok && wrong.Certificate != nil {
		return fault{foreignCert, wrong.Certificate, wrong.Host}
	}
	unknown, ok := errors.AsType[x509.UnknownAuthorityError](err)
	if !ok || unknown.Cert == nil {
		return fault{}
	}
	shown, cert := unknown.Cert, unknown.Cert
	if all, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(all.UnverifiedCertificates) > 0 {
		shown = all.UnverifiedCertificates[0]
	}
	// Not CheckSignatureFrom: a server's own certificate is rarely marked as an authority's.
	if bytes.Equal(shown.RawIssuer, shown.RawSubject) && shown.CheckSignature(shown.SignatureAlgorithm, shown.RawTBSCertificate, shown.Signature) == nil {
		return fault{selfSignedCert, shown, ""}
	}
	return fault{unknownCert, cert, ""}
}

// String names the certificate, who issued it, when it is valid, and what is wrong with it. All but the sentence is foreign, and harmless here.
func (f fault) String() string {
	cert := f.cert
	from, until := cert.NotBefore.UTC(), cert.NotAfter.UTC()
	valid := fmt.Sprintf("valid from %s to %s", from.Format(time.DateOnly), until.Format(time.DateOnly))
	of, issuer := fmt.Sprintf("the certificate of %q", subject(cert)), nameOf(cert.Issuer.CommonName, cert.Issuer.Organization)
	switch f.kind {
	case expiredCert:
		return fmt.Sprintf("%s, issued by %q, expired on %s", of, issuer, until.Format(dateAndTime))
	case earlyCert:
		return fmt.Sprintf("%s, issued by %q, is not valid before %s", of, issuer, from.Format(dateAndTime))
	case foreignCert:
		return fmt.Sprintf("%s, issued by %q, is for %s, not for %q (%s)", of, issuer, names(cert), Sanitize(f.host, 80), valid)
	case selfSignedCert:
		return fmt.Sprintf("%s is signed by itself, and not trusted here (%s)", of, valid)
	case unknownCert:
		return fmt.Sprintf("%s is issued by %q, which is not trusted here (%s)", of, issuer, valid)
	}
	return fmt.Sprintf("%s, issued by %q, may not be used for this (%s)", of, issuer, valid)
}

// subject is what people call a certificate: its first host, else its name.
func subject(cert *x509.Certificate) string {
	switch {
	case len(cert.DNSNames) > 0:
		return Sanitize(cert.DNSNames[0], 80)
	case cert.Subject.CommonName == "" && len(cert.IPAddresses) > 0:
		return cert.IPAddresses[0].String()
	}
	return nameOf(cert.Subject.CommonName, cert.Subject.Organization)
}

func nameOf(commonName string, organization []string) string {
	if commonName == "" && len(organization) > 0 {
		commonName = organization[0]
	}
	if commonName == "" {
		return "somebody without a name"
	}
	return Sanitize(commonName, 80)
}

// names lists what a certificate is for, not more than three of them.
func names(cert *x509.Certificate) string {
	var all []string
	for _, name := range cert.DNSNames {
		all = append(all, Sanitize(name, 80))
	}
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "no host"
	case len(all) > 3:
		return strings.Join(all[:3], ", ") + fmt.Sprintf(" and %d more", len(all)-3)
	}
	return strings.Join(all, ", ")
}

// clientCertRefused reports whether the server ended the connection for lack of a client certificate, or for the one that it got.
// With TLS 1.3 it says so only after the handshake is over on our side. RFC 8446 §6.2: https://www.rfc-editor.org/rfc/rfc8446#section-6.2
func clientCertRefused(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	if !ok || remote.Op != "remote error" || remote.Err == nil {
		return false
	}
	// The type of an alert is crypto/tls's own; its texts are not the server's.
	switch strings.TrimPrefix(remote.Err.Error(), "tls: ") {
	case "certificate required", "bad certificate", "unknown certificate", "unknown certificate authority", "expired certificate", "revoked certificate", "unsupported certificate", "access denied":
		return true
	}
	return false
}
