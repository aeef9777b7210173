package oktatest

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// authenticate sets c.app.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func (c *call) authenticate() *reply {
	method, id, secret, rep := c.readCredentials()
	if rep != nil {
		return rep
	}
	app := c.s.apps[id]
	anySecret := c.s.options.Quirks.AnySecretMethod && method != NoSecret && app != nil && app.AuthMethod != NoSecret
	switch {
	case app == nil, app.Inactive: // the one refusal at /token that has the form of the management API
		return apiError(401, "invalid_client", "Invalid value for 'client_id' parameter.")
	case method != app.AuthMethod && !anySecret:
		return invalidClient("Client authentication failed. Either the client or the client credentials are invalid.")
	case app.AuthMethod != NoSecret && !slices.Contains(app.Secrets, secret):
		return invalidClient("The client secret supplied for a confidential client is invalid.")
	case app.OutsideZone:
		return oauthError(403, "access_denied", "The request is made from outside the client's permitted network zones.")
	case app.OrgOnly && c.as.ID != OrgServerID:
		return oauthError(400, "unauthorized_client", "This client cannot use a custom authorization server.")
	}
	c.app = app
	return nil
}

// readCredentials accepts one method only: "The client MUST NOT use more than one authentication method in each
// request." https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func (c *call) readCredentials() (method, id, secret string, rep *reply) {
	headers := c.r.Header.Values("Authorization")
	id, secret = c.form.Get("client_id"), c.form.Get("client_secret")
	asserted := c.form.Get("client_assertion") != ""
	switch {
	case len(headers) > 1, len(headers) == 1 && (id+secret != "" || asserted), asserted && secret != "":
		status := 401
		if c.s.options.Quirks.MultipleCredentials400 {
			status = 400
		}
		rep = oauthError(status, "invalid_request", "Cannot supply multiple client credentials. Use one of the following: "+
			"credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.")
	case len(headers) == 1:
		method = ClientSecretBasic
		id, secret, rep = c.readBasic(headers[0])
	case asserted && c.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		rep = invalidRequest("The client_assertion_type is invalid.")
	case asserted: // true of every App there can be here
		rep = invalidClient("The client does not have a JWKSet configured, but the client_assertion requires one.")
	case id == "":
		rep = invalidClient("No client credentials found.")
	case secret == "":
		method = NoSecret
	default:
		method = ClientSecretPost
	}
	return method, id, secret, rep
}

// readBasic takes both halves as they are (RFC 7617) or form-decodes them (RFC 6749 §2.3.1). Okta does not document
// which it does, and the values that it generates are the same either way.
// https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
func (c *call) readBasic(header string) (id, secret string, rep *reply) {
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, ok := strings.Cut(string(raw), ":")
	ok = ok && err == nil && strings.EqualFold(scheme, "Basic")
	if c.s.options.Quirks.DecodeBasic {
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		ok = ok && errID == nil && errSecret == nil
	}
	if !ok {
		return "", "", invalidClient("Found Authentication header but was not valid client credentials.")
	}
	return id, secret, nil
}
