package oktatest

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const authorizationCodeLifetime = 300 * time.Second

// authorize is /v1/authorize: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
func (c *call) authorize() {
	if c.r.Method == http.MethodGet {
		c.form = c.r.URL.Query()
	}
	c.grant = GrantAuthorizationCode
	c.run(c.spend, c.findServer, c.takePushedRequest)
	c.visit = &visit{request: c.form}
	c.run(c.checkRedirectURI)
	if c.entry.ErrorCode != "" {
		// "If the request fails due to a missing, invalid, or mismatching redirection URI, or if the client identifier is
		// missing or invalid, the authorization server SHOULD inform the resource owner of the error and MUST NOT
		// automatically redirect": https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
		c.showPage("failed")
		return
	}
	c.run(c.checkAuthorizeRequest, c.checkPKCE, c.checkGrant, c.checkScopes, c.beginVisit)
	if c.entry.ErrorCode != "" && c.reply.Status != http.StatusNotImplemented {
		c.redirectToApp()
	}
}

// checkRedirectURI sets c.app. Okta compares the strings, with the port also on loopback.
func (c *call) checkRedirectURI() {
	c.refuseIf(c.form == nil, "bad_request")
	c.refuseIf(len(duplicates(c.form)) > 0, "duplicate_parameter", sortedList(duplicates(c.form)))
	app := c.s.apps[c.form.Get("client_id")]
	if app == nil || app.Inactive {
		c.refuse("unknown_client_in_query")
		return
	}
	c.app = app
	c.refuseIf(!slices.Contains(app.RedirectURIs, c.form.Get("redirect_uri")), "illegal_redirect_uri")
	c.refuseIf(app.OutsideZone, "outside_zone")
	c.refuseIf(app.OrgOnly && c.as.ID != OrgServerID, "org_only")
}

func (c *call) checkAuthorizeRequest() {
	mode, prompt := c.form.Get("response_mode"), strings.Fields(c.form.Get("prompt"))
	unknown := func(p string) bool { return !slices.Contains([]string{"none", "login", "consent"}, p) }
	mixed := slices.Contains(prompt, "none") && len(prompt) > 1
	c.refuseIf(c.form.Get("state") == "", "invalid_state")
	c.refuseIf(c.form.Get("response_type") != "code", "unsupported_response_type", "code")
	modes := []string{"", "query", "fragment", "form_post", "okta_post_message"}
	c.refuseIf(!slices.Contains(modes, mode), "unsupported_response_mode")
	c.refuseIf(slices.ContainsFunc(prompt, unknown) || mixed, "invalid_prompt", "none, login, consent")
	for _, name := range []string{"request", "request_uri", "sessionToken"} {
		if c.reply == nil && c.form.Get(name) != "" {
			c.notImplemented(name + " at the endpoint v1/authorize")
		}
	}
}

// checkPKCE accepts the method S256 alone, which every client can use:
// https://www.rfc-editor.org/rfc/rfc7636#section-4.3
func (c *call) checkPKCE() {
	challenge := c.form.Get("code_challenge")
	required := c.app.RequirePKCE || c.app.AuthMethod == NoSecret
	c.refuseIf(challenge == "" && required, "pkce_missing_challenge")
	c.refuseIf(challenge != "" && c.form.Get("code_challenge_method") != "S256", "pkce_unsupported_method", "S256")
	hash := regexp.MustCompile(`^[-_A-Za-z0-9]{43}$`)
	c.refuseIf(challenge != "" && !hash.MatchString(challenge), "pkce_invalid_challenge")
}

func (c *call) checkGrant() {
	enabled := slices.Contains(c.app.Grants, c.grant)
	c.refuseIf(!enabled, "grant_not_enabled", strings.Join(c.app.Grants, ", "))
}

