package oktatest

import (
	"net/http"
	"slices"
	"time"
)

// evaluate asks the server's access policies for the lifetime of the access token, or says why there will be none. The org server has no policies.
// A refresh is judged as the grant of its sign-in: no rule can name the refresh grant. login is "" for a client without a user.
// https://developer.okta.com/docs/guides/configure-access-policy/main/
func (s *Server) evaluate(c *call, login, grantType string) (time.Duration, *reply) {
	if c.as.ID == OrgServerID {
		return orElse(s.options.Lifetimes.Access, defaultLifetime), nil
	}
	rule, ok := findRule(c, login, grantType)
	if !ok {
		status := http.StatusUnauthorized
		if s.options.Quirks.PolicyRefusal400 {
			status = http.StatusBadRequest
		}
		return 0, oauthError(status, "access_denied", "Policy evaluation failed for this request, please check the policy configurations.")
	}
	var denied []string
	for _, scope := range c.scopes {
		if slices.Contains(rule.Denied, scope) {
			denied = append(denied, scope)
		}
	}
	switch {
	case len(denied) == len(c.scopes):
		return 0, oauthError(http.StatusBadRequest, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected.")
	case len(denied) > 0:
		return 0, scopesDenied(denied...)
	}
	return orElse(rule.Lifetime, orElse(s.options.Lifetimes.Access, defaultLifetime)), nil
}

// findRule: policies are allow lists, the first rule that fits wins. Who the user is, is no question where there is none.
// https://help.okta.com/oie/en-us/Content/Topics/Security/api-config-access-policies.htm
func findRule(c *call, login, grantType string) (Rule, bool) {
	for _, policy := range c.as.Policies {
		if !matches(policy.Clients, c.app.ClientID) {
			continue
		}
		for _, rule := range policy.Rules {
			foreign := func(scope string) bool { return !matches(rule.Scopes, scope) }
			if matches(rule.Grants, grantType) && (login == "" || matchesLogin(rule.Users, login)) && !slices.ContainsFunc(c.scopes, foreign) {
				return rule, true
			}
		}
	}
	return Rule{}, false
}

// checkConsent: with the password grant there is nobody who could be asked.
func checkConsent(c *call) *reply {
	asking := c.needConsent()
	if c.app.Trusted || len(asking) == 0 {
		return nil
	}
	return oauthError(http.StatusBadRequest, "consent_required", "The following scopes require user consent: "+sortedList(asking)+". To access protected scopes "+
		"using the resource owner password grant type, please uncheck 'Require consent' in the app settings or set the 'consent_method' to 'TRUSTED' through the apps API.")
}

// needConsent are the scopes asked for that a user must consent to.
func (c *call) needConsent() []string {
	var asking []string
	for _, scope := range c.as.Scopes {
		if scope.Consent && slices.Contains(c.scopes, scope.Name) {
			asking = append(asking, scope.Name)
		}
	}
	return asking
}
