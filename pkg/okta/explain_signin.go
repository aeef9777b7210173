package okta

// signInRows are about the user: the name, the password, the second factor.
// https://developer.okta.com/docs/reference/error-codes/
func signInRows() []explanation {
	return []explanation{
		{"user_rate_limited", byUsers, 429, "invalid_grant", "", tooMany, "Okta takes about four password sign-ins a second for one user",
			"wait a few seconds; scripts that run side by side share one session through okauth token"},
		{"wrong_password", byUsers, 0, "invalid_grant", "credentials provided were invalid", "The credentials provided were invalid.",
			"the password is wrong, the user is unknown or the account is locked; Okta does not say which, and does not take the right password while it is locked",
			"check both before the next try: by default ten wrong passwords lock the account, until an administrator unlocks it (" + atUser + " › Unlock)"},
		{"expired_password", byUsers, 0, "invalid_grant", "assword has expired", "Password has expired.", "the user's password has expired", "sign in to Okta in a browser and choose a new one"},
		{"no_password", byUsers, 0, "invalid_grant", "does not configure a password", "The user does not configure a password.",
			"the user has no password in Okta, but signs in by other means", "give the user one (" + atUser + " › Reset Password), or use another user"},
		{"several_passwords", byUsers, 0, "invalid_grant", "multiple passwords", "The user has multiple passwords.",
			"the user has more than one password and Okta can't tell which is meant", "an administrator removes the others (" + atUser + ")"},
		{"mfa_enabled", byUsers, 0, "invalid_grant", "MFA enabled", "Resource owner password credentials cannot be used with MFA enabled.",
			"a policy asks for a second factor, which a password sign-in cannot give", atSignOn},
		{"mfa_required", byUsers, 0, "mfa_required", "", "Verify with an additional authenticator to complete the sign-in process.",
			"the password was right, but a policy asks for a second factor, which a password sign-in cannot give", atSignOn},
		{"sign_on_policy", byUsers, 0, "invalid_grant", "denied by sign on policy", "Resource owner password credentials authentication denied by sign on policy.",
			"the application's sign-on policy does not let this user in from here with a password", atSignOn},
		{"invalid_grant", byUsers, 0, "invalid_grant", "", "Invalid grant", "Okta does not accept the user name and password, or what stands in for them", "run okauth login and type them again"},
		{"interaction_required", byUsers, 0, "interaction_required", "",
			"Your client is configured to use the interaction code flow and user interaction is required to complete the request.",
			"the application is set to the interaction code flow, which needs a browser",
			"clear Interaction Code and choose Resource Owner Password: " + atApp + "General › Grant type › Advanced"},
		{"password_is_expired", 0, 0, "access_denied", "password is expired", "The user's password is expired.", "the user's password has expired", "sign in to Okta in a browser and choose a new one"},
		{"user_not_assigned", 0, 0, "access_denied", "not assigned", "User is not assigned to the client application.",
			"the user may not use this application", "assign the user or one of their groups: " + atApp + "Assignments"},
		{"lite_user", 0, 0, "access_denied", "lite classification", "User with lite classification status is not allowed to use the provided 'grant_type'",
			"a user of the “lite” class may not use the grant type {grant}", "use a full user, or have an administrator change the class (" + atUser + ")"},
		{"unmet_authentication", 0, 0, "unmet_authentication_requirements", "", "Unable to meet the authentication requirements imposed by 'acr_values' parameter.",
			"the policy wants a stronger sign-in than a password", atSignOn},
		{"insufficient_authentication", 0, 0, "insufficient_user_authentication", "", "",
			"the policy wants a stronger or a fresher sign-in than the token's", "run okauth login; where that does not help: " + atSignOn},
	}
}

// sessionRows are about a token that Okta gave out before: whom and what it was given for, and whether it still holds.
// https://developer.okta.com/docs/guides/refresh-tokens/main/
func sessionRows() []explanation {
	return []explanation{
		{"refresh_rate_limited", byRefresh, 429, "invalid_grant", "", tooMany, "too many requests", notCounted},
		{"session_ended", byRefresh, 0, "invalid_grant", "refresh token is invalid", "The refresh token is invalid or expired.",
			"the session has ended: it expired, was revoked, or its refresh token was used twice",
			"run okauth login; " + atLog + " tells which it was (detect_reuse: used twice)"},
		{"other_client", byRefresh, 0, "invalid_grant", "another client",
			"The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request.",
			"the session belongs to another application than {client}", "run okauth login, or set client_id to what it was (okauth config get client_id)"},
		{"session_refused", byRefresh, 0, "invalid_grant", "", "Invalid grant", "Okta does not take the session's refresh token any more", "run okauth login"},
		{"other_server", byRefresh, 0, "invalid_request", "another authorization server", "The grant was issued for another authorization server.",
			"the session belongs to another authorization server than {server}", "run okauth login, or set server to what it was (okauth config get server)"},
		{"refresh_scope_denied", byRefresh, 0, "access_denied", "refresh request",
			"Some of the scopes requested for the refresh request were not granted in the original authorize request. Denied scopes: [x].",
			"a refresh cannot add scopes that the sign-in did not have", moreScopes},
		{"refresh_scope_exceeds", byRefresh, 0, "invalid_scope", "exceeds the scope",
			"The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.",
			"a refresh cannot add scopes that the sign-in did not have", moreScopes},
		{"not_revocable", byRevoking, 0, "unsupported_token_type", "", "", "Okta does not revoke tokens of this kind",
			"it ends by itself, or an administrator ends it: " + atUser + " › More Actions › Clear User Sessions"},
		{"no_answer_about_token", byRevoking | byAskingFor, 0, "server_error", "", "", "Okta failed", tryLater},
		{"not_dpop_bound", byUserInfo, 0, "invalid_token", "DPoP", "The presented access_token is not DPoP bound.", needsDPoP, doDPoP + ", then run okauth login"},
		{"token_not_taken", byUserInfo, 0, "invalid_token", "", "The access token is invalid",
			"Okta does not take this access token: it has expired, was revoked, or another authorization server than {server} made it",
			"run okauth token --refresh; okauth decode shows who made a token (iss), okauth config get server who was asked"},
		{"token_lacks_scope", byUserInfo, 0, "insufficient_scope", "", "The access token must provide access to at least one of these scopes - profile, email, address or phone",
			"the access token was not given the scopes that this needs", "add them (okauth config set scopes \"openid profile email\"), then run okauth login"},
	}
}
