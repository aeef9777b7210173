package oktatest

// passwordGrant is the Resource Owner Password grant, RFC 6749 §4.3, with Okta's refusals.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.3
func (c *call) passwordGrant() {
	c.run(c.checkScopes, c.countAttempt, c.checkPassword, c.checkUser, c.requireFactor, c.signIn)
}

// checkPassword sets c.user. A wrong password, a locked user and a user that does not exist have the same answer. Too
// many wrong passwords lock the user, without saying so.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Policy/
func (c *call) checkPassword() {
	user := c.s.users[userKey(c.form.Get("username"))]
	switch {
	case user.blocked():
		c.refuse("wrong_credentials")
	case user.Password == "":
		c.refuse("no_password")
	case user.Password != c.form.Get("password"):
		c.countFailure(user)
		c.refuse("wrong_credentials")
	default:
		c.user, c.methods = user, []string{methodPassword}
	}
}

func (c *call) countFailure(user *User) {
	limit := c.s.options.Limits.MaxAttempts
	if user.failures++; limit > 0 && user.failures >= limit {
		user.Status = Locked
	}
}

// checkUser is what Okta reveals only with the right password.
func (c *call) checkUser() {
	user, app := c.user, c.app
	expired := user.Status == PasswordExpired
	c.refuseIf(expired && c.s.options.Quirks.ExpiredPassword403, "password_expired_403")
	c.refuseIf(expired, "password_expired")
	c.refuseIf(user.Lite, "lite_user")
	c.refuseIf(!matchesLogin(app.Assigned, user.Login), "not_assigned")
	c.refuseIf(app.DenySignOn != nil && matchesLogin(app.DenySignOn, user.Login), "sign_on_policy")
}
