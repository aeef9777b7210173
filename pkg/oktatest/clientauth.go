package oktatest

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// authenticate sets c.app.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func (c *call) authenticate() *reply {
	method, id, secret, problem := c.readCredentials()
	if problem != "" {
		return refuse(problem)
	}
	app := c.s.apps[id]
	if app == nil || app.Inactive {
		return refuse("unknown_client")
	}
	anySecret := c.s.options.Quirks.AnySecretMethod && method != NoSecret && app.AuthMethod != NoSecret
	c.app = app
	return firstRefusal(
		refusal{method != app.AuthMethod && !anySecret, "wrong_auth_method", ""},
		refusal{app.AuthMethod != NoSecret && !slices.Contains(app.Secrets, secret), "wrong_secret", ""},
		refusal{app.OutsideZone, "outside_zone", ""},
		refusal{app.OrgOnly && c.as.ID != OrgServerID, "org_only", ""},
	)
}

// readCredentials accepts one method only: "The client MUST NOT use more than one authentication method in each
// request." https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func (c *call) readCredentials() (method, id, secret, problem string) {
	headers := c.r.Header.Values("Authorization")
	id, secret = c.form.Get("client_id"), c.form.Get("client_secret")
	asserted := c.form.Get("client_assertion") != ""
	switch {
	case len(headers) > 1, len(headers) == 1 && (id+secret != "" || asserted), asserted && secret != "":
		problem = "multiple_credentials"
		if c.s.options.Quirks.MultipleCredentials400 {
			problem = "multiple_credentials_400"
		}
	case len(headers) == 1:
		method = ClientSecretBasic
		id, secret, problem = c.readBasic(headers[0])
	case asserted && c.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		problem = "assertion_type"
	case asserted:
		problem = "no_client_keys" // no App has any
	case id == "":
		problem = "no_credentials"
	case secret == "":
		method = NoSecret
	default:
		method = ClientSecretPost
	}
	return method, id, secret, problem
}

// readBasic takes both halves as they are (RFC 7617) or form-decodes them (RFC 6749 §2.3.1). Okta does not document
// which it does, and the values that it generates are the same either way.
// https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
func (c *call) readBasic(header string) (id, secret, problem string) {
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, ok := strings.Cut(string(raw), ":")
	var errID, errSecret error
	if c.s.options.Quirks.DecodeBasic {
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
	}
	if !ok || errors.Join(err, errID, errSecret) != nil || !strings.EqualFold(scheme, "Basic") {
		return "", "", "bad_basic"
	}
	return id, secret, ""
}
