package oktatest

import (
	"bytes"
	"crypto/rand"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxBody       = 1 << 20 // bytes
	sandboxPrefix = "/sandbox/"
)

// call is one request on its way through the checks.
type call struct {
	s      *Server
	r      *http.Request
	header http.Header // of the answer
	now    time.Time   // when it is answered, which a fault may have delayed
	base   string      // scheme://host that the client used; the issuer follows it (Okta: issuer mode DYNAMIC)
	body   []byte      // at most maxBody+1 bytes
	form   url.Values  // of the body

	server   string // id of the authorization server in the path, or OrgServerID
	endpoint string // "/v1/token"
	name     string // the last element of a path below /sandbox/

	// What the checks have found out so far.
	as       *AuthServer
	app      *App
	user     *User // nil for a client that acts for itself
	grant    grant
	scopes   []string
	lifetime time.Duration // of the access token
	session  *session
	refresh  string // refresh_token of the answer
}

// firstReply runs checks until one has a reply. A check that finds nothing wrong returns nil.
func firstReply(checks ...func() *reply) *reply {
	for _, check := range checks {
		if rep := check(); rep != nil {
			return rep
		}
	}
	return nil
}

// handle records the request, and lets a fault or the server answer it.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.serving.TryRLock() {
		return // closing
	}
	defer s.serving.RUnlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client has disconnected
	}
	entry := &Request{
		Time: s.clock.Now(), RemoteAddr: r.RemoteAddr, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
		Header: r.Header.Clone(), Body: body, RequestID: "req" + rand.Text()[:22],
	}
	c := &call{s: s, r: r, header: w.Header(), base: s.baseOf(r), body: body}
	if isForm(r.Header) {
		c.form, _ = url.ParseQuery(string(body)) // checkForm refuses a body that does not parse
		entry.Form = c.form
	}
	fault := s.traffic.add(entry)
	r.Body = io.NopCloser(bytes.NewReader(body))

	w.Header().Set("X-Okta-Request-Id", entry.RequestID)
	setDate(w.Header(), entry.Time)
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		rep := c.answer()
		s.traffic.locked(func() { entry.ErrorCode = rep.code })
		rep.write(w)
	})
	rec := &recorder{ResponseWriter: w, traffic: &s.traffic, entry: entry}
	if fault != nil {
		fault(rec, r, answer)
	} else {
		answer(rec, r)
	}
}

func isForm(h http.Header) bool {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && mediaType == "application/x-www-form-urlencoded"
}

func setDate(h http.Header, now time.Time) { h.Set("Date", now.UTC().Format(http.TimeFormat)) }

// baseOf is the base URL as the client wrote it, if that is a name of loopback; otherwise the server's own.
func (s *Server) baseOf(r *http.Request) string {
	scheme, _, _ := strings.Cut(s.base, "://")
	for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
		if r.Host == net.JoinHostPort(host, s.port) {
			return scheme + "://" + r.Host
		}
	}
	return s.base
}

// route is an endpoint: its methods, separated by spaces, and its handler.
type route struct {
	methods string
	handle  func(*call) *reply
}

// routes are the endpoints: whole paths, and paths below an authorization server.
func routes() map[string]route {
	return map[string]route{
		"/v1/token":                         {"POST OPTIONS", (*call).token},
		"/v1/revoke":                        {"POST", (*call).revoke},
		"/v1/introspect":                    {"POST", (*call).introspect},
		"/v1/userinfo":                      {"GET POST", (*call).userinfo},
		"/v1/keys":                          {"GET", (*call).publishKeys},
		"/.well-known/openid-configuration": {"GET", (*call).discover},
		"/.well-known/oauth-authorization-server": {"GET", (*call).discover},
		"/.well-known/okta-organization":          {"GET", (*call).organization},

		"/api/hello":             {"GET", (*call).hello},
		"/sandbox/tokens":        {"GET", (*call).listInvalidTokens},
		"/sandbox/tokens/":       {"GET", (*call).invalidToken},
		"/sandbox/faults":        {"GET", (*call).listFaults},
		"/sandbox/fault":         {"DELETE", (*call).clearFaults},
		"/sandbox/fault/":        {"PUT", (*call).switchFault},
		"/sandbox/rotate-keys":   {"POST", (*call).rotateKeys},
		"/sandbox/requests":      {"GET", (*call).listRequests},
		"/sandbox/attacker-keys": {"GET", (*call).attackerKeys},
	}
}

