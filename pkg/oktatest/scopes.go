package oktatest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const maxScope = 4096 // characters

// checkScopes sets c.scopes to what the request asks for, or to the server's default scopes. Whether a policy grants
// them is for evaluatePolicies.
func (c *call) checkScopes() *reply {
	if rep := c.readScopes(); rep != nil {
		return rep
	}
	if len(c.scopes) == 0 {
		c.scopes = c.scopeNames(func(scope Scope) bool { return scope.Default })
	}
	switch {
	case len(c.scopes) == 0 && c.as.ID == OrgServerID:
		return invalidScope("No scopes were requested.")
	case len(c.scopes) == 0:
		return invalidScope("The authorization server resource does not have any configured default scopes, " +
			"'scope' must be provided.")
	}
	for _, scope := range c.scopes {
		if rep := c.checkScope(scope); rep != nil {
			return rep
		}
	}
	if slices.ContainsFunc(c.scopes, isOIDCScope) && !c.has("openid") {
		const text = "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."
		if c.s.options.Quirks.OpenIDRequired403 {
			return oauthError(403, "access_denied", text)
		}
		return invalidScope(text)
	}
	if c.has("offline_access") && !slices.Contains(c.app.Grants, GrantRefreshToken) {
		if c.s.options.Quirks.OfflineDeniedByPolicy {
			return scopesDenied("offline_access")
		}
		return invalidScope("The following scopes are not allowed for this request: [offline_access].")
	}
	return nil
}

// readScopes sets c.scopes to what the parameter says. The order of an answer need not be that of the request.
func (c *call) readScopes() *reply {
	text := c.form.Get("scope")
	if len(text) > maxScope {
		return invalidScope("The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the " +
			"resource owner.")
	}
	c.scopes = slices.Compact(slices.Sorted(strings.FieldsSeq(text)))
	return nil
}

func (c *call) has(scope string) bool { return slices.Contains(c.scopes, scope) }

// scopeNames are the server's custom scopes with a property.
func (c *call) scopeNames(with func(Scope) bool) (names []string) {
	for _, scope := range c.as.Scopes {
		if with(scope) {
			names = append(names, scope.Name)
		}
	}
	return names
}

// checkScope: the org server has no custom scopes, a custom server has no okta.* scopes.
func (c *call) checkScope(scope string) *reply {
	custom := slices.ContainsFunc(c.as.Scopes, func(have Scope) bool { return have.Name == scope })
	switch {
	case c.as.ID != OrgServerID && !isOIDCScope(scope) && !custom:
		return invalidScope("One or more scopes are not configured for the authorization server resource.")
	case c.as.ID != OrgServerID, isOIDCScope(scope) && scope != "device_sso", scope == "groups",
		slices.Contains(c.app.OktaScopes, scope):
		return nil
	}
	return invalidScope("Custom scopes are not allowed for this request.")
}

func isOIDCScope(scope string) bool {
	return slices.Contains(strings.Fields("openid profile email address phone offline_access device_sso"), scope)
}

func scopesDenied(scopes ...string) *reply {
	return oauthError(400, "access_denied", "Some of the requested scopes were denied by the policy. Denied scopes: "+
		sortedList(scopes)+".")
}

// evaluatePolicies sets c.lifetime. The org server has no policies. A refresh is evaluated as the grant of its sign-in:
// a rule cannot name the refresh grant.
// https://developer.okta.com/docs/guides/configure-access-policy/main/
func (c *call) evaluatePolicies() *reply {
	c.lifetime = cmp.Or(c.s.options.Lifetimes.Access, time.Hour)
	if c.as.ID == OrgServerID {
		return nil
	}
	rule, ok := c.findRule()
	if !ok {
		status := 401
		if c.s.options.Quirks.PolicyRefusal400 {
			status = 400
		}
		const text = "Policy evaluation failed for this request, please check the policy configurations."
		return oauthError(status, "access_denied", text)
	}
	denied := slices.DeleteFunc(slices.Clone(c.scopes), func(s string) bool { return !slices.Contains(rule.Denied, s) })
	switch {
	case len(denied) == len(c.scopes):
		return oauthError(400, "access_denied", "Policy evaluation succeeded, but all the requested scopes were rejected.")
	case len(denied) > 0:
		return scopesDenied(denied...)
	}
	c.lifetime = cmp.Or(rule.Lifetime, c.lifetime)
	return nil
}

// findRule is the first rule that matches: policies are allow lists. Users are not compared where there is none.
// https://help.okta.com/oie/en-us/Content/Topics/Security/api-config-access-policies.htm
func (c *call) findRule() (Rule, bool) {
	grantType := c.grant.grantType
	if c.session != nil { // a refresh
		grantType = c.session.grantType
	}
	for _, policy := range c.as.Policies {
		if !matches(policy.Clients, c.app.ClientID) {
			continue
		}
		for _, rule := range policy.Rules {
			foreign := func(scope string) bool { return !matches(rule.Scopes, scope) }
			if matches(rule.Grants, grantType) && (c.user == nil || matchesLogin(rule.Users, c.user.Login)) &&
				!slices.ContainsFunc(c.scopes, foreign) {
				return rule, true
			}
		}
	}
	return Rule{}, false
}

// needConsent are the requested scopes that a user must consent to.
func (c *call) needConsent() []string {
	return c.scopeNames(func(scope Scope) bool { return scope.Consent && c.has(scope.Name) })
}
