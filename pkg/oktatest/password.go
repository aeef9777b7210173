package oktatest

import (
	"crypto/rand"
	"slices"
)

// passwordGrant is the Resource Owner Password grant, RFC 6749 §4.3, with Okta's refusals.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.3
func (c *call) passwordGrant() *reply {
	return firstReply(c.checkScopes, c.countAttempt, c.checkPassword, c.checkUser, c.evaluatePolicies, c.checkConsent,
		c.startSession, c.issue)
}

// checkPassword sets c.user. A wrong password, a locked user and a user that does not exist have the same answer.
func (c *call) checkPassword() *reply {
	key := userKey(c.form.Get("username"))
	user := c.s.users[key]
	switch {
	case user == nil, user.Status == Deactivated, user.Status == Locked:
		return refuse("wrong_credentials")
	case user.Password == "":
		return refuse("no_password")
	case user.Password != c.form.Get("password"):
		c.s.countFailure(user)
		return refuse("wrong_credentials")
	}
	delete(c.s.failures, key)
	c.user = user
	return nil
}

// checkUser is what Okta reveals only with the right password.
func (c *call) checkUser() *reply {
	user, app := c.user, c.app
	expired := user.Status == PasswordExpired
	denied := app.DenySignOn != nil && matchesLogin(app.DenySignOn, user.Login)
	if rep := firstRefusal(
		refusal{expired && c.s.options.Quirks.ExpiredPassword403, "password_expired_403", ""},
		refusal{expired, "password_expired", ""},
		refusal{user.Lite, "lite_user", ""},
		refusal{!matchesLogin(app.Assigned, user.Login), "not_assigned", ""},
		refusal{denied, "sign_on_policy", ""},
	); rep != nil || !user.MFA {
		return rep
	}
	if !slices.Contains(app.Grants, GrantMFAOTP) && !slices.Contains(app.Grants, GrantMFAOOB) {
		return refuse("mfa_enabled")
	}
	rep := refuse("mfa_required")
	rep.body = append(rep.body.(object), member{"mfa_token", rand.Text()[:20]})
	return rep
}

// checkConsent: with the password grant, Okta cannot ask the user.
func (c *call) checkConsent() *reply {
	scopes := c.needConsent()
	return firstRefusal(refusal{len(scopes) > 0 && !c.app.Trusted, "consent_required", sortedList(scopes)})
}
