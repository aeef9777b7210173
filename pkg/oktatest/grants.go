package oktatest

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The grants that an App may be given, as they are written on the wire.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantPassword          = "password"
	GrantRefreshToken      = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
	GrantTokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
	GrantJWTBearer         = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	GrantOTP               = "urn:okta:params:oauth:grant-type:otp" // Direct Authentication: a first factor
	GrantOOB               = "urn:okta:params:oauth:grant-type:oob"
	GrantMFAOTP            = "http://auth0.com/oauth/grant-type/mfa-otp" // a second factor; the value is literal
	GrantMFAOOB            = "http://auth0.com/oauth/grant-type/mfa-oob"
)

type grant struct {
	grantType string
	servers   string   // which authorization servers have it: "all" or "custom"
	required  string   // parameters beside grant_type, separated by spaces
	exchange  []func() // the steps of its exchange; nil: not implemented
}

// grants is Okta's table of grants, in the order of its texts and documents. A further grant is a row here.
// https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS/#tag/CustomAS/operation/tokenCustomAS
func (c *call) grants() []grant {
	return []grant{
		// https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
		{GrantAuthorizationCode, "all", "code redirect_uri", []func(){c.redeemCode, c.exchangeVisit}},
		// https://www.rfc-editor.org/rfc/rfc6749#section-4.3
		{GrantPassword, "all", "username password",
			[]func(){c.checkScopes, c.countAttempt, c.checkPassword, c.checkUser, c.requireFactor, c.signIn}},
		// https://www.rfc-editor.org/rfc/rfc6749#section-6
		// https://developer.okta.com/docs/guides/refresh-tokens/main/
		{GrantRefreshToken, "all", "refresh_token",
			[]func(){c.redeem, c.narrowScopes, c.evaluatePolicies, c.rotate, c.issue}},
		// A client that acts for itself: without a user there is no ID token, and no refresh token.
		// https://www.rfc-editor.org/rfc/rfc6749#section-4.4
		// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
		{GrantClientCredentials, "all", "",
			[]func(){c.checkServiceClient, c.checkScopes, c.evaluatePolicies, c.checkConsent, c.startSession, c.issue}},
		// https://www.rfc-editor.org/rfc/rfc8628#section-3.4
		{GrantDeviceCode, "all", "device_code", []func(){c.poll, c.exchangeVisit}},
		// https://www.rfc-editor.org/rfc/rfc8693#section-2.1
		{GrantTokenExchange, "all", "subject_token subject_token_type", []func(){c.exchangeToken}},
		// https://www.rfc-editor.org/rfc/rfc7523#section-2.1
		{GrantJWTBearer, "custom", "assertion",
			[]func(){c.redeemJAG, c.checkScopes, c.evaluatePolicies, c.checkConsent, c.startSession, c.issue}},
		{"urn:ietf:params:oauth:grant-type:saml2-bearer", "all", "assertion", nil},
		{"urn:openid:params:grant-type:ciba", "all", "auth_req_id", nil},
		// https://developer.okta.com/docs/guides/configure-direct-auth-grants/aotp/main/
		{GrantOTP, "all", "login_hint otp", []func(){c.checkScopes, c.checkOTP, c.requireFactor, c.signIn}},
		// https://developer.okta.com/docs/guides/configure-direct-auth-grants/bmfaotp/main/
		{GrantMFAOTP, "all", "mfa_token otp", []func(){c.resume, c.checkOTP, c.signIn}},
		// https://developer.okta.com/docs/guides/configure-direct-auth-grants/coobov/main/
		{GrantOOB, "all", "oob_code", []func(){c.checkScopes, c.checkAnswer, c.requireFactor, c.signIn}},
		// https://developer.okta.com/docs/guides/configure-direct-auth-grants/dmfaoobov/main/
		{GrantMFAOOB, "all", "mfa_token oob_code", []func(){c.resume, c.checkAnswer, c.signIn}},
	}
}

