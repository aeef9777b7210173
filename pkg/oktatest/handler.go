package oktatest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	maxBody     = 128 << 10        // bytes
	maxLogged   = 16 << 20         // of the bodies of all that Requests returns
	readTimeout = 10 * time.Second // of the headers, and of the body
)

// call is one request on its way through the checks.
type call struct {
	s      *Server
	r      *http.Request
	entry  *Request
	header http.Header // of the answer
	form   url.Values  // of the body, and of the query beside it; nil if the body is no form
	base   string      // scheme://host that the client used; the issuer follows it (Okta: issuer mode DYNAMIC)
	now    time.Time   // when it is answered, which a fault may have delayed

	server   string // id of the authorization server in the path, or OrgServerID
	endpoint string // a key of routes

	// What the checks have found out so far.
	as        *AuthServer
	app       *App
	user      *User     // nil for a client that acts for itself
	assertion signedJWT // of client_assertion
	methods   []string  // "password", and factors that the user has given, in their order
	grant     string    // its grant_type
	scopes    []string
	rule      Rule          // of the access policy
	lifetime  time.Duration // of the access token
	session   *session
	subject   *session     // of the token that is exchanged
	presented *issuedToken // in the Authorization header of a resource request
	jkt       string       // of the key of a DPoP proof
	refresh   string       // refresh_token of the answer
	visit     *visit       // of the pages: the one that this request is part of, or that the tokens come from
	nonce     string       // of the ID token
	refusal   string       // text of the reply, if it is a refusal
	reply     *Response
}

// handle records the request, and lets a fault or the server answer it.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.serving.RLock()
	defer s.serving.RUnlock()
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(readTimeout)) // every connection has deadlines
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the body is too slow, the client has disconnected, or the server is closed
	}
	_ = connection.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	entry := &Request{
		Time: s.clock.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
		Header: r.Header.Clone(), Body: body, RequestID: "req" + rand.Text()[:22],
	}
	isControl := s.control != nil && strings.HasPrefix(r.URL.Path, "/sandbox/") && r.URL.Path != attackerKeys
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && mediaType == "application/x-www-form-urlencoded" && !isControl { // curl says so of JSON, too
		entry.Form, _ = url.ParseQuery(string(body)) // checkForm refuses a body that does not parse
	}
	c := &call{s: s, r: r, entry: entry, header: w.Header(), form: maps.Clone(entry.Form), base: s.baseOf(r)}
	if c.form != nil {
		for name, values := range entry.Query {
			c.form[name] = append(values, c.form[name]...)
		}
	}
	c.header.Set("X-Okta-Request-Id", entry.RequestID)
	setDate(c.header, entry.Time)
	next := http.Handler(c)
	switch {
	case isControl && len(body) > maxBody: // the rest was not read
		next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, fmt.Sprintf("the body is larger than %d bytes", maxBody), http.StatusRequestEntityTooLarge)
		})
	case isControl:
		next = s.control
	}
	s.log(entry)(&recorder{w, s, entry}, r, next)
}

func setDate(h http.Header, now time.Time) { h.Set("Date", now.UTC().Format(http.TimeFormat)) }

// baseOf is the base URL as the client wrote it, if that is a name of loopback or Options.Issuer, or any with
// Options.AllowRemote; else s.base.
func (s *Server) baseOf(r *http.Request) string {
	if custom := s.Issuer(OrgServerID); strings.HasSuffix(custom, "://"+r.Host) {
		return custom
	}
	scheme, own, _ := strings.Cut(s.base, "://")
	host, port, _ := net.SplitHostPort(r.Host)
	local := strings.HasSuffix(own, ":"+port) && slices.Contains([]string{"127.0.0.1", "localhost", "::1"}, host)
	if local || s.remote {
		return scheme + "://" + r.Host
	}
	return s.base
}

// route is an endpoint: its methods, separated by spaces, and its handler.
type route struct {
	methods string
	handle  func(*call)
}

