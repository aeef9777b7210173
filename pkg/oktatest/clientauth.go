package oktatest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// credentials are what a client showed, and how.
type credentials struct {
	method string
	id     string
	secret string
}

// authenticate sets c.app, or says why the client is not who it says it is.
// Okta: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func (s *Server) authenticate(c *call) *reply {
	shown, rep := s.readCredentials(c)
	if rep != nil {
		return rep
	}
	app, ok := s.apps[shown.id]
	if !ok || app.Inactive {
		// The one refusal at /token that comes in the API's shape.
		return apiError(http.StatusUnauthorized, "invalid_client", "Invalid value for 'client_id' parameter.")
	}
	bothSecret := app.AuthMethod != NoSecret && shown.method != NoSecret
	if shown.method != app.AuthMethod && (!bothSecret || !s.options.Quirks.AnySecretMethod) {
		return invalidClient("Client authentication failed. Either the client or the client credentials are invalid.")
	}
	if app.AuthMethod != NoSecret && !slices.Contains(app.Secrets, shown.secret) {
		return invalidClient("The client secret supplied for a confidential client is invalid.")
	}
	if app.OutsideZone {
		return oauthError(http.StatusForbidden, "access_denied", "The request is made from outside the client's permitted network zones.")
	}
	if app.OrgOnly && c.as.ID != OrgServerID {
		return oauthError(http.StatusBadRequest, "unauthorized_client", "This client cannot use a custom authorization server.")
	}
	c.app = app
	return nil
}

func invalidClient(text string) *reply {
	return oauthError(http.StatusUnauthorized, "invalid_client", text)
}

// readCredentials: in one place and one way only. "The client MUST NOT use more than one authentication method in each request."
// https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func (s *Server) readCredentials(c *call) (credentials, *reply) {
	headers := c.Header.Values("Authorization")
	inBody := c.form.Get("client_id") != "" || c.form.Get("client_secret") != ""
	asserted := c.form.Get("client_assertion") != ""
	switch {
	case len(headers) > 1, len(headers) == 1 && (inBody || asserted), asserted && c.form.Get("client_secret") != "":
		status := http.StatusUnauthorized
		if s.options.Quirks.MultipleCredentials400 {
			status = http.StatusBadRequest
		}
		return credentials{}, oauthError(status, "invalid_request", "Cannot supply multiple client credentials. Use one of the following: credentials in the "+
			"Authorization header, credentials in the post body, or a client_assertion in the post body.")
	case len(headers) == 1:
		return s.readBasic(headers[0])
	case asserted && c.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return credentials{}, oauthError(http.StatusBadRequest, "invalid_request", "The client_assertion_type is invalid.")
	case asserted: // true of every App there can be here
		return credentials{}, invalidClient("The client does not have a JWKSet configured, but the client_assertion requires one.")
	case c.form.Get("client_id") == "":
		return credentials{}, invalidClient("No client credentials found.")
	case c.form.Get("client_secret") == "":
		return credentials{method: NoSecret, id: c.form.Get("client_id")}, nil
	}
	return credentials{ClientSecretPost, c.form.Get("client_id"), c.form.Get("client_secret")}, nil
}

// readBasic takes both halves as they are, as RFC 7617 says, or form-decodes them, as RFC 6749 §2.3.1 says: which one Okta does is not documented,
// and the values that Okta generates are the same either way. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
func (s *Server) readBasic(header string) (credentials, *reply) {
	invalid := invalidClient("Found Authentication header but was not valid client credentials.")
	scheme, encoded, _ := strings.Cut(header, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, colon := strings.Cut(string(raw), ":")
	if !strings.EqualFold(scheme, "Basic") || err != nil || !colon {
		return credentials{}, invalid
	}
	if s.options.Quirks.DecodeBasic {
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		if errID != nil || errSecret != nil {
			return credentials{}, invalid
		}
	}
	return credentials{ClientSecretBasic, id, secret}, nil
}
