// Package oktatest runs an Okta in this process: authorization servers on loopback that answer as Okta answers, for
// tests and for trying things out. Start returns a server that already has users, apps and authorization servers: some
// that work, and one for each way in which Okta refuses a sign-in (see Scenarios).
//
// It is built from Okta's documentation and from recorded answers of real orgs. It shares no code with the client that
// it tests, so that the two cannot share a mistake. What it does not implement it answers with 501, never with an
// invented result.
//
// A request passes through handler.go, which lets a fault answer it or finds its endpoint. At the token endpoint,
// grants.go checks it in Okta's order and runs the steps of the grant. assertion.go and dpop.go check what a client
// has signed.
//
// Nothing here is protected: passwords are stored in the clear and documented. The server listens on loopback, unless
// Options.AllowRemote is set.
package oktatest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a running Okta. It is safe for concurrent use.
type Server struct {
	clock  *Clock
	keys   *Keys
	base   string // scheme://host:port
	http   *http.Server
	cancel context.CancelFunc
	remote bool // Options.AllowRemote

	ca                    []byte // in PEM; of the authority, or the certificate that is signed by itself; nil without TLS
	clientCert, clientKey []byte // in PEM; nil without RequireClientCertificate

	control http.Handler  // of Options.Control
	turns   chan struct{} // as many as requests may be worked on at once
	serving sync.RWMutex  // read-locked by every request in progress

	mu      sync.Mutex // guards everything below; locked while a request is answered
	options Options
	limit   int // of the requests, and of the entries of each memory
	state
}

// state is what Reset forgets.
type state struct {
	requests      []*Request
	logged        int // bytes of their bodies
	faults        []queuedFault
	servers       map[string]*AuthServer
	apps          map[string]*App
	users         map[string]*User // by userKey
	buckets       map[[2]bool]bucket
	attempts      memory[[]time.Time]   // by what is limited and userKey, see limitAttempts
	steps         memory[*step]         // by mfa_token or oob_code
	issued        memory[*issuedToken]  // access and ID tokens, by digest
	refresh       memory[*refreshToken] // by the token
	visits        memory[*visit]        // of the pages
	browsers      memory[*visit]        // the last sign-in of each, by its cookie
	codes         memory[*visit]        // by authorization code
	pushed        memory[*visit]        // by request_uri
	devices       memory[*visit]        // by device code
	used          memory[time.Time]     // what works once and has been used, until when
	jags          memory[*session]      // identity assertions, by themselves
	deviceSecrets memory[*session]
	nonceSeed     string
	reuses        int
}

// maxRemembered is how many requests, tokens, codes and so on a server remembers: the newest of each kind, so that it
// can run for days, and under load. What it has forgotten is answered like what never was.
const maxRemembered = 10_000

// memory is a map that forgets its oldest entries.
type memory[V any] struct {
	entries map[string]V
	order   []string // of the keys; one that was deleted stays until it is the oldest
}

func (m *memory[V]) put(key string, value V, limit int) {
	if m.entries == nil {
		m.entries = map[string]V{}
	}
	if _, known := m.entries[key]; !known {
		m.order = append(m.order, key)
	}
	m.entries[key] = value
	if len(m.order) > limit {
		delete(m.entries, m.order[0])
		m.order = slices.Delete(m.order, 0, 1)
	}
}

