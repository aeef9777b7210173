package okta

// applicationRows are about the application: its id, its secret, its grants.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func applicationRows() []explanation {
	const (
		asserts  = "the application signs in with a signed assertion (private_key_jwt or client_secret_jwt), which okauth does not make"
		bySecret = "choose Client secret: " + atApp + "General › Client Credentials › Client authentication; then " + setSecret
	)
	return append(clientApplicationRows(), []explanation{
		{"client_assertion", 0, 0, "invalid_client", "client_assertion", "The audience claim for client_assertion must be the endpoint invoked for the request.", asserts, bySecret},
		{"client_keys", 0, 0, "invalid_client", "JWKSet", "The client JWKSet is invalid.", asserts, bySecret},
		{"client_hmac", 0, 0, "invalid_client", "JWT HMAC", "The client secret is too short to verify a JWT HMAC.", asserts, bySecret},
		{"unknown_client", 0, 0, "invalid_client", "client_id", "Invalid value for 'client_id' parameter.", "this Okta org has no active application with the client id {client}",
			"compare client_id and domain (okauth config list) with Admin Console, Applications › Applications › the application › General"},
		{"wrong_client_secret", 0, 0, "invalid_client", "client secret supplied", "The client secret supplied for a confidential client is invalid.",
			"the client secret is wrong, or was taken out of use", atSecret},
		{"no_client_secret", 0, 0, "invalid_client", "No client credentials", "No client credentials found.", "the application has a client secret, and okauth sent none", atSecret},
		{"garbled_client_secret", 0, 0, "invalid_client", "not valid client credentials", "Found Authentication header but was not valid client credentials.",
			"Okta could not read the client id and secret", atSecret},
		{"browser_pkce", 0, 0, "invalid_client", "Proof Key", "Browser requests to the token endpoint must use Proof Key for Code Exchange.", asBrowser, "check the proxy (HTTPS_PROXY)"},
		{"client_authentication", 0, 0, "invalid_client", "", "Client authentication failed. Either the client or the client credentials are invalid.",
			"{authentication}",
			"compare with " + atApp + "General › Client Credentials › Client authentication; then " + setSecret + ", or unset it"},
		{"grant_off", 0, 0, "unauthorized_client", "grant type", "The client is not authorized to use the provided grant type. Configured grant types: [authorization_code].",
			"the grant type {grant} is not switched on for the application", "choose {grant}: " + atApp + "{grantAt}"},
		{"org_server_only", 0, 0, "unauthorized_client", "custom authorization server", "This client cannot use a custom authorization server.",
			"this application can use the org authorization server only", "okauth config set server org"},
		{"public_client", 0, 0, "unauthorized_client", "Confidential client", "Confidential client is required to make this request.",
			"the application must have a client secret for this", bySecret},
		{"browser_grant", 0, 0, "unauthorized_client", "Browser requests", "Browser requests to the token endpoint may only use the authorization_code grant_type.",
			asBrowser, "check the proxy (HTTPS_PROXY)"},
		{"unauthorized_client", 0, 0, "unauthorized_client", "", "", "the application may not do this", "choose {grant}: " + atApp + "{grantAt}"},
		{"unknown_grant", 0, 0, "unsupported_grant_type", "", "The authorization grant type is not supported by the authorization server. Configured grant types: [x].",
			"authorization server {server} does not know the grant type {grant}", "choose another: okauth config set server default (or org)"},
		{"dpop_other_key", 0, 0, "invalid_dpop_proof", "refresh token", "Invalid DPoP Public Key binding in refresh token",
			"the session was made with a DPoP key, which okauth does not have", "run okauth login; if that is refused: " + doDPoP},
		{"dpop_required", 0, 0, "invalid_dpop_proof", "", "The DPoP proof JWT header is missing.", needsDPoP, doDPoP},
		{"dpop_nonce", 0, 0, "use_dpop_nonce", "", "Authorization server requires nonce in DPoP proof.", needsDPoP, doDPoP},
	}...)
}

// clientApplicationRows are about a client without a user.
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
func clientApplicationRows() []explanation {
	const custom = "the org authorization server gives a client tokens only for a signed assertion (private_key_jwt), which okauth does not make"
	return []explanation{
		{"client_at_org", byClients, 0, "invalid_client", "private_key_jwt",
			"Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.", custom, "use a custom server: " + atOwnAPI},
		{"client_type_at_org", byClients, 0, "invalid_client", "application_type",
			"Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org Authorization Server.", custom, "use a custom server: " + atOwnAPI},
		{"client_grant_at_org", byClients, 0, "unsupported_grant_type", "", "'client_credentials' grant type can only be used with a custom authorization server.",
			"authorization server {server} does not know the grant type {grant}; the org server is one of those", "use a custom server: " + atOwnAPI},
		{"client_org_server_only", byClients, 0, "unauthorized_client", "custom authorization server", "This client cannot use a custom authorization server.",
			"this application can use the org authorization server only, which takes no client secret for this",
			"use another application (Admin Console, Applications › Applications › Create App Integration › API Services)"},
		{"client_grant_off", byClients, 0, "unauthorized_client", "grant type", "The client is not authorized to use the provided grant type. Configured grant types: [password].",
			"the grant type {grant} is not switched on for the application",
			"choose {grant}: " + atApp + "{grantAt}; where that is not offered, as for native applications, make one of type API Services"},
	}
}

