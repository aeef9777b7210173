package oktatest

import (
	"net/http"
	"slices"
)

// password is the Resource Owner Password grant, RFC 6749 §4.3 (https://www.rfc-editor.org/rfc/rfc6749#section-4.3), with Okta's refusals in Okta's words.
func (s *Server) password(c *call) *reply {
	if rep := s.checkScopes(c); rep != nil {
		return rep
	}
	login := c.form.Get("username")
	if rep := s.countAttempt(c, login); rep != nil {
		return rep
	}
	user, rep := s.checkPassword(login, c.form.Get("password"))
	if rep != nil {
		return rep
	}
	if rep := s.checkUser(c, user); rep != nil {
		return rep
	}
	lifetime, rep := s.evaluate(c, user.Login, GrantPassword)
	if rep != nil {
		return rep
	}
	if rep := checkConsent(c); rep != nil {
		return rep
	}
	c.user = user
	in, refresh := s.begin(c)
	return s.issue(c, in, lifetime, refresh)
}

func invalidGrant(text string) *reply {
	return oauthError(http.StatusBadRequest, "invalid_grant", text)
}

// checkPassword answers a wrong password, a locked user and a user that does not exist with the same words, as Okta does.
func (s *Server) checkPassword(login, password string) (*User, *reply) {
	wrong := invalidGrant("The credentials provided were invalid.")
	user, ok := s.users[userKey(login)]
	switch {
	case !ok, user.Status == Deactivated, user.Status == Locked:
		return nil, wrong
	case user.Password == "":
		return nil, invalidGrant("The user does not configure a password.")
	case user.Password != password:
		s.countFailure(user)
		return nil, wrong
	}
	delete(s.tries.failed, userKey(login))
	return user, nil
}

// checkUser is what Okta tells only to somebody who knew the password.
func (s *Server) checkUser(c *call, user *User) *reply {
	switch {
	case user.Status == PasswordExpired && s.options.Quirks.ExpiredPassword403:
		return oauthError(http.StatusForbidden, "access_denied", "The user's password is expired.")
	case user.Status == PasswordExpired:
		return invalidGrant("Password has expired.")
	case user.Lite:
		return oauthError(http.StatusForbidden, "access_denied", "User with lite classification status is not allowed to use the provided 'grant_type'")
	case !matchesLogin(c.app.Assigned, user.Login):
		return oauthError(http.StatusBadRequest, "access_denied", "User is not assigned to the client application.")
	case len(c.app.DenySignOn) > 0 && matchesLogin(c.app.DenySignOn, user.Login):
		return invalidGrant("Resource owner password credentials authentication denied by sign on policy.")
	case user.MFA && (slices.Contains(c.app.Grants, GrantMFAOTP) || slices.Contains(c.app.Grants, GrantMFAOOB)):
		rep := oauthError(http.StatusForbidden, "mfa_required", "Verify with an additional authenticator to complete the sign-in process.")
		rep.body = append(rep.body.(members), member{"mfa_token", randomText(20)})
		return rep
	case user.MFA:
		return invalidGrant("Resource owner password credentials cannot be used with MFA enabled.")
	}
	return nil
}
