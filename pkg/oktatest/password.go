package oktatest

import "slices"

// passwordGrant is the Resource Owner Password grant, RFC 6749 §4.3, with Okta's refusals.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.3
func (c *call) passwordGrant() *reply {
	return firstReply(c.checkScopes, c.countAttempt, c.checkPassword, c.checkUser, c.evaluatePolicies, c.checkConsent,
		c.startSession, c.issue)
}

// checkPassword sets c.user. A wrong password, a locked user and a user that does not exist have the same answer.
func (c *call) checkPassword() *reply {
	wrong := invalidGrant("The credentials provided were invalid.")
	key := userKey(c.form.Get("username"))
	user := c.s.users[key]
	switch {
	case user == nil, user.Status == Deactivated, user.Status == Locked:
		return wrong
	case user.Password == "":
		return invalidGrant("The user does not configure a password.")
	case user.Password != c.form.Get("password"):
		c.s.countFailure(user)
		return wrong
	}
	delete(c.s.failures, key)
	c.user = user
	return nil
}

// checkUser is what Okta reveals only with the right password.
func (c *call) checkUser() *reply {
	user := c.user
	switch {
	case user.Status == PasswordExpired && c.s.options.Quirks.ExpiredPassword403:
		return oauthError(403, "access_denied", "The user's password is expired.")
	case user.Status == PasswordExpired:
		return invalidGrant("Password has expired.")
	case user.Lite:
		return oauthError(403, "access_denied", "User with lite classification status is not allowed to use the provided "+
			"'grant_type'")
	case !matchesLogin(c.app.Assigned, user.Login):
		return oauthError(400, "access_denied", "User is not assigned to the client application.")
	case len(c.app.DenySignOn) > 0 && matchesLogin(c.app.DenySignOn, user.Login):
		return invalidGrant("Resource owner password credentials authentication denied by sign on policy.")
	case user.MFA && (slices.Contains(c.app.Grants, GrantMFAOTP) || slices.Contains(c.app.Grants, GrantMFAOOB)):
		const text = "Verify with an additional authenticator to complete the sign-in process."
		return &reply{status: 403, code: "mfa_required", body: object{
			{"error", "mfa_required"}, {"error_description", text}, {"mfa_token", randomText(20)},
		}}
	case user.MFA:
		return invalidGrant("Resource owner password credentials cannot be used with MFA enabled.")
	}
	return nil
}

// checkConsent: with the password grant, Okta cannot ask the user.
func (c *call) checkConsent() *reply {
	scopes := c.needConsent()
	if c.app.Trusted || len(scopes) == 0 {
		return nil
	}
	return oauthError(400, "consent_required", "The following scopes require user consent: "+sortedList(scopes)+
		". To access protected scopes using the resource owner password grant type, please uncheck 'Require consent' in "+
		"the app settings or set the 'consent_method' to 'TRUSTED' through the apps API.")
}
