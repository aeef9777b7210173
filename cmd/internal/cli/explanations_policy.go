package cli

// policyRows are about access policies, scopes and consent.
// https://developer.okta.com/docs/guides/configure-access-policy/main/
func policyRows() []Explanation {
	return []Explanation{
		{ID: "no_matching_policy", Code: "access_denied", Match: "Policy evaluation failed",
			Says: "Policy evaluation failed for this request, please check the policy configurations.",
			Means: "no access policy of authorization server {server} lets this client, user, grant and list of " +
				"scopes through (no_matching_policy); a new server has no policy at all",
			Do: atServer + "Access Policies: add a policy for {client} and a rule with Resource Owner Password (IF " +
				"Grant type is › Advanced) and these scopes; or set server to org, which needs none"},
		{ID: "no_scope_allowed", Code: "access_denied", Match: "all the requested scopes were rejected",
			Says:  "Policy evaluation succeeded, but all the requested scopes were rejected.",
			Means: "the rule that matched allows none of the requested scopes",
			Do:    atServer + "Access Policies › the rule › scopes; or ask for others (okauth config set scopes)"},
		{ID: "offline_access_denied", Code: "access_denied", Match: "scopes: [offline_access]",
			Says:  "Some of the requested scopes were denied by the policy. Denied scopes: [offline_access].",
			Means: "the application may not have refresh tokens",
			Do: "choose Refresh Token: " + atApp + "General › Grant type; or leave out offline_access (okauth " +
				"config set scopes)"},
		{ID: "scope_denied", Code: "access_denied", Match: "Denied scopes",
			Says:  "Some of the requested scopes were denied by the policy. Denied scopes: [x].",
			Means: "the rule that matched allows only some of the requested scopes",
			Do: "leave out the denied ones (okauth config set scopes), or allow them: " + atServer +
				"Access Policies › the rule › scopes"},
		{ID: "network_zone", Code: "access_denied", Match: "network zones",
			Says:  "The request is made from outside the client's permitted network zones.",
			Means: "the client may not be used from this network",
			Do:    atApp + "General › Client Credentials: the network zones; or go to a network that is allowed"},
		{ID: "openid_missing_denied", Code: "access_denied", Match: "'openid' scope", Says: needsOpen,
			Means: "scopes like profile and email come only together with openid",
			Do:    "add it: okauth config set scopes \"openid profile\""},
		{ID: "access_denied", Code: "access_denied",
			Says: "The resource owner or authorization server denied the request.", Means: "a policy denies it",
			Do: atLog + " names the policy, under the error's request id"},
		{ID: "consent_required", Code: "consent_required",
			Says:  "The following scopes require user consent: [x]. …",
			Means: "a scope needs the user's consent, and okauth has no page to ask for it",
			Do: "set the scope's consent to Implicit: " + atServer + "Scopes; or clear “Require consent”: " + atApp +
				"General"},
		{ID: "unknown_scope", Code: "invalid_scope", Match: "not configured for the authorization server",
			Says:  "One or more scopes are not configured for the authorization server resource.",
			Means: "authorization server {server} does not know one of the scopes",
			Do:    "check their spelling (okauth config get scopes), or add it: " + atServer + "Scopes"},
		{ID: "custom_scope_at_org", Code: "invalid_scope", Match: "Custom scopes",
			Says:  "Custom scopes are not allowed for this request.",
			Means: "the org authorization server has no custom scopes",
			Do:    "use a custom one: okauth config set server default"},
		{ID: "openid_missing", Code: "invalid_scope", Match: "'openid' scope", Says: needsOpen,
			Means: "scopes like profile and email come only together with openid",
			Do:    "add it: okauth config set scopes \"openid profile\""},
		{ID: "offline_access_not_allowed", Code: "invalid_scope", Match: "offline_access",
			Says:  "The following scopes are not allowed for this request: [offline_access].",
			Means: "the application may not have refresh tokens",
			Do: "leave out offline_access (okauth config set scopes), or choose Refresh Token: " + atApp +
				"General › Grant type"},
		{ID: "scope_not_allowed", Code: "invalid_scope", Match: "not allowed for this request",
			Says:  "The following scopes are not allowed for this request: [x].",
			Means: "this client may not have one of the scopes", Do: "leave it out: okauth config set scopes"},
		{ID: "no_scopes", Code: "invalid_scope", Match: "No scopes", Says: "No scopes were requested.",
			Means: "at least one scope is needed", Do: "okauth config set scopes openid"},
		{ID: "no_default_scopes", Code: "invalid_scope", Match: "default scopes",
			Says: "The authorization server resource does not have any configured default scopes, 'scope' must be " +
				"provided.",
			Means: "authorization server {server} has no default scopes, so some must be named",
			Do:    "okauth config set scopes openid"},
		{ID: "invalid_scope", Code: "invalid_scope",
			Says: "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the " +
				"resource owner.",
			Means: "Okta does not give out one of the scopes in this way",
			Do:    "check the list: okauth config get scopes"},
	}
}

