package oktatest_test

import (
	"net/http"
	"net/url"
	"testing"

	"okauth/pkg/oktatest"
)

const spa, foreign = "http://localhost:3000", "https://evil.example"

// A browser asks first, without the client; what it may do is in the answer.
func TestPreflight(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{TrustedOrigins: []string{spa}})
	for _, test := range []struct{ path, origin, allowed, methods string }{
		{defaultBase + "token", "", "*", "POST"},
		{defaultBase + "token", spa, spa, "POST"},
		{defaultBase + "token", foreign, foreign, "POST"}, // whose client it is, the request itself shows
		{defaultBase + "revoke", spa, spa, "POST"},
		{defaultBase + "revoke", foreign, "", "POST"},
		{defaultBase + "userinfo", spa, spa, "GET, POST"},
		{defaultBase + "userinfo", spa + "/", "", "GET, POST"},
		{defaultBase + "introspect", "null", "", "POST"},
		{"/oauth2/v1/revoke", spa, spa, "POST"},
		{defaultBase + "keys", foreign, "*", "GET, HEAD"},
		{"/oauth2/default/.well-known/openid-configuration", foreign, "*", "GET, HEAD"},
		{"/.well-known/openid-configuration", foreign, "*", "GET, HEAD"},
		{"/.well-known/okta-organization", foreign, "*", "GET, HEAD"},
		{"/api/hello", spa, spa, "GET"},
	} {
		r, err := http.NewRequest(http.MethodOptions, s.URL()+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Access-Control-Request-Headers", "authorization,dpop")
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		got := send(t, s, r)
		h := got.Header
		if got.Status != 204 || got.Text != "" || h.Get("Access-Control-Allow-Origin") != test.allowed || h.Get("Vary") != "Origin" ||
			h.Get("Access-Control-Allow-Methods") != test.methods || h.Get("Access-Control-Max-Age") != "3600" ||
			h.Get("Access-Control-Allow-Headers") != "authorization,dpop" {
			t.Errorf("%s from %q: got %d %q %v", test.path, test.origin, got.Status, got.Text, h)
		}
	}
	for _, path := range []string{"/sandbox/requests", "/signin", "/nowhere"} {
		r, err := http.NewRequest(http.MethodOptions, s.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", spa)
		if got := send(t, s, r); got.Status < 400 || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: got %d %v", path, got.Status, got.Header)
		}
	}
}

// The token endpoint takes requests of an app's own pages, and of trusted ones: codes with PKCE, and refreshes.
func TestTokenRequestsOfPages(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{TrustedOrigins: []string{spa}, Limits: &oktatest.Limits{}})
	const own = "http://127.0.0.1:8085" // of the redirect URI
	password := func() *http.Request { return good(t, s) }
	code := func(changes map[string]string) func() *http.Request {
		return func() *http.Request {
			code := newBrowser(t, s).open(t, authorizeURL(s, nil)).password(t, oktatest.DefaultUser).result(t).Get("code")
			return redeeming(t, s, code, changes)
		}
	}
	for _, test := range []struct {
		name, origin string
		request      func() *http.Request
		status       int
		code         string
		readable     bool
	}{
		{"own page", own, code(nil), 200, "", true},
		{"trusted page", spa, code(nil), 200, "", true},
		{"foreign page", foreign, code(nil), 400, "invalid_request", false},
		{"part of a host", "http://127.0.0.1:808", code(nil), 400, "invalid_request", false},
		{"no PKCE", own, code(map[string]string{"code_verifier": ""}), 401, "invalid_client", true},
		{"password", own, password, 400, "unauthorized_client", true},
		{"unknown client", spa, func() *http.Request { r := password(); r.SetBasicAuth("0oaUnknown", "x"); return r }, 401, "invalid_client", true},
	} {
		r := test.request()
		r.Header.Set("Origin", test.origin)
		got := send(t, s, r)
		read := got.Header.Get("Access-Control-Allow-Origin") == test.origin && got.Header.Get("Access-Control-Allow-Credentials") == "true" &&
			got.Header.Get("Access-Control-Expose-Headers") == "DPoP-Nonce"
		if got.Status != test.status || read != test.readable {
			t.Errorf("%s: got %d, readable: %v: %s", test.name, got.Status, read, got.Text)
		}
		if test.name != "unknown client" && test.code != "" { // that one is in the other form
			if code, _ := got.error(t); code != test.code {
				t.Errorf("%s: got %s", test.name, code)
			}
		}
	}
	tokens := send(t, s, code(nil)())
	r := refreshing(t, s, tokens.member(t, "refresh_token"), "")
	r.Header.Set("Origin", own)
	if got := send(t, s, r); got.Status != 200 {
		t.Errorf("a refresh: got %d %s", got.Status, got.Text)
	}
	r, _ = http.NewRequest(http.MethodGet, s.URL()+defaultBase+"userinfo", nil)
	r.Header = http.Header{"Origin": {spa}, "Authorization": {"Bearer " + tokens.member(t, "access_token")}}
	if got := send(t, s, r); got.Status != 200 || got.Header.Get("Access-Control-Allow-Origin") != spa {
		t.Errorf("userinfo: got %d %v", got.Status, got.Header)
	}
}

