package oktatest_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

const (
	accessTokenType  = "urn:ietf:params:oauth:token-type:access_token"
	idTokenType      = "urn:ietf:params:oauth:token-type:id_token"
	idJAGType        = "urn:ietf:params:oauth:token-type:id-jag"
	deviceSecretType = "urn:x-oath:params:oauth:token-type:device-secret"
)

// exchanging is the form of an exchange, with some parameters changed; "" removes one.
func exchanging(subject, subjectType string, changes map[string]string) url.Values {
	form := url.Values{
		"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {subject}, "subject_token_type": {subjectType},
	}
	return changed(form, changes)
}

func changed(form url.Values, changes map[string]string) url.Values {
	form = maps.Clone(form)
	for name, value := range changes {
		if form.Set(name, value); value == "" {
			form.Del(name)
		}
	}
	return form
}

// withSecret sends a form by Basic, with DefaultClientSecret.
func withSecret(t *testing.T, s *oktatest.Server, client, target string, form url.Values) answer {
	t.Helper()
	r := newPost(t, target, form)
	r.SetBasicAuth(client, oktatest.DefaultClientSecret)
	return send(t, s, r)
}

func withTestKey(t *testing.T, s *oktatest.Server, client, target string, form url.Values) answer {
	t.Helper()
	return asserted(t, s, target, form, byTestKey(t, s, client, target, nil))
}

func TestExchangeOnBehalfOf(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	user := signIn(t, s, "default", "openid profile")
	subject, id := user.member(t, "access_token"), user.member(t, "id_token")
	expired, ended := "", ""
	s.AddAuthServer(oktatest.AuthServer{ID: "ausShort", Rules: []oktatest.Rule{{Lifetime: time.Minute}}})
	expired = signIn(t, s, "ausShort", "openid").member(t, "access_token")
	ended = signIn(t, s, "default", "openid").member(t, "access_token")
	send(t, s, byClient(t, s, s.Issuer("default")+"/v1/revoke", url.Values{"token": {ended}}))
	s.Clock().Advance(time.Minute)

	target := tokenURL(s, oktatest.DefaultScopesServerID)
	good := map[string]string{"audience": "api://default-scopes", "scope": "api:write"}
	got := withSecret(t, s, oktatest.ServiceClientID, target, exchanging(subject, accessTokenType, good))
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"api:write","issued_token_type":"`+accessTokenType+`"\}`)
	_, claims, signed := open(t, got.member(t, "access_token"), publicKeys(t, s, s.Issuer(oktatest.DefaultScopesServerID)+"/v1/keys"))
	mustMatch(t, "claims", claims, `.*"aud":"api://default-scopes","sub":"alice@example.com",.*"cid":"0oaServiceClient0001","uid":"00u[^"]+","scp":\["api:write"\],"auth_time":1785585601\}`)
	if !signed {
		t.Error("no published key signed it")
	}

	const ofService, gone = "Only service clients may use on-behalf token exchange.", "The 'subject_token' either expired or the session associated with it was terminated."
	const scopes, policy = "Can't request 'openid' scopes using the Token Exchange flow for a service app.", "Policy evaluation failed for this request, please check the policy configurations."
	itself := send(t, s, request(t, s, itself(t, s))).member(t, "access_token")
	unsupported := func(name string) string { return "'" + name + "' is invalid or not supported." }
	for name, test := range map[string]struct {
		subject, kind string
		changes       map[string]string
		want, text    string
	}{
		"no audience":               {subject, accessTokenType, map[string]string{"audience": ""}, "200 ", ""},
		"no scope: default scopes":  {subject, accessTokenType, map[string]string{"scope": ""}, "200 ", ""},
		"named type":                {subject, accessTokenType, map[string]string{"requested_token_type": accessTokenType}, "200 ", ""},
		"unknown token":             {"canary", accessTokenType, nil, "400 invalid_request", "'subject_token' is invalid."},
		"an ID token as access":     {id, accessTokenType, nil, "400 invalid_request", "'subject_token' is invalid."},
		"an ID token":               {id, idTokenType, nil, "400 invalid_request", unsupported("subject_token_type")},
		"the org server's":          {signIn(t, s, "org", "openid").member(t, "access_token"), accessTokenType, nil, "400 invalid_request", "'subject_token' is invalid."},
		"a client's own":            {itself, accessTokenType, nil, "400 invalid_request", "'subject_token' is invalid."},
		"expired":                   {expired, accessTokenType, nil, "400 invalid_grant", gone},
		"revoked":                   {ended, accessTokenType, nil, "400 invalid_grant", gone},
		"unknown type":              {subject, "urn:ietf:params:oauth:token-type:saml2", nil, "400 invalid_request", unsupported("subject_token_type")},
		"unknown requested type":    {subject, accessTokenType, map[string]string{"requested_token_type": idTokenType}, "400 invalid_request", unsupported("requested_token_type")},
		"id-jag at a custom server": {subject, accessTokenType, map[string]string{"requested_token_type": idJAGType}, "400 invalid_request", unsupported("requested_token_type")},
		"unknown actor":             {subject, accessTokenType, map[string]string{"actor_token": "x", "actor_token_type": accessTokenType}, "400 invalid_request", unsupported("actor_token_type")},
		"another audience":          {subject, accessTokenType, map[string]string{"audience": "api://default"}, "400 invalid_target", "'audience' is invalid."},
		"openid":                    {subject, accessTokenType, map[string]string{"scope": "openid api:read"}, "400 invalid_scope", scopes},
		"offline_access":            {subject, accessTokenType, map[string]string{"scope": "offline_access"}, "400 invalid_scope", scopes},
		"unknown scope":             {subject, accessTokenType, map[string]string{"scope": "api:unknown"}, "400 invalid_scope", "One or more scopes are not configured for the authorization server resource."},
		"no subject":                {"", accessTokenType, nil, "400 invalid_request", "The required parameter 'subject_token' is missing."},
		"no subject type":           {subject, "", nil, "400 invalid_request", "The required parameter 'subject_token_type' is missing."},
	} {
		form := changed(exchanging(test.subject, test.kind, good), test.changes)
		mustSay(t, name, withSecret(t, s, oktatest.ServiceClientID, target, form), test.want, test.text)
	}
	form := exchanging(subject, accessTokenType, good)
	mustSay(t, "no service", withTestKey(t, s, oktatest.PrivateKeyClientID, target, form), "400 unauthorized_client", ofService)
	mustSay(t, "at the org server", withSecret(t, s, oktatest.ServiceClientID, tokenURL(s, "org"), form), "400 unsupported_grant_type",
		"'urn:ietf:params:oauth:grant-type:token-exchange' grant type is not supported.")
	mustSay(t, "no policy", withSecret(t, s, oktatest.ServiceClientID, tokenURL(s, oktatest.NoPolicyServerID),
		exchanging(subject, accessTokenType, map[string]string{"scope": "api:read"})), "401 access_denied", policy)
	code, _ := withSecret(t, s, oktatest.DefaultClientID, target, form).error(t)
	if code != "unauthorized_client" {
		t.Errorf("grant off: got %q", code)
	}
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	mustSay(t, "user is gone", withSecret(t, s, oktatest.ServiceClientID, target, form), "400 invalid_grant", gone)
}

