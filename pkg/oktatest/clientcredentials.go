package oktatest

// clientCredentialsGrant is the grant of a client that acts for itself, RFC 6749 §4.4: without a user there is no ID
// token, and no refresh token.
// https://www.rfc-editor.org/rfc/rfc6749#section-4.4
// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
func (c *call) clientCredentialsGrant() {
	c.run(c.checkServiceClient, c.checkScopes, c.evaluatePolicies, c.checkConsent, c.startSession, c.issue)
}

// checkServiceClient refuses public clients, and every client at the org server, which requires private_key_jwt.
func (c *call) checkServiceClient() {
	atOrg := c.as.ID == OrgServerID
	c.refuseIf(c.app.AuthMethod == NoSecret, "confidential_only")
	c.refuseIf(atOrg && c.s.options.Quirks.OrgGrantUnsupported, "custom_server_only")
	c.refuseIf(atOrg, "private_key_jwt_required")
}