// token is /v1/token. The order of the checks is Okta's as far as it can be observed; of the first five it is a guess.
func (c *call) token() {
	c.run(c.authenticateRequest, c.checkBrowser, c.useGrant)
}

// authenticateRequest is what every POST of a client has to pass, whatever it is about.
func (c *call) authenticateRequest() {
	c.run(c.checkForm, c.spend, c.findServer, c.checkParameters, c.authenticate)
}

func (c *call) checkForm() {
	if c.r.ContentLength < 0 { // the answer of Okta's proxy, which is no JSON
		c.entry.ErrorCode = "length_required"
		c.respond(411, nil)
	}
	accept := strings.Join(c.r.Header.Values("Accept"), ",")
	accepted, _ := regexp.MatchString(`^$|application/json|application/\*|\*/\*`, accept)
	_, err := url.ParseQuery(string(c.entry.Body))
	c.refuseIf(c.form == nil || !accepted, "bad_request")
	c.refuseIf(err != nil || len(c.entry.Body) > maxBody, "bad_body")
}

// duplicates are the parameters that are there more than once: "Request and response parameters MUST NOT be included
// more than once." https://www.rfc-editor.org/rfc/rfc6749#section-3.2
func duplicates(form url.Values) []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(form)), func(name string) bool { return len(form[name]) < 2 })
}

func (c *call) checkParameters() {
	twice := duplicates(c.form)
	query := c.r.URL.Query()
	inQuery := query.Has("client_id") || query.Has("client_secret") // okta-sdk-golang sends assertions there
	c.refuseIf(len(twice) > 0, "duplicate_parameter", sortedList(twice))
	c.refuseIf(inQuery, "credentials_in_query")
}

// useGrant runs the grant, if grant_type is one of Okta's and enabled for the app, and what it requires is there.
func (c *call) useGrant() {
	var names []string
	var chosen grant
	grantType := c.form.Get("grant_type")
	for _, g := range c.grants() {
		if g.servers == "custom" && c.as.ID == OrgServerID {
			continue
		}
		names = append(names, g.grantType)
		if g.grantType == grantType {
			c.grant, chosen = grantType, g
		}
	}
	valid := strings.Join(names, ", ")
	c.refuseIf(grantType == "", "no_grant_type", valid)
	c.refuseIf(c.grant == "", "unknown_grant_type", valid)
	c.checkGrant()
	c.requireParameters(chosen.required)
	c.run(c.bindTokens)
	switch {
	case c.reply != nil:
	case chosen.exchange == nil:
		c.notImplemented("the grant " + grantType)
	default:
		c.header.Set("Set-Cookie", "JSESSIONID="+rand.Text()+"; Path=/; Secure; HttpOnly") // clients must ignore it
		c.run(chosen.exchange...)
	}
}

// requireParameters refuses a request that lacks one of these, which are separated by spaces.
func (c *call) requireParameters(names string) {
	for name := range strings.FieldsSeq(names) {
		c.refuseIf(c.form.Get(name) == "", "parameter_missing", name)
	}
}

// checkServiceClient refuses public clients, and at the org server all but services with private_key_jwt.
// https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/
func (c *call) checkServiceClient() {
	atOrg := c.as.ID == OrgServerID
	c.refuseIf(c.app.AuthMethod == NoSecret, "confidential_only")
	c.refuseIf(atOrg && c.app.AuthMethod != PrivateKeyJWT, "private_key_jwt_required")
	c.refuseIf(atOrg && !c.app.Service, "service_required")
}

// checkPassword sets c.user. A wrong password, a locked user and a user that does not exist have the same answer. Too
// many wrong passwords lock the user, without saying so.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Policy/
func (c *call) checkPassword() {
	user := c.s.users[userKey(c.form.Get("username"))]
	switch {
	case user.blocked():
		c.refuse("wrong_credentials")
	case user.Password == "":
		c.refuse("no_password")
	case user.Password != c.form.Get("password"):
		c.countFailure(user)
		c.refuse("wrong_credentials")
	default:
		c.user, c.methods = user, []string{methodPassword}
	}
}