// redirectToApp answers the authorization request: with a code, or with what it was refused for.
func (c *call) redirectToApp() {
	request := c.visit.request
	answer := url.Values{
		"state": {request.Get("state")},
		"iss":   {c.issuer()}, // https://www.rfc-editor.org/rfc/rfc9207#section-2; no answer of Okta's was recorded
	}
	if c.entry.ErrorCode == "" {
		code := randomBase64(32)
		c.visit.expires = c.now.Add(authorizationCodeLifetime)
		c.s.codes.put(code, c.visit, c.s.limit)
		answer.Set("code", code)
	} else {
		answer.Set("error", c.entry.ErrorCode)
		answer.Set("error_description", c.refusal)
	}
	target := request.Get("redirect_uri")
	switch mode := request.Get("response_mode"); mode {
	case "form_post", "okta_post_message":
		c.showAnswer(mode, target, answer)
		return
	case "fragment":
		target += "#" + answer.Encode()
	default:
		target = withQuery(target, answer)
	}
	// "the authorization server SHOULD use HTTP status code 303", so that no browser sends the password along:
	// https://www.rfc-editor.org/rfc/rfc9700#section-4.12
	c.respond(http.StatusSeeOther, nil)
	c.header.Set("Location", target)
}

// withQuery adds parameters to a URI, which may have some.
func withQuery(uri string, parameters url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + parameters.Encode()
}

// redeemCode sets c.visit. "If an authorization code is used more than once, the authorization server MUST deny the
// request and SHOULD revoke (when possible) all tokens previously issued based on that authorization code."
// https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
func (c *call) redeemCode() {
	in := c.s.codes.entries[c.form.Get("code")]
	if in == nil {
		c.refuse("code_invalid")
		return
	}
	c.checkOwner(in.agreement)
	if c.reply == nil && in.session != nil {
		in.session.ended = true
	}
	c.refuseIf(in.session != nil || !c.now.Before(in.expires) || !c.s.inOrder(in.agreement), "code_invalid")
	c.refuseIf(c.form.Get("redirect_uri") != in.request.Get("redirect_uri"), "mismatched_redirect_uri")
	challenge, verifier := in.request.Get("code_challenge"), c.form.Get("code_verifier")
	hash := sha256.Sum256([]byte(verifier))
	c.refuseIf(challenge != "" && verifier == "", "pkce_missing_verifier")
	c.refuseIf(challenge == "" && verifier != "", "pkce_verifier_without_challenge")
	c.refuseIf(challenge != "" && base64url(hash[:]) != challenge, "pkce_verification_failed")
	c.refuseIf(verifier != "" && !regexp.MustCompile(`^[-._~A-Za-z0-9]{43,128}$`).MatchString(verifier),
		"pkce_verification_failed") // https://www.rfc-editor.org/rfc/rfc7636#section-4.1
	c.adopt(in)
}

const pushedLifetime = time.Hour

// pushRequest is /v1/par: https://www.rfc-editor.org/rfc/rfc9126#section-2
func (c *call) pushRequest() {
	c.grant = GrantAuthorizationCode
	c.run(c.authenticateRequest)
	if c.reply == nil {
		// "the request_uri authorization request parameter … MUST NOT be provided in this case": §2.1
		c.refuseIf(c.form.Has("request_uri"), "pushed_request_uri")
		c.refuseIf(c.form.Has("client_id") && c.form.Get("client_id") != c.app.ClientID, "unknown_client_in_query")
		c.form.Set("client_id", c.app.ClientID)
	}
	c.run(c.checkRedirectURI, c.checkAuthorizeRequest, c.checkPKCE, c.checkGrant, c.checkScopes)
	if c.reply == nil {
		uri := "urn:okta:" + randomBase64(32)
		c.s.pushed.put(uri, &visit{request: c.form, agreement: c.agreement(), expires: c.now.Add(pushedLifetime)}, c.s.limit)
		c.respond(201, object{{"request_uri", uri}, {"expires_in", int64(pushedLifetime / time.Second)}})
	}
}

