package oktatest

import (
	"bytes"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const maxBody = 1 << 20

// call is one request on its way through the checks.
type call struct {
	*http.Request
	now  time.Time   // when it is judged, which a fault may have put off
	base string      // scheme://host under which the client reached us: the issuer follows it (Okta's issuer mode "Dynamic")
	body []byte      // at most maxBody bytes
	form url.Values  // of the body
	as   *AuthServer // whose endpoint was called
	app  *App        // the client, once it is authenticated
	user *User       // who signs in or did, once it is known

	scopes []string // asked for and allowed so far
}

// handle writes the request down, gives a fault its chance, and answers.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.serving.TryRLock() {
		return // closing
	}
	defer s.serving.RUnlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the client broke off
	}
	now := s.clock.Now()
	entry := &Request{
		Time: now, RemoteAddr: r.RemoteAddr, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(),
		Body: body, RequestID: "req" + randomText(22),
	}
	c := &call{Request: r, base: s.baseOf(r), body: body}
	if isForm(r.Header) {
		c.form, _ = url.ParseQuery(string(body)) // a body that does not parse is refused later
		entry.Form = c.form
	}
	s.log.add(entry)
	r.Body = io.NopCloser(bytes.NewReader(body))

	rec := &recorder{ResponseWriter: w, log: &s.log, entry: entry}
	w.Header().Set("X-Okta-Request-Id", entry.RequestID)
	setDate(w.Header(), now)
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		rep := s.answer(c, w.Header())
		s.log.edit(func() { entry.ErrorCode = rep.code })
		writeReply(w, rep)
	})
	if fault := s.faults.take(r.URL.Path); fault != nil {
		fault(rec, r, answer)
		return
	}
	answer(rec, r)
}

func isForm(h http.Header) bool {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && mediaType == "application/x-www-form-urlencoded"
}

// baseOf is the base URL as the client wrote it, if it is one of the names of loopback; otherwise our own.
func (s *Server) baseOf(r *http.Request) string {
	scheme, _, _ := strings.Cut(s.base, "://")
	if base := scheme + "://" + r.Host; s.isOwnBase(base) {
		return base
	}
	return s.base
}

func (s *Server) isOwnBase(base string) bool {
	scheme, _, _ := strings.Cut(s.base, "://")
	for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
		if base == scheme+"://"+net.JoinHostPort(host, s.port) {
			return true
		}
	}
	return base == s.base
}

func writeReply(w http.ResponseWriter, rep *reply) {
	h := w.Header()
	// Both on every answer of the OAuth endpoints; RFC 6749 §5.1 asks for no-store: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
	for name, values := range rep.header {
		h[name] = values
	}
	text, contentType := []byte(rep.text), "text/plain; charset=utf-8"
	if rep.body != nil {
		var err error
		if text, err = marshal(rep.body); err != nil {
			w.WriteHeader(http.StatusInternalServerError) // our own bodies always fit; a custom claim that does not is refused in issue
			return
		}
		contentType = "application/json"
	}
	if len(text) == 0 {
		w.WriteHeader(rep.status)
		return
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(rep.status)
	_, _ = w.Write(text) // a client that has gone needs no answer
}

func setDate(h http.Header, now time.Time) { h.Set("Date", now.UTC().Format(http.TimeFormat)) }

// answer finds the endpoint. State is locked from here until the answer is made, and the time is read behind the lock: requests are judged in its order.
func (s *Server) answer(c *call, h http.Header) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.clock.Now()
	setDate(h, c.now)
	path := c.URL.Path
	if strings.HasPrefix(path, sandboxPrefix) {
		return s.sandbox(c)
	}
	switch path {
	case "/api/hello":
		return s.hello(c)
	case "/.well-known/okta-organization":
		return s.organization(c)
	case "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server":
		return s.discover(c, OrgServerID, strings.TrimPrefix(path, "/.well-known/"))
	}
	// RFC 8414 §3.1 puts the issuer's path after the well-known name: https://www.rfc-editor.org/rfc/rfc8414#section-3.1
	if id, ok := strings.CutPrefix(path, "/.well-known/oauth-authorization-server/oauth2/"); ok {
		path = "/oauth2/" + id + "/.well-known/oauth-authorization-server"
	}
	rest, ok := strings.CutPrefix(path, "/oauth2/")
	if !ok {
		return noSuchPath()
	}
	if endpoint, ok := strings.CutPrefix(rest, "v1/"); ok {
		return s.endpoint(c, OrgServerID, endpoint, h)
	}
	id, rest, _ := strings.Cut(rest, "/")
	if id == OrgServerID { // our word for the org server, not Okta's: in a path it is an id like any other, and nobody has it
		return notFound(id, "AuthorizationServer")
	}
	if document, ok := strings.CutPrefix(rest, ".well-known/"); ok {
		return s.discover(c, id, document)
	}
	if endpoint, ok := strings.CutPrefix(rest, "v1/"); ok {
		return s.endpoint(c, id, endpoint, h)
	}
	return noSuchPath()
}

// endpoint answers for one path below …/v1/.
func (s *Server) endpoint(c *call, id, name string, h http.Header) *reply {
	switch name {
	case "token":
		return s.token(c, id, h)
	case "keys":
		return s.publishKeys(c, id)
	case "userinfo":
		return s.userinfo(c, id, h)
	case "revoke":
		return s.revoke(c, id, h)
	case "introspect":
		return s.introspect(c, id, h)
	case "authorize", "device/authorize", "logout", "par", "bc/authorize", "challenge",
		"primary-authenticate", "oob-authenticate", "clients", "global-token-revocation":
		return notPlayed("the endpoint " + name)
	}
	return noSuchPath()
}

// find sets c.as, or says why there is no such server.
func (s *Server) find(c *call, id string) *reply {
	if id == OrgServerID {
		c.as = orgServer(c.base)
		return nil
	}
	if s.options.Quirks.NoAPIAccessManagement {
		return apiError(http.StatusUnauthorized, "E0000015", "You do not have permission to access the feature you are requesting")
	}
	as, ok := s.servers[id]
	if !ok {
		return notFound(id, "AuthorizationServer")
	}
	c.as = as
	return nil
}

// orgServer is the org authorization server of the org at base.
func orgServer(base string) *AuthServer { return &AuthServer{ID: OrgServerID, Audience: base} }
