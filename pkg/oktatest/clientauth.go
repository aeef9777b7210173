package oktatest

import (
	"net/url"
	"slices"
)

// authenticate sets c.app.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func (c *call) authenticate() {
	method, id, secret := c.readCredentials()
	app := c.s.apps[id]
	if app == nil || app.Inactive {
		c.refuse("unknown_client")
		return
	}
	anySecret := c.s.options.Quirks.AnySecretMethod && method != NoSecret && app.AuthMethod != NoSecret
	c.app = app
	c.refuseIf(method != app.AuthMethod && !anySecret, "wrong_auth_method")
	c.refuseIf(app.AuthMethod != NoSecret && !slices.Contains(app.Secrets, secret), "wrong_secret")
	c.refuseIf(app.OutsideZone, "outside_zone")
	c.refuseIf(app.OrgOnly && c.as.ID != OrgServerID, "org_only")
}

// readCredentials accepts one method only: "The client MUST NOT use more than one authentication method in each
// request." https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func (c *call) readCredentials() (method, id, secret string) {
	headers := c.r.Header.Values("Authorization")
	id, secret = c.form.Get("client_id"), c.form.Get("client_secret")
	asserted := c.form.Get("client_assertion") != ""
	switch {
	case len(headers) > 1, len(headers) == 1 && (id+secret != "" || asserted), asserted && secret != "":
		c.refuseIf(c.s.options.Quirks.MultipleCredentials400, "multiple_credentials_400")
		c.refuse("multiple_credentials")
	case len(headers) == 1:
		method = ClientSecretBasic
		id, secret = c.readBasic()
	case asserted && c.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		c.refuse("assertion_type")
	case asserted:
		c.refuse("no_client_keys") // no App has any
	case id == "":
		c.refuse("no_credentials")
	case secret == "":
		method = NoSecret
	default:
		method = ClientSecretPost
	}
	return method, id, secret
}

// readBasic takes both halves as they are (RFC 7617) or form-decodes them (RFC 6749 §2.3.1). Okta does not document
// which it does, and the values that it generates are the same either way.
func (c *call) readBasic() (id, secret string) {
	id, secret, ok := c.r.BasicAuth()
	if c.s.options.Quirks.DecodeBasic {
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		ok = ok && errID == nil && errSecret == nil
	}
	c.refuseIf(!ok, "bad_basic")
	return id, secret
}