// requestRows are about the address and the request. okauth builds the latter, so that most of them point to something in between.
func requestRows() []explanation {
	const feature = "You do not have permission to access the feature you are requesting"
	return []explanation{
		{"credentials_twice", 0, 0, "invalid_request", "multiple client credentials", "Cannot supply multiple client credentials. Use one of the following: …",
			"the client's id or secret arrived twice", changed},
		{"parameter_twice", 0, 0, "invalid_request", "uplicate", "Duplicate parameter provided in request. Duplicated parameters: [x].", "a part of the request arrived twice", changed},
		{"parameters_same_name", 0, 0, "invalid_request", "multiple parameters", "The request contained multiple parameters with the same name.", "a part of the request arrived twice", changed},
		{"credentials_in_query", 0, 0, "invalid_request", "query parameters", "Client credentials cannot be supplied via query parameters.",
			"the client's id or secret arrived in the address", changed},
		{"assertion_type", 0, 0, "invalid_request", "client_assertion_type", "The client_assertion_type is invalid.", "a part of the request is not okauth's", changed},
		{"invalid_server", 0, 0, "invalid_request", "authorization server id", "The authorization server id is invalid.", "there is no authorization server {server}", otherID},
		{"browser_request", 0, 0, "invalid_request", "rowser request", "Browser requests to the token endpoint must be part of at least one whitelisted redirect_uri.",
			asBrowser, "check the proxy (HTTPS_PROXY)"},
		{"parameter_missing", 0, 0, "invalid_request", "is missing", "The required parameter 'username' is missing.", "a part of the request did not arrive", changed},
		{"grant_type_missing", 0, 0, "invalid_request", "must specify a 'grant_type'", "The token request must specify a 'grant_type'. Valid values: [x]",
			"a part of the request did not arrive", changed},
		{"token_missing", 0, 0, "invalid_request", "is required", "The 'token' parameter is required.", "a part of the request did not arrive", changed},
		{"resource_dpop", byUserInfo, 0, "invalid_request", "DPoP", "The resource request requires a DPoP proof.", "the access token is bound to a DPoP key, and okauth does not speak DPoP",
			doDPoP + ", then run okauth login"},
		{"invalid_request", 0, 0, "invalid_request", "", "Invalid request", "Okta does not understand the request", "check domain and server (okauth config list), and that no proxy changes requests"},
		{"body_garbled", 0, 0, "E0000003", "", "The request body was not well-formed.", "the request did not arrive whole", changed},
		{"content_type", 0, 0, "E0000021", "", "Bad request.  Accept and/or Content-Type headers likely do not match supported values.", "the content type did not arrive", changed},
		{"wrong_method", 0, 0, "E0000022", "", "The endpoint does not support the provided HTTP method", "this is no {endpoint}, or the request arrived with another method",
			"check domain (okauth config get domain) and HTTPS_PROXY"},
		{"unknown_server", 0, 0, "E0000007", "(AuthorizationServer)", "Not found: Resource not found: aus1 (AuthorizationServer)",
			"this Okta org has no authorization server {server}", otherID},
		{"not_found", 0, 0, "E0000007", "", "Not found: Resource not found: me (User)", "this Okta org has no such address", "check domain and server (okauth config list)"},
		{"no_such_path", 0, 0, "E0000008", "", "The requested path was not found", "this Okta org has no such address", "check domain and server (okauth config list)"},
		{"client_no_custom_servers", byClients, 0, "E0000015", "", feature,
			"this Okta org has no custom authorization servers, which alone give tokens to a client with a secret: they need the licence for API Access Management",
			"get the licence, or sign in as a user (okauth config set grant password, okauth config set server org)"},
		{"no_custom_servers", 0, 0, "E0000015", "", feature, "this Okta org has no custom authorization servers: they need the licence for API Access Management",
			"use the org's own: okauth config set server org"},
		{"no_permission", 0, 0, "E0000006", "", "You do not have permission to perform the requested action", "Okta does not let this client do that",
			"check domain: the address with -admin is for administrators only (okauth config get domain)"},
		{"management_api", 0, 0, "E0000011", "", "Invalid token provided", "this is an address of Okta's management API, not a {endpoint}", "check domain (okauth config get domain)"},
	}
}

// serverRows are about Okta itself. They come last and catch by status what has no row of its own; the last catches all.
func serverRows() []explanation {
	return []explanation{
		{"too_many_groups", 0, 0, "server_error", "groups claim", "The groups claim matched too many groups and must be configured to match fewer groups.",
			"the user is in more groups than fit into the token", "narrow the filter of the groups claim: " + atServer + "Claims"},
		{"feature_off", 0, 403, "server_error", "", "", "this needs a feature that the Okta org does not have switched on",
			"Admin Console, Settings › Features; " + atLog + " names it, under the error's request id"},
		{"server_error", 0, 0, "server_error", "", "", "Okta failed while it made the token; a claim's expression or a token inline hook may be at fault",
			atServer + "Token Preview shows it; else try again later"},
		{"temporarily_unavailable", 0, 0, "temporarily_unavailable", "", "", "Okta is too busy", "try again in a minute"},
		{"read_only", 0, 0, "E0000010", "", "Service is in read only mode", "Okta is read-only for maintenance", "try again later; https://status.okta.com tells how long"},
		{"rate_limited", 0, 0, "E0000047", "", tooMany, "the org has used up its requests for this minute", notCounted},
		{"too_many_requests", 0, 429, "", "", "", "too many requests", notCounted},
		{"internal_error", 0, 0, "E0000009", "", "Internal Server Error", "Okta failed", tryLater},
		{"unavailable", 0, 503, "", "", "", "Okta is unavailable", tryLater},
		{"failing", 0, 500, "", "", "", "Okta failed", tryLater},
		{"bad_gateway", 0, 502, "", "", "", "Okta is not reachable behind its own front", tryLater},
		{"gateway_timeout", 0, 504, "", "", "", "Okta did not answer in time behind its own front", tryLater},
		{"unknown", 0, 0, "", "", "", "okauth knows no more about this error than Okta's words", atLog + " has the reason, under the error's request id"},
	}
}
