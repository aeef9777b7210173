package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// The phases of an Inspection.
const (
	PhaseProxy   = "choose the proxy"
	PhaseResolve = "look up the host"
	PhaseConnect = "connect"
	PhaseTLS     = "TLS handshake"
)

// Inspection is what lies between this machine and a server.
type Inspection struct {
	Proxy     string   // host and port of the proxy, without a password; "" for a direct connection
	Addresses []string // the IP addresses of the host, with a proxy none: the proxy looks them up
	Protocol  string   // "TLS 1.3"; "" for http, and where no handshake came so far
	// Chain leads from the server's certificate to the root that vouches for it. Where nobody does, it is what the server showed.
	Chain []CertificateInfo
	// VouchedBy is the root's subject, "" where none vouches for the server; FromCAFile says that it is from ca_file, not the system's.
	VouchedBy  string
	FromCAFile bool
	Phase      string // the last phase that was begun: the one that failed, where there is an error
}

// CertificateInfo is one certificate. Its texts are foreign: make them printable.
type CertificateInfo struct {
	Subject, Issuer     string // as in RFC 2253: "CN=…,O=…"
	NotBefore, NotAfter time.Time
	DNSNames            []string // with IP addresses, as the certificate lists them
}

// Inspect connects to base (an http or https URL) on the way that a request of New's client takes, shakes hands, and hangs up. It sends no HTTP
// request but a CONNECT to the proxy, if there is one; so it does not learn what a server thinks of a client certificate in TLS 1.3, which is
// told with the answer. The error is the failed phase's own: a *ProxySettingError, *net.DNSError,
// *net.OpError, *ProxyError, *tls.CertificateVerificationError or what TLS says; the Inspection is then what was found so far. It is nil
// only where c or base makes no sense, as New says it.
func Inspect(ctx context.Context, c Config, base string) (*Inspection, error) {
	target, err := url.Parse(base)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Hostname() == "" {
		return nil, errors.New("inspect: expected an http or https URL with a host")
	}
	ways, err := newRoutes(c)
	if err != nil {
		return nil, err
	}
	limit := c.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	if err != nil {
		return nil, errors.New("inspect: expected an http or https URL with a host")
	}

	i := &Inspection{Phase: PhaseProxy}
	proxy, err := ways.proxy(req)
	if err != nil {
		return i, err
	}
	if proxy != nil {
		i.Proxy = proxy.Host
	} else if err := i.resolve(ctx, target.Hostname()); err != nil {
		return i, err
	}
	i.Phase = PhaseConnect
	ways.dialer.seen = i.see
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeStart: func() { i.Phase = PhaseTLS }})
	way := ways.dialer.way(ctx, target.Hostname(), proxy)
	err = way.connect(ctx, target.Scheme, net.JoinHostPort(target.Hostname(), target.Port()))
	if _, ok := errors.AsType[*ProxyError](err); ok {
		i.Phase = PhaseConnect // a handshake with the proxy is not the server's
	}
	return i, err
}

// resolve looks the host up as a connection does.
func (i *Inspection) resolve(ctx context.Context, host string) error {
	i.Phase = PhaseResolve
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host) // an address is its own answer
	for _, addr := range found {
		i.Addresses = append(i.Addresses, addr.String())
	}
	return err
}

// see notes how the server's certificate was judged.
func (i *Inspection) see(state tls.ConnectionState, v trustAnchor, err error) {
	i.Protocol = tls.VersionName(state.Version)
	chain := state.PeerCertificates
	if err == nil {
		chain = v.chain
		i.VouchedBy, i.FromCAFile = chain[len(chain)-1].Subject.String(), v.byFile
	}
	for _, cert := range chain {
		i.Chain = append(i.Chain, describe(cert))
	}
}

func describe(cert *x509.Certificate) CertificateInfo {
	info := CertificateInfo{
		Subject: cert.Subject.String(), Issuer: cert.Issuer.String(),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, DNSNames: cert.DNSNames,
	}
	for _, ip := range cert.IPAddresses {
		info.DNSNames = append(info.DNSNames, ip.String())
	}
	return info
}
