package cli

// requestRows are about the address and the request. okauth makes the request, so most of them point to a proxy.
func requestRows() []Explanation {
	return []Explanation{
		{ID: "credentials_twice", Code: "invalid_request", Match: "multiple client credentials",
			Says:  "Cannot supply multiple client credentials. Use one of the following: …",
			Means: "the client's id or secret arrived twice", Do: changed},
		{ID: "parameter_twice", Code: "invalid_request", Match: "uplicate",
			Says:  "Duplicate parameter provided in request. Duplicated parameters: [x].",
			Means: "a part of the request arrived twice", Do: changed},
		{ID: "parameters_same_name", Code: "invalid_request", Match: "multiple parameters",
			Says:  "The request contained multiple parameters with the same name.",
			Means: "a part of the request arrived twice", Do: changed},
		{ID: "credentials_in_query", Code: "invalid_request", Match: "query parameters",
			Says:  "Client credentials cannot be supplied via query parameters.",
			Means: "the client's id or secret arrived in the address", Do: changed},
		{ID: "assertion_type", Code: "invalid_request", Match: "client_assertion_type",
			Says: "The client_assertion_type is invalid.", Means: "a part of the request is not okauth's",
			Do: changed},
		{ID: "invalid_server", Code: "invalid_request", Match: "authorization server id",
			Says: "The authorization server id is invalid.", Means: "there is no authorization server {server}",
			Do: otherID},
		{ID: "browser_request", Code: "invalid_request", Match: "rowser request",
			Says:  "Browser requests to the token endpoint must be part of at least one whitelisted redirect_uri.",
			Means: asBrowser, Do: "check the proxy (HTTPS_PROXY)"},
		{ID: "parameter_missing", Code: "invalid_request", Match: "is missing",
			Says:  "The required parameter 'username' is missing.",
			Means: "a part of the request did not arrive", Do: changed},
		{ID: "grant_type_missing", Code: "invalid_request", Match: "must specify a 'grant_type'",
			Says:  "The token request must specify a 'grant_type'. Valid values: [x]",
			Means: "a part of the request did not arrive", Do: changed},
		{ID: "token_missing", Code: "invalid_request", Match: "is required",
			Says: "The 'token' parameter is required.", Means: "a part of the request did not arrive",
			Do: changed},
		{ID: "resource_dpop", For: []string{"userinfo"}, Code: "invalid_request", Match: "DPoP",
			Says:  "The resource request requires a DPoP proof.",
			Means: "the access token is bound to a DPoP key, and okauth does not support DPoP",
			Do:    doDPoP + ", then run okauth login"},
		{ID: "invalid_request", Code: "invalid_request", Says: "Invalid request",
			Means: "Okta does not understand the request",
			Do:    "check domain and server (okauth config list), and that no proxy changes requests"},
		{ID: "body_garbled", Code: "E0000003", Says: "The request body was not well-formed.",
			Means: "the request did not arrive complete", Do: changed},
		{ID: "content_type", Code: "E0000021",
			Says:  "Bad request.  Accept and/or Content-Type headers likely do not match supported values.",
			Means: "the content type did not arrive", Do: changed},
		{ID: "wrong_method", Code: "E0000022", Says: "The endpoint does not support the provided HTTP method",
			Means: "this is no {endpoint}, or the request arrived with another method",
			Do:    "check domain (okauth config get domain) and HTTPS_PROXY"},
		{ID: "unknown_server", Code: "E0000007", Match: "(AuthorizationServer)",
			Says:  "Not found: Resource not found: aus1 (AuthorizationServer)",
			Means: "this Okta org has no authorization server {server}", Do: otherID},
		{ID: "not_found", Code: "E0000007", Says: "Not found: Resource not found: me (User)",
			Means: "this Okta org has no such address", Do: "check domain and server (okauth config list)"},
		{ID: "no_such_path", Code: "E0000008", Says: "The requested path was not found",
			Means: "this Okta org has no such address", Do: "check domain and server (okauth config list)"},
		{ID: "client_no_custom_servers", For: []string{"client_credentials"}, Code: "E0000015", Says: feature,
			Means: "this Okta org has no custom authorization servers, which alone give tokens to a client with a " +
				"secret: they need the license for API Access Management",
			Do: "get the license, or sign in as a user (okauth config set grant password, okauth config set server " +
				"org)"},
		{ID: "no_custom_servers", Code: "E0000015", Says: feature,
			Means: "this Okta org has no custom authorization servers: they need the license for API Access " +
				"Management",
			Do: "use the org's own: okauth config set server org"},
		{ID: "no_permission", Code: "E0000006",
			Says:  "You do not have permission to perform the requested action",
			Means: "Okta does not let this client do that",
			Do:    "check domain: the address with -admin is for administrators only (okauth config get domain)"},
		{ID: "management_api", Code: "E0000011", Says: "Invalid token provided",
			Means: "this is an address of Okta's management API, not a {endpoint}",
			Do:    "check domain (okauth config get domain)"},
	}
}

