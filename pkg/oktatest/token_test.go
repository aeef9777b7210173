package oktatest_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// good is a request that gets tokens.
func good(t *testing.T, s *oktatest.Server) *http.Request {
	t.Helper()
	return request(t, s, oktatest.Scenarios()[0])
}

func setForm(t *testing.T, r *http.Request, change func(url.Values)) {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		t.Fatal(err)
	}
	change(form)
	setBody(r, form.Encode())
}

func setBody(r *http.Request, text string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	r.GetBody = nil
	if text == "" {
		r.Body = http.NoBody // otherwise its length counts as unknown
	}
}

func basic(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

// The refusals that are not about a user, an app or a scope, and so not among Scenarios.
func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	const multiple = "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, " +
		"credentials in the post body, or a client_assertion in the post body."
	const badBasic = "Found Authentication header but was not valid client credentials."
	const mismatch = "Client authentication failed. Either the client or the client credentials are invalid."
	form := func(change func(url.Values)) func(*testing.T, *http.Request) {
		return func(t *testing.T, r *http.Request) { setForm(t, r, change) }
	}
	header := func(name, value string) func(*testing.T, *http.Request) {
		return func(_ *testing.T, r *http.Request) { r.Header.Set(name, value) }
	}
	path := func(path string) func(*testing.T, *http.Request) {
		return func(_ *testing.T, r *http.Request) { r.URL.Path = path }
	}
	for _, test := range []struct {
		name   string
		quirks oktatest.Quirks
		edit   func(*testing.T, *http.Request)
		status int
		code   string
		text   string // the beginning
	}{
		{"GET", oktatest.Quirks{}, func(_ *testing.T, r *http.Request) { r.Method = "GET" }, 405, "E0000022", "The endpoint does not support the provided HTTP method"},
		{"JSON body", oktatest.Quirks{}, header("Content-Type", "application/json"), 400, "E0000021",
			"Bad request.  Accept and/or Content-Type headers likely do not match supported values."},
		{"HTML wanted", oktatest.Quirks{}, header("Accept", "text/html"), 400, "E0000021", "Bad request.  Accept"},
		{"broken form", oktatest.Quirks{}, func(_ *testing.T, r *http.Request) { setBody(r, "grant_type=%zz") }, 400, "E0000003", "The request body was not well-formed."},
		{"body too long", oktatest.Quirks{}, func(_ *testing.T, r *http.Request) { setBody(r, "x="+strings.Repeat("y", 1<<20)) }, 400, "E0000003", "The request body"},
		{"from a browser", oktatest.Quirks{}, header("Origin", "https://example.com"), 400, "invalid_request", "Browser requests to the token endpoint must"},
		{"no such server", oktatest.Quirks{}, path("/oauth2/nowhere/v1/token"), 404, "E0000007", "Not found: Resource not found: nowhere (AuthorizationServer)"},
		{"org is no id", oktatest.Quirks{}, path("/oauth2/org/v1/token"), 404, "E0000007", "Not found: Resource not found: org (AuthorizationServer)"},
		{"no such path", oktatest.Quirks{}, path("/oauth2/default/token"), 404, "E0000008", "The requested path was not found"},
		{"no API Access Management", oktatest.Quirks{NoAPIAccessManagement: true}, nil, 401, "E0000015", "You do not have permission to access the feature you are requesting"},
		{"duplicate", oktatest.Quirks{}, form(func(v url.Values) { v.Add("scope", "openid") }), 400, "invalid_request",
			"Duplicate parameter provided in request. Duplicated parameters: [scope]."},
		{"credentials in the query", oktatest.Quirks{}, func(_ *testing.T, r *http.Request) { r.URL.RawQuery = "client_id=x" }, 400, "invalid_request",
			"Client credentials cannot be supplied via query parameters."},
		{"Basic and client_id", oktatest.Quirks{}, form(func(v url.Values) { v.Set("client_id", oktatest.DefaultClientID) }), 401, "invalid_request", multiple},
		{"Basic and assertion", oktatest.Quirks{}, form(func(v url.Values) { v.Set("client_assertion", "x") }), 401, "invalid_request", multiple},
		{"no credentials", oktatest.Quirks{}, func(_ *testing.T, r *http.Request) { r.Header.Del("Authorization") }, 401, "invalid_client", "No client credentials found."},
		{"Bearer", oktatest.Quirks{}, header("Authorization", "Bearer x"), 401, "invalid_client", badBasic},
		{"not base64", oktatest.Quirks{}, header("Authorization", "Basic ***"), 401, "invalid_client", badBasic},
		{"no colon", oktatest.Quirks{}, header("Authorization", basic(oktatest.DefaultClientID)), 401, "invalid_client", badBasic},
		{"no colon, not Basic", oktatest.Quirks{}, header("Authorization", "Bearer "+basic(oktatest.PublicClientID)[6:]), 401, "invalid_client", badBasic},
		{"Basic by a client of the body", oktatest.Quirks{}, header("Authorization", basic(oktatest.PostClientID+":"+oktatest.DefaultClientSecret)), 401, "invalid_client", mismatch},
		{"Basic by a public client", oktatest.Quirks{}, header("Authorization", basic(oktatest.PublicClientID+":x")), 401, "invalid_client", mismatch},
		{"no grant", oktatest.Quirks{}, form(func(v url.Values) { v.Del("grant_type") }), 400, "invalid_request",
			"The token request must specify a 'grant_type'. Valid values: [authorization_code, password, "},
		{"unknown grant", oktatest.Quirks{}, form(func(v url.Values) { v.Set("grant_type", "x") }), 400, "unsupported_grant_type",
			"The authorization grant type is not supported by the authorization server. Configured grant types: [authorization_code, "},
		{"scope too long", oktatest.Quirks{}, form(func(v url.Values) { v.Set("scope", "openid "+strings.Repeat("x", 4096)) }), 400, "invalid_scope", "The requested scope is invalid, "},
		{"okta scope at a custom server", oktatest.Quirks{}, form(func(v url.Values) { v.Set("scope", "openid okta.users.read") }), 400, "invalid_scope",
			"One or more scopes are not configured for the authorization server resource."},
		{"device_sso at the org server", oktatest.Quirks{}, func(t *testing.T, r *http.Request) {
			r.URL.Path = "/oauth2/v1/token"
			setForm(t, r, func(v url.Values) { v.Set("scope", "openid device_sso") })
		}, 400, "invalid_scope", "Custom scopes are not allowed for this request."},
		{"OIDC scope without openid, 403", oktatest.Quirks{OpenIDRequired403: true}, form(func(v url.Values) { v.Set("scope", "email") }), 403, "access_denied",
			"Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, oktatest.Options{Quirks: test.quirks})
			r := good(t, s)
			if test.edit != nil {
				test.edit(t, r)
			}
			got := send(t, s, r)
			code, text := got.error(t)
			if got.Status != test.status || code != test.code || !strings.HasPrefix(text, test.text) {
				t.Errorf("got %d %q %q, want %d %q %q…", got.Status, code, text, test.status, test.code, test.text)
			}
			if log := s.Requests(); len(log) != 1 || log[0].Status != test.status || log[0].ErrorCode != test.code {
				t.Errorf("log: got %v, want one request with %d %s", log, test.status, test.code)
			}
		})
	}
}

