package oktatest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// checkScopes sets c.scopes to what the request asks for, or to the server's default scopes. The org server has no
// custom scopes, a custom server no okta.* scopes.
func (c *call) checkScopes() {
	c.readScopes(c.scopes)
	oidc, itself := slices.ContainsFunc(c.scopes, isOIDCScope), c.grant == GrantClientCredentials
	c.refuseIf(oidc && itself, "no_openid_for_clients")
	if len(c.scopes) == 0 {
		c.scopes = c.scopeNames(func(scope Scope) bool { return scope.Default })
	}
	c.refuseIf(len(c.scopes) == 0 && c.as.ID == OrgServerID, "no_scope_at_org")
	c.refuseIf(len(c.scopes) == 0, "no_scope")
	for _, scope := range c.scopes {
		custom := slices.Contains(c.scopeNames(func(Scope) bool { return true }), scope)
		ofUser := isOIDCScope(scope) && scope != "device_sso" || scope == "groups" && !itself
		org := ofUser || slices.Contains(c.app.OktaScopes, scope)
		ungranted := itself && strings.HasPrefix(scope, "okta.")
		c.refuseIf(c.as.ID == OrgServerID && !org && ungranted, "okta_scope_not_granted")
		c.refuseIf(c.as.ID == OrgServerID && !org, "custom_scope")
		c.refuseIf(c.as.ID != OrgServerID && !isOIDCScope(scope) && !custom, "unknown_scope")
	}
	quirks, noOpenID := c.s.options.Quirks, oidc && !c.has("openid")
	noRefresh := c.has("offline_access") && !slices.Contains(c.app.Grants, GrantRefreshToken)
	c.refuseIf(noOpenID && quirks.OpenIDRequired403, "openid_required_403")
	c.refuseIf(noOpenID, "openid_required")
	c.refuseIf(noRefresh && quirks.OfflineDeniedByPolicy, "scopes_denied", "[offline_access]")
	c.refuseIf(noRefresh, "scopes_not_allowed", "[offline_access]")
}

// readScopes sets c.scopes to what the parameter says, or to those of an earlier request. The order of an answer need
// not be that of the request.
func (c *call) readScopes(earlier []string) {
	text := c.form.Get("scope")
	if c.scopes = slices.Compact(slices.Sorted(strings.FieldsSeq(text))); len(c.scopes) == 0 {
		c.scopes = earlier
	}
	c.refuseIf(len(text) > 4096, "scope_too_long")
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

func isOIDCScope(scope string) bool {
	return slices.Contains(strings.Fields("openid profile email address phone offline_access device_sso"), scope)
}

// evaluatePolicies sets c.rule and c.lifetime. The org server has no policies.
// https://developer.okta.com/docs/guides/configure-access-policy/main/
func (c *call) evaluatePolicies() {
	rule, ok := c.findRule()
	granted := func(scope string) bool { return !slices.Contains(rule.Denied, scope) }
	denied := slices.DeleteFunc(slices.Clone(c.scopes), granted)
	c.rule, c.lifetime = rule, cmp.Or(rule.Lifetime, c.s.options.Lifetimes.Access, time.Hour)
	c.refuseIf(!ok, "policy_failed")
	c.refuseIf(len(denied) == len(c.scopes), "all_scopes_denied")
	c.refuseIf(len(denied) > 0, "scopes_denied", sortedList(denied))
}

// findRule is the first rule that matches: policies are allow lists. Users are not compared where there is none.
// https://help.okta.com/oie/en-us/Content/Topics/Security/api-config-access-policies.htm
func (c *call) findRule() (Rule, bool) {
	for _, rule := range c.as.Rules {
		foreign := func(scope string) bool { return !matches(rule.Scopes, scope) }
		if matches(rule.Clients, c.app.ClientID) && matches(rule.Grants, c.grant) &&
			(c.user == nil || matchesLogin(rule.Users, c.user.Login)) && !slices.ContainsFunc(c.scopes, foreign) {
			return rule, true
		}
	}
	return Rule{}, c.as.ID == OrgServerID
}

// checkConsent refuses scopes that need consent: neither grant can ask the user. Of a client that acts for itself, not
// even a trusted app gets them: "an error is returned because the flow doesn't support user consent".
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/
func (c *call) checkConsent() {
	scopes := c.scopeNames(func(scope Scope) bool { return scope.Consent && c.has(scope.Name) })
	c.refuseIf(len(scopes) > 0 && c.user == nil, "consent_impossible", sortedList(scopes))
	c.refuseIf(len(scopes) > 0 && !c.app.Trusted, "consent_required", sortedList(scopes))
}
