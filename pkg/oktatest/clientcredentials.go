package oktatest

import (
	"net/http"
	"slices"
)

// clientCredentials is the grant of a client that acts for itself, RFC 6749 §4.4 (https://www.rfc-editor.org/rfc/rfc6749#section-4.4): no user, so no
// ID token, and no refresh token. https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
func (s *Server) clientCredentials(c *call) *reply {
	if rep := s.checkServiceClient(c); rep != nil {
		return rep
	}
	asked, rep := readScopes(c)
	if rep != nil {
		return rep
	}
	if slices.ContainsFunc(asked, isOIDCScope) {
		return invalidScope("Cannot request 'openid' scopes using client credentials.")
	}
	if rep := s.checkScopes(c); rep != nil {
		return rep
	}
	lifetime, rep := s.evaluate(c, "", GrantClientCredentials)
	if rep != nil {
		return rep
	}
	// Trusted or not: "an error is returned because the flow doesn't support user consent".
	// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/
	if asking := c.needConsent(); len(asking) > 0 {
		return oauthError(http.StatusBadRequest, "consent_required",
			"The following scopes require user consent and cannot be granted for the client credentials grant type: "+sortedList(asking)+".")
	}
	in, _ := s.begin(c)
	return s.issue(c, in, lifetime, "")
}

// checkServiceClient: may the client act for itself here? The org server wants private_key_jwt, which no App has.
func (s *Server) checkServiceClient(c *call) *reply {
	switch {
	case c.app.AuthMethod == NoSecret:
		return oauthError(http.StatusBadRequest, "unauthorized_client", "Confidential client is required to make this request.")
	case c.as.ID != OrgServerID:
		return nil
	case s.options.Quirks.OrgGrantUnsupported:
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "'client_credentials' grant type can only be used with a custom authorization server.")
	}
	return invalidClient("Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.")
}