func TestOfflineAccessDeniedByPolicy(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Quirks: oktatest.Quirks{OfflineDeniedByPolicy: true}})
	e := oktatest.Scenarios()[0]
	e.ClientID, e.Scope = oktatest.NoRefreshClientID, "openid offline_access"
	code, text := send(t, s, request(t, s, e)).error(t)
	if want := "Some of the requested scopes were denied by the policy. Denied scopes: [offline_access]."; code != "access_denied" || text != want {
		t.Errorf("got %q %q, want access_denied %q", code, text, want)
	}
}

// Both shapes of error have all their members, in Okta's order.
func TestErrorShapes(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := good(t, s)
	setForm(t, r, func(v url.Values) { v.Set("password", "wrong-horse") })
	if got, want := send(t, s, r).Text, `{"error":"invalid_grant","error_description":"The credentials provided were invalid."}`; got != want {
		t.Errorf("OAuth shape: got %s, want %s", got, want)
	}
	r = good(t, s)
	r.SetBasicAuth("0oaNobody", "x")
	got := send(t, s, r)
	want := `{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter.","errorLink":"invalid_client","errorId":"` +
		got.member(t, "errorId") + `","errorCauses":[]}`
	if id := got.member(t, "errorId"); got.Text != want || len(id) != 25 || !strings.HasPrefix(id, "oae") {
		t.Errorf("API shape: got %s, want %s", got.Text, want)
	}
	mfa := oktatest.Scenarios()[0]
	mfa.Login, mfa.ClientID = "mfa@example.com", oktatest.DirectAuthClientID
	if token := send(t, s, request(t, s, mfa)).member(t, "mfa_token"); len(token) != 20 {
		t.Errorf("mfa_token: got %q, want 20 characters", token)
	}
}

