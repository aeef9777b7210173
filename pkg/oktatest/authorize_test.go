package oktatest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := newBrowser(t, s).open(t, authorizeURL(s, nil))
	if p.Status != 200 || p.title() != "Sign in" || p.alert() != "" || !strings.Contains(p.Text, "Continue to <strong>Sandbox</strong>") {
		t.Fatalf("got %d %q %q: %s", p.Status, p.title(), p.alert(), p.Text)
	}
	if got := p.form(nil).Get("username"); got != oktatest.DefaultUser {
		t.Errorf("user name: got %q", got)
	}
	if got := p.Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' http://127.0.0.1:8085;") {
		t.Errorf("a browser would not follow the redirect: %s", got)
	}
	p = p.submit(t, map[string]string{"password": "wrong-horse"})
	if p.Status != 400 || p.title() != "Error: Sign in" || p.alert() != "The credentials provided were invalid." ||
		p.form(nil).Get("username") != oktatest.DefaultUser || strings.Contains(p.Text, "wrong-horse") || strings.Count(p.Text, `aria-describedby="alert"`) != 1 {
		t.Errorf("wrong password: got %d %q %q: %s", p.Status, p.title(), p.alert(), p.Text)
	}
	s.Clock().Advance(time.Second)
	got := p.password(t, oktatest.DefaultUser).result(t)
	if code := got.Get("code"); len(got) != 3 || !regexp.MustCompile(`^[-_A-Za-z0-9]{43}$`).MatchString(code) || got.Get("state") != "state <&>" || got.Get("iss") != s.Issuer("default") {
		t.Fatalf("got %q", got)
	}

	s.Clock().Advance(299 * time.Second)
	tokens := send(t, s, redeeming(t, s, got.Get("code"), nil))
	mustMatch(t, "answer", tokens.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"offline_access openid profile",`+
		`"refresh_token":"[^"]{43}","id_token":"[^"]+"\}`)
	_, claims, signed := open(t, tokens.member(t, "id_token"), publicKeys(t, s, s.URL()+"/oauth2/default/v1/keys"))
	mustMatch(t, "ID token", claims, `.*"name":"Alice Example".*"iat":1785585900,.*"amr":\["pwd"\],.*"preferred_username":"alice@example.com","auth_time":1785585601,`+
		`"at_hash":"[^"]+","nonce":"test-nonce"\}`)
	if !signed {
		t.Error("no published key signed it")
	}
	refreshed := send(t, s, refreshing(t, s, tokens.member(t, "refresh_token"), ""))
	if _, claims, _ := open(t, refreshed.member(t, "id_token"), nil); strings.Contains(claims, "nonce") || !strings.Contains(claims, `"auth_time":1785585601`) {
		t.Errorf("after a refresh: %s", claims) // https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
	}

	again := send(t, s, redeeming(t, s, got.Get("code"), nil))
	if code, text := again.error(t); code != "invalid_grant" || text != "The authorization code is invalid or has expired." {
		t.Errorf("used again: got %q %q", code, text)
	}
	if s.RefreshAlive(tokens.member(t, "refresh_token")) || introspect(t, s, tokens.member(t, "access_token")) != `{"active":false}` {
		t.Error("a code that was used again leaves its tokens alive")
	}
}

