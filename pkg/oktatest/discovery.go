package oktatest

import "net/http"

// discover answers for both documents, OpenID Connect Discovery and RFC 8414, of one server.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig, https://www.rfc-editor.org/rfc/rfc8414#section-3
func (s *Server) discover(c *call, id, document string) *reply {
	if document != "openid-configuration" && document != "oauth-authorization-server" {
		return noSuchPath()
	}
	if c.Method != http.MethodGet {
		return wrongMethod()
	}
	if rep := s.find(c, id); rep != nil {
		return rep
	}
	if clientID := c.URL.Query().Get("client_id"); clientID != "" {
		if c.app = s.apps[clientID]; c.app == nil {
			return apiError(http.StatusBadRequest, "invalid_client", "Invalid value for `client_id` parameter")
		}
	}
	body := oidcMetadata(c, s.issuerOf(c))
	if document == "oauth-authorization-server" {
		if id == OrgServerID && s.options.Quirks.NoOrgOAuthMetadata {
			return noSuchPath()
		}
		body = oauthMetadata(body)
	}
	return cacheable(body, "max-age=86400, must-revalidate")
}

// cacheable is a public document: no rate limit, and not the no-store of the other answers.
func cacheable(body any, cacheControl string) *reply {
	header := http.Header{"Cache-Control": nil, "Pragma": nil, "Expires": nil}
	if cacheControl != "" {
		header.Set("Cache-Control", cacheControl)
	}
	return &reply{status: http.StatusOK, body: body, header: header}
}

// oidcMetadata is the document as a real org returns it: it promises more endpoints than this package plays, and leaves out grants that work.
func oidcMetadata(c *call, issuer string) members {
	v1 := c.base + "/oauth2/v1/"
	scopes := []string{"openid", "email", "profile", "address", "phone", "offline_access", "groups"}
	if c.as.ID != OrgServerID {
		v1 = c.base + "/oauth2/" + c.as.ID + "/v1/"
		scopes = []string{"openid", "profile", "email", "address", "phone", "offline_access", "device_sso"}
	}
	methods := []string{ClientSecretBasic, ClientSecretPost, "client_secret_jwt", "private_key_jwt", NoSecret}
	signing := []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
	return members{
		{"issuer", issuer},
		{"authorization_endpoint", v1 + "authorize"},
		{"token_endpoint", v1 + "token"},
		{"userinfo_endpoint", v1 + "userinfo"},
		{"registration_endpoint", c.base + "/oauth2/v1/clients"},
		{"jwks_uri", v1 + "keys"},
		{"response_types_supported", []string{"code", "id_token", "code id_token", "code token", "id_token token", "code id_token token"}},
		{"response_modes_supported", []string{"query", "fragment", "form_post", "okta_post_message"}},
		{"grant_types_supported", oidcGrants()},
		{"subject_types_supported", []string{"public"}},
		{"id_token_signing_alg_values_supported", []string{"RS256"}},
		{"id_token_encryption_alg_values_supported", []string{"RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"}},
		{"id_token_encryption_enc_values_supported", []string{"A256GCM"}},
		{"scopes_supported", scopes},
		{"token_endpoint_auth_methods_supported", methods},
		{"claims_supported", oidcClaims()},
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

func oidcGrants() []string {
	return []string{
		GrantAuthorizationCode, "implicit", GrantRefreshToken, GrantPassword, GrantDeviceCode, "urn:openid:params:grant-type:ciba",
		"urn:okta:params:oauth:grant-type:otp", GrantMFAOTP, "urn:okta:params:oauth:grant-type:oob", GrantMFAOOB,
	}
}

func oidcClaims() []string {
	return []string{
		"iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce", "name", "nickname", "preferred_username", "given_name",
		"middle_name", "family_name", "email", "email_verified", "profile", "zoneinfo", "locale", "address", "phone_number", "picture", "website",
		"gender", "birthdate", "updated_at", "at_hash", "c_hash",
	}
}

// oauthMetadata is the RFC 8414 form: nothing about ID tokens and userinfo, client_credentials and token besides.
func oauthMetadata(oidc members) members {
	var out members
	for _, m := range oidc {
		switch m.name {
		case "userinfo_endpoint", "id_token_signing_alg_values_supported", "id_token_encryption_alg_values_supported", "id_token_encryption_enc_values_supported":
			continue
		case "grant_types_supported":
			m.value = append(oidcGrants(), GrantClientCredentials)
		case "response_types_supported":
			m.value = append([]string{"token"}, m.value.([]string)...)
		case "claims_supported":
			m.value = []string{"ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"}
		}
		out = append(out, m)
	}
	return out
}

// organization is how one asks whether there is an Okta org at all, and which engine it runs.
func (s *Server) organization(c *call) *reply {
	if c.Method != http.MethodGet {
		return wrongMethod()
	}
	pipeline := "idx"
	if s.options.Quirks.ClassicEngine {
		pipeline = "v1"
	}
	return cacheable(members{
		{"id", s.orgID}, {"cell", "op3"}, {"_links", members{{"organization", members{{"href", c.base}}}}},
		{"pipeline", pipeline}, {"settings", members{}},
	}, "max-age=86400, must-revalidate")
}