func (s *Server) lock() (unlock func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

// Start listens on Options.Addr and serves until Close. It fails if the address cannot be used.
func Start(o Options) (*Server, error) {
	s := &Server{
		turns: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
		clock: cmp.Or(o.Clock, new(Clock)), keys: cmp.Or(o.Keys, NewKeys()),
		limit: maxRemembered, remote: o.AllowRemote,
	}
	s.Change(func(options *Options) { *options = o })
	s.Reset()
	listener, err := listen(cmp.Or(o.Addr, "127.0.0.1:0"), o.AllowRemote)
	if err != nil {
		return nil, err
	}
	// One that listens at every address is reached by that of loopback, too.
	everywhere := regexp.MustCompile(`^(0\.0\.0\.0|\[::\]):`)
	s.base = "http://" + everywhere.ReplaceAllString(listener.Addr().String(), "127.0.0.1:")
	if o.TLS || o.SelfSigned || o.RequireClientCertificate || o.EditCertificate != nil || o.EditTLS != nil {
		config, err := s.configureTLS(o)
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.base = strings.Replace(s.base, "http:", "https:", 1)
		listener = tls.NewListener(listener, config)
	}
	if o.Control != nil {
		s.control = o.Control(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: readTimeout,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that disconnect are what tests are made of
	}
	go func() { _ = s.http.Serve(listener) }() // ends with ErrServerClosed
	return s, nil
}

// TB is the part of testing.TB that ForTest needs.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// ForTest starts a server, which is closed at the end of the test. It ends the test if the server does not start.
func ForTest(t TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Reset forgets all but the options, the clock and the keys: the org is that of the start again, no one is signed in,
// and there are no faults.
func (s *Server) Reset() {
	unlock := s.lock()
	o := s.options
	s.state = state{
		nonceSeed: rand.Text(),
		servers:   map[string]*AuthServer{}, apps: map[string]*App{}, users: map[string]*User{},
		buckets: map[[2]bool]bucket{},
	}
	unlock()
	s.addOrg(*cmp.Or(o.Org, testOrg(o.Rotation)))
}

// listen refuses addresses that another machine could reach, unless that is wanted.
func listen(addr string, remote bool) (listener net.Listener, err error) {
	host, port, err := net.SplitHostPort(addr)
	ip := net.ParseIP(strings.Replace(host, "localhost", "127.0.0.1", 1))
	switch {
	case err != nil:
	case !remote && !ip.IsLoopback():
		err = errors.New("not a loopback address (expected 127.0.0.1, ::1 or localhost)")
	case ip != nil:
		listener, err = net.Listen("tcp", net.JoinHostPort(ip.String(), port))
	case host == "": // every address
		listener, err = net.Listen("tcp", ":"+port)
	default:
		err = errors.New("not an IP address")
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	return listener, nil
}

// Close stops listening, ends every connection and every slow fault, and returns when the last request is done. It may
// be called twice, but not by a Fault.
func (s *Server) Close() error {
	err := s.http.Close() // first: what a slow fault still writes must not look like the end of an answer
	s.cancel()
	s.serving.Lock() // waits for the requests in progress
	defer s.serving.Unlock()
	return err
}

// URL is the org's base URL, without a slash at its end: "http://127.0.0.1:43215", "https://…" with TLS.
func (s *Server) URL() string { return s.base }

// Issuer is the issuer of the authorization server with this id, as its tokens name it, unless App.Issuer says
// otherwise. The issuer of the org server ("org" or "") is the base URL.
func (s *Server) Issuer(id string) string {
	defer s.lock()()
	return issuer(cmp.Or(s.options.Issuer, s.base), id)
}

func issuer(base, id string) string {
	if id == OrgServerID || id == "" {
		return base
	}
	return base + "/oauth2/" + id
}

// Clock is the clock of Options, or the one that runs with the system's.
func (s *Server) Clock() *Clock { return s.clock }

// CAPEM is the certificate of the authority that signed the server's own, in PEM; nil without TLS.
func (s *Server) CAPEM() []byte { return s.ca }

// ClientCertificate is one that the server accepts, and its key, both in PEM; nil without RequireClientCertificate.
func (s *Server) ClientCertificate() (cert, key []byte) { return s.clientCert, s.clientKey }

// Client is an HTTP client that trusts the server's certificate, sends the client certificate, follows no redirect,
// uses no proxy and gives up after 30 seconds.
func (s *Server) Client() *http.Client {
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(s.ca)
	if own, err := tls.X509KeyPair(s.clientCert, s.clientKey); err == nil { // else none is required
		config.Certificates = []tls.Certificate{own}
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