// What is wrong with the client or redirect_uri stays on a page; the rest goes to the app, with state and iss.
func TestAuthorizeRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddApp(oktatest.App{ClientID: "0oaWithoutTheGrant01", Secrets: []string{"x"}, Grants: []string{"password"}, RedirectURIs: []string{oktatest.DefaultRedirectURI}})
	const redirect = "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings."
	for _, test := range []struct {
		name    string
		changes map[string]string
		onPage  bool
		code    string
		text    string // the beginning
	}{
		{"no client", map[string]string{"client_id": ""}, true, "invalid_client", "Invalid value for `client_id` parameter"},
		{"unknown client", map[string]string{"client_id": "<b>0oaNobody"}, true, "invalid_client", "Invalid value for `client_id` parameter"},
		{"deactivated app", map[string]string{"client_id": "0oaInactiveClient001"}, true, "invalid_client", "Invalid value for `client_id` parameter"},
		{"no redirect_uri", map[string]string{"redirect_uri": ""}, true, "invalid_request", redirect},
		{"another port", map[string]string{"redirect_uri": "http://127.0.0.1:8086/callback"}, true, "invalid_request", redirect},
		{"another name of loopback", map[string]string{"redirect_uri": "http://localhost:8085/callback"}, true, "invalid_request", redirect},
		{"longer", map[string]string{"redirect_uri": oktatest.DefaultRedirectURI + "/"}, true, "invalid_request", redirect},
		{"app without redirect URIs", map[string]string{"client_id": oktatest.PostClientID}, true, "invalid_request", redirect},
		{"no state", map[string]string{"state": ""}, false, "invalid_request", "The authentication request has an invalid 'state' parameter."},
		{"no response_type", map[string]string{"response_type": ""}, false, "unsupported_response_type", "The response type is not supported"},
		{"implicit", map[string]string{"response_type": "id_token token"}, false, "unsupported_response_type", "The response type is not supported"},
		{"response_mode", map[string]string{"response_mode": "smoke"}, false, "unsupported_response_mode", "The response mode is not supported"},
		{"no PKCE", map[string]string{"code_challenge": ""}, false, "invalid_request", "PKCE code challenge is required by the application."},
		{"no PKCE, public", map[string]string{"client_id": oktatest.PublicClientID, "code_challenge": ""}, false, "invalid_request", "PKCE code challenge is required"},
		{"plain", map[string]string{"code_challenge_method": "plain"}, false, "invalid_request", "PKCE code challenge method is not supported. Valid values: [S256]"},
		{"no method", map[string]string{"code_challenge_method": ""}, false, "invalid_request", "PKCE code challenge method is not supported."},
		{"short challenge", map[string]string{"code_challenge": "abc"}, false, "invalid_request", "PKCE code challenge contains illegal characters."},
		{"prompt=none", map[string]string{"prompt": "none"}, false, "login_required", "The client specified not to prompt, but the user is not logged in."},
		{"prompt=none login", map[string]string{"prompt": "none login"}, false, "invalid_request", "Invalid value for 'prompt' parameter."},
		{"unknown prompt", map[string]string{"prompt": "please"}, false, "invalid_request", "Invalid value for 'prompt' parameter."},
		{"no grant", map[string]string{"client_id": "0oaWithoutTheGrant01"}, false, "unauthorized_client", "The client is not authorized"},
		{"unknown scope", map[string]string{"scope": "openid api:unknown"}, false, "invalid_scope", "One or more scopes are not configured"},
		{"no scope", map[string]string{"scope": ""}, false, "invalid_scope", "The authorization server resource does not have any"},
	} {
		p := newBrowser(t, s).open(t, authorizeURL(s, test.changes))
		if test.onPage {
			if p.Status != 400 || !strings.HasPrefix(p.alert(), test.text) || !strings.Contains(p.Text, "<code>"+test.code+"</code>") || strings.Contains(p.Text, "<form") {
				t.Errorf("%s: got %d %q: %s", test.name, p.Status, p.alert(), p.Text)
			}
			continue
		}
		got := p.result(t)
		if got.Get("error") != test.code || !strings.HasPrefix(got.Get("error_description"), test.text) || got.Get("state") != authorizeState(test.changes) ||
			got.Get("iss") != s.Issuer("default") || got.Has("code") {
			t.Errorf("%s: got %q, want %q %q", test.name, got, test.code, test.text)
		}
	}
	for _, test := range []struct {
		edit   func(*oktatest.App)
		status int
		text   string
	}{
		{func(a *oktatest.App) { a.OutsideZone = true }, 403, "The request is made from outside the client's permitted network zones."},
		{func(a *oktatest.App) { a.OrgOnly = true }, 400, "This client cannot use a custom authorization server."},
	} {
		app, _ := s.App(oktatest.PublicClientID)
		test.edit(&app)
		app.ClientID = "0oaEditedClient00001"
		s.AddApp(app)
		p := newBrowser(t, s).open(t, authorizeURL(s, map[string]string{"client_id": app.ClientID}))
		if p.Status != test.status || p.alert() != test.text {
			t.Errorf("got %d %q, want %d %q", p.Status, p.alert(), test.status, test.text)
		}
	}
	p := newBrowser(t, s).open(t, authorizeURL(s, nil)+"&state=2")
	if p.Status != 400 || p.alert() != "Duplicate parameter provided in request. Duplicated parameters: [state]." {
		t.Errorf("state twice: got %d %q", p.Status, p.alert())
	}
	p = newBrowser(t, s).open(t, strings.Replace(authorizeURL(s, nil), "/default/", "/nowhere/", 1))
	if p.Status != 404 || !strings.HasPrefix(p.alert(), "Not found: ") {
		t.Errorf("unknown server: got %d %q", p.Status, p.alert())
	}
	for _, change := range []map[string]string{{"request": "x"}, {"request_uri": "x"}, {"sessionToken": "x"}} {
		if got := get(t, s, authorizeURL(s, change), ""); got.Status != 501 || !strings.HasPrefix(got.Text, `{"error":"not_implemented","error_description":"`) {
			t.Errorf("%v: got %d %s", change, got.Status, got.Text)
		}
	}
}

