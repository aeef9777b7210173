package oktatest

import "slices"

// clientCredentialsGrant is the grant of a client that acts for itself, RFC 6749 §4.4: without a user there is no ID
// token, and no refresh token.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.4
// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
func (c *call) clientCredentialsGrant() *reply {
	return firstReply(c.checkServiceClient, c.readScopes, c.checkNoOpenID, c.checkScopes, c.evaluatePolicies,
		c.checkNoConsent, c.startSession, c.issue)
}

// checkServiceClient refuses public clients, and every client at the org server, which requires private_key_jwt.
func (c *call) checkServiceClient() *reply {
	switch {
	case c.app.AuthMethod == NoSecret:
		return oauthError(400, "unauthorized_client", "Confidential client is required to make this request.")
	case c.as.ID != OrgServerID:
		return nil
	case c.s.options.Quirks.OrgGrantUnsupported:
		return oauthError(400, "unsupported_grant_type", "'client_credentials' grant type can only be used with a custom "+
			"authorization server.")
	}
	return invalidClient("Client Credentials requests to the Org Authorization Server must use the private_key_jwt " +
		"token_endpoint_auth_method.")
}

func (c *call) checkNoOpenID() *reply {
	if slices.ContainsFunc(c.scopes, isOIDCScope) {
		return invalidScope("Cannot request 'openid' scopes using client credentials.")
	}
	return nil
}

// checkNoConsent refuses scopes that need consent, of trusted apps too: "an error is returned because the flow doesn't
// support user consent". https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/
func (c *call) checkNoConsent() *reply {
	if scopes := c.needConsent(); len(scopes) > 0 {
		return oauthError(400, "consent_required", "The following scopes require user consent and cannot be granted for "+
			"the client credentials grant type: "+sortedList(scopes)+".")
	}
	return nil
}
