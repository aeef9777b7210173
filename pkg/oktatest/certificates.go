package oktatest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// configureTLS makes an authority and the certificates that it signs. Their dates are the real ones, whatever the
// server's clock shows, because a client compares them with its own.
func (s *Server) configureTLS(o Options) (*tls.Config, error) {
	template := newTemplate("oktatest CA (for tests only)")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	ca, _ := certify(template, nil) // only one that is edited can be impossible
	template = newTemplate("oktatest", x509.ExtKeyUsageServerAuth)
	template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if custom, err := url.Parse(o.Issuer); err == nil && custom.Hostname() != "" {
		template.DNSNames = append(template.DNSNames, custom.Hostname())
		if ip := net.ParseIP(custom.Hostname()); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	if o.EditCertificate != nil {
		o.EditCertificate(template)
	}
	signer := ca
	if o.SelfSigned {
		signer = nil
	}
	leaf, err := certify(template, signer)
	if err != nil {
		return nil, fmt.Errorf("make the certificate: %w", err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{*leaf}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // faults take over the connection, which HTTP/2 does not allow
	}
	s.ca = encodePEM("CERTIFICATE", cmp.Or(signer, leaf).Certificate[0])
	if o.RequireClientCertificate {
		client, _ := certify(newTemplate("oktatest client", x509.ExtKeyUsageClientAuth), ca)
		key, _ := x509.MarshalPKCS8PrivateKey(client.PrivateKey) // fails for unknown kinds of key only
		s.clientCert, s.clientKey = encodePEM("CERTIFICATE", client.Certificate[0]), encodePEM("PRIVATE KEY", key)
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(encodePEM("CERTIFICATE", ca.Certificate[0]))
	}
	if o.EditTLS != nil {
		o.EditTLS(config)
	}
	return config, nil
}

func newTemplate(name string, usage ...x509.ExtKeyUsage) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage,
	}
}

// certify makes a key and a certificate for it, signed by signer; nil: by itself.
func certify(template *x509.Certificate, signer *tls.Certificate) (*tls.Certificate, error) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // fails only without random numbers
	made := &tls.Certificate{PrivateKey: key, Leaf: template}
	signer = cmp.Or(signer, made)
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Leaf, &key.PublicKey, signer.PrivateKey)
	made.Certificate = [][]byte{der}
	return made, err
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