func TestHeadersOfEveryReply(t *testing.T) {
	t.Parallel()
	s := start(t)
	bad := good(t, s)
	bad.SetBasicAuth("0oaNobody", "x")
	for name, r := range map[string]*http.Request{"success": good(t, s), "refusal": bad} {
		h := send(t, s, r).Header
		for header, want := range map[string]string{
			"Content-Type": "application/json", "Cache-Control": "no-cache, no-store", "Pragma": "no-cache", "Expires": "0",
			"Date": "Sat, 01 Aug 2026 12:00:00 GMT", "X-Rate-Limit-Limit": "1200", "X-Rate-Limit-Reset": "1785585660",
		} {
			if got := h.Get(header); got != want {
				t.Errorf("%s: %s: got %q, want %q", name, header, got, want)
			}
		}
		if id := h.Get("X-Okta-Request-Id"); len(id) != 25 || !strings.HasPrefix(id, "req") {
			t.Errorf("%s: request id: got %q", name, id)
		}
	}
}

func TestBasicEncodings(t *testing.T) {
	t.Parallel()
	s := start(t)
	const id, secret = "0oa$app", "a secret:with%41+signs"
	s.AddApp(oktatest.App{ClientID: id, Secrets: []string{"old-secret-00000", secret}, Grants: []string{oktatest.GrantPassword}})
	raw, encoded := basic(id+":"+secret), basic(url.QueryEscape(id)+":"+url.QueryEscape(secret))
	for _, test := range []struct {
		name, header string
		want         int
	}{
		{"raw", raw, 200},
		{"encoded", encoded, 200},
		{"encoded twice", basic(url.QueryEscape(id) + ":" + url.QueryEscape(url.QueryEscape(secret))), 401},
		{"not encoded right", basic(id + ":%zz"), 401},
		{"the older secret", basic(id + ":old-secret-00000"), 200},
	} {
		s.Clock().Advance(time.Second)
		r := good(t, s)
		r.Header.Set("Authorization", test.header)
		if got := send(t, s, r); got.Status != test.want {
			t.Errorf("%s: got %d %s, want %d", test.name, got.Status, got.Text, test.want)
		}
	}
}

// A public client of okta-auth-js revokes its tokens with its id in the header, and okta-sdk-golang puts its parameters
// into the query of an empty form.
func TestClientsOfOktasSDKs(t *testing.T) {
	t.Parallel()
	s := start(t)
	e := oktatest.Scenarios()[4] // "a public client"
	token := send(t, s, request(t, s, e)).member(t, "access_token")
	for _, header := range []string{basic(oktatest.PublicClientID), basic(oktatest.PublicClientID + ":"), ""} {
		for _, endpoint := range []string{"introspect", "revoke"} {
			form := url.Values{"token": {token}}
			if header == "" {
				form.Set("client_id", oktatest.PublicClientID)
			}
			r := newPost(t, s.URL()+defaultBase+endpoint, form)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			if got := send(t, s, r); got.Status != 200 {
				t.Errorf("%s with %q: got %d %s", endpoint, header, got.Status, got.Text)
			}
		}
	}
	if got := introspect(t, s, token); got != `{"active":false}` {
		t.Errorf("revoked: got %s", got)
	}
	target := tokenURL(s, oktatest.OrgServerID)
	query := url.Values{
		"grant_type": {oktatest.GrantClientCredentials}, "scope": {"okta.users.read"}, "client_assertion_type": {assertionType},
		"client_assertion": {byTestKey(t, s, oktatest.ServiceKeyClientID, target, nil)},
	}
	if got := send(t, s, newPost(t, target+"?"+query.Encode(), nil)); got.Status != 200 {
		t.Errorf("parameters in the query: got %d %s", got.Status, got.Text)
	}
	if got := send(t, s, newPost(t, target+"?"+query.Encode(), url.Values{"scope": {"okta.groups.read"}})); !strings.Contains(got.Text, "Duplicated parameters: [scope].") {
		t.Errorf("scope in both: got %d %s", got.Status, got.Text)
	}
}

