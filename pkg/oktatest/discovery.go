package oktatest

import (
	_ "embed" // metadata.json
	"encoding/json"
	"slices"
	"strings"
)

// discover is both documents of one server, OpenID Connect Discovery and RFC 8414.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
// https://www.rfc-editor.org/rfc/rfc8414#section-3
func (c *call) discover() {
	c.findServer()
	clientID := c.r.URL.Query().Get("client_id")
	c.app = c.s.apps[clientID]
	oidc := c.endpoint == "/.well-known/openid-configuration"
	c.refuseIf(clientID != "" && c.app == nil, "unknown_client_in_query")
	c.refuseIf(!oidc && c.server == OrgServerID && c.options.Quirks.NoOrgOAuthMetadata, "no_such_path")
	if c.reply != nil {
		return
	}
	body := c.metadata()
	if !oidc { // nothing about ID tokens and userinfo
		body.remove("userinfo_endpoint", "id_token_signing_alg_values_supported",
			"id_token_encryption_alg_values_supported", "id_token_encryption_enc_values_supported")
		body.set("grant_types_supported", grantTypesSupported("all", "oauth"))
		body.set("response_types_supported", []string{
			"token", "code", "id_token", "code id_token", "code token", "id_token token", "code id_token token",
		})
		body.set("claims_supported", strings.Fields("ver jti iss aud iat exp cid uid scp sub"))
	}
	c.cacheable(body, "max-age=86400, must-revalidate")
}

// cacheable is a public document: no rate limit, and not the no-store of the other answers.
func (c *call) cacheable(body any, cacheControl string) {
	c.header.Del("Pragma")
	c.header.Del("Expires")
	c.header.Set("Cache-Control", cacheControl)
	c.ok(body)
}

// grantTypesSupported are the grants that a document names, which are not all that work. implicit is none of /token.
func grantTypesSupported(metadata ...string) []string {
	var names []string
	for _, g := range grants() {
		if slices.Contains(metadata, g.metadata) {
			names = append(names, g.grantType)
		}
	}
	return slices.Insert(names, 1, "implicit")
}

// metadataJSON is the OpenID Connect document of a custom server as a real org returns it, which names more endpoints
// than this package has. ISSUER, ORG and V1 stand for addresses.
//
//go:embed metadata.json
var metadataJSON string

func (c *call) metadata() (body object) {
	v1 := c.base + "/oauth2/v1"
	if c.as.ID != OrgServerID {
		v1 = c.base + "/oauth2/" + c.as.ID + "/v1"
	}
	text := strings.NewReplacer("ISSUER", c.issuer(), "ORG", c.base, "V1", v1).Replace(metadataJSON)
	_ = json.Unmarshal([]byte(text), &body) // valid, see metadata.json
	body.set("grant_types_supported", grantTypesSupported("all"))
	if c.as.ID == OrgServerID {
		body.set("scopes_supported", strings.Fields("openid email profile address phone offline_access groups"))
	}
	return body
}

// organization tells clients that this is an Okta org, and which engine it runs.
func (c *call) organization() {
	if c.server != OrgServerID {
		c.refuse("no_such_path")
		return
	}
	pipeline := "idx"
	if c.options.Quirks.ClassicEngine {
		pipeline = "v1"
	}
	c.cacheable(object{
		{"id", c.s.orgID}, {"cell", "op3"}, {"_links", object{{"organization", object{{"href", c.base}}}}},
		{"pipeline", pipeline}, {"settings", object{}},
	}, "max-age=86400, must-revalidate")
}
