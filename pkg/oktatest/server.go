// Package oktatest is an Okta in this process: authorization servers on loopback that answer as Okta answers, for tests and for trying things out.
//
// It was built from what Okta documents and from recordings of real orgs, and from nothing of the client it is used to test, so that the two cannot share
// a misunderstanding. Start gives a running server that is already full of people: one user who can sign in, one app that can sign in for itself, and
// one user, app or authorization server for each way in which Okta says no (see Scenarios). AddUser, AddApp and AddAuthServer bring in your own; Clock moves time; Limits, Lifetimes, Rotation
// and Quirks change what Okta lets an administrator change and what its documents leave open; Fail makes the network or the server misbehave; Requests
// tells afterwards what was asked, how often and with what.
//
// Refresh tokens stay the same unless their app rotates them (Options.Rotation, App.Rotation): then each works once, and for its leeway. One that is shown
// later ends the sign-in as it does at Okta, and is counted: a test of a client that refreshes asks Reuses for 0 and RefreshAlive for the token it kept.
//
// A request goes through the files in this order: requests.go writes it down, faults.go may spoil it, route.go finds the endpoint, token.go checks it in
// Okta's order with the help of clientauth.go, scopes.go, limits.go and policy.go, password.go, refresh.go and clientcredentials.go judge what is shown for
// tokens, tokens.go and keys.go make them. revoke.go ends them, and says which are active.
//
// For whoever takes tokens there is a box of bad ones (InvalidTokens), and for programs in other languages the paths below /sandbox/: flawed tokens, faults to
// switch on (NamedFaults), key rotation, the log. sandbox.go lists them.
//
// What is not played (yet): browser sign-in and the other grants. The metadata names them all the same, because Okta's does; asking for one is answered
// with 501 and never with an invented result.
//
// Nothing here protects anything: passwords are kept in the clear and known to everybody. The server listens on loopback only and refuses anything else.
package oktatest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a running Okta. Its methods may be called from many goroutines at once.
type Server struct {
	clock  *Clock
	keys   *Keys
	log    requestLog
	faults faultQueue

	base   string // scheme://host:port
	port   string
	files  tlsFiles
	http   *http.Server
	cancel context.CancelFunc
	served chan struct{} // closed when the accept loop has ended

	closing sync.Once
	serving sync.RWMutex // read-held by every request in progress, write-held for ever by Close

	mu      sync.Mutex // guards everything below; held while a request is judged
	options Options
	orgID   string
	servers map[string]*AuthServer
	apps    map[string]*App
	users   map[string]*User
	tries   tries
	access  map[string]*grant // access token → what it stands for
	ids     map[string]*grant // ID token → what it stands for
	refresh map[string]*refreshToken
	reuses  int
}

// Start listens on Options.Addr and serves until Close. The error says why the address could not be used.
func Start(o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = new(Clock)
	}
	if o.Keys == nil {
		o.Keys = NewKeys()
	}
	s := &Server{
		clock: o.Clock, keys: o.Keys, orgID: oktaID("00o", "oktatest"),
		servers: map[string]*AuthServer{}, apps: map[string]*App{}, users: map[string]*User{},
		access: map[string]*grant{}, ids: map[string]*grant{}, refresh: map[string]*refreshToken{},
		tries: newTries(), served: make(chan struct{}),
	}
	s.Change(func(options *Options) { *options = o })
	s.addScenarios(o.Rotation)
	listener, err := listenLoopback(cmp.Or(o.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	if err := s.serve(listener, o); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return s, nil
}

// listenLoopback opens addr ("127.0.0.1:8099", "localhost:0", "[::1]:0") and refuses every address that another machine could reach.
func listenLoopback(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %q: not a loopback address (expected 127.0.0.1, ::1 or localhost)", addr)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	return listener, nil
}

func (s *Server) serve(listener net.Listener, o Options) error {
	addr := listener.Addr().String()
	_, s.port, _ = net.SplitHostPort(addr)
	s.base = "http://" + addr
	if o.TLS || o.SelfSigned || o.RequireClientCertificate || o.EditCertificate != nil || o.EditTLS != nil {
		config, files, err := newTLSConfig(o)
		if err != nil {
			return err
		}
		s.base, s.files = "https://"+addr, files
		listener = tls.NewListener(listener, config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	// HTTP/1.1 only: the faults take over the connection, which HTTP/2 does not allow.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Protocols:         protocols,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that break off are what tests are made of
	}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(listener) // ends with ErrServerClosed
	}()
	return nil
}

// Close stops listening, ends every connection and every slow fault, and returns when the last request is done. It may be called twice, but not by a Fault.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		err = s.http.Close() // first: what a slow fault writes when it is woken must not look like the end of an answer
		s.cancel()
		<-s.served
		s.serving.Lock() // waits for the requests in progress; stays locked, so that none begins
	})
	return err
}

// URL is the org's base URL, without a slash at its end: "http://127.0.0.1:43215", "https://…" with TLS.
func (s *Server) URL() string { return s.base }

// Issuer is the issuer of the authorization server with this id, as its tokens name it (those of an App with an Issuer of its own aside): "org" (or "") is
// the org server, whose issuer is the base URL itself. Without Options.Issuer, the endpoints are below it.
func (s *Server) Issuer(id string) string { return issuer(cmp.Or(s.options.Issuer, s.base), id) }

// issuerOf is what the answer to this call names as the issuer. https://developer.okta.com/docs/guides/custom-url-domain/main/
func (s *Server) issuerOf(c *call) string {
	base := s.options.Issuer
	if c.app != nil && c.app.Issuer != "" {
		base = c.app.Issuer
	}
	if base == "" || base == IssuerDynamic {
		base = c.base
	}
	return issuer(base, c.as.ID)
}

func issuer(base, id string) string {
	if id == OrgServerID || id == "" {
		return base
	}
	return base + "/oauth2/" + id
}

// CAPEM is the certificate of the authority that signed the server's own, in PEM, made anew at each start; nil without TLS.
func (s *Server) CAPEM() []byte { return s.files.ca }

// ClientCertificate is the certificate that the server wants to see, and its key, both in PEM and made anew at each start; nil without RequireClientCertificate.
func (s *Server) ClientCertificate() (cert, key []byte) { return s.files.clientCert, s.files.clientKey }

// Client is an HTTP client that trusts the server's certificate, shows the one it may ask for, follows no redirect, uses no proxy and gives up after 30 seconds.
func (s *Server) Client() *http.Client {
	transport := &http.Transport{}
	if s.files.ca != nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(s.files.ca)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	if own, err := tls.X509KeyPair(s.files.clientCert, s.files.clientKey); err == nil { // else none is asked for
		transport.TLSClientConfig.Certificates = []tls.Certificate{own}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Clock is the clock that the server lives by: the one of Options, otherwise one that runs with the system's.
func (s *Server) Clock() *Clock { return s.clock }