// takePushedRequest puts the request that a client has pushed in the place of its name, once.
func (c *call) takePushedRequest() {
	uri := c.form.Get("request_uri")
	if !strings.HasPrefix(uri, "urn:okta:") {
		return // see checkAuthorizeRequest
	}
	in := c.s.pushed.entries[uri]
	known := in != nil && in.clientID == c.form.Get("client_id") && in.server == c.as.ID && c.now.Before(in.expires)
	c.refuseIf(!known, "pushed_request_unknown")
	if known {
		delete(c.s.pushed.entries, uri)
		c.form = in.request
	}
}

const deviceCodeLifetime = 600 * time.Second

// authorizeDevice is /v1/device/authorize: https://www.rfc-editor.org/rfc/rfc8628#section-3.1
func (c *call) authorizeDevice() {
	c.grant = GrantDeviceCode
	c.run(c.authenticateRequest, c.checkGrant, func() { c.refuseIf(c.form.Get("scope") == "", "no_scope_at_org") },
		c.checkScopes, c.countUserCodes, c.issueDeviceCode)
}

// countUserCodes limits the codes that wait for a user, which the more of them there are, the easier are to guess:
// https://www.rfc-editor.org/rfc/rfc8628#section-5.1
func (c *call) countUserCodes() {
	waiting := 0
	for _, in := range c.s.devices.entries {
		if in.clientID == c.app.ClientID && !in.ended && c.now.Before(in.expires) {
			waiting++
		}
	}
	limit := c.s.options.Limits.UserCodes
	c.refuseIf(limit > 0 && waiting >= limit, "too_many_user_codes")
}

// issueDeviceCode answers with members in the order that was recorded.
func (c *call) issueDeviceCode() {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	code := fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
	in := &visit{
		userCode: letters(rand.Text() + rand.Text())[:8], expires: c.now.Add(deviceCodeLifetime), device: true,
		agreement: c.agreement(), polling: c.newPolling(),
	}
	c.s.devices.put(code, in, c.s.limit)
	activate := c.base + "/activate"
	c.respond(200, object{
		{"device_code", code}, {"user_code", in.userCode}, {"verification_uri", activate},
		{"verification_uri_complete", activate + "?user_code=" + in.userCode},
		{"expires_in", int64(deviceCodeLifetime / time.Second)}, {"interval", wholeSeconds(in.interval)},
	})
}

// letters are the capital letters of a text.
func letters(s string) string { return regexp.MustCompile("[^A-Z]").ReplaceAllString(s, "") }

// wholeSeconds rounds up: who waits that long, waits long enough.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// poll sets c.visit once the user has allowed the device.
func (c *call) poll() {
	in := c.s.devices.entries[c.form.Get("device_code")]
	if in == nil || in.session != nil {
		c.refuse("device_code_invalid")
		return
	}
	c.checkOwner(in.agreement)
	c.refuseIf(!c.now.Before(in.expires), "device_code_expired")
	c.refuseIf(c.reply == nil && in.tooEarly(c.now), "slow_down")
	c.refuseIf(in.denied, "device_denied")
	c.refuseIf(!in.ended, "authorization_pending")
	c.refuseIf(!c.s.inOrder(in.agreement), "device_code_invalid")
	c.adopt(in)
}

// activate is the page at which a user enters the code that a device shows.
func (c *call) activate() {
	c.visit = &visit{userCode: c.r.URL.Query().Get("user_code")}
	c.beginVisit()
}

// takeUserCode goes on with the sign-in of the device that the user means, from its beginning. Typed codes may have
// small letters and separators: https://www.rfc-editor.org/rfc/rfc8628#section-6.1
func (c *call) takeUserCode() {
	typed := c.form.Get("user_code")
	c.visit.userCode = typed
	for _, in := range c.s.devices.entries {
		if in.userCode == letters(strings.ToUpper(typed)) && !in.ended && c.now.Before(in.expires) {
			in.id, in.browser, in.login = c.visit.id, c.visit.browser, ""
			c.s.visits.put(in.id, in, c.s.limit)
			c.adopt(in)
			return
		}
	}
	c.refuse("user_code_invalid")
}