// What Okta has and this package has not is neither a success nor one of Okta's refusals.
func TestNotImplemented(t *testing.T) {
	t.Parallel()
	s := start(t)
	app, _ := s.App(oktatest.DefaultClientID)
	app.Grants = []string{"urn:openid:params:grant-type:ciba"}
	s.AddApp(app)
	r := good(t, s)
	setForm(t, r, func(v url.Values) {
		v.Set("grant_type", app.Grants[0])
		v.Set("auth_req_id", "canary-id")
	})
	if got := send(t, s, r); got.Status != 501 || !strings.Contains(got.Text, app.Grants[0]) {
		t.Errorf("CIBA: got %d %s, want 501", got.Status, got.Text)
	}
	if got := send(t, s, newPost(t, s.URL()+"/oauth2/v1/bc/authorize", nil)); got.Status != 501 {
		t.Errorf("bc/authorize: got %d %s, want 501", got.Status, got.Text)
	}
}

func TestChunked(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := good(t, s)
	r.ContentLength = -1
	if got := send(t, s, r); got.Status != 411 {
		t.Errorf("no Content-Length: got %d, want 411", got.Status)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Audience: "api://one", Scopes: []oktatest.Scope{{Name: "a"}, {Name: "b"}}, Rules: []oktatest.Rule{
		{Clients: []string{"another"}},
		{Grants: []string{oktatest.GrantClientCredentials}},
		{Users: []string{"nobody@example.com"}},
		{Users: []string{"ALICE@example.com"}, Scopes: []string{"openid", "a"}, Lifetime: 5 * time.Minute},
		{Scopes: []string{"openid"}},
	}})
	for scope, want := range map[string]string{"openid a": `"expires_in":300,`, "openid": `"expires_in":300,`, "openid b": "access_denied"} {
		e := oktatest.Scenarios()[0]
		e.Server, e.Scope = "aus1", scope
		if got := send(t, s, request(t, s, e)); !strings.Contains(got.Text, want) {
			t.Errorf("%s: got %s, want %s", scope, got.Text, want)
		}
	}
	trusted := oktatest.App{ClientID: "trusted", Secrets: []string{oktatest.DefaultClientSecret}, Grants: []string{oktatest.GrantPassword}, Trusted: true}
	s.AddApp(trusted)
	e := oktatest.Scenarios()[0]
	e.ClientID, e.Scope = "trusted", "openid api:consent"
	if got := send(t, s, request(t, s, e)); got.Status != 200 {
		t.Errorf("consent of a trusted app: got %d %s, want 200", got.Status, got.Text)
	}
	trusted.OrgOnly, trusted.OktaScopes = true, []string{"okta.users.read"}
	s.AddApp(trusted)
	s.Clock().Advance(time.Second)
	if code, _ := send(t, s, request(t, s, e)).error(t); code != "unauthorized_client" {
		t.Errorf("org-only app at a custom server: got %q, want unauthorized_client", code)
	}
	e.Server, e.Scope = oktatest.OrgServerID, "openid groups okta.users.read"
	if got := send(t, s, request(t, s, e)); got.Status != 200 {
		t.Errorf("okta scope at the org server: got %d %s, want 200", got.Status, got.Text)
	}
}
