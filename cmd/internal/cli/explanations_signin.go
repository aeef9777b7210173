package cli

// signInRows are about the user: the name, the password, the second factor.
// https://developer.okta.com/docs/reference/error-codes/
func signInRows() []Explanation {
	return []Explanation{
		{ID: "user_rate_limited", For: []string{"password"}, Status: 429, Code: "invalid_grant", Says: tooMany,
			Means: "Okta takes about four password sign-ins a second for one user",
			Do:    "wait a few seconds; scripts that run side by side share one session through okauth token"},
		{ID: "wrong_password", For: []string{"password"}, Code: "invalid_grant",
			Match: "credentials provided were invalid", Says: "The credentials provided were invalid.",
			Means: "the password is wrong, the user is unknown or the account is locked; Okta does not say which, " +
				"and rejects the right password while it is locked",
			Do: "check both before the next try: by default ten wrong passwords lock the account, until an " +
				"administrator unlocks it (" + atUser + " › Unlock)"},
		{ID: "expired_password", For: []string{"password"}, Code: "invalid_grant", Match: "assword has expired",
			Says: "Password has expired.", Means: "the user's password has expired",
			Do: "sign in to Okta in a browser and choose a new one"},
		{ID: "no_password", For: []string{"password"}, Code: "invalid_grant",
			Match: "does not configure a password", Says: "The user does not configure a password.",
			Means: "the user has no password in Okta, but signs in another way",
			Do:    "give the user one (" + atUser + " › Reset Password), or use another user"},
		{ID: "several_passwords", For: []string{"password"}, Code: "invalid_grant", Match: "multiple passwords",
			Says:  "The user has multiple passwords.",
			Means: "the user has more than one password and Okta cannot tell which one is meant",
			Do:    "an administrator removes the others (" + atUser + ")"},
		{ID: "mfa_enabled", For: []string{"password"}, Code: "invalid_grant", Match: "MFA enabled",
			Says:  "Resource owner password credentials cannot be used with MFA enabled.",
			Means: "a policy asks for a second factor, which a password sign-in cannot give", Do: atSignOn},
		{ID: "mfa_required", For: []string{"password"}, Code: "mfa_required",
			Says: "Verify with an additional authenticator to complete the sign-in process.",
			Means: "the password was right, but a policy asks for a second factor, which a password sign-in cannot " +
				"give",
			Do: atSignOn},
		{ID: "sign_on_policy", For: []string{"password"}, Code: "invalid_grant",
			Match: "denied by sign on policy",
			Says:  "Resource owner password credentials authentication denied by sign on policy.",
			Means: "the application's sign-on policy does not let this user sign in from here with a password",
			Do:    atSignOn},
		{ID: "invalid_grant", For: []string{"password"}, Code: "invalid_grant", Says: "Invalid grant",
			Means: "Okta does not accept the user name and password, or what replaces them",
			Do:    "run okauth login and type them again"},
		{ID: "interaction_required", For: []string{"password"}, Code: "interaction_required",
			Says: "Your client is configured to use the interaction code flow and user interaction is required to " +
				"complete the request.",
			Means: "the application is set to the interaction code flow, which needs a browser",
			Do: "clear Interaction Code and choose Resource Owner Password: " + atApp + "General › Grant type › " +
				"Advanced"},
		{ID: "password_is_expired", Code: "access_denied", Match: "password is expired",
			Says: "The user's password is expired.", Means: "the user's password has expired",
			Do: "sign in to Okta in a browser and choose a new one"},
		{ID: "user_not_assigned", Code: "access_denied", Match: "not assigned",
			Says:  "User is not assigned to the client application.",
			Means: "the user may not use this application",
			Do:    "assign the user or one of their groups: " + atApp + "Assignments"},
		{ID: "lite_user", Code: "access_denied", Match: "lite classification",
			Says:  "User with lite classification status is not allowed to use the provided 'grant_type'",
			Means: "a user of the “lite” class may not use the grant type {grant}",
			Do:    "use a full user, or have an administrator change the class (" + atUser + ")"},
		{ID: "unmet_authentication", Code: "unmet_authentication_requirements",
			Says:  "Unable to meet the authentication requirements imposed by 'acr_values' parameter.",
			Means: "the policy requires a stronger sign-in than a password", Do: atSignOn},
		{ID: "insufficient_authentication", Code: "insufficient_user_authentication",
			Means: "the policy requires a stronger or a more recent sign-in than the token's",
			Do:    "run okauth login; where that does not help: " + atSignOn},
	}
}

