package oktatest

import (
	"encoding/json"
	"maps"
	"strings"
)

// discover is both documents of one server, OpenID Connect Discovery and RFC 8414.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
// https://www.rfc-editor.org/rfc/rfc8414#section-3
func (c *call) discover() {
	c.findServer()
	c.findClient()
	oidc := c.endpoint == ".well-known/openid-configuration"
	if c.reply == nil {
		c.cacheable(c.metadata(oidc), "max-age=86400, must-revalidate")
	}
}

// findClient sets c.app, if the query names one.
func (c *call) findClient() {
	clientID := c.r.URL.Query().Get("client_id")
	c.app = c.s.apps[clientID]
	c.refuseIf(clientID != "" && c.app == nil, "unknown_client_in_query")
}

// cacheable is a public document: no rate limit, and not the no-store of the other answers.
func (c *call) cacheable(body any, cacheControl string) {
	c.header.Del("Pragma")
	c.header.Del("Expires")
	c.header.Set("Cache-Control", cacheControl)
	c.respond(200, body)
}

// metadata begins with the OpenID Connect document of a custom server as a real org returns it, which names more
// endpoints than this package has, and not all grants. To it is added what RFC 9207 asks of a server that sends iss.
// The org server, and RFC 8414, differ in some members; null is none. ISSUER, ORG and V1 stand for addresses.
func (c *call) metadata(oidc bool) map[string]any {
	var parts struct{ All, Org, OAuth map[string]any }
	v1 := c.base + strings.TrimSuffix("/oauth2/"+c.as.ID, "/"+OrgServerID) + "/v1"
	text := strings.NewReplacer("ISSUER", c.issuer(), "ORG", c.base, "V1", v1).Replace(embedded("metadata.json"))
	_ = json.Unmarshal([]byte(text), &parts) // valid, see metadata.json
	if c.as.ID == OrgServerID {
		maps.Copy(parts.All, parts.Org)
	}
	if !oidc {
		maps.Copy(parts.All, parts.OAuth)
	}
	maps.DeleteFunc(parts.All, func(_ string, value any) bool { return value == nil })
	return parts.All
}

// organization tells clients that this is an Okta org, which runs the Identity Engine.
func (c *call) organization() {
	c.cacheable(object{
		{"id", orgID}, {"cell", "op3"}, {"_links", object{{"organization", object{{"href", c.base}}}}},
		{"pipeline", "idx"}, {"settings", object{}},
	}, "max-age=86400, must-revalidate")
}
