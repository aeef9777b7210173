package oktatest_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// itself is the scenario of a client that acts for itself.
func itself(t *testing.T, s *oktatest.Server) oktatest.Scenario {
	t.Helper()
	scenarios := oktatest.Scenarios()
	i := slices.IndexFunc(scenarios, func(e oktatest.Scenario) bool { return e.Grant == oktatest.GrantClientCredentials && e.Error == "" })
	if i < 0 {
		t.Fatal("no scenario has a client that acts for itself")
	}
	return scenarios[i]
}

// The claims and their order are those of a recorded answer: sub and cid are the client, and there is no uid and no auth_time.
func TestTokenOfAClient(t *testing.T) {
	t.Parallel()
	s := start(t)
	e := itself(t, s)
	e.Scope = "api:write api:read"
	got := send(t, s, request(t, s, e))
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"api:read api:write"\}`)
	_, claims, signed := open(t, got.member(t, "access_token"), publicKeys(t, s, s.URL()+"/oauth2/default/v1/keys"))
	if !signed {
		t.Error("no published key signed it")
	}
	mustMatch(t, "access token", claims, `\{"ver":1,"jti":"AT\.[-_A-Za-z0-9]{43}","iss":"`+regexp.QuoteMeta(s.Issuer("default"))+`","aud":"api://default",`+
		`"iat":1785585600,"exp":1785589200,"cid":"0oaServiceClient0001","scp":\["api:read","api:write"\],"sub":"0oaServiceClient0001"\}`)
}

// Every endpoint that takes a token takes that of a client, which no user stands behind.
func TestLifeOfAClientsToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := send(t, s, request(t, s, itself(t, s))).member(t, "access_token")
	ask := func(endpoint string) answer {
		r := newPost(t, s.Issuer("default")+"/v1/"+endpoint, url.Values{"token": {token}})
		r.SetBasicAuth(oktatest.ServiceClientID, oktatest.DefaultClientSecret)
		return send(t, s, r)
	}
	mustMatch(t, "introspect", ask("introspect").Text, `\{"active":true,"token_type":"Bearer","scope":"api:read","client_id":"0oaServiceClient0001",`+
		`"exp":1785589200,"iat":1785585600,"sub":"0oaServiceClient0001","aud":"api://default","iss":"[^"]+","jti":"AT\.[^"]+"\}`)
	if got, want := get(t, s, s.URL()+"/api/hello", token).Text, `{"hello":"0oaServiceClient0001","scopes":["api:read"]}`; got != want {
		t.Errorf("hello: got %s, want %s", got, want)
	}
	if got := get(t, s, s.Issuer("default")+"/v1/userinfo", token); got.Status != 403 || !strings.Contains(got.Header.Get("Www-Authenticate"), "insufficient_scope") {
		t.Errorf("userinfo: got %d %q, want 403 insufficient_scope", got.Status, got.Header.Get("Www-Authenticate"))
	}
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	if got := ask("introspect"); !strings.Contains(got.Text, `"active":true`) {
		t.Errorf("after a user was deactivated: got %s", got.Text)
	}
	if got := ask("revoke"); got.Status != 200 {
		t.Errorf("revoke: got %d %s", got.Status, got.Text)
	}
	if got := ask("introspect").Text; got != `{"active":false}` {
		t.Errorf("after revocation: got %s", got)
	}
}

// The refusals that the apps, servers and settings of the scenarios do not show.
func TestClientCredentialsRefusals(t *testing.T) {
	t.Parallel()
	const openid, policy = "Cannot request 'openid' scopes using client credentials.", "Policy evaluation failed for this request, please check the policy configurations."
	for _, test := range []struct {
		name   string
		edit   func(*oktatest.Server, *oktatest.Scenario)
		status int
		code   string
		text   string
	}{
		{"public client with the grant", func(s *oktatest.Server, e *oktatest.Scenario) {
			s.AddApp(oktatest.App{ClientID: "public", AuthMethod: oktatest.NoSecret, Grants: []string{oktatest.GrantClientCredentials}})
			e.ClientID, e.AuthMethod = "public", oktatest.NoSecret
		}, 400, "unauthorized_client", "Confidential client is required to make this request."},
		{"policy without the grant", func(s *oktatest.Server, e *oktatest.Scenario) {
			s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Scopes: []oktatest.Scope{{Name: "api:read"}},
				Rules: []oktatest.Rule{{Grants: []string{oktatest.GrantPassword}}}})
			e.Server = "aus1"
		}, 401, "access_denied", policy},
		{"policy for another client", func(s *oktatest.Server, e *oktatest.Scenario) {
			s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Scopes: []oktatest.Scope{{Name: "api:read"}},
				Rules: []oktatest.Rule{{Clients: []string{"another"}}}})
			e.Server = "aus1"
		}, 401, "access_denied", policy},
		{"policy for one user", func(s *oktatest.Server, e *oktatest.Scenario) {
			s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Scopes: []oktatest.Scope{{Name: "api:read"}},
				Rules: []oktatest.Rule{{Users: []string{"nobody@example.com"}}}})
			e.Server = "aus1"
		}, 200, "", ""},
		{"profile alone", func(_ *oktatest.Server, e *oktatest.Scenario) { e.Scope = "profile" }, 400, "invalid_scope", openid},
		{"offline_access", func(_ *oktatest.Server, e *oktatest.Scenario) { e.Scope = "api:read offline_access" }, 400, "invalid_scope", openid},
		{"consent, trusted app", func(s *oktatest.Server, e *oktatest.Scenario) {
			app, _ := s.App(e.ClientID)
			app.Trusted = true
			s.AddApp(app)
			e.Scope = "api:read api:consent"
		}, 400, "consent_required", "The following scopes require user consent and cannot be granted for the client credentials grant type: [api:consent]."},
		{"some scopes denied", func(_ *oktatest.Server, e *oktatest.Scenario) { e.Scope = "api:read api:admin" }, 400, "access_denied",
			"Some of the requested scopes were denied by the policy. Denied scopes: [api:admin]."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			e := itself(t, s)
			test.edit(s, &e)
			got := send(t, s, request(t, s, e))
			if code, text := got.error(t); got.Status != test.status || code != test.code || text != test.text {
				t.Errorf("got %d %q %q, want %d %q %q", got.Status, code, text, test.status, test.code, test.text)
			}
		})
	}
}

// A client's sign-ins are not attempts of a user: they are not limited and lock no one out.
func TestAClientIsNotLockedOut(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{UserPerSecond: 1, MaxAttempts: 1}})
	for _, secret := range []string{"canary-wrong", "canary-wrong", oktatest.DefaultClientSecret, oktatest.DefaultClientSecret} {
		e := itself(t, s)
		e.Secret = secret
		want := 401
		if secret == oktatest.DefaultClientSecret {
			want = 200
		}
		if got := send(t, s, request(t, s, e)); got.Status != want {
			t.Errorf("got %d %s, want %d", got.Status, got.Text, want)
		}
	}
	s.Clock().Advance(time.Hour)
	if got := send(t, s, request(t, s, itself(t, s))); got.Status != 200 {
		t.Errorf("an hour later: got %d %s", got.Status, got.Text)
	}
}

// The org server takes services with private_key_jwt alone, and gives them the okta.* scopes that the app was granted.
func TestClientAtTheOrgServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	target := tokenURL(s, oktatest.OrgServerID)
	app, _ := s.App(oktatest.ServiceKeyClientID)
	app.ClientID, app.Service = "web", false
	s.AddApp(app)
	for name, test := range map[string]struct{ client, scope, want, text string }{
		"granted":        {oktatest.ServiceKeyClientID, "okta.users.read okta.groups.read", "200 ", ""},
		"not granted":    {oktatest.ServiceKeyClientID, "okta.users.manage", "400 consent_required", "You are not allowed any of the requested scopes."},
		"one of two":     {oktatest.ServiceKeyClientID, "okta.users.read okta.users.manage", "400 consent_required", "You are not allowed any of the requested scopes."},
		"openid":         {oktatest.ServiceKeyClientID, "openid", "400 invalid_scope", "Cannot request 'openid' scopes using client credentials."},
		"custom scope":   {oktatest.ServiceKeyClientID, "api:read", "400 invalid_scope", "Custom scopes are not allowed for this request."},
		"groups":         {oktatest.ServiceKeyClientID, "groups", "400 invalid_scope", "Custom scopes are not allowed for this request."},
		"no scope":       {oktatest.ServiceKeyClientID, "", "400 invalid_scope", "No scopes were requested."},
		"no service app": {"web", "okta.users.read", "401 invalid_client", "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org Authorization Server."},
	} {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {test.scope}}
		got := asserted(t, s, target, form, byTestKey(t, s, test.client, target, nil))
		mustSay(t, name, got, test.want, test.text)
		if test.text != "" {
			continue
		}
		if _, claims, signed := open(t, got.member(t, "access_token"), publicKeys(t, s, s.URL()+"/oauth2/v1/keys")); signed ||
			!strings.Contains(claims, `"aud":"`+s.URL()+`"`) || !strings.Contains(claims, `"scp":["okta.groups.read","okta.users.read"],"sub":"0oaServiceWithKey001"`) {
			t.Errorf("%s: got %s, signed by a published key: %v", name, claims, signed)
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"okta.users.read"}}
	r := newPost(t, target, form)
	r.SetBasicAuth(oktatest.ServiceClientID, oktatest.DefaultClientSecret)
	mustSay(t, "Basic", send(t, s, r), "401 invalid_client",
		"Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.")
	custom := tokenURL(s, "default")
	got := asserted(t, s, custom, form, byTestKey(t, s, oktatest.ServiceKeyClientID, custom, nil))
	mustSay(t, "okta.* at a custom server", got, "400 invalid_scope", "One or more scopes are not configured for the authorization server resource.")
}