// A second app on the same device signs in with what the first got.
func TestExchangeNativeSSO(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := func(scope string) answer {
		t.Helper()
		s.Clock().Advance(time.Second)
		page := newBrowser(t, s).open(t, authorizeURL(s, map[string]string{"scope": scope})).password(t, oktatest.DefaultUser)
		return send(t, s, redeeming(t, s, page.result(t).Get("code"), nil))
	}
	app := first("openid device_sso offline_access")
	secret, id := app.member(t, "device_secret"), app.member(t, "id_token")
	other := first("openid device_sso offline_access")
	for _, scope := range []string{"openid offline_access", "openid device_sso"} {
		if without := first(scope); len(secret) != 43 || without.member(t, "device_secret") != "" {
			t.Fatalf("got %s, for %s %s", app.Text, scope, without.Text)
		}
	}
	if got := mustRefresh(t, s, app.member(t, "refresh_token")); got.member(t, "device_secret") != "" {
		t.Errorf("a refresh: got %s", got.Text)
	}
	target := tokenURL(s, "default")
	good := map[string]string{"actor_token": secret, "actor_token_type": deviceSecretType, "audience": "api://default", "scope": "openid offline_access"}
	got := withTestKey(t, s, oktatest.PrivateKeyClientID, target, exchanging(id, idTokenType, good))
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"offline_access openid","refresh_token":"[^"]{43}",`+
		`"id_token":"[^"]+","issued_token_type":"`+accessTokenType+`"\}`)
	_, claims, _ := open(t, got.member(t, "id_token"), nil)
	mustMatch(t, "ID token", claims, `.*"aud":"0oaPrivateKeyApp0001",.*"amr":\["pwd"\],.*"auth_time":1785585601,.*`)
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.member(t, "refresh_token")}}
	if again := withTestKey(t, s, oktatest.PrivateKeyClientID, target, refresh); again.Status != 200 || strings.Contains(again.Text, "issued_token_type") {
		t.Errorf("its refresh: got %d %s", again.Status, again.Text)
	}
	for name, test := range map[string]struct {
		subject, kind string
		changes       map[string]string
		want, text    string
	}{
		"no secret":         {id, idTokenType, map[string]string{"actor_token": ""}, "400 invalid_request", "The required parameter 'actor_token' is missing."},
		"unknown secret":    {id, idTokenType, map[string]string{"actor_token": "canary"}, "400 invalid_request", "'actor_token' is invalid."},
		"another sign-in's": {other.member(t, "id_token"), idTokenType, nil, "400 invalid_request", "'actor_token' is invalid."},
		"an access token":   {app.member(t, "access_token"), accessTokenType, nil, "400 invalid_request", "'subject_token_type' is invalid or not supported."},
		"no audience":       {id, idTokenType, map[string]string{"audience": ""}, "400 invalid_request", "The required parameter 'audience' is missing."},
		"another audience":  {id, idTokenType, map[string]string{"audience": "api://another"}, "400 invalid_target", "'audience' is invalid."},
	} {
		form := changed(exchanging(test.subject, test.kind, good), test.changes)
		mustSay(t, name, withTestKey(t, s, oktatest.PrivateKeyClientID, target, form), test.want, test.text)
	}
	mustSay(t, "at another server", withTestKey(t, s, oktatest.PrivateKeyClientID, tokenURL(s, oktatest.DefaultScopesServerID), exchanging(id, idTokenType, good)),
		"400 invalid_request", "'actor_token' is invalid.")
	mustMatch(t, "introspection", introspect(t, s, secret), `\{"active":true,"sid":"idx[^"]{17}","token_type":"`+deviceSecretType+`","exp":[0-9]+\}`)
	r := byClient(t, s, s.Issuer(oktatest.DefaultScopesServerID)+"/v1/introspect", url.Values{"token": {secret}})
	if got := send(t, s, r).Text; got != `{"active":false}` {
		t.Errorf("introspection at another server: got %s", got)
	}
	revoke := func(token string) {
		send(t, s, byClient(t, s, s.Issuer("default")+"/v1/revoke", url.Values{"token": {token}, "token_type_hint": {"device_secret"}}))
	}
	revoked := other.member(t, "device_secret")
	withTestKey(t, s, oktatest.PrivateKeyClientID, s.Issuer("default")+"/v1/revoke", url.Values{"token": {revoked}})
	if !strings.Contains(introspect(t, s, revoked), `"active":true`) {
		t.Error("another client revoked a device secret")
	}
	if revoke(revoked); introspect(t, s, revoked) != `{"active":false}` || !s.RefreshAlive(other.member(t, "refresh_token")) {
		t.Error("a revoked device secret is active, or its revocation ends the session")
	}
	form := changed(exchanging(other.member(t, "id_token"), idTokenType, good), map[string]string{"actor_token": revoked})
	mustSay(t, "revoked", withTestKey(t, s, oktatest.PrivateKeyClientID, target, form), "400 invalid_request", "'actor_token' is invalid.")
	second, _ := s.App(oktatest.PrivateKeyClientID)
	second.Assigned = []string{"nobody@example.com"}
	s.AddApp(second)
	mustSay(t, "not assigned", withTestKey(t, s, oktatest.PrivateKeyClientID, target, exchanging(id, idTokenType, good)),
		"400 access_denied", "User is not assigned to the client application.")
	second.Assigned = nil
	s.AddApp(second)
	send(t, s, byClient(t, s, s.Issuer("default")+"/v1/revoke", url.Values{"token": {app.member(t, "refresh_token")}}))
	if got := introspect(t, s, secret); got != `{"active":false}` {
		t.Errorf("signed out: got the device secret %s", got)
	}
	mustSay(t, "signed out", withTestKey(t, s, oktatest.PrivateKeyClientID, target, exchanging(id, idTokenType, good)),
		"400 invalid_grant", "The 'subject_token' either expired or the session associated with it was terminated.")
}