// routes are the endpoints: whole paths, and those of each authorization server, which begin without a slash.
func routes() map[string]route {
	return map[string]route{
		"v1/authorize":                           {"GET POST", (*call).authorize},
		"v1/par":                                 {"POST", (*call).pushRequest},
		"v1/logout":                              {"GET POST", (*call).logout},
		"v1/device/authorize":                    {"POST", (*call).authorizeDevice},
		"v1/token":                               {"POST", (*call).token},
		"v1/challenge":                           {"POST", (*call).challengeFactor},
		"v1/primary-authenticate":                {"POST", (*call).primaryAuthenticate},
		"v1/revoke":                              {"POST", (*call).revoke},
		"v1/introspect":                          {"POST", (*call).introspect},
		"v1/userinfo":                            {"GET POST", (*call).userinfo},
		"v1/keys":                                {"GET HEAD", (*call).publishKeys},
		".well-known/openid-configuration":       {"GET HEAD", (*call).discover},
		".well-known/oauth-authorization-server": {"GET HEAD", (*call).discover},

		"/.well-known/okta-organization": {"GET HEAD", (*call).organization},
		"/health":                        {"GET HEAD", func(c *call) { c.respond(200, object{{"status", "ok"}}) }},
		"/activate":                      {"GET", (*call).activate},
		"/signin":                        {"POST", (*call).takeForm},
		"/api/hello":                     {"GET", (*call).hello},
		// where the token "jku" points to; nothing should ask for it
		attackerKeys: {"GET", func(c *call) { c.respond(200, keySet(c.s.keys.ring(attackerRing)[1])) }},
	}
}

const attackerKeys = "/sandbox/attacker-keys"

// notImplementedEndpoints are Okta's endpoints below v1/ that this package does not have, separated by spaces.
const notImplementedEndpoints = " bc/authorize oob-authenticate clients global-token-revocation "

// ServeHTTP sends Okta's answer.
func (c *call) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.answer().ServeHTTP(w, r) }

// answer finds the endpoint. The server is locked, and the time read, from here until the answer is made.
func (c *call) answer() *Response {
	c.s.turns <- struct{}{} // a channel serves those who wait in their order, which a mutex need not do
	defer func() { <-c.s.turns }()
	defer c.s.lock()()
	c.now = c.s.clock.Now()
	setDate(c.header, c.now)
	noStore(c.header)
	c.locate()
	route, ok := routes()[c.endpoint]
	if ok {
		c.allowOrigin(route.methods)
	}
	switch {
	case c.reply != nil:
	case strings.HasPrefix(c.entry.Path, "/oauth2/org/"):
		c.refuse("not_found", "org (AuthorizationServer)") // "org" is this package's word: no server has that id
	case strings.Contains(notImplementedEndpoints, " "+strings.TrimPrefix(c.endpoint, "v1/")+" "):
		c.notImplemented("the endpoint " + c.endpoint)
	case !ok:
		c.refuse("no_such_path")
	case !slices.Contains(strings.Fields(route.methods), c.r.Method):
		c.header.Set("Allow", strings.ReplaceAll(route.methods, " ", ", "))
		c.refuse("wrong_method")
	default:
		route.handle(c)
	}
	return c.reply
}

// locate splits the path into the authorization server and the endpoint.
func (c *call) locate() {
	c.server, c.endpoint = OrgServerID, strings.TrimPrefix(c.entry.Path, "/oauth2/")
	dir, name := path.Split(c.entry.Path)
	id, below, _ := strings.Cut(c.endpoint, "/")
	switch {
	case dir == "/.well-known/" && name != "okta-organization":
		c.endpoint = c.entry.Path[1:]
	// RFC 8414 §3.1 puts the issuer's path after the well-known name: https://www.rfc-editor.org/rfc/rfc8414#section-3.1
	case dir == "/.well-known/oauth-authorization-server/oauth2/":
		c.server, c.endpoint = name, ".well-known/oauth-authorization-server"
	case id != "" && id != "v1": // below /oauth2/
		c.server, c.endpoint = id, below
	}
}

