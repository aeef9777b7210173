package oktatest

import (
	"cmp"
	"path"
	"strings"
)

// The paths below /sandbox/ control the server from programs in any language. They are not Okta's, count against no
// limit, are not subject to faults, and answer in plain text, but for keys and refusals, which are JSON.

func (c *call) invalidToken() {
	for _, kind := range InvalidTokenKinds() {
		if kind.Name == path.Base(c.entry.Path) {
			c.respond(200, c.s.forge(kind, c.base, c.now)+"\n")
		}
	}
	c.refuse("not_found", path.Base(c.entry.Path)+" (InvalidToken)")
}

// switchFault turns a fault on for the paths that end with the query's path; "/" is every path.
func (c *call) switchFault() {
	suffix := DefaultFaultPath
	if query := c.r.URL.Query(); query.Has("path") {
		suffix = strings.TrimSuffix(query.Get("path"), "/")
	}
	for _, f := range NamedFaults() {
		if f.Name == path.Base(c.entry.Path) {
			c.s.faults = append(c.s.faults, queuedFault{suffix, false, f.Fault})
			c.respond(204, nil)
		}
	}
	c.refuse("not_found", path.Base(c.entry.Path)+" (Fault)")
}

func (c *call) listRequests() {
	var b strings.Builder
	for _, r := range c.s.requests {
		b.WriteString(r.String() + "\n")
	}
	c.respond(200, b.String())
}

// attackerKeys is where the token "jku" points to; nothing should ask for it.
func (c *call) attackerKeys() { c.respond(200, keySet(c.s.keys.ring(attackerRing)[1])) }

// hello is GET /api/hello, a protected API for demonstrations, which is not Okta's. It accepts the access tokens of the
// custom servers: the org server's are for Okta's own APIs.
func (c *call) hello() {
	token, ok := bearer(c.r.Header)
	t := c.s.issued[token]
	switch {
	case !ok:
		c.header.Set("Www-Authenticate", `Bearer realm="oktatest"`)
		c.entry.ErrorCode = "no_token" // https://www.rfc-editor.org/rfc/rfc6750#section-3.1
		c.respond(401, nil)
	case t == nil:
		c.bearerError(401, "invalid_token", "the token was not issued by this server")
	case t.isID, t.session.server == OrgServerID:
		c.bearerError(401, "invalid_token", "meant for another audience")
	case !c.now.Before(t.expires):
		c.bearerError(401, "invalid_token", "the token has expired")
	case c.s.active(token, c.now) == nil:
		c.bearerError(401, "invalid_token", "the token has been revoked")
	default:
		c.respond(200, object{{"hello", cmp.Or(t.session.login, t.session.clientID)}, {"scopes", t.scopes}})
	}
}
