package oktatest

import (
	"fmt"
	"net/http"
	"strings"
)

// sandboxPrefix begins the paths that control the server. Okta has none of them; no limit or fault applies there.
const sandboxPrefix = "/sandbox/"

// sandboxRoute is one line of the table of these paths; {name} in a path is the last argument of answer.
type sandboxRoute struct {
	method, path string
	answer       func(s *Server, c *call, name string) *reply
}

func sandboxRoutes() []sandboxRoute {
	return []sandboxRoute{
		{"GET", "tokens", listTokens},                 // the names of InvalidTokens, each with what is wrong
		{"GET", "tokens/", (*Server).invalidToken},    // tokens/NAME: a fresh token of this kind
		{"GET", "faults", listFaults},                 // the names of NamedFaults, each with what it does
		{"PUT", "fault/", (*Server).switchFault},      // fault/NAME: FailAlways for paths that end with ?path= ("/token")
		{"DELETE", "fault", (*Server).endFaults},      // ClearFaults
		{"POST", "rotate-keys", (*Server).rotate},     // RotateKeys
		{"GET", "requests", (*Server).listRequests},   // Requests, without the values that were sent
		{"GET", "attacker-keys", (*Server).attackers}, // the key set of the token "jku"; no client should ask for it
	}
}

func (s *Server) sandbox(c *call) *reply {
	path := strings.TrimPrefix(c.URL.Path, sandboxPrefix)
	for _, route := range sandboxRoutes() {
		name, ok := strings.CutPrefix(path, route.path)
		if !ok || (name != "" && !strings.HasSuffix(route.path, "/")) {
			continue
		}
		if c.Method != route.method {
			rep := wrongMethod()
			rep.header = http.Header{"Allow": {route.method}}
			return rep
		}
		return route.answer(s, c, name)
	}
	return noSuchPath()
}

func done() *reply { return &reply{status: http.StatusNoContent} }

func listTokens(*Server, *call, string) *reply {
	var b strings.Builder
	for _, f := range InvalidTokenKinds() {
		fmt.Fprintf(&b, "%-18s%s\n", f.Name, f.Description)
	}
	return &reply{status: http.StatusOK, text: b.String()}
}

func listFaults(*Server, *call, string) *reply {
	var b strings.Builder
	for _, f := range NamedFaults() {
		fmt.Fprintf(&b, "%-21s%s\n", f.Name, f.Description)
	}
	return &reply{status: http.StatusOK, text: b.String()}
}

func (s *Server) listRequests(*call, string) *reply {
	var b strings.Builder
	for _, r := range s.Requests() {
		b.WriteString(r.String() + "\n")
	}
	return &reply{status: http.StatusOK, text: b.String()}
}

func (s *Server) invalidToken(c *call, name string) *reply {
	for _, p := range patterns() {
		if p.Name != name {
			continue
		}
		token, err := s.forge(p, c.base, c.now)
		if err != nil {
			return internalError()
		}
		return &reply{status: http.StatusOK, text: token + "\n"}
	}
	return notFound(name, "InvalidToken")
}

func (s *Server) switchFault(c *call, name string) *reply {
	fault, ok := FaultNamed(name)
	if !ok {
		return notFound(name, "Fault")
	}
	suffix := DefaultFaultPath
	if query := c.URL.Query(); query.Has("path") {
		suffix = strings.TrimSuffix(query.Get("path"), "/") // "/" is every path
	}
	s.FailAlways(suffix, fault)
	return done()
}

func (s *Server) endFaults(*call, string) *reply {
	s.ClearFaults()
	return done()
}

func (s *Server) rotate(*call, string) *reply {
	if s.RotateKeys() != nil {
		return internalError()
	}
	return done()
}

func (s *Server) attackers(*call, string) *reply {
	key, err := s.keys.active(attackerRing)
	if err != nil {
		return internalError()
	}
	return &reply{status: http.StatusOK, body: keySet([]*signingKey{key})}
}