// sessionRows are about a token that Okta issued before.
// https://developer.okta.com/docs/guides/refresh-tokens/main/
func sessionRows() []Explanation {
	return []Explanation{
		{ID: "refresh_rate_limited", For: []string{"refresh_token"}, Status: 429, Code: "invalid_grant",
			Says: tooMany, Means: "too many requests", Do: notCounted},
		{ID: "session_ended", For: []string{"refresh_token"}, Code: "invalid_grant",
			Match: "refresh token is invalid", Says: "The refresh token is invalid or expired.",
			Means: "the session has ended: it expired, was revoked, or its refresh token was used twice",
			Do:    "run okauth login; " + atLog + " shows which it was (detect_reuse: used twice)"},
		{ID: "other_client", For: []string{"refresh_token"}, Code: "invalid_grant", Match: "another client",
			Says: "The grant was issued to another client. Please make sure the 'client_id' matches the one used " +
				"at the authorize request.",
			Means: "the session belongs to another application than {client}",
			Do:    "run okauth login, or set client_id to what it was (okauth config get client_id)"},
		{ID: "session_refused", For: []string{"refresh_token"}, Code: "invalid_grant", Says: "Invalid grant",
			Means: "Okta no longer accepts the session's refresh token", Do: "run okauth login"},
		{ID: "other_server", For: []string{"refresh_token"}, Code: "invalid_request",
			Match: "another authorization server",
			Says:  "The grant was issued for another authorization server.",
			Means: "the session belongs to another authorization server than {server}",
			Do:    "run okauth login, or set server to what it was (okauth config get server)"},
		{ID: "refresh_scope_denied", For: []string{"refresh_token"}, Code: "access_denied",
			Match: "refresh request",
			Says: "Some of the scopes requested for the refresh request were not granted in the original authorize " +
				"request. Denied scopes: [x].",
			Means: "a refresh cannot add scopes that the sign-in did not have", Do: moreScopes},
		{ID: "refresh_scope_exceeds", For: []string{"refresh_token"}, Code: "invalid_scope",
			Match: "exceeds the scope",
			Says: "The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the " +
				"resource owner.",
			Means: "a refresh cannot add scopes that the sign-in did not have", Do: moreScopes},
		{ID: "not_revocable", For: []string{"revoke"}, Code: "unsupported_token_type",
			Means: "Okta does not revoke tokens of this kind",
			Do: "it expires by itself, or an administrator revokes it: " + atUser +
				" › More Actions › Clear User Sessions"},
		{ID: "no_answer_about_token", For: []string{"revoke", "introspect"}, Code: "server_error",
			Means: "Okta failed", Do: tryLater},
		{ID: "not_dpop_bound", For: []string{"userinfo"}, Code: "invalid_token", Match: "DPoP",
			Says: "The presented access_token is not DPoP bound.", Means: needsDPoP,
			Do: doDPoP + ", then run okauth login"},
		{ID: "token_not_taken", For: []string{"userinfo"}, Code: "invalid_token",
			Says: "The access token is invalid",
			Means: "Okta does not accept this access token: it has expired, was revoked, or another authorization " +
				"server than {server} made it",
			Do: "run okauth token --refresh; okauth decode shows who made a token (iss), okauth config get server " +
				"who was asked"},
		{ID: "token_lacks_scope", For: []string{"userinfo"}, Code: "insufficient_scope",
			Says: "The access token must provide access to at least one of these scopes - profile, email, address " +
				"or phone",
			Means: "the access token was not given the scopes that this needs",
			Do:    "add them (okauth config set scopes \"openid profile email\"), then run okauth login"},
	}
}