// findServer sets c.as.
func (c *call) findServer() {
	c.as = c.s.servers[c.server]
	if c.server == OrgServerID {
		c.as = orgServer(c.base)
	}
	c.refuseIf(c.server != OrgServerID && c.s.options.Quirks.NoAPIAccessManagement, "no_api_access_management")
	c.refuseIf(c.as == nil, "not_found", c.server+" (AuthorizationServer)")
}

func orgServer(base string) *AuthServer { return &AuthServer{ID: OrgServerID, Audience: base} }

// issuer is what the answer names as the issuer. https://developer.okta.com/docs/guides/custom-url-domain/main/
func (c *call) issuer() string {
	return issuer(cmp.Or(cmp.Or(c.app, &App{}).Issuer, c.s.options.Issuer, c.base), c.as.ID)
}

// isHere reports whether a claim is the address of the endpoint, as the client wrote it or at the issuer's host.
func (c *call) isHere(claim any) bool {
	return claim == c.base+c.entry.Path || claim == cmp.Or(c.s.options.Issuer, c.base)+c.entry.Path
}

// noStore sets what every answer of the OAuth endpoints has. https://www.rfc-editor.org/rfc/rfc6749#section-5.1
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
}

// Request is one request as it arrived, and what became of it. Everything is kept as it was sent, secrets too, so that
// a test can check it; String and GoString do not show them.
type Request struct {
	Time      time.Time // by the server's clock
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	Form      url.Values // of a form-urlencoded body; nil otherwise
	Body      []byte     // as it came, at most 128 KiB
	Status    int        // 0: not answered (yet), or by a fault that took the connection over
	RequestID string     // X-Okta-Request-Id of the answer
	ErrorCode string     // error or errorCode of the answer; "" for a success or a fault
}

// String is the request and the status of its answer in one printable line, without any value that was sent:
//
//	POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 400 invalid_grant
func (r Request) String() string {
	names := slices.Sorted(maps.Keys(r.Form))
	return strings.TrimSpace(fmt.Sprintf("%s %q %q: %d %s", r.Method, r.Path, names, r.Status, r.ErrorCode))
}

// GoString is String, so that %#v shows no secret either.
func (r Request) GoString() string { return r.String() }

// Requests are all requests since the start or ResetRequests (at most the last 10,000, and 16 MiB of bodies) in the
// order of their arrival, including those that are still unanswered.
func (s *Server) Requests() (list []Request) {
	defer s.lock()()
	for _, r := range s.requests {
		list = append(list, *r)
	}
	return list
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() {
	defer s.lock()()
	s.requests, s.logged = nil, 0
}

// log adds a request to Requests, and returns its fault: the first that is meant for one request, else the newest that
// is meant for all, else none.
func (s *Server) log(r *Request) Fault {
	defer s.lock()()
	s.requests, s.logged = append(s.requests, r), s.logged+len(r.Body)
	for len(s.requests) > s.limit || s.logged > maxLogged {
		s.logged -= len(s.requests[0].Body)
		s.requests = slices.Delete(s.requests, 0, 1)
	}
	fault := Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) })
	for i, f := range s.faults {
		switch {
		case !strings.HasSuffix(r.Path, f.suffix), strings.HasPrefix(r.Path, "/sandbox/"):
		case f.once:
			s.faults = slices.Delete(s.faults, i, i+1)
			return f.fault
		default:
			fault = f.fault
		}
	}
	return fault
}

// recorder logs the status before the client can have seen it, so that a test never reads a log that is behind.
type recorder struct {
	http.ResponseWriter
	server *Server
	entry  *Request
}

func (r *recorder) WriteHeader(status int) {
	if status >= 200 { // interim answers are not the answer
		r.record(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.record(http.StatusOK) // unless WriteHeader did
	return r.ResponseWriter.Write(p)
}

func (r *recorder) record(status int) {
	defer r.server.lock()()
	if r.entry.Status == 0 {
		r.entry.Status = status
		if logged := r.server.options.Logged; logged != nil {
			logged(*r.entry)
		}
	}
}

// Unwrap lets http.ResponseController flush and take over the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
