package okta

// policyRows are about what may be had: access policies, scopes, consent.
// https://developer.okta.com/docs/guides/configure-access-policy/main/
func policyRows() []explanation {
	return append(clientPolicyRows(), []explanation{
		{"no_matching_policy", 0, 0, "access_denied", "Policy evaluation failed", "Policy evaluation failed for this request, please check the policy configurations.",
			"no access policy of authorization server {server} lets this client, user, grant and list of scopes through (no_matching_policy); a new server has no policy at all",
			atServer + "Access Policies: add a policy for {client} and a rule with Resource Owner Password (IF Grant type is › Advanced) and these scopes; or set server to org, which needs none"},
		{"no_scope_allowed", 0, 0, "access_denied", "all the requested scopes were rejected", "Policy evaluation succeeded, but all the requested scopes were rejected.",
			"the rule that matched allows none of the requested scopes", atServer + "Access Policies › the rule › scopes; or ask for others (okauth config set scopes)"},
		{"offline_access_denied", 0, 0, "access_denied", "scopes: [offline_access]", "Some of the requested scopes were denied by the policy. Denied scopes: [offline_access].",
			"the application may not have refresh tokens", "choose Refresh Token: " + atApp + "General › Grant type; or leave out offline_access (okauth config set scopes)"},
		{"scope_denied", 0, 0, "access_denied", "Denied scopes", "Some of the requested scopes were denied by the policy. Denied scopes: [x].",
			"the rule that matched allows only some of the requested scopes", "leave out the denied ones (okauth config set scopes), or allow them: " + atServer + "Access Policies › the rule › scopes"},
		{"network_zone", 0, 0, "access_denied", "network zones", "The request is made from outside the client's permitted network zones.",
			"the client may not be used from this network", atApp + "General › Client Credentials: the network zones; or go to a network that is allowed"},
		{"openid_missing_denied", 0, 0, "access_denied", "'openid' scope", needsOpen,
			"scopes like profile and email come only together with openid", "add it: okauth config set scopes \"openid profile\""},
		{"access_denied", 0, 0, "access_denied", "", "The resource owner or authorization server denied the request.", "a policy says no",
			atLog + " names the policy, under the error's request id"},
		{"consent_required", 0, 0, "consent_required", "", "The following scopes require user consent: [x]. …", "a scope needs the user's consent, and okauth has no page to ask for it",
			"set the scope's consent to Implicit: " + atServer + "Scopes; or clear “Require consent”: " + atApp + "General"},
		{"unknown_scope", 0, 0, "invalid_scope", "not configured for the authorization server", "One or more scopes are not configured for the authorization server resource.",
			"authorization server {server} does not know one of the scopes", "check their spelling (okauth config get scopes), or add it: " + atServer + "Scopes"},
		{"custom_scope_at_org", 0, 0, "invalid_scope", "Custom scopes", "Custom scopes are not allowed for this request.",
			"the org authorization server has no custom scopes", "use a custom one: okauth config set server default"},
		{"openid_missing", 0, 0, "invalid_scope", "'openid' scope", needsOpen,
			"scopes like profile and email come only together with openid", "add it: okauth config set scopes \"openid profile\""},
		{"offline_access_not_allowed", 0, 0, "invalid_scope", "offline_access", "The following scopes are not allowed for this request: [offline_access].",
			"the application may not have refresh tokens", "leave out offline_access (okauth config set scopes), or choose Refresh Token: " + atApp + "General › Grant type"},
		{"scope_not_allowed", 0, 0, "invalid_scope", "not allowed for this request", "The following scopes are not allowed for this request: [x].",
			"this client may not have one of the scopes", "leave it out: okauth config set scopes"},
		{"no_scopes", 0, 0, "invalid_scope", "No scopes", "No scopes were requested.", "at least one scope is needed", "okauth config set scopes openid"},
		{"no_default_scopes", 0, 0, "invalid_scope", "default scopes", "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
			"authorization server {server} has no default scopes, so some must be named", "okauth config set scopes openid"},
		{"invalid_scope", 0, 0, "invalid_scope", "", "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
			"Okta does not give out one of the scopes in this way", "check the list: okauth config get scopes"},
	}...)
}

// clientPolicyRows are about a client without a user, where the advice for a user would lead astray.
// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
func clientPolicyRows() []explanation {
	return []explanation{
		{"client_no_matching_policy", byClients, 0, "access_denied", "Policy evaluation failed", "Policy evaluation failed for this request, please check the policy configurations.",
			"no access policy of authorization server {server} lets this client, grant and list of scopes through (no_matching_policy); a new server has no policy at all",
			atServer + "Access Policies: add a policy for {client} and a rule with {grant} (IF Grant type is › Client acting on behalf of itself) and these scopes"},
		{"client_scopes_not_granted", byClients, 0, "consent_required", "not allowed any", "You are not allowed any of the requested scopes.",
			"the application was granted none of the scopes", "grant them: " + atApp + "Okta API Scopes"},
		{"client_consent_required", byClients, 0, "consent_required", "",
			"The following scopes require user consent and cannot be granted for the client credentials grant type: [x].", "a scope needs a user's consent, and a client has no user to ask",
			"clear “Block services from requesting this scope”: " + atServer + "Scopes › the scope; or leave it out (okauth config set scopes)"},
		{"client_self_scope", byClients, 0, "client_credentials_self_scope_requested", "", "The 'client_credentials' grant type may not request .self scopes.",
			"a scope that ends in .self is about a user, and a client has none", "leave it out: okauth config set scopes"},
		{"client_user_scope", byClients, 0, "invalid_scope", "using client credentials", "Cannot request 'openid' scopes using client credentials.",
			"openid, profile, offline_access and the like are about a user, and a client has none",
			"ask for custom scopes instead (okauth config set scopes …; " + atServer + "Scopes has them), or for the server's default ones (okauth config unset scopes)"},
		{"client_offline_access", byClients, 0, "invalid_scope", "offline_access", "The following scopes are not allowed for this request: [offline_access].",
			"a client has no session that could be refreshed", "leave out offline_access: okauth config set scopes"},
		{"client_openid_missing", byClients, 0, "invalid_scope", "'openid' scope", needsOpen,
			"scopes like profile and email are about a user, and a client has none", "leave them out: okauth config set scopes"},
		{"client_no_scopes", byClients, 0, "invalid_scope", "No scopes", "No scopes were requested.", "at least one scope is needed",
			"okauth config set scopes …; " + atServer + "Scopes has the custom ones"},
		{"client_no_default_scopes", byClients, 0, "invalid_scope", "default scopes",
			"The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
			"authorization server {server} has no default scopes, so some must be named",
			"okauth config set scopes …; or give it some: " + atServer + "Scopes › the scope › Set as a default scope"},
	}
}
