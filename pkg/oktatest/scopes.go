package oktatest

import (
	"net/http"
	"slices"
	"strings"
)

const maxScope = 4096 // characters

// checkScopes sets c.scopes to what is asked for, or says why it cannot be. Whether a policy grants it is judged later.
func (s *Server) checkScopes(c *call) *reply {
	asked, rep := readScopes(c)
	if rep != nil {
		return rep
	}
	if len(asked) == 0 {
		for _, scope := range c.as.Scopes {
			if scope.Default {
				asked = append(asked, scope.Name)
			}
		}
	}
	switch {
	case len(asked) == 0 && c.as.ID == OrgServerID:
		return invalidScope("No scopes were requested.")
	case len(asked) == 0:
		return invalidScope("The authorization server resource does not have any configured default scopes, 'scope' must be provided.")
	}
	for _, scope := range asked {
		if rep := checkScope(c, scope); rep != nil {
			return rep
		}
	}
	if slices.ContainsFunc(asked, isOIDCScope) && !slices.Contains(asked, "openid") {
		const text = "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."
		if s.options.Quirks.OpenIDRequired403 {
			return oauthError(http.StatusForbidden, "access_denied", text)
		}
		return invalidScope(text)
	}
	if slices.Contains(asked, "offline_access") && !slices.Contains(c.app.Grants, GrantRefreshToken) {
		if s.options.Quirks.OfflineDeniedByPolicy {
			return scopesDenied("offline_access")
		}
		return invalidScope("The following scopes are not allowed for this request: [offline_access].")
	}
	c.scopes = asked
	return nil
}

// readScopes is what the parameter says. The order of an answer need not be that of the request.
func readScopes(c *call) ([]string, *reply) {
	text := c.form.Get("scope")
	if len(text) > maxScope {
		return nil, invalidScope("The requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.")
	}
	asked := strings.Fields(text)
	slices.Sort(asked)
	return slices.Compact(asked), nil
}

func joinScopes(scopes []string) string { return strings.Join(scopes, " ") }

func invalidScope(text string) *reply {
	return oauthError(http.StatusBadRequest, "invalid_scope", text)
}

func scopesDenied(scopes ...string) *reply {
	return oauthError(http.StatusBadRequest, "access_denied", "Some of the requested scopes were denied by the policy. Denied scopes: "+sortedList(scopes)+".")
}

// checkScope: does the server have it? The org server has no custom scopes, a custom server no okta.* scopes.
func checkScope(c *call, scope string) *reply {
	if c.as.ID == OrgServerID {
		if (isOIDCScope(scope) && scope != "device_sso") || scope == "groups" || slices.Contains(c.app.OktaScopes, scope) {
			return nil
		}
		return invalidScope("Custom scopes are not allowed for this request.")
	}
	if isOIDCScope(scope) || slices.ContainsFunc(c.as.Scopes, func(have Scope) bool { return have.Name == scope }) {
		return nil
	}
	return invalidScope("One or more scopes are not configured for the authorization server resource.")
}

func isOIDCScope(scope string) bool {
	switch scope {
	case "openid", "profile", "email", "address", "phone", "offline_access", "device_sso":
		return true
	}
	return false
}