func (c *call) countFailure(user *User) {
	limit := c.s.options.Limits.MaxAttempts
	if user.failures++; limit > 0 && user.failures >= limit {
		user.Status = Locked
	}
}

// checkUser is what Okta reveals only with the right password.
func (c *call) checkUser() {
	c.refuseIf(c.user.Status == PasswordExpired, "password_expired")
	c.refuseIf(c.user.Lite, "lite_user")
	c.checkAccess("sign_on_policy")
}

// checkAccess is about the app's users and its sign-on policy, whose refusal depends on the way to sign in.
func (c *call) checkAccess(denied string) {
	c.refuseIf(!matchesLogin(c.app.Assigned, c.user.Login), "not_assigned")
	c.refuseIf(c.app.DenySignOn != nil && matchesLogin(c.app.DenySignOn, c.user.Login), denied)
}

// authenticate sets c.app.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
func (c *call) authenticate() {
	method, id, secret := c.readCredentials()
	app := c.s.apps[id]
	if app == nil || app.Inactive {
		c.refuse("unknown_client")
		return
	}
	c.app = app
	plain := method == ClientSecretBasic || method == ClientSecretPost
	c.refuseIf(method == PrivateKeyJWT && app.Keys == nil, "no_client_keys")
	c.refuseIf(method != app.AuthMethod, "wrong_auth_method")
	c.refuseIf(plain && !slices.Contains(app.Secrets, secret), "wrong_secret")
	if c.assertion.jws != nil {
		c.checkAssertion()
	}
	c.refuseIf(app.OutsideZone, "outside_zone")
	c.refuseIf(app.OrgOnly && c.as.ID != OrgServerID, "org_only")
}

// readCredentials accepts one method only: "The client MUST NOT use more than one authentication method in each
// request." https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func (c *call) readCredentials() (method, id, secret string) {
	headers := c.r.Header.Values("Authorization")
	id, secret = c.form.Get("client_id"), c.form.Get("client_secret")
	if len(headers) == 1 && c.endpoint == "v1/par" {
		id = "" // a part of the authorization request: https://www.rfc-editor.org/rfc/rfc9126#section-2.1
	}
	asserted := c.form.Get("client_assertion") != ""
	switch {
	case len(headers) > 1, len(headers) == 1 && (id+secret != "" || asserted), asserted && secret != "":
		c.refuse("multiple_credentials")
	case len(headers) == 1:
		method, id, secret = c.readBasic()
	case asserted && c.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		c.refuse("assertion_type")
	case asserted:
		method, id = c.readAssertion()
	case id == "":
		c.refuse("no_credentials")
	case secret == "":
		method = NoSecret
	default:
		method = ClientSecretPost
	}
	return method, id, secret
}

// readBasic takes both halves as they are (RFC 7617), or, where they are no client's, form-decodes them (RFC 6749
// §2.3.1). Okta does not document which it does, and the values that it generates are the same either way. A public
// client may send its id alone, as okta-auth-js does.
func (c *call) readBasic() (method, id, secret string) {
	scheme, encoded, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	text, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, both := strings.Cut(string(text), ":")
	app := cmp.Or(c.s.apps[id], &App{})
	decodedID, errID := url.QueryUnescape(id)
	decoded, errSecret := url.QueryUnescape(secret)
	public := app.AuthMethod == NoSecret && secret == ""
	switch {
	case !strings.EqualFold(scheme, "Basic"), err != nil, !both && !public:
		c.refuse("bad_basic")
	case public:
		return NoSecret, id, ""
	case !slices.Contains(app.Secrets, secret) && errID == nil && errSecret == nil:
		id, secret = decodedID, decoded
	}
	return ClientSecretBasic, id, secret
}
