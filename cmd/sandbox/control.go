package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"okauth/pkg/oktatest"
)

// controlHeader is in every request below /sandbox/: no page of another site can send it without asking first.
const controlHeader = "X-Sandbox"

// control is the paths below /sandbox/, with which programs in any language change a running sandbox. They are not
// Okta's.
type control struct {
	server  *oktatest.Server
	prepare func(*oktatest.Server) // what the flags add to a server that is new, or reset
}

func newControl(s *oktatest.Server, prepare func(*oktatest.Server)) http.Handler {
	c, mux := &control{s, prepare}, http.NewServeMux()
	addEntries(mux, userKind(), func() []oktatest.User { return s.Org().Users }, s.AddUser, s.RemoveUser)
	addEntries(mux, appKind(), func() []oktatest.App { return s.Org().Apps }, s.AddApp, s.RemoveApp)
	addEntries(mux, authServerKind(), func() []oktatest.AuthServer { return s.Org().AuthServers }, s.AddAuthServer,
		s.RemoveAuthServer)
	for pattern, handle := range map[string]func(r *http.Request) (string, error){
		"POST /sandbox/users/{login}/unlock": c.unlock,
		"GET /sandbox/clock":                 c.clock,
		"POST /sandbox/clock":                c.advanceClock,
		"PUT /sandbox/clock":                 c.setClock,
		"DELETE /sandbox/clock":              c.resetClock,
		"POST /sandbox/reset":                c.reset,
		"PUT /sandbox/fault/{name}":          c.fail,
		"DELETE /sandbox/fault":              func(*http.Request) (string, error) { s.ClearFaults(); return "", nil },
		"POST /sandbox/rotate-keys":          func(*http.Request) (string, error) { s.RotateKeys(); return "", nil },
		"POST /sandbox/rotate-nonces":        func(*http.Request) (string, error) { s.RotateNonces(); return "", nil },
		"GET /sandbox/tokens/{name}":         c.invalidToken,
		"GET /sandbox/requests":              c.requests,
		"GET /sandbox/key.pem":               func(*http.Request) (string, error) { return string(oktatest.TestKey()), nil },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			text, err := handle(r)
			answer(w, text, err)
		})
	}
	return guard(s, mux)
}

// guard keeps web pages out: those of other sites, and those of a site whose name leads to this machine.
func guard(s *oktatest.Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, _ := url.Parse(s.Issuer(oktatest.OrgServerID))
		here := &url.URL{Host: r.Host}
		// A name without a dot is of this machine or of a network of containers: no site of the internet has one.
		isHere := !strings.Contains(here.Hostname(), ".") || net.ParseIP(here.Hostname()) != nil || r.Host == own.Host
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case r.Header.Get("Origin") != "":
			http.Error(w, "requests of web pages are refused: this one has the header Origin", http.StatusForbidden)
		case !isHere:
			const refused = "the host %q is refused: use an IP address, a name without a dot or the host of the issuer"
			http.Error(w, fmt.Sprintf(refused, r.Host), http.StatusForbidden)
		case r.Header.Get(controlHeader) == "":
			http.Error(w, "a header is missing: "+controlHeader+": 1", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// statusError is an error with a status of its own; others have 400.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func notFound(format string, args ...any) error {
	return &statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// answer sends a text, or that there is none.
func answer(w http.ResponseWriter, text string, err error) {
	switch e, ok := err.(*statusError); {
	case ok:
		http.Error(w, e.text, e.status)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case text == "":
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text) // a client that has disconnected needs no answer
	}
}

// addEntries adds the paths of one of the lists of the org: GET for all, and GET, PUT and DELETE for one.
func addEntries[T any](mux *http.ServeMux, k kind[T], list func() []T, put func(T), remove func(string)) {
	path := "/sandbox/" + k.list
	find := func(id string) (entry T, err error) {
		for _, e := range list() {
			if strings.EqualFold(*k.id(&e), id) {
				return e, nil
			}
		}
		return entry, notFound("there is no %s %q", k.schema, id)
	}
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, &schema{Type: "array", Items: &schema{Ref: "#/$defs/" + k.schema}}, slices.Concat([]T{}, list()))
	})
	mux.HandleFunc("GET "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		entry, err := find(r.PathValue("id"))
		if err != nil {
			answer(w, "", err)
			return
		}
		writeJSON(w, &schema{Ref: "#/$defs/" + k.schema}, entry)
	})
	mux.HandleFunc("PUT "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		entry, err := readEntry(r, k)
		if err == nil {
			put(entry)
		}
		answer(w, "", err)
	})
	mux.HandleFunc("DELETE "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		entry, err := find(r.PathValue("id"))
		if err == nil {
			remove(*k.id(&entry))
		}
		answer(w, "", err)
	})
}