func TestExchangeIDJAG(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	org, custom, client := tokenURL(s, "org"), tokenURL(s, "default"), oktatest.PrivateKeyClientID
	id := signIn(t, s, "org", "openid").member(t, "id_token")
	good := map[string]string{"requested_token_type": idJAGType, "audience": s.Issuer("default"), "scope": "api:read api:write"}
	jag := func(scope string) string {
		t.Helper()
		got := withTestKey(t, s, client, org, changed(exchanging(id, idTokenType, good), map[string]string{"scope": scope}))
		mustMatch(t, "answer", got.Text, `\{"token_type":"N_A","expires_in":300,"issued_token_type":"`+idJAGType+`","access_token":"[^"]+"(,"scope":"[^"]+")?\}`)
		return got.member(t, "access_token")
	}
	redeem := func(jag, scope string) answer {
		t.Helper()
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {jag}}
		return withTestKey(t, s, client, custom, changed(form, map[string]string{"scope": scope}))
	}
	first := jag("api:read api:write")
	header, claims, signed := open(t, first, publicKeys(t, s, s.URL()+"/oauth2/v1/keys"))
	mustMatch(t, "JAG", claims, `\{"jti":"[^"]+","iss":"`+s.URL()+`","sub":"00u[^"]+","aud":"`+s.Issuer("default")+`","client_id":"0oaPrivateKeyApp0001",`+
		`"iat":1785585601,"exp":1785585901,"scope":"api:read api:write"\}`)
	if !signed || !strings.Contains(header, `"typ":"oauth-id-jag+jwt"`) {
		t.Errorf("got the header %s, signed by a published key: %v", header, signed)
	}
	if got := introspect(t, s, first); got != `{"active":false}` { // it is no access token
		t.Errorf("introspection: got %s", got)
	}
	got := redeem(first, "")
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"api:read api:write"\}`)
	_, claims, _ = open(t, got.member(t, "access_token"), nil)
	mustMatch(t, "claims", claims, `.*"aud":"api://default","sub":"alice@example.com",.*"cid":"0oaPrivateKeyApp0001",.*`)
	mustSay(t, "used", redeem(first, ""), "400 invalid_grant", "Invalid grant")
	mustSay(t, "unknown", redeem("canary", ""), "400 invalid_grant", "Invalid grant")
	if got := redeem(jag("api:read api:write"), "api:read"); got.member(t, "scope") != "api:read" {
		t.Errorf("fewer scopes: got %s", got.Text)
	}
	if got := redeem(jag(""), "api:read"); got.member(t, "scope") != "api:read" {
		t.Errorf("a JAG without scopes: got %s", got.Text)
	}
	mustSay(t, "more scopes", redeem(jag("api:read"), "api:read api:write"), "400 invalid_scope", "The following scopes are not allowed for this request: [api:write].")
	mustSay(t, "openid", redeem(jag(""), "openid api:read"), "400 invalid_scope", "The following scopes are not allowed for this request: [openid].")

	late, foreign, elsewhere := jag("api:read"), jag("api:read"), jag("api:read")
	app, _ := s.App(client)
	app.ClientID = "another"
	s.AddApp(app)
	client = "another"
	mustSay(t, "another client", redeem(foreign, ""), "400 invalid_grant", "Invalid grant")
	client, custom = oktatest.PrivateKeyClientID, tokenURL(s, oktatest.DefaultScopesServerID)
	mustSay(t, "another server", redeem(elsewhere, ""), "400 invalid_grant", "Invalid grant")
	custom = tokenURL(s, "default")
	s.Clock().Advance(5 * time.Minute)
	mustSay(t, "five minutes later", redeem(late, ""), "400 invalid_grant", "Invalid grant")
	last := jag("api:read")
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	mustSay(t, "user is gone", redeem(last, ""), "400 invalid_grant", "Invalid grant")
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Active)

	for name, changes := range map[string]map[string]string{
		"the org server": {"audience": s.URL()}, "no audience": {"audience": ""}, "an id": {"audience": "default"}, "elsewhere": {"audience": "https://elsewhere.example/oauth2/default"},
		"unknown server": {"audience": s.URL() + "/oauth2/nowhere"},
	} {
		form := changed(exchanging(id, idTokenType, good), changes)
		mustSay(t, name, withTestKey(t, s, client, org, form), "400 invalid_target", "'audience' is invalid.")
	}
	mustSay(t, "unknown subject", withTestKey(t, s, client, org, exchanging("canary", idTokenType, good)), "400 invalid_request", "'subject_token' is invalid.")
	mustSay(t, "an access token as ID", withTestKey(t, s, client, org, exchanging(signIn(t, s, "default", "openid").member(t, "access_token"), idTokenType, good)),
		"400 invalid_request", "'subject_token' is invalid.")
	mustSay(t, "unknown type", withTestKey(t, s, client, org, exchanging(id, "x", good)), "400 invalid_request", "'subject_token_type' is invalid or not supported.")
	s.AddApp(oktatest.App{ClientID: "public", AuthMethod: oktatest.NoSecret, Grants: []string{oktatest.GrantTokenExchange}})
	form := changed(exchanging(id, idTokenType, good), map[string]string{"client_id": "public"})
	mustSay(t, "public client", send(t, s, newPost(t, org, form)), "400 unauthorized_client", "Confidential client is required to make this request.")
}

// An exchange binds its tokens as every grant does, and a bound subject need not be proved.
func TestExchangeWithDPoP(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := newProver(t)
	r := newPost(t, tokenURL(s, "default"), exchanging(signIn(t, s, "default", "openid").member(t, "access_token"), accessTokenType, map[string]string{"scope": "api:read"}))
	r.SetBasicAuth(oktatest.ServiceClientID, oktatest.DefaultClientSecret)
	if got := p.send(t, s, r); got.Status != 200 || got.member(t, "token_type") != "DPoP" {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
}