func authorizeState(changes map[string]string) string {
	if state, ok := changes["state"]; ok {
		return state
	}
	return "state <&>"
}

func TestAuthorizeByPOST(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := newBrowser(t, s)
	target, err := url.Parse(authorizeURL(s, nil))
	if err != nil {
		t.Fatal(err)
	}
	form := target.Query()
	target.RawQuery = ""
	got := b.load(t, newPost(t, target.String(), form)).password(t, oktatest.DefaultUser).result(t)
	if got.Get("code") == "" {
		t.Errorf("got %q", got)
	}
	r := newPost(t, target.String(), form)
	r.Header.Set("Content-Type", "application/json")
	if p := b.load(t, r); p.Status != 400 || !strings.HasPrefix(p.alert(), "Bad request.") {
		t.Errorf("not a form: got %d %q", p.Status, p.alert())
	}
}

// What the user lacks is told to the app, but for what another try can mend.
func TestUsersAtTheSignInPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct {
		login, scope, acr string
		onPage            string
		code              string
	}{
		{"nobody@example.com", "openid", "", "The credentials provided were invalid.", ""},
		{"locked@example.com", "openid", "", "The credentials provided were invalid.", ""},
		{"expired@example.com", "openid", "", "Password has expired.", ""},
		{"nopassword@example.com", "openid", "", "The user does not configure a password.", ""},
		{"busy@example.com", "openid", "", "API call exceeded rate limit due to too many requests.", ""},
		{"lite@example.com", "openid", "", "", ""},
		{"unassigned@example.com", "openid", "", "", "access_denied"},
		{"denied@example.com", "openid", "", "", "access_denied"},
		{oktatest.DefaultUser, "openid api:admin", "", "", "access_denied"},
		{oktatest.DefaultUser, "openid", "urn:okta:loa:2fa:any", "", "unmet_authentication_requirements"},
		{oktatest.DefaultUser, "openid", "phr", "", "unmet_authentication_requirements"},
		{oktatest.DefaultUser, "openid", "phr urn:okta:loa:1fa:any", "", ""},
	} {
		b := newBrowser(t, s)
		p := b.open(t, authorizeURL(s, map[string]string{"scope": test.scope, "acr_values": test.acr, "login_hint": ""}))
		p = p.password(t, test.login)
		s.Clock().Advance(time.Second)
		if test.onPage != "" {
			if p.alert() != test.onPage || p.form(nil).Get("username") != test.login {
				t.Errorf("%s: got %q, want %q", test.login, p.alert(), test.onPage)
			}
			continue
		}
		if got := p.result(t); got.Get("error") != test.code || got.Has("code") != (test.code == "") {
			t.Errorf("%s %s %s: got %q, want %q", test.login, test.scope, test.acr, got, test.code)
		}
	}
}

func TestSecondFactorOnAPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	begin := func() page {
		s.Clock().Advance(time.Second)
		return newBrowser(t, s).open(t, authorizeURL(s, map[string]string{"acr_values": "urn:okta:loa:2fa:any"})).password(t, "mfa@example.com")
	}
	p := begin()
	if p.title() != "Enter a code" || p.alert() != "" || p.inputsOf("hidden", false)[0]["inputmode"] != "numeric" {
		t.Fatalf("got %q: %s", p.title(), p.Text)
	}
	p = p.submit(t, map[string]string{"code": "000000"})
	if p.Status != 400 || p.title() != "Error: Enter a code" || !strings.HasPrefix(p.alert(), "The 'otp' provided is either empty or incorrect.") {
		t.Errorf("wrong code: got %d %q %q", p.Status, p.title(), p.alert())
	}
	got := p.submit(t, map[string]string{"code": oktatest.DefaultOTP}).result(t)
	tokens := send(t, s, redeeming(t, s, got.Get("code"), nil))
	if _, claims, _ := open(t, tokens.member(t, "id_token"), nil); !strings.Contains(claims, `"amr":["otp","mfa","pwd"]`) || !strings.Contains(claims, `"acr":"urn:okta:loa:2fa:any"`) {
		t.Errorf("ID token: %s", claims)
	}
	if _, claims, _ := open(t, tokens.member(t, "access_token"), nil); !strings.Contains(claims, `"acr":"urn:okta:loa:2fa:any"`) {
		t.Errorf("access token: %s", claims)
	}
	p = begin()
	for range 4 {
		p = p.submit(t, map[string]string{"code": "1"})
	}
	if p.Status != 429 || p.title() != "Error: Enter a code" || p.alert() != "API call exceeded rate limit due to too many requests." {
		t.Errorf("the sixth code in five minutes: got %d %q %q", p.Status, p.title(), p.alert())
	}
	for _, test := range []struct{ login, acr, code, title string }{
		{"sms@example.com", "", "436575", ""},
		{"two@example.com", "", oktatest.DefaultOTP, ""},
		{"choice@example.com", "urn:okta:loa:2fa:any:ifpossible", "777777", ""},
	} {
		s.AddUser(oktatest.User{Login: "choice@example.com", Password: oktatest.DefaultPassword, Factors: map[string]string{"voice": "777777"}})
		request := map[string]string{"acr_values": test.acr, "client_id": oktatest.PublicClientID}
		p := newBrowser(t, s).open(t, authorizeURL(s, request)).password(t, test.login)
		if p.title() != "Enter a code" {
			t.Errorf("%s: got %q", test.login, p.title())
		}
		if p = p.submit(t, map[string]string{"code": test.code}); p.title() != test.title || (test.title == "") != (p.Status == 303) {
			t.Errorf("%s: got %d %q %q", test.login, p.Status, p.title(), p.alert())
		}
	}
}

// A user who has a push alone answers it on the phone, and says so on the page.
func TestPushOnAPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct{ login, number, title, code string }{
		{"push@example.com", "", "", ""},
		{"number@example.com", `<p class="code">95</p>`, "", ""},
		{"refuse@example.com", "", "", "access_denied"},
		{"silent@example.com", "", "Error: Approve on your phone", "authorization_pending"},
	} {
		p := newBrowser(t, s).open(t, authorizeURL(s, nil)).password(t, test.login)
		if p.title() != "Approve on your phone" || strings.Contains(p.Text, `class="code"`) != (test.number != "") || !strings.Contains(p.Text, test.number) {
			t.Errorf("%s: got %q: %s", test.login, p.title(), p.Text)
		}
		p = p.submit(t, nil)
		requests := s.Requests()
		if code := requests[len(requests)-1].ErrorCode; p.title() != test.title || code != test.code {
			t.Errorf("%s: got %d %q %q", test.login, p.Status, p.title(), code)
		}
		if test.title == "" && p.result(t).Get("error") != test.code {
			t.Errorf("%s: got %v", test.login, p.result(t))
		}
		if test.title+test.code == "" {
			tokens := send(t, s, redeeming(t, s, p.result(t).Get("code"), nil))
			mustHaveMethods(t, test.login, tokens, `["swk","mfa","pwd"]`)
		}
	}
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct {
		changes  map[string]string
		decision string
		code     string
	}{
		{map[string]string{"scope": "openid api:consent"}, "allow", ""},
		{map[string]string{"scope": "openid api:consent"}, "deny", "access_denied"},
		{map[string]string{"scope": "openid api:consent"}, "", "access_denied"},
		{map[string]string{"prompt": "login consent"}, "allow", ""},
	} {
		s.Clock().Advance(time.Second)
		p := newBrowser(t, s).open(t, authorizeURL(s, test.changes)).password(t, oktatest.DefaultUser)
		if p.title() != "Allow access?" || !strings.Contains(p.Text, "<p>Scopes: <code>") || strings.Count(p.Text, `<button`) != 2 {
			t.Fatalf("%v: got %s", test.changes, p.Text)
		}
		if got := p.submit(t, map[string]string{"decision": test.decision}).result(t); got.Get("error") != test.code || got.Has("code") != (test.code == "") {
			t.Errorf("%v %s: got %q", test.changes, test.decision, got)
		}
	}
	app, _ := s.App(oktatest.DefaultClientID)
	app.Trusted = true
	s.AddApp(app)
	s.Clock().Advance(time.Second)
	p := newBrowser(t, s).open(t, authorizeURL(s, map[string]string{"scope": "openid api:consent"})).password(t, oktatest.DefaultUser)
	if got := p.result(t); got.Get("code") == "" {
		t.Errorf("a trusted app: got %q", got)
	}
}

