package oktatest

import (
	"fmt"
	"net/http"
	"strings"
)

// sandboxPrefix is where the server is steered from outside, in any language. Nothing there is Okta's, counts against a limit or is spoilt by a fault.
const sandboxPrefix = "/sandbox/"

// sandbox answers in plain text:
//
//	GET    /sandbox/tokens           the names of InvalidTokens, each with what is wrong
//	GET    /sandbox/tokens/NAME      a fresh token of this kind
//	GET    /sandbox/faults           the names of NamedFaults, each with what it does
//	PUT    /sandbox/fault/NAME       FailAlways: every request to a path that ends with ?path= (by default "/token") is spoilt
//	DELETE /sandbox/fault            ClearFaults
//	POST   /sandbox/rotate-keys      RotateKeys
//	GET    /sandbox/requests         Requests, without what was sent in them
//	GET    /sandbox/attacker-keys    the key set that the token "jku" points to; nobody should ask for it
func (s *Server) sandbox(c *call) *reply {
	path := strings.TrimPrefix(c.URL.Path, sandboxPrefix)
	name := ""
	for _, parent := range []string{"tokens/", "fault/"} {
		if rest, ok := strings.CutPrefix(path, parent); ok {
			path, name = parent, rest
		}
	}
	method := http.MethodGet
	var answer func() *reply
	switch path {
	case "tokens":
		answer = listTokens
	case "tokens/":
		answer = func() *reply { return s.invalidToken(c, name) }
	case "faults":
		answer = listFaults
	case "fault/":
		method, answer = http.MethodPut, func() *reply { return s.switchFault(c, name) }
	case "fault":
		method, answer = http.MethodDelete, func() *reply { s.ClearFaults(); return done() }
	case "rotate-keys":
		method, answer = http.MethodPost, s.rotate
	case "requests":
		answer = s.listRequests
	case "attacker-keys":
		answer = s.attackerKeys
	default:
		return noSuchPath()
	}
	if c.Method != method {
		rep := wrongMethod()
		rep.header = http.Header{"Allow": {method}}
		return rep
	}
	return answer()
}

func done() *reply { return &reply{status: http.StatusNoContent} }

func plainText(text string) *reply { return &reply{status: http.StatusOK, text: text} }

func listTokens() *reply {
	var b strings.Builder
	for _, f := range InvalidTokenKinds() {
		fmt.Fprintf(&b, "%-18s%s\n", f.Name, f.Description)
	}
	return plainText(b.String())
}

func listFaults() *reply {
	var b strings.Builder
	for _, f := range NamedFaults() {
		fmt.Fprintf(&b, "%-21s%s\n", f.Name, f.Description)
	}
	return plainText(b.String())
}

func (s *Server) listRequests() *reply {
	var b strings.Builder
	for _, r := range s.Requests() {
		b.WriteString(r.String() + "\n")
	}
	return plainText(b.String())
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
		return plainText(token + "\n")
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

func (s *Server) rotate() *reply {
	if s.RotateKeys() != nil {
		return internalError()
	}
	return done()
}

func (s *Server) attackerKeys() *reply {
	key, err := s.keys.active(attackerRing)
	if err != nil {
		return internalError()
	}
	return &reply{status: http.StatusOK, body: keySet([]*signingKey{key})}
}
