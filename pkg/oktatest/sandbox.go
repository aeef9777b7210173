package oktatest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The paths below /sandbox/ control the server from programs in any language. They are not Okta's, count against no
// limit, are not subject to faults, and answer in plain text:
//
//	GET    /sandbox/tokens           the names of InvalidTokens, each with what is wrong
//	GET    /sandbox/tokens/NAME      a fresh token of this kind
//	GET    /sandbox/faults           the names of NamedFaults, each with what it does
//	PUT    /sandbox/fault/NAME       FailAlways: every request to a path that ends with ?path= (default "/token")
//	DELETE /sandbox/fault            ClearFaults
//	POST   /sandbox/rotate-keys      RotateKeys
//	GET    /sandbox/requests         Requests, without what was sent in them
//	GET    /sandbox/attacker-keys    the key set that the token "jku" points to; nothing should ask for it

func plainText(text string) *reply { return &reply{status: 200, text: text} }

func (c *call) listInvalidTokens() *reply {
	var b strings.Builder
	for _, t := range InvalidTokenKinds() {
		fmt.Fprintf(&b, "%-18s%s\n", t.Name, t.Description)
	}
	return plainText(b.String())
}

func (c *call) invalidToken() *reply {
	for _, kind := range invalidTokenKinds() {
		if kind.Name == c.name {
			return plainText(c.s.forge(kind, c.base, c.now) + "\n")
		}
	}
	return notFound(c.name, "InvalidToken")
}

func (c *call) listFaults() *reply {
	var b strings.Builder
	for _, f := range NamedFaults() {
		fmt.Fprintf(&b, "%-21s%s\n", f.Name, f.Description)
	}
	return plainText(b.String())
}

func (c *call) switchFault() *reply {
	fault, ok := FaultNamed(c.name)
	if !ok {
		return notFound(c.name, "Fault")
	}
	suffix := DefaultFaultPath
	if query := c.r.URL.Query(); query.Has("path") {
		suffix = strings.TrimSuffix(query.Get("path"), "/") // "/" is every path
	}
	c.s.FailAlways(suffix, fault)
	return &reply{status: 204}
}

func (c *call) clearFaults() *reply {
	c.s.ClearFaults()
	return &reply{status: 204}
}

func (c *call) rotateKeys() *reply {
	c.s.RotateKeys()
	return &reply{status: 204}
}

func (c *call) listRequests() *reply {
	var b strings.Builder
	for _, r := range c.s.Requests() {
		b.WriteString(r.String() + "\n")
	}
	return plainText(b.String())
}

func (c *call) attackerKeys() *reply {
	return &reply{status: 200, body: keySet([]*signingKey{c.s.keys.active(attackerRing)})}
}

// hello is GET /api/hello, a protected API for demonstrations. It is not Okta's. It verifies the token as an API
// should: signature, issuer, audience and expiry on its own; whether it was revoked, it asks the authorization server.
func (c *call) hello() *reply {
	token, ok := bearer(c.r.Header)
	if !ok {
		c.header.Set("Www-Authenticate", `Bearer realm="oktatest"`)
		return &reply{status: 401, code: "no_token"} // https://www.rfc-editor.org/rfc/rfc6750#section-3.1
	}
	var claims helloClaims
	if problem := c.verify(token, &claims); problem != "" {
		return c.bearerError(401, "invalid_token", problem)
	}
	return &reply{status: 200, body: object{{"hello", claims.Sub}, {"scopes", claims.Scp}}}
}

type helloClaims struct {
	Iss, Sub string
	Aud      any
	Exp      int64 // seconds since 1970
	Scp      []string
}

// verify returns what is wrong with the token, "" if nothing is. Access tokens of the org server never pass: their keys
// are not published.
func (c *call) verify(token string, claims *helloClaims) string {
	var header struct{ Alg, Kid string }
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !decodePart(parts[0], &header) || !decodePart(parts[1], claims) {
		return "not a JWT"
	}
	base, id, _ := strings.Cut(claims.Iss, "/oauth2/")
	as := c.s.servers[id]
	if as == nil || !c.s.isIssuerBase(base) {
		return "issued by another authorization server"
	}
	signs := func(k *signingKey) bool { return k.kid == header.Kid && k.verifies(token) }
	list, _ := claims.Aud.([]any)
	switch {
	case header.Alg != "RS256":
		return "not signed with RS256"
	case !slices.ContainsFunc(c.s.keys.published(id), signs):
		return "the signature is not valid"
	case claims.Aud != any(as.Audience) && !slices.Contains(list, any(as.Audience)):
		return "meant for another audience"
	case c.now.Unix() >= claims.Exp:
		return "the token has expired"
	case c.s.active(token, c.now) == nil:
		return "the token has been revoked"
	}
	return ""
}

// isIssuerBase reports whether the server's tokens may name this base URL.
func (s *Server) isIssuerBase(base string) bool {
	if s.isOwnBase(base) || base != "" && base == s.options.Issuer {
		return true
	}
	for _, app := range s.apps {
		if base != "" && base == app.Issuer {
			return true
		}
	}
	return false
}

func decodePart(part string, v any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, v) == nil
}