// readEntry reads the body of a PUT, which need not repeat the ID of the path.
func readEntry[T any](r *http.Request, k kind[T]) (entry T, err error) {
	text, _ := io.ReadAll(r.Body) // package oktatest has read it
	n, err := parse(text)
	if err != nil {
		return entry, err
	}
	id := r.PathValue("id")
	hasKey := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		hasKey = hasKey || n.Content[i].Value == k.key
	}
	if n.Kind == yaml.MappingNode && !hasKey {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k.key},
			&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: id})
	}
	if err := newReader().read(n, k.schema, &entry); err != nil {
		return entry, err
	}
	if got := *k.id(&entry); !strings.EqualFold(got, id) {
		return entry, fmt.Errorf("%s: %q is not the %q of the path", k.key, got, id)
	}
	if f := k.check(&entry, ""); f != nil {
		return entry, f
	}
	return entry, nil
}

func writeJSON(w http.ResponseWriter, s *schema, value any) {
	text, _ := json.Marshal(value) // it came from JSON
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var shown any
	_ = decoder.Decode(&shown)
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(newReader().show(shown, s)) // a client that has disconnected needs no answer
}

func (c *control) unlock(r *http.Request) (string, error) {
	if !c.server.SetUserStatus(r.PathValue("login"), oktatest.Active) {
		return "", notFound("there is no user %q", r.PathValue("login"))
	}
	return "", nil
}

func (c *control) clock(*http.Request) (string, error) {
	return c.server.Clock().Now().UTC().Format(time.RFC3339Nano) + "\n", nil
}

func (c *control) advanceClock(r *http.Request) (string, error) {
	d, err := time.ParseDuration(r.URL.Query().Get("advance"))
	if err != nil {
		return "", fmt.Errorf("advance: expected a duration such as 1h or -30s, got %q", r.URL.Query().Get("advance"))
	}
	return "", c.moveClock("advance", c.server.Clock().Now().Add(d))
}

func (c *control) setClock(r *http.Request) (string, error) {
	at, err := time.Parse(time.RFC3339, r.URL.Query().Get("now"))
	if err != nil {
		return "", fmt.Errorf("now: expected a time such as 2026-01-31T12:00:00Z, got %q", r.URL.Query().Get("now"))
	}
	return "", c.moveClock("now", at)
}

// moveClock keeps the time within what tokens and time.Duration can have.
func (c *control) moveClock(parameter string, to time.Time) error {
	if away := time.Since(to).Abs(); away > 100*365*24*time.Hour {
		return fmt.Errorf("%s: expected a time within 100 years of today, got %s", parameter, to.UTC().Format(time.RFC3339))
	}
	c.server.Clock().Advance(to.Sub(c.server.Clock().Now()))
	return nil
}

func (c *control) resetClock(*http.Request) (string, error) {
	c.server.Clock().Advance(time.Since(c.server.Clock().Now()))
	return "", nil
}

func (c *control) reset(r *http.Request) (string, error) {
	c.server.Reset()
	_, _ = c.resetClock(r) // never fails
	c.prepare(c.server)
	return "", nil
}

// fail turns a fault on for the paths that end with path, "/" is every path: for so many requests, or for good.
func (c *control) fail(r *http.Request) (string, error) {
	query := r.URL.Query()
	for name := range query {
		if name != "path" && name != "times" {
			return "", fmt.Errorf("%s: unknown, expected path or times", name)
		}
	}
	fault, err := namedFault(r.PathValue("name"))
	if err != nil {
		return "", err
	}
	suffix := oktatest.DefaultFaultPath
	if query.Has("path") {
		suffix = strings.TrimSuffix(query.Get("path"), "/")
	}
	if !query.Has("times") {
		c.server.FailAlways(suffix, fault)
		return "", nil
	}
	times, err := strconv.Atoi(query.Get("times"))
	if err != nil || times < 1 || times > 1000 {
		return "", fmt.Errorf("times: expected 1 to 1000, got %q", query.Get("times"))
	}
	c.server.Fail(suffix, slices.Repeat([]oktatest.Fault{fault}, times)...)
	return "", nil
}

func namedFault(name string) (oktatest.Fault, error) {
	faults := oktatest.NamedFaults()
	i := slices.IndexFunc(faults, func(f oktatest.NamedFault) bool { return f.Name == name })
	if i < 0 {
		return nil, notFound("there is no fault %q", name)
	}
	return faults[i].Fault, nil
}

func (c *control) invalidToken(r *http.Request) (string, error) {
	if token := c.server.InvalidToken(r.PathValue("name"), r); token != "" {
		return token + "\n", nil
	}
	return "", notFound("there is no token %q", r.PathValue("name"))
}

func (c *control) requests(*http.Request) (string, error) {
	var b strings.Builder
	for _, r := range c.server.Requests() {
		b.WriteString(r.String() + "\n")
	}
	return b.String(), nil
}