// notImplementedEndpoints are Okta's endpoints below /v1/ that this package does not have, separated by spaces.
const notImplementedEndpoints = " authorize device/authorize logout par bc/authorize challenge primary-authenticate " +
	"oob-authenticate clients global-token-revocation "

// answer finds the endpoint. The server is locked, and the time read, from here until the answer is made.
func (c *call) answer() *reply {
	defer c.s.lock()()
	c.now = c.s.clock.Now()
	setDate(c.header, c.now)
	noStore(c.header)
	c.locate()
	if c.server == OrgServerID && strings.HasPrefix(c.r.URL.Path, "/oauth2/org/") {
		return refuse("not_found", "org (AuthorizationServer)") // "org" is this package's word: no server has that id
	}
	route, ok := routes()[c.endpoint]
	switch {
	case strings.Contains(notImplementedEndpoints, " "+strings.TrimPrefix(c.endpoint, "/v1/")+" "):
		return notImplemented("the endpoint " + c.endpoint)
	case !ok:
		return refuse("no_such_path")
	case !slices.Contains(strings.Fields(route.methods), c.r.Method):
		c.header.Set("Allow", strings.ReplaceAll(route.methods, " ", ", "))
		return refuse("wrong_method")
	}
	return route.handle(c)
}

// locate splits the path into the authorization server and the endpoint.
func (c *call) locate() {
	path := c.r.URL.Path
	// RFC 8414 §3.1 puts the issuer's path after the well-known name: https://www.rfc-editor.org/rfc/rfc8414#section-3.1
	if id, ok := strings.CutPrefix(path, "/.well-known/oauth-authorization-server/oauth2/"); ok {
		path = "/oauth2/" + id + "/.well-known/oauth-authorization-server"
	}
	c.server, c.endpoint = OrgServerID, path
	if rest, ok := strings.CutPrefix(path, sandboxPrefix); ok {
		if parent, name, ok := strings.Cut(rest, "/"); ok {
			c.endpoint, c.name = sandboxPrefix+parent+"/", name
		}
		return
	}
	rest, below := strings.CutPrefix(path, "/oauth2/")
	switch {
	case below && strings.HasPrefix(rest, "v1/"):
		c.endpoint = "/" + rest
	case below:
		id, endpoint, _ := strings.Cut(rest, "/")
		c.server, c.endpoint = id, "/"+endpoint
	}
	if isV1 := strings.HasPrefix(c.endpoint, "/v1/"); below != isV1 && !strings.HasPrefix(c.endpoint, "/.well-known/") {
		c.endpoint = path // not an endpoint of an authorization server
	}
}

// findServer sets c.as.
func (c *call) findServer() *reply {
	if c.server == OrgServerID {
		c.as = orgServer(c.base)
		return nil
	}
	c.as = c.s.servers[c.server]
	return firstRefusal(
		refusal{c.s.options.Quirks.NoAPIAccessManagement, "no_api_access_management", ""},
		refusal{c.as == nil, "not_found", c.server + " (AuthorizationServer)"},
	)
}

func orgServer(base string) *AuthServer { return &AuthServer{ID: OrgServerID, Audience: base} }

// issuer is what the answer names as the issuer. https://developer.okta.com/docs/guides/custom-url-domain/main/
func (c *call) issuer() string {
	base := c.s.options.Issuer
	if c.app != nil && c.app.Issuer != "" {
		base = c.app.Issuer
	}
	if base == "" || base == IssuerDynamic {
		base = c.base
	}
	return issuer(base, c.as.ID)
}

// noStore sets what every answer of the OAuth endpoints has. https://www.rfc-editor.org/rfc/rfc6749#section-5.1
func noStore(h http.Header) {
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
}

func (rep *reply) write(w http.ResponseWriter) {
	text, contentType := []byte(rep.text), "text/plain; charset=utf-8"
	if rep.body != nil {
		text, contentType = marshal(rep.body), "application/json"
	}
	if len(text) > 0 {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(text) // a client that has disconnected needs no answer
}