// clientPolicyRows are about a client without a user. They come first: the advice for a user would mislead.
// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
func clientPolicyRows() []Explanation {
	return []Explanation{
		{ID: "client_no_matching_policy", For: []string{"client_credentials"}, Code: "access_denied",
			Match: "Policy evaluation failed",
			Says:  "Policy evaluation failed for this request, please check the policy configurations.",
			Means: "no access policy of authorization server {server} lets this client, grant and list of scopes " +
				"through (no_matching_policy); a new server has no policy at all",
			Do: atServer + "Access Policies: add a policy for {client} and a rule with {grant} (IF Grant type is › " +
				"Client acting on behalf of itself) and these scopes"},
		{ID: "client_scopes_not_granted", For: []string{"client_credentials"}, Code: "consent_required",
			Match: "not allowed any", Says: "You are not allowed any of the requested scopes.",
			Means: "the application was granted none of the scopes",
			Do:    "grant them: " + atApp + "Okta API Scopes"},
		{ID: "client_consent_required", For: []string{"client_credentials"}, Code: "consent_required",
			Says: "The following scopes require user consent and cannot be granted for the client credentials " +
				"grant type: [x].",
			Means: "a scope needs a user's consent, and a client has no user to ask",
			Do: "clear “Block services from requesting this scope”: " + atServer + "Scopes › the scope; or leave " +
				"it out (okauth config set scopes)"},
		{ID: "client_self_scope", For: []string{"client_credentials"}, Code: "client_credentials_self_scope_requested",
			Says:  "The 'client_credentials' grant type may not request .self scopes.",
			Means: "a scope that ends in .self is about a user, and a client has none",
			Do:    "leave it out: okauth config set scopes"},
		{ID: "client_user_scope", For: []string{"client_credentials"}, Code: "invalid_scope",
			Match: "using client credentials", Says: "Cannot request 'openid' scopes using client credentials.",
			Means: "openid, profile, offline_access and the like are about a user, and a client has none",
			Do: "ask for custom scopes instead (okauth config set scopes …; " + atServer +
				"Scopes has them), or for the server's default ones (okauth config unset scopes)"},
		{ID: "client_offline_access", For: []string{"client_credentials"}, Code: "invalid_scope",
			Match: "offline_access",
			Says:  "The following scopes are not allowed for this request: [offline_access].",
			Means: "a client has no session that could be refreshed",
			Do:    "leave out offline_access: okauth config set scopes"},
		{ID: "client_openid_missing", For: []string{"client_credentials"}, Code: "invalid_scope",
			Match: "'openid' scope", Says: needsOpen,
			Means: "scopes like profile and email are about a user, and a client has none",
			Do:    "leave them out: okauth config set scopes"},
		{ID: "client_no_scopes", For: []string{"client_credentials"}, Code: "invalid_scope", Match: "No scopes",
			Says: "No scopes were requested.", Means: "at least one scope is needed",
			Do: "okauth config set scopes …; " + atServer + "Scopes has the custom ones"},
		{ID: "client_no_default_scopes", For: []string{"client_credentials"}, Code: "invalid_scope",
			Match: "default scopes",
			Says: "The authorization server resource does not have any configured default scopes, 'scope' must be " +
				"provided.",
			Means: "authorization server {server} has no default scopes, so some must be named",
			Do: "okauth config set scopes …; or give it some: " + atServer + "Scopes › the scope › Set as a " +
				"default scope"},
	}
}
