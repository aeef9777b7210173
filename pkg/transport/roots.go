package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
)

// maxCAFile bounds the PEM file, in bytes. A whole system's bundle has about 250 KB.
const maxCAFile = 4 << 20

// Roots returns a function that loads the system's trusted certificates and those of caFile ("" for none) when first called, and
// keeps the result. On Linux the system's place can be changed with SSL_CERT_FILE and SSL_CERT_DIR.
// Its error is a *CAFileError where the file is to blame.
func Roots(caFile string) func() (*x509.CertPool, error) {
	return sync.OnceValues(func() (*x509.CertPool, error) {
		extra, err := readCAFile(caFile)
		if err != nil {
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			if len(extra) == 0 {
				return nil, fmt.Errorf("load the system's certificates: %w", err)
			}
			pool = x509.NewCertPool() // a container without certificates, but with its own CA, is a working set-up
		}
		addAll(pool, extra)
		return pool, nil
	})
}

func addAll(pool *x509.CertPool, certs []*x509.Certificate) {
	for _, cert := range certs {
		pool.AddCert(cert)
	}
}

// CAFileError says that the file of trusted certificates is unusable: a mistake in the settings, not in the network.
type CAFileError struct {
	File string
	Err  error
}

func (e *CAFileError) Error() string { return fmt.Sprintf("read ca_file %q: %v", e.File, e.Err) }
func (e *CAFileError) Unwrap() error { return e.Err }

// Hint says what belongs into the file.
func (*CAFileError) Hint() string {
	return "ca_file (OKAUTH_CA_FILE) names a PEM file with the certificate of the authority that signed the server's; okauth trusts it besides the system's"
}

// readCAFile returns the certificates of a PEM file, none for "".
func readCAFile(name string) ([]*x509.Certificate, error) {
	if name == "" {
		return nil, nil
	}
	text, err := readRegular(name)
	if err != nil {
		if path, ok := errors.AsType[*os.PathError](err); ok {
			err = path.Err // the name is in our own words already
		}
		return nil, &CAFileError{File: name, Err: err}
	}
	var certs []*x509.Certificate
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &CAFileError{File: name, Err: fmt.Errorf("certificate %d: %w", len(certs)+1, err)}
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, &CAFileError{File: name, Err: errors.New("no certificate in it, expected \"-----BEGIN CERTIFICATE-----\"")}
	}
	return certs, nil
}

// readRegular reads a file, but not a pipe, which could make us wait for ever.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCAFile+1))
	if err == nil && len(text) > maxCAFile {
		err = fmt.Errorf("larger than %d bytes", maxCAFile)
	}
	return text, err
}

// dialer connects directly. It exists because the roots are not known before the certificates: see verify.
type dialer struct {
	tcp    net.Dialer
	own    *x509.CertPool                           // the certificates of ca_file alone, nil without one
	likely func([]*x509.Certificate) *x509.CertPool // a few of all roots, nil for none
	roots  func() (*x509.CertPool, error)           // all of them
}

// dialTLS connects and shakes hands within connectTimeout.
func (d *dialer) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	conn, err := d.tcp.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	config := tlsConfig()
	config.ServerName = host
	// "If VerifyConnection is set, … this mode can be used": it runs in every handshake, before a byte of the request is sent.
	// https://pkg.go.dev/crypto/tls#Config
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(state tls.ConnectionState) error { return d.verify(ctx, host, state.PeerCertificates) }
	secure := tls.Client(conn, config)
	if err := handshake(ctx, secure); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// verify does what crypto/tls would do with all the roots, but tries those first that are at hand: of ca_file, then the few of the system's
// whose name the certificates give as their issuer's. Parsing all of a system's certificates takes as long as the rest of a
// sign-in, and all but one are for other servers.
func (d *dialer) verify(ctx context.Context, host string, chain []*x509.Certificate) error {
	opts := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool()}
	addAll(opts.Intermediates, chain[1:])
	var err error
	for _, roots := range []func() (*x509.CertPool, error){
		func() (*x509.CertPool, error) { return d.own, nil },
		func() (*x509.CertPool, error) { return d.likely(chain), nil },
		func() (*x509.CertPool, error) { return begin(d.roots).wait(ctx) },
	} {
		pool, failed := roots()
		if failed != nil {
			return failed
		}
		if pool == nil {
			continue // as VerifyOptions.Roots it would mean the system's
		}
		opts.Roots = pool
		if _, err = chain[0].Verify(opts); err == nil {
			return nil
		}
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
			break // other roots would not help
		}
	}
	return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
}

// handshake tells a trace of the request, as http.Transport does for the connections it secures itself.
func handshake(ctx context.Context, conn *tls.Conn) error {
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := conn.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
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

// withRoots is for https through a proxy, where http.Transport shakes hands itself with its TLSClientConfig: the roots are put there
// before the first such request goes down, and nothing else reads them there.
type withRoots struct {
	Base  *http.Transport
	roots func() (*x509.CertPool, error)

	mu    sync.Mutex
	ready bool
}

// RoundTrip loads the roots where the request is https by way of a proxy, and hands it on unchanged.
func (w *withRoots) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := w.prepare(req); err != nil {
		if req.Body != nil {
			req.Body.Close() // a RoundTripper closes it, also when it fails
		}
		return nil, err
	}
	return w.Base.RoundTrip(req)
}

func (w *withRoots) prepare(req *http.Request) error {
	if req.URL.Scheme != "https" {
		return nil
	}
	proxy, err := w.Base.Proxy(req)
	if err != nil || proxy == nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready {
		return nil
	}
	pool, err := begin(w.roots).wait(req.Context())
	if err != nil {
		return err
	}
	w.Base.TLSClientConfig.RootCAs, w.ready = pool, true
	return nil
}