// A request that the client pushed is used once, by its name, by the same client.
func TestPushedAuthorizationRequest(t *testing.T) {
	t.Parallel()
	s := start(t)
	authorize, err := url.Parse(authorizeURL(s, nil))
	if err != nil {
		t.Fatal(err)
	}
	push := func(change func(url.Values)) answer {
		form := authorize.Query()
		change(form)
		return send(t, s, byClient(t, s, s.URL()+defaultBase+"par", form))
	}
	pushed := func() string {
		got := push(func(form url.Values) { form.Del("client_id") }) // it is in Basic
		mustMatch(t, "answer", got.Text, `\{"request_uri":"urn:okta:[^"]{43}","expires_in":3600\}`)
		if got.Status != 201 {
			t.Fatalf("got %d", got.Status)
		}
		return got.member(t, "request_uri")
	}
	open := func(uri, client string) page {
		query := url.Values{"client_id": {client}, "request_uri": {uri}}
		return newBrowser(t, s).open(t, s.URL()+defaultBase+"authorize?"+query.Encode())
	}
	uri := pushed()
	got := open(uri, oktatest.DefaultClientID).password(t, oktatest.DefaultUser).result(t)
	if tokens := send(t, s, redeeming(t, s, got.Get("code"), nil)); tokens.Status != 200 || got.Get("state") != "state <&>" {
		t.Errorf("got %q, and %d %s", got, tokens.Status, tokens.Text)
	}
	late := pushed()
	refused := map[string]page{
		"used again":     open(uri, oktatest.DefaultClientID),
		"another client": open(pushed(), "0oaPublicClient00001"),
		"unknown":        open("urn:okta:x", oktatest.DefaultClientID),
	}
	s.Clock().Advance(3600e9)
	refused["late"] = open(late, oktatest.DefaultClientID)
	for name, p := range refused {
		if p.Status != 400 || p.title() != "Sign-in failed" || p.alert() != "The 'request_uri' parameter is invalid or has expired." {
			t.Errorf("%s: got %d %q %q", name, p.Status, p.title(), p.alert())
		}
	}
	if code := send(t, s, redeeming(t, s, pushed(), nil)); code.Status != 400 {
		t.Errorf("request_uri as a code: got %d", code.Status)
	}
	for name, test := range map[string]struct {
		change func(url.Values)
		status int
		code   string
	}{
		"another redirect_uri": {func(form url.Values) { form.Set("redirect_uri", "https://evil.example") }, 400, "invalid_request"},
		"no PKCE":              {func(form url.Values) { form.Del("code_challenge") }, 400, "invalid_request"},
		"unknown scope":        {func(form url.Values) { form.Set("scope", "openid nothing") }, 400, "invalid_scope"},
		"another client":       {func(form url.Values) { form.Set("client_id", "0oaPublicClient00001") }, 400, "invalid_client"},
		"request_uri":          {func(form url.Values) { form.Set("request_uri", "urn:okta:x") }, 400, "invalid_request"},
	} {
		got := push(test.change)
		if code, _ := got.error(t); got.Status != test.status || code != test.code {
			t.Errorf("%s: got %d %s", name, got.Status, got.Text)
		}
	}
}

// After a sign-out the browser goes to an address that the app has registered, and to no other.
func TestLogout(t *testing.T) {
	t.Parallel()
	s := start(t)
	app, _ := s.App(oktatest.DefaultClientID)
	app.LogoutURIs = []string{"http://127.0.0.1:8085/bye", "http://127.0.0.1:8085/bye?a=b"}
	s.AddApp(app)
	tokens := send(t, s, good(t, s))
	id := tokens.member(t, "id_token")
	logout := func(query url.Values) page {
		return newBrowser(t, s).open(t, s.URL()+defaultBase+"logout?"+query.Encode())
	}
	back := url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {"http://127.0.0.1:8085/bye"}, "state": {"a&b"}}
	for range 2 { // again, too
		if p := logout(back); p.Status != 302 || p.Header.Get("Location") != "http://127.0.0.1:8085/bye?state=a%26b" {
			t.Errorf("got %d %q", p.Status, p.Header.Get("Location"))
		}
	}
	back.Set("post_logout_redirect_uri", "http://127.0.0.1:8085/bye?a=b")
	if to := logout(back).Header.Get("Location"); to != "http://127.0.0.1:8085/bye?a=b&state=a%26b" {
		t.Errorf("an address with a query: got %q", to)
	}
	if p := logout(url.Values{"id_token_hint": {id}}); p.Status != 200 || p.title() != "Sign out" {
		t.Errorf("without an address: got %d %q", p.Status, p.title())
	}
	if introspect(t, s, tokens.member(t, "access_token")) == `{"active":false}` {
		t.Error("the access token has ended")
	}
	const uri = "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings."
	for name, test := range map[string]struct {
		hint, uri, want string
	}{
		"no hint":         {"", back.Get("post_logout_redirect_uri"), "The required parameter 'id_token_hint' is missing."},
		"unknown hint":    {"x", back.Get("post_logout_redirect_uri"), "The 'id_token_hint' parameter is invalid."},
		"access token":    {tokens.member(t, "access_token"), "", "The 'id_token_hint' parameter is invalid."},
		"another address": {id, "http://127.0.0.1:8085/bye/", uri},
		"evil":            {id, "https://evil.example", uri},
	} {
		p := logout(url.Values{"id_token_hint": {test.hint}, "post_logout_redirect_uri": {test.uri}})
		if p.Status != 400 || p.title() != "Sign out" || p.alert() != test.want || p.Header.Get("Location") != "" {
			t.Errorf("%s: got %d %q %q", name, p.Status, p.title(), p.alert())
		}
	}
}
