package okta

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// CertificateProblem is the reason not to accept a certificate.
type CertificateProblem string

// The problems of certificates.
const (
	CertificateExpired          CertificateProblem = "expired"
	CertificateNotYetValid      CertificateProblem = "not yet valid"
	CertificateWrongHost        CertificateProblem = "wrong host"
	CertificateSelfSigned       CertificateProblem = "self-signed"
	CertificateUnknownAuthority CertificateProblem = "unknown authority"
	CertificateUnusable         CertificateProblem = "unusable" // for this purpose
)

// CertificateError describes a certificate that was not accepted.
type CertificateError struct {
	Problem CertificateProblem
	Cert    *x509.Certificate
	Host    string // with CertificateWrongHost: the host that it should be for
}

// certificateError returns what crypto/x509 found, by the types of its errors; nil where err is about something else.
func certificateError(err error) *CertificateError {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Cert != nil {
		switch {
		case invalid.Reason != x509.Expired:
			return &CertificateError{Problem: CertificateUnusable, Cert: invalid.Cert}
		case time.Now().Before(invalid.Cert.NotBefore):
			return &CertificateError{Problem: CertificateNotYetValid, Cert: invalid.Cert}
		}
		return &CertificateError{Problem: CertificateExpired, Cert: invalid.Cert}
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok && wrong.Certificate != nil {
		return &CertificateError{Problem: CertificateWrongHost, Cert: wrong.Certificate, Host: wrong.Host}
	}
	unknown, ok := errors.AsType[x509.UnknownAuthorityError](err)
	if !ok || unknown.Cert == nil {
		return nil
	}
	leaf := unknown.Cert
	if all, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(all.UnverifiedCertificates) > 0 {
		leaf = all.UnverifiedCertificates[0]
	}
	// Not CheckSignatureFrom: a server's own certificate is rarely marked as an authority's.
	if bytes.Equal(leaf.RawIssuer, leaf.RawSubject) &&
		leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil {
		return &CertificateError{Problem: CertificateSelfSigned, Cert: leaf}
	}
	return &CertificateError{Problem: CertificateUnknownAuthority, Cert: unknown.Cert}
}

// Error names the certificate, its issuer, when it is valid, and what is wrong with it. Foreign text is sanitized.
func (e *CertificateError) Error() string {
	from, until := e.Cert.NotBefore.UTC(), e.Cert.NotAfter.UTC()
	valid := fmt.Sprintf("valid from %s to %s", from.Format(time.DateOnly), until.Format(time.DateOnly))
	of := fmt.Sprintf("the certificate of %q", subject(e.Cert))
	issuer := certificateName(e.Cert.Issuer.CommonName, e.Cert.Issuer.Organization)
	const minute = "2006-01-02 15:04 UTC"
	switch e.Problem {
	case CertificateExpired:
		return fmt.Sprintf("%s, issued by %q, expired on %s", of, issuer, until.Format(minute))
	case CertificateNotYetValid:
		return fmt.Sprintf("%s, issued by %q, is not valid before %s", of, issuer, from.Format(minute))
	case CertificateWrongHost:
		host := Sanitize(e.Host, 80)
		return fmt.Sprintf("%s, issued by %q, is for %s, not for %q (%s)", of, issuer, hosts(e.Cert), host, valid)
	case CertificateSelfSigned:
		return fmt.Sprintf("%s is signed by itself, and not trusted here (%s)", of, valid)
	case CertificateUnknownAuthority:
		return fmt.Sprintf("%s is issued by %q, which is not trusted here (%s)", of, issuer, valid)
	}
	return fmt.Sprintf("%s, issued by %q, may not be used for this (%s)", of, issuer, valid)
}

// subject is a certificate's first host, else its name.
func subject(cert *x509.Certificate) string {
	switch {
	case len(cert.DNSNames) > 0:
		return Sanitize(cert.DNSNames[0], 80)
	case cert.Subject.CommonName == "" && len(cert.IPAddresses) > 0:
		return cert.IPAddresses[0].String()
	}
	return certificateName(cert.Subject.CommonName, cert.Subject.Organization)
}

func certificateName(commonName string, organization []string) string {
	return Sanitize(cmp.Or(commonName, strings.Join(organization, ", "), "(no name)"), 80)
}

// hosts lists what a certificate is for, at most three.
func hosts(cert *x509.Certificate) string {
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

// clientCertRejected reports whether the server ended the connection for lack of a client certificate, or for the one
// that it got. With TLS 1.3 it says so only after the handshake is over on our side.
// RFC 8446 §6.2: https://www.rfc-editor.org/rfc/rfc8446#section-6.2
func clientCertRejected(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	if !ok || remote.Op != "remote error" || remote.Err == nil {
		return false
	}
	// The type of an alert is crypto/tls's own; its texts are not the server's.
	switch strings.TrimPrefix(remote.Err.Error(), "tls: ") {
	case "certificate required", "bad certificate", "unknown certificate", "unknown certificate authority",
		"expired certificate", "revoked certificate", "unsupported certificate", "access denied":
		return true
	}
	return false
}
