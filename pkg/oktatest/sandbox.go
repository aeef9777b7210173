package oktatest

import (
	"fmt"
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
		if kind.name == c.name {
			return plainText(c.s.forge(kind, c.base, c.now) + "\n")
		}
	}
	return refuse("not_found", c.name+" (InvalidToken)")
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
		return refuse("not_found", c.name+" (Fault)")
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
	return &reply{status: 200, body: keySet(c.s.keys.ring(attackerRing)[1])}
}

// hello is GET /api/hello, a protected API for demonstrations, which is not Okta's. It accepts the access tokens of the
// custom servers: the org server's are for Okta's own APIs.
func (c *call) hello() *reply {
	token, ok := bearer(c.r.Header)
	t := c.s.issued[token]
	switch {
	case !ok:
		c.header.Set("Www-Authenticate", `Bearer realm="oktatest"`)
		return &reply{status: 401, code: "no_token"} // https://www.rfc-editor.org/rfc/rfc6750#section-3.1
	case t == nil:
		return c.bearerError(401, "invalid_token", "the token was not issued by this server")
	case t.isID, t.session.server == OrgServerID:
		return c.bearerError(401, "invalid_token", "meant for another audience")
	case !c.now.Before(t.expires):
		return c.bearerError(401, "invalid_token", "the token has expired")
	case c.s.active(token, c.now) == nil:
		return c.bearerError(401, "invalid_token", "the token has been revoked")
	}
	return &reply{status: 200, body: object{{"hello", t.claims.get("sub")}, {"scopes", t.scopes}}}
}
