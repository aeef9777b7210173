package oktatest

import (
	"slices"
	"strings"
)

// discover is both documents of one server, OpenID Connect Discovery and RFC 8414.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
// https://www.rfc-editor.org/rfc/rfc8414#section-3
func (c *call) discover() *reply {
	if rep := c.findServer(); rep != nil {
		return rep
	}
	if clientID := c.r.URL.Query().Get("client_id"); clientID != "" {
		if c.app = c.s.apps[clientID]; c.app == nil {
			return apiError(400, "invalid_client", "Invalid value for `client_id` parameter")
		}
	}
	oidc := c.endpoint == "/.well-known/openid-configuration"
	if !oidc && c.as.ID == OrgServerID && c.s.options.Quirks.NoOrgOAuthMetadata {
		return noSuchPath()
	}
	body := c.metadata()
	if !oidc { // nothing about ID tokens and userinfo
		body.remove("userinfo_endpoint", "id_token_signing_alg_values_supported",
			"id_token_encryption_alg_values_supported", "id_token_encryption_enc_values_supported")
		body.set("grant_types_supported", grantTypesSupported("all", "oauth"))
		body.set("response_types_supported", append([]string{"token"}, responseTypes()...))
		body.set("claims_supported", strings.Fields("ver jti iss aud iat exp cid uid scp sub"))
	}
	return c.cacheable(body, "max-age=86400, must-revalidate")
}

// cacheable is a public document: no rate limit, and not the no-store of the other answers.
func (c *call) cacheable(body any, cacheControl string) *reply {
	c.header.Del("Pragma")
	c.header.Del("Expires")
	c.header.Set("Cache-Control", cacheControl)
	return &reply{status: 200, body: body}
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

func responseTypes() []string {
	return []string{"code", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}
}

// metadata is the OpenID Connect document as a real org returns it, which names more endpoints than this package has.
func (c *call) metadata() object {
	v1, scopes := c.base+"/oauth2/v1/", "openid email profile address phone offline_access groups"
	if c.as.ID != OrgServerID {
		v1, scopes = c.base+"/oauth2/"+c.as.ID+"/v1/", "openid profile email address phone offline_access device_sso"
	}
	methods := strings.Fields("client_secret_basic client_secret_post client_secret_jwt private_key_jwt none")
	signing := strings.Fields("HS256 HS384 HS512 RS256 RS384 RS512 ES256 ES384 ES512")
	claims := strings.Fields("iss ver sub aud iat exp jti auth_time amr idp nonce name nickname preferred_username " +
		"given_name middle_name family_name email email_verified profile zoneinfo locale address phone_number picture " +
		"website gender birthdate updated_at at_hash c_hash")
	return object{
		{"issuer", c.issuer()},
		{"authorization_endpoint", v1 + "authorize"},
		{"token_endpoint", v1 + "token"},
		{"userinfo_endpoint", v1 + "userinfo"},
		{"registration_endpoint", c.base + "/oauth2/v1/clients"},
		{"jwks_uri", v1 + "keys"},
		{"response_types_supported", responseTypes()},
		{"response_modes_supported", []string{"query", "fragment", "form_post", "okta_post_message"}},
		{"grant_types_supported", grantTypesSupported("all")},
		{"subject_types_supported", []string{"public"}},
		{"id_token_signing_alg_values_supported", []string{"RS256"}},
		{"id_token_encryption_alg_values_supported", []string{"RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"}},
		{"id_token_encryption_enc_values_supported", []string{"A256GCM"}},
		{"scopes_supported", strings.Fields(scopes)},
		{"token_endpoint_auth_methods_supported", methods},
		{"claims_supported", claims},
		{"code_challenge_methods_supported", []string{"S256"}},
		{"introspection_endpoint", v1 + "introspect"},
		{"introspection_endpoint_auth_methods_supported", methods},
		{"revocation_endpoint", v1 + "revoke"},
		{"revocation_endpoint_auth_methods_supported", methods},
		{"end_session_endpoint", v1 + "logout"},
		{"request_parameter_supported", true},
		{"request_object_signing_alg_values_supported", signing},
		{"device_authorization_endpoint", v1 + "device/authorize"},
		{"pushed_authorization_request_endpoint", v1 + "par"},
		{"backchannel_token_delivery_modes_supported", []string{"poll"}},
		{"backchannel_authentication_request_signing_alg_values_supported", signing},
		{"dpop_signing_alg_values_supported", signing[3:]},
	}
}

// organization tells clients that this is an Okta org, and which engine it runs.
func (c *call) organization() *reply {
	if c.server != OrgServerID {
		return noSuchPath()
	}
	pipeline := "idx"
	if c.s.options.Quirks.ClassicEngine {
		pipeline = "v1"
	}
	return c.cacheable(object{
		{"id", c.s.orgID}, {"cell", "op3"}, {"_links", object{{"organization", object{{"href", c.base}}}}},
		{"pipeline", pipeline}, {"settings", object{}},
	}, "max-age=86400, must-revalidate")
}