// A form is taken from the browser that was given it, once, for an hour, and an old page leads back to the present one.
func TestFormsOfPages(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := newBrowser(t, s)
	first := b.open(t, authorizeURL(s, nil))
	second := b.open(t, authorizeURL(s, map[string]string{"scope": "openid api:consent"})) // in another tab
	stranger := page{first.answer, newBrowser(t, s), first.url}
	stranger.b.open(t, authorizeURL(s, nil)) // has a cookie of its own
	if p := stranger.password(t, oktatest.DefaultUser); p.Status != 400 || p.alert() != "Request expired, please start over and try again." {
		t.Errorf("another browser: got %d %q", p.Status, p.alert())
	}
	forged := newPost(t, s.URL()+"/signin", url.Values{"signin": {"guess"}, "step": {"password"}})
	if p := b.load(t, forged); p.Status != 400 || p.title() != "Sign-in failed" {
		t.Errorf("a forged form: got %d %q", p.Status, p.title())
	}
	consent := second.password(t, oktatest.DefaultUser)
	if p := second.submit(t, map[string]string{"username": "mfa@example.com", "password": "wrong-horse"}); p.title() != "Allow access?" || p.alert() != "" {
		t.Errorf("an old page: got %q %q", p.title(), p.alert())
	}
	if consent.submit(t, map[string]string{"decision": "allow"}).result(t).Get("code") == "" {
		t.Error("no code")
	}
	if p := consent.submit(t, map[string]string{"decision": "allow"}); p.Status != 400 {
		t.Errorf("sent again: got %d", p.Status)
	}
	s.Clock().Advance(time.Hour)
	if p := first.password(t, oktatest.DefaultUser); p.Status != 400 || p.title() != "Sign-in failed" {
		t.Errorf("after an hour: got %d %q", p.Status, p.title())
	}
	if got := b.open(t, authorizeURL(s, nil)).Header.Get("Set-Cookie"); got != "" {
		t.Errorf("a second cookie: %s", got)
	}
	cookie := newBrowser(t, s).open(t, authorizeURL(s, nil)).Header.Get("Set-Cookie")
	mustMatch(t, "cookie", cookie, `oktatest_browser=[A-Z2-7]{26}; Path=/; HttpOnly; SameSite=Lax`)
	secure := start(t, oktatest.Options{TLS: true})
	if got := newBrowser(t, secure).open(t, authorizeURL(secure, nil)).Header.Get("Set-Cookie"); !strings.Contains(got, "; Secure") {
		t.Errorf("over TLS: %s", got)
	}
}

// What a request brings is shown as text.
func TestPagesEscape(t *testing.T) {
	t.Parallel()
	s := start(t)
	const hostile = `"><script>alert(1)</script>`
	p := newBrowser(t, s).open(t, authorizeURL(s, map[string]string{"login_hint": hostile}))
	if got := p.form(nil).Get("username"); got != hostile {
		t.Errorf("got %q", got)
	}
	p = newBrowser(t, s).open(t, s.URL()+"/activate?user_code="+url.QueryEscape(hostile))
	if got := p.form(nil).Get("user_code"); got != hostile {
		t.Errorf("got %q", got)
	}
}

func TestCodeRedemptionRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddApp(oktatest.App{
		ClientID: "0oaAnotherClient0001", Secrets: []string{oktatest.DefaultClientSecret}, Grants: []string{"authorization_code"},
		RedirectURIs: []string{oktatest.DefaultRedirectURI, "com.example.app:/callback?x=1"},
	})
	code := func(changes map[string]string) string {
		s.Clock().Advance(time.Second)
		p := newBrowser(t, s).open(t, authorizeURL(s, changes)).password(t, oktatest.DefaultUser)
		return p.result(t).Get("code")
	}
	good := code(nil)
	other := func(r *http.Request) { r.SetBasicAuth("0oaAnotherClient0001", oktatest.DefaultClientSecret) }
	for _, test := range []struct {
		name, code string
		changes    map[string]string
		edit       func(*http.Request)
		want, text string
	}{
		{"unknown", "canary-code", nil, nil, "invalid_grant", "The authorization code is invalid or has expired."},
		{"redirect_uri", good, map[string]string{"redirect_uri": oktatest.DefaultRedirectURI + "2"}, nil, "invalid_grant",
			"The 'redirect_uri' does not match the redirection URI used in the authorization request."},
		{"no redirect_uri", good, map[string]string{"redirect_uri": ""}, nil, "invalid_request", "The required parameter 'redirect_uri' is missing."},
		{"verifier", good, map[string]string{"code_verifier": strings.Repeat("x", 43)}, nil, "invalid_grant", "PKCE verification failed."},
		{"no verifier", good, map[string]string{"code_verifier": ""}, nil, "invalid_request", "PKCE code verifier is required by the application."},
		{"another client", good, nil, other, "invalid_grant", "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request."},
		{"another server", good, nil, func(r *http.Request) { r.URL.Path = "/oauth2/v1/token" }, "invalid_request", "The grant was issued for another authorization server."},
	} {
		r := redeeming(t, s, test.code, test.changes)
		if test.edit != nil {
			test.edit(r)
		}
		if got, text := send(t, s, r).error(t); got != test.want || text != test.text {
			t.Errorf("%s: got %q %q, want %q %q", test.name, got, text, test.want, test.text)
		}
	}
	if got := send(t, s, redeeming(t, s, good, nil)); got.Status != 200 {
		t.Errorf("the right request after them: got %d %s", got.Status, got.Text)
	}
	without := map[string]string{"client_id": "0oaAnotherClient0001", "code_challenge": "", "scope": "openid"}
	r := redeeming(t, s, code(without), nil)
	other(r)
	if got, text := send(t, s, r).error(t); got != "invalid_request" || !strings.HasPrefix(text, "PKCE code challenge should be specified") {
		t.Errorf("a verifier without a challenge: got %q %q", got, text)
	}
	r = redeeming(t, s, code(without), map[string]string{"code_verifier": ""})
	other(r)
	if got := send(t, s, r); got.Status != 200 {
		t.Errorf("without PKCE: got %d %s", got.Status, got.Text)
	}
	for _, verifier := range []string{strings.Repeat("x", 42), strings.Repeat("x", 129), strings.Repeat("x", 42) + "+"} {
		short := code(map[string]string{"code_challenge": challengeOf(verifier)})
		if got, text := send(t, s, redeeming(t, s, short, map[string]string{"code_verifier": verifier})).error(t); got != "invalid_grant" || text != "PKCE verification failed." {
			t.Errorf("verifier of %d characters: got %q %q", len(verifier), got, text)
		}
	}
	old := code(nil)
	s.Clock().Advance(300 * time.Second)
	if got, _ := send(t, s, redeeming(t, s, old, nil)).error(t); got != "invalid_grant" {
		t.Errorf("after 300 s: got %q", got)
	}
	gone := code(nil)
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	if got, _ := send(t, s, redeeming(t, s, gone, nil)).error(t); got != "invalid_grant" {
		t.Errorf("a user who is gone: got %q", got)
	}
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Active)
	custom := map[string]string{"client_id": "0oaAnotherClient0001", "scope": "openid", "redirect_uri": "com.example.app:/callback?x=1"}
	p := newBrowser(t, s).open(t, authorizeURL(s, custom))
	if got := p.Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' com.example.app:;") {
		t.Errorf("a native app's scheme: %s", got)
	}
	if got := p.password(t, oktatest.DefaultUser).Header.Get("Location"); !strings.HasPrefix(got, "com.example.app:/callback?x=1&code=") {
		t.Errorf("got %q", got)
	}
}
