package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
)

// dialer connects, and judges the certificates itself: the roots are not known before them, see verify.
type dialer struct {
	tcp    net.Dialer
	own    *x509.CertPool                           // the certificates of ca_file alone, nil without one
	likely func([]*x509.Certificate) *x509.CertPool // a few of all roots, nil for none
	roots  func() (*x509.CertPool, error)           // all of them
	client *tls.Certificate                         // shown to a server that asks, nil for none
	// seen, where it is not nil, is told how a server's certificates were judged.
	seen func(tls.ConnectionState, trustAnchor, error)
}

func newDialer(c Config) (*dialer, error) {
	d := &dialer{tcp: net.Dialer{Timeout: connectTimeout}, roots: c.Roots}
	d.likely = func([]*x509.Certificate) *x509.CertPool { return nil }
	if c.Roots == nil {
		d.roots, d.likely = Roots(c.CAFile), likelyRoots
	}
	own, err := readCAFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		d.own = x509.NewCertPool()
		addAll(d.own, own)
	}
	d.client, err = loadClientCert(c.ClientCert, c.ClientKey)
	return d, err
}

// config is the policy of a TLS connection with host, a proxy's too.
func (d *dialer) config(ctx context.Context, host string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: host,
		// "If VerifyConnection is set, … this mode can be used": it runs in every handshake, before a byte of the request is sent.
		// https://pkg.go.dev/crypto/tls#Config
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			// Not state.ServerName: it is empty where host is an IP address.
			_, err := d.verify(ctx, host, state.PeerCertificates)
			return err
		},
	}
}

// serverConfig is config for a server: it may ask for the client's certificate.
func (d *dialer) serverConfig(ctx context.Context, host string) *tls.Config {
	config := d.config(ctx, host)
	if d.client != nil {
		// In Config.Certificates it would be held back from a server that lists other authorities, as one does that knows the upper end
		// of a chain of which the file has only the lower. Then nobody says what is wrong; this way the server does.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return d.client, nil }
	}
	if d.seen != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			v, err := d.verify(ctx, host, state.PeerCertificates)
			d.seen(state, v, err)
			return err
		}
	}
	return config
}

// dialTLS connects to addr and shakes hands, within connectTimeout. configure is config or serverConfig.
func (d *dialer) dialTLS(ctx context.Context, addr string, configure func(context.Context, string) *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	conn, err := d.tcp.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, configure(ctx, host))
	if err := handshake(ctx, secure); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// trustAnchor says who vouches for a server.
type trustAnchor struct {
	chain  []*x509.Certificate // from the server's certificate to the root
	byFile bool                // the root is from ca_file
}

// verify does what crypto/tls would do with all the roots, but tries those first that are at hand: of ca_file, then the few of the system's
// whose name the certificates give as their issuer's. Parsing all of a system's certificates takes as long as the rest of a
// sign-in, and all but one are for other servers.
func (d *dialer) verify(ctx context.Context, host string, chain []*x509.Certificate) (trustAnchor, error) {
	if host == "" || len(chain) == 0 {
		return trustAnchor{}, errors.New("no host to compare with the certificate, or no certificate") // Verify would compare nothing
	}
	opts := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool()}
	addAll(opts.Intermediates, chain[1:])
	var first error // that says more than "unknown authority"
	for i, roots := range []func() (*x509.CertPool, error){
		func() (*x509.CertPool, error) { return d.own, nil },
		func() (*x509.CertPool, error) { return d.likely(chain), nil },
		func() (*x509.CertPool, error) { return begin(d.roots).wait(ctx) },
	} {
		pool, failed := roots()
		if failed != nil {
			return trustAnchor{}, failed
		}
		if pool == nil {
			continue // as VerifyOptions.Roots it would mean the system's
		}
		opts.Roots = pool
		chains, err := chain[0].Verify(opts)
		if err == nil {
			return trustAnchor{chain: chains[0], byFile: i == 0}, nil
		}
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](first); first == nil || unknown {
			first = err
		}
		if _, wrongName := errors.AsType[x509.HostnameError](err); wrongName {
			break // other roots would not help; an authority's certificate that has expired may have its successor among them
		}
	}
	return trustAnchor{}, &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: first}
}

// handshake tells a trace of the request that it begins, and that it fails. Of success http.Transport tells, which finds it done.
func handshake(ctx context.Context, conn *tls.Conn) error {
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := conn.HandshakeContext(ctx)
	if err != nil && trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(conn.ConnectionState(), err)
	}
	return err
}

// loading is a set of roots on its way.
type loading struct {
	done chan struct{}
	pool *x509.CertPool
	err  error
}

func begin(roots func() (*x509.CertPool, error)) *loading {
	l := &loading{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.pool, l.err = roots()
	}()
	return l
}

func (l *loading) wait(ctx context.Context) (*x509.CertPool, error) {
	select {
	case <-l.done:
		return l.pool, l.err
	case <-ctx.Done():
		return nil, fmt.Errorf("load the system's certificates: %w", ctx.Err())
	}
}
