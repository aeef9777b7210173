package oktatest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// grantType is one line of the table of grants. A grant that is not played yet has no exchange.
type grantType struct {
	name     string
	org      bool     // also at the org server
	required []string // parameters beside grant_type
	exchange func(*Server, *call) *reply
}

// grantTypes is Okta's table of grants: https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS/#tag/CustomAS/operation/tokenCustomAS
func grantTypes() []grantType {
	return []grantType{
		{GrantAuthorizationCode, true, []string{"code", "redirect_uri"}, nil},
		{GrantPassword, true, []string{"username", "password"}, (*Server).password},
		{GrantRefreshToken, true, []string{"refresh_token"}, (*Server).renew},
		{GrantClientCredentials, true, nil, (*Server).clientCredentials},
		{GrantDeviceCode, true, []string{"device_code"}, nil},
		{"urn:ietf:params:oauth:grant-type:token-exchange", true, []string{"subject_token", "subject_token_type"}, nil},
		{"urn:ietf:params:oauth:grant-type:jwt-bearer", false, []string{"assertion"}, nil},
		{"urn:ietf:params:oauth:grant-type:saml2-bearer", true, []string{"assertion"}, nil},
		{"urn:openid:params:grant-type:ciba", true, []string{"auth_req_id"}, nil},
		{"urn:okta:params:oauth:grant-type:otp", true, []string{"login_hint", "otp"}, nil},
		{"urn:okta:params:oauth:grant-type:oob", true, []string{"oob_code"}, nil},
		{GrantMFAOTP, true, []string{"mfa_token", "otp"}, nil},
		{GrantMFAOOB, true, []string{"mfa_token", "oob_code"}, nil},
	}
}

// token is POST …/v1/token.
func (s *Server) token(c *call, id string, h http.Header) *reply {
	if c.Method == http.MethodOptions {
		return preflight(c)
	}
	if rep := s.enter(c, id, "token", h); rep != nil {
		return rep
	}
	var grant grantType
	for _, check := range []func() *reply{
		func() (rep *reply) { grant, rep = chooseGrant(c); return rep },
		func() *reply { return checkRequired(c, grant) },
		func() *reply { return checkDPoP(c) },
	} {
		if rep := check(); rep != nil {
			return rep
		}
	}
	if grant.exchange == nil {
		return notPlayed("the grant " + grant.name)
	}
	rep := grant.exchange(s, c)
	if rep.header == nil {
		rep.header = http.Header{}
	}
	rep.header.Set("Set-Cookie", "JSESSIONID="+randomText(32)+"; Path=/; Secure; HttpOnly") // as Okta does: to be ignored
	return rep
}

// enter is what a client's request to an endpoint must pass first. The order of the checks at /token, here and there, is Okta's as far as it was seen
// from outside; between the first five it is a guess.
func (s *Server) enter(c *call, id, endpoint string, h http.Header) *reply {
	switch {
	case c.Method != http.MethodPost:
		return wrongMethod()
	case c.ContentLength < 0:
		// Okta's proxy, not Okta: no JSON.
		return &reply{status: http.StatusLengthRequired, code: "length_required"}
	}
	for _, check := range []func() *reply{
		func() *reply { return checkForm(c) },
		func() *reply { return s.spend(c, id, endpoint, h) },
		func() *reply { return s.find(c, id) },
		func() *reply { return checkParameters(c, endpoint) },
		func() *reply { return s.authenticate(c) },
	} {
		if rep := check(); rep != nil {
			return rep
		}
	}
	return nil
}

func preflight(c *call) *reply {
	origin := c.Header.Get("Origin")
	if origin == "" {
		origin = "*"
	}
	return &reply{status: http.StatusNoContent, header: http.Header{
		"Access-Control-Allow-Origin": {origin}, "Access-Control-Allow-Methods": {"POST"}, "Access-Control-Max-Age": {"3600"}, "Vary": {"Origin"},
	}}
}

func checkForm(c *call) *reply {
	if !isForm(c.Header) || !acceptsJSON(c.Header) {
		return apiError(http.StatusBadRequest, "E0000021", "Bad request.  Accept and/or Content-Type headers likely do not match supported values.")
	}
	if _, err := url.ParseQuery(string(c.body)); err != nil || len(c.body) > maxBody {
		return apiError(http.StatusBadRequest, "E0000003", "The request body was not well-formed.")
	}
	return nil
}

func acceptsJSON(h http.Header) bool {
	accept := strings.Join(h.Values("Accept"), ",")
	return accept == "" || strings.Contains(accept, "application/json") || strings.Contains(accept, "application/*") || strings.Contains(accept, "*/*")
}

func checkParameters(c *call, endpoint string) *reply {
	if endpoint == "token" && c.Header.Get("Origin") != "" { // only a browser sends one
		return oauthError(http.StatusBadRequest, "invalid_request", "Browser requests to the token endpoint must be part of at least one whitelisted redirect_uri.")
	}
	// "Request and response parameters MUST NOT be included more than once." https://www.rfc-editor.org/rfc/rfc6749#section-3.2
	var twice []string
	for name, values := range c.form {
		if len(values) > 1 {
			twice = append(twice, name)
		}
	}
	if len(twice) > 0 {
		return oauthError(http.StatusBadRequest, "invalid_request", "Duplicate parameter provided in request. Duplicated parameters: "+sortedList(twice)+".")
	}
	query := c.URL.Query()
	if query.Has("client_id") || query.Has("client_secret") || query.Has("client_assertion") {
		return oauthError(http.StatusBadRequest, "invalid_request", "Client credentials cannot be supplied via query parameters.")
	}
	return nil
}

// chooseGrant: is grant_type there, is it Okta's, is it switched on for the app?
func chooseGrant(c *call) (grantType, *reply) {
	var names []string
	var chosen grantType
	for _, g := range grantTypes() {
		if !g.org && c.as.ID == OrgServerID {
			continue
		}
		names = append(names, g.name)
		if g.name == c.form.Get("grant_type") {
			chosen = g
		}
	}
	switch {
	case c.form.Get("grant_type") == "":
		return chosen, oauthError(http.StatusBadRequest, "invalid_request", "The token request must specify a 'grant_type'. Valid values: ["+strings.Join(names, ", ")+"]")
	case chosen.name == "":
		return chosen, oauthError(http.StatusBadRequest, "unsupported_grant_type",
			"The authorization grant type is not supported by the authorization server. Configured grant types: ["+strings.Join(names, ", ")+"].")
	case !slices.Contains(c.app.Grants, chosen.name):
		return chosen, oauthError(http.StatusBadRequest, "unauthorized_client",
			"The client is not authorized to use the provided grant type. Configured grant types: ["+strings.Join(c.app.Grants, ", ")+"].")
	}
	return chosen, nil
}

func checkRequired(c *call, g grantType) *reply {
	for _, name := range g.required {
		if c.form.Get(name) == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "The required parameter '"+name+"' is missing.")
		}
	}
	return nil
}

// checkDPoP: RFC 9449 §5, https://www.rfc-editor.org/rfc/rfc9449#section-5. Only the missing proof is played.
func checkDPoP(c *call) *reply {
	switch {
	case !c.app.RequireDPoP:
		return nil
	case c.Header.Get("DPoP") == "":
		return oauthError(http.StatusBadRequest, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
	}
	return notPlayed("DPoP")
}

// sortedList is how Okta's texts show lists: "[a, b]".
func sortedList(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	return "[" + strings.Join(names, ", ") + "]"
}
