package cli

// applicationRows are about the application: its id, its secret, its grants.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func applicationRows() []Explanation {
	return []Explanation{
		{ID: "client_assertion", Code: "invalid_client", Match: "client_assertion",
			Says:  "The audience claim for client_assertion must be the endpoint invoked for the request.",
			Means: asserts, Do: bySecret},
		{ID: "client_keys", Code: "invalid_client", Match: "JWKSet", Says: "The client JWKSet is invalid.",
			Means: asserts, Do: bySecret},
		{ID: "client_hmac", Code: "invalid_client", Match: "JWT HMAC",
			Says: "The client secret is too short to verify a JWT HMAC.", Means: asserts, Do: bySecret},
		{ID: "unknown_client", Code: "invalid_client", Match: "client_id",
			Says:  "Invalid value for 'client_id' parameter.",
			Means: "this Okta org has no active application with the client id {client}",
			Do: "compare client_id and domain (okauth config list) with Admin Console, Applications › Applications " +
				"› the application › General"},
		{ID: "wrong_client_secret", Code: "invalid_client", Match: "client secret supplied",
			Says:  "The client secret supplied for a confidential client is invalid.",
			Means: "the client secret is wrong, or was taken out of use", Do: atSecret},
		{ID: "no_client_secret", Code: "invalid_client", Match: "No client credentials",
			Says:  "No client credentials found.",
			Means: "the application has a client secret, and okauth sent none", Do: atSecret},
		{ID: "garbled_client_secret", Code: "invalid_client", Match: "not valid client credentials",
			Says:  "Found Authentication header but was not valid client credentials.",
			Means: "Okta could not read the client id and secret", Do: atSecret},
		{ID: "browser_pkce", Code: "invalid_client", Match: "Proof Key",
			Says:  "Browser requests to the token endpoint must use Proof Key for Code Exchange.",
			Means: asBrowser, Do: "check the proxy (HTTPS_PROXY)"},
		{ID: "client_authentication", Code: "invalid_client",
			Says:  "Client authentication failed. Either the client or the client credentials are invalid.",
			Means: "{auth}",
			Do: "compare with " + atApp + "General › Client Credentials › Client authentication; then " + setSecret +
				", or unset it"},
		{ID: "grant_off", Code: "unauthorized_client", Match: "grant type",
			Says: "The client is not authorized to use the provided grant type. Configured grant types: " +
				"[authorization_code].",
			Means: "the grant type {grant} is not enabled for the application",
			Do:    "choose {grant}: " + atApp + "{grantPlace}"},
		{ID: "org_server_only", Code: "unauthorized_client", Match: "custom authorization server",
			Says:  "This client cannot use a custom authorization server.",
			Means: "this application can use the org authorization server only",
			Do:    "okauth config set server org"},
		{ID: "public_client", Code: "unauthorized_client", Match: "Confidential client",
			Says:  "Confidential client is required to make this request.",
			Means: "the application must have a client secret for this", Do: bySecret},
		{ID: "browser_grant", Code: "unauthorized_client", Match: "Browser requests",
			Says:  "Browser requests to the token endpoint may only use the authorization_code grant_type.",
			Means: asBrowser, Do: "check the proxy (HTTPS_PROXY)"},
		{ID: "unauthorized_client", Code: "unauthorized_client", Means: "the application may not do this",
			Do: "choose {grant}: " + atApp + "{grantPlace}"},
		{ID: "unknown_grant", Code: "unsupported_grant_type",
			Says: "The authorization grant type is not supported by the authorization server. Configured grant " +
				"types: [x].",
			Means: "authorization server {server} does not know the grant type {grant}",
			Do:    "choose another: okauth config set server default (or org)"},
		{ID: "dpop_other_key", Code: "invalid_dpop_proof", Match: "refresh token",
			Says:  "Invalid DPoP Public Key binding in refresh token",
			Means: "the session was made with a DPoP key, which okauth does not have",
			Do:    "run okauth login; if that is refused: " + doDPoP},
		{ID: "dpop_required", Code: "invalid_dpop_proof", Says: "The DPoP proof JWT header is missing.",
			Means: needsDPoP, Do: doDPoP},
		{ID: "dpop_nonce", Code: "use_dpop_nonce", Says: "Authorization server requires nonce in DPoP proof.",
			Means: needsDPoP, Do: doDPoP},
	}
}

// clientApplicationRows are about a client without a user. They come first.
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
func clientApplicationRows() []Explanation {
	return []Explanation{
		{ID: "client_at_org", For: []string{"client_credentials"}, Code: "invalid_client",
			Match: "private_key_jwt",
			Says: "Client Credentials requests to the Org Authorization Server must use the private_key_jwt " +
				"token_endpoint_auth_method.",
			Means: custom, Do: "use a custom server: " + atOwnAPI},
		{ID: "client_type_at_org", For: []string{"client_credentials"}, Code: "invalid_client",
			Match: "application_type",
			Says: "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' " +
				"with the Org Authorization Server.",
			Means: custom, Do: "use a custom server: " + atOwnAPI},
		{ID: "client_grant_at_org", For: []string{"client_credentials"}, Code: "unsupported_grant_type",
			Says: "'client_credentials' grant type can only be used with a custom authorization server.",
			Means: "authorization server {server} does not know the grant type {grant}; the org server is one of " +
				"those",
			Do: "use a custom server: " + atOwnAPI},
		{ID: "client_org_server_only", For: []string{"client_credentials"}, Code: "unauthorized_client",
			Match: "custom authorization server", Says: "This client cannot use a custom authorization server.",
			Means: "this application can use the org authorization server only, which takes no client secret for " +
				"this",
			Do: "use another application (Admin Console, Applications › Applications › Create App Integration › " +
				"API Services)"},
		{ID: "client_grant_off", For: []string{"client_credentials"}, Code: "unauthorized_client",
			Match: "grant type",
			Says:  "The client is not authorized to use the provided grant type. Configured grant types: [password].",
			Means: "the grant type {grant} is not enabled for the application",
			Do: "choose {grant}: " + atApp + "{grantPlace}; where that is not offered, as for native applications, " +
				"make one of type API Services"},
	}
}