// serverRows are about Okta itself. They come last and match by status what has no row of its own; "unknown" matches
// all.
func serverRows() []Explanation {
	return []Explanation{
		{ID: "too_many_groups", Code: "server_error", Match: "groups claim",
			Says:  "The groups claim matched too many groups and must be configured to match fewer groups.",
			Means: "the user is in more groups than fit into the token",
			Do:    "narrow the filter of the groups claim: " + atServer + "Claims"},
		{ID: "feature_off", Status: 403, Code: "server_error",
			Means: "this needs a feature that the Okta org has not enabled",
			Do:    "Admin Console, Settings › Features; " + atLog + " names it, under the error's request id"},
		{ID: "server_error", Code: "server_error",
			Means: "Okta failed while it made the token; a claim's expression or a token inline hook may be at fault",
			Do:    atServer + "Token Preview shows it; else try again later"},
		{ID: "temporarily_unavailable", Code: "temporarily_unavailable", Means: "Okta is too busy",
			Do: "try again in a minute"},
		{ID: "read_only", Code: "E0000010", Says: "Service is in read only mode",
			Means: "Okta is read-only for maintenance",
			Do:    "try again later; https://status.okta.com shows how long"},
		{ID: "rate_limited", Code: "E0000047", Says: tooMany,
			Means: "the org has used up its requests for this minute", Do: notCounted},
		{ID: "too_many_requests", Status: 429, Means: "too many requests", Do: notCounted},
		{ID: "internal_error", Code: "E0000009", Says: "Internal Server Error", Means: "Okta failed",
			Do: tryLater},
		{ID: "unavailable", Status: 503, Means: "Okta is unavailable", Do: tryLater},
		{ID: "failing", Status: 500, Means: "Okta failed", Do: tryLater},
		{ID: "bad_gateway", Status: 502, Means: "Okta cannot be reached behind its own gateway", Do: tryLater},
		{ID: "gateway_timeout", Status: 504, Means: "Okta did not answer in time behind its own gateway",
			Do: tryLater},
		{ID: "unknown", Means: "okauth knows nothing about this error beyond Okta's text",
			Do: atLog + " has the reason, under the error's request id"},
		{ID: "clock_skew", When: func(error) bool { return false }, // oktaAdvice adds it to other hints
			Says: "(this machine's clock is … behind Okta's)",
			Means: "the Date of Okta's response and this machine's clock are more than five minutes apart, so that " +
				"tokens seem expired or not valid yet",
			Do: "set the clock, and keep it right over the network (timedatectl set-ntp true, or the system's settings)"},
	}
}

// Parts of several texts. The places are those of the Admin Console of Identity Engine, as of 2026.
// https://developer.okta.com/docs/guides/implement-grant-type/ropassword/main/
const (
	atApp    = "Admin Console, Applications › Applications › {client} › "
	atServer = "Admin Console, Security › API › {server} › "
	atUser   = "Admin Console, Directory › People › the user"
	atLog    = "Admin Console, Reports › System Log"
	atSignOn = atApp + "Sign On › User authentication: an app sign-in policy whose rule asks for Password only; the " +
		"global session policy (Security › Global Session Policy) must not ask for more either"
	atSecret  = "copy it from " + atApp + "General › Client Credentials, then " + setSecret
	setSecret = "run okauth config set client_secret"
	needsDPoP = "the application requires DPoP, which okauth does not support"
	doDPoP    = "clear “Require Demonstrating Proof of Possession (DPoP)” at Applications › Applications › " +
		"the application › General"
	moreScopes = "run okauth login for all of them (okauth config set scopes), or ask for fewer (--scope)"
	atOwnAPI   = "okauth config set server default, or the id of another custom one (starts with aus)"
	otherID    = "compare with Admin Console, Security › API: okauth config set server default (or org, or the id " +
		"that starts with aus)"
	notCounted = "wait for the time given, then try again; {unaffected}"
	tryLater   = "try again later; https://status.okta.com reports outages"
	asBrowser  = "Okta treats the request as a browser's: a proxy added an Origin header"
	changed    = "a proxy changes requests: check HTTPS_PROXY"
	asserts    = "the application signs in with a signed assertion (private_key_jwt or client_secret_jwt), which okauth " +
		"does not support"
	bySecret = "choose Client secret: " + atApp + "General › Client Credentials › Client authentication; then " +
		setSecret
	custom = "the org authorization server gives a client tokens only for a signed assertion (private_key_jwt), which " +
		"okauth does not support"
	tooMany   = "API call exceeded rate limit due to too many requests."
	needsOpen = "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."
	feature   = "You do not have permission to access the feature you are requesting"
)
