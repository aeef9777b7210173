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

const defaultBase = "/oauth2/default/v1/"

func revoke(t *testing.T, s *oktatest.Server, token string) answer {
	t.Helper()
	return send(t, s, byClient(t, s, s.URL()+defaultBase+"revoke", url.Values{"token": {token}}))
}

func introspect(t *testing.T, s *oktatest.Server, token string) string {
	t.Helper()
	return send(t, s, byClient(t, s, s.URL()+defaultBase+"introspect", url.Values{"token": {token}})).Text
}

// alive is what a sign-in's tokens are still good for: refresh, userinfo, the API, as three letters or dashes.
func alive(t *testing.T, s *oktatest.Server, a answer) string {
	t.Helper()
	out := []byte("---")
	if s.RefreshAlive(a.member(t, "refresh_token")) {
		out[0] = 'r'
	}
	if get(t, s, s.URL()+defaultBase+"userinfo", a.member(t, "access_token")).Status == 200 {
		out[1] = 'u'
	}
	if get(t, s, s.URL()+"/api/hello", a.member(t, "access_token")).Status == 200 {
		out[2] = 'h'
	}
	return string(out)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		what func(t *testing.T, a answer) string
		edit func(*http.Request)
		left string
	}{
		{"refresh token", func(t *testing.T, a answer) string { return a.member(t, "refresh_token") }, nil, "---"},
		{"access token", func(t *testing.T, a answer) string { return a.member(t, "access_token") }, nil, "r--"},
		{"ID token", func(t *testing.T, a answer) string { return a.member(t, "id_token") }, nil, "ruh"},
		{"unknown token", func(*testing.T, answer) string { return "canary-unknown" }, nil, "ruh"},
		{"by another client", func(t *testing.T, a answer) string { return a.member(t, "refresh_token") },
			func(r *http.Request) { r.SetBasicAuth(oktatest.DirectAuthClientID, oktatest.DefaultClientSecret) }, "ruh"},
		{"access token by another client", func(t *testing.T, a answer) string { return a.member(t, "access_token") },
			func(r *http.Request) { r.SetBasicAuth(oktatest.DirectAuthClientID, oktatest.DefaultClientSecret) }, "ruh"},
		{"at another server", func(t *testing.T, a answer) string { return a.member(t, "refresh_token") },
			func(r *http.Request) { r.URL.Path = "/oauth2/v1/revoke" }, "ruh"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			a := signIn(t, s, "default", offline)
			if got := alive(t, s, a); got != "ruh" {
				t.Fatalf("before: got %q", got)
			}
			for range 2 { // revoked already is no error either
				r := byClient(t, s, s.URL()+defaultBase+"revoke", url.Values{"token": {test.what(t, a)}, "token_type_hint": {"refresh_token"}})
				if test.edit != nil {
					test.edit(r)
				}
				if got := send(t, s, r); got.Status != 200 || got.Text != "" {
					t.Errorf("got %d %q, want 200 and nothing", got.Status, got.Text)
				}
			}
			if got := alive(t, s, a); got != test.left {
				t.Errorf("left: got %q, want %q", got, test.left)
			}
		})
	}
}

func TestRevokeOfRotated(t *testing.T) {
	t.Parallel()
	s := start(t, rotating(time.Minute))
	first := firstRefresh(t, s, offline)
	second := mustRefresh(t, s, first)
	s.Clock().Advance(time.Minute)
	revoke(t, s, first)
	if got := alive(t, s, second); got != "ruh" || s.Reuses() != 0 {
		t.Errorf("a spent token: got %q left and %d reuses", got, s.Reuses())
	}
	third := mustRefresh(t, s, second.member(t, "refresh_token"))
	revoke(t, s, second.member(t, "refresh_token"))
	if got := alive(t, s, third); got != "---" {
		t.Errorf("a token within its leeway: got %q left", got)
	}
	mustBeDead(t, s, "after the revocation", third.member(t, "refresh_token"))
	if s.Reuses() != 0 {
		t.Errorf("got %d reuses, want none: it was revoked, not spent", s.Reuses())
	}
}

func TestRevokeAndIntrospectRefusals(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"revoke", "introspect"} {
		for _, test := range []struct {
			name   string
			form   url.Values
			edit   func(*http.Request)
			status int
			code   string
			text   string
		}{
			{"no token", url.Values{"token_type_hint": {"refresh_token"}}, nil, 400, "invalid_request", "The 'token' parameter is required."},
			{"unknown client", url.Values{"token": {"x"}}, func(r *http.Request) { r.SetBasicAuth("0oaNobody", "x") }, 401, "invalid_client",
				"Invalid value for 'client_id' parameter."},
			{"wrong secret", url.Values{"token": {"x"}}, func(r *http.Request) { r.SetBasicAuth(oktatest.DefaultClientID, "canary-wrong") }, 401, "invalid_client",
				"The client secret supplied for a confidential client is invalid."},
			{"twice", url.Values{"token": {"x", "y"}}, nil, 400, "invalid_request", "Duplicate parameter provided in request. Duplicated parameters: [token]."},
			{"GET", url.Values{}, func(r *http.Request) { r.Method = "GET" }, 405, "E0000022", "The endpoint does not support the provided HTTP method"},
			{"JSON", url.Values{}, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "E0000021",
				"Bad request.  Accept and/or Content-Type headers likely do not match supported values."},
			{"no such server", url.Values{"token": {"x"}}, func(r *http.Request) { r.URL.Path = "/oauth2/nowhere/v1/" + endpoint }, 404, "E0000007",
				"Not found: Resource not found: nowhere (AuthorizationServer)"},
		} {
			t.Run(endpoint+" "+test.name, func(t *testing.T) {
				t.Parallel()
				s := start(t)
				r := byClient(t, s, s.URL()+defaultBase+endpoint, test.form)
				if test.edit != nil {
					test.edit(r)
				}
				got := send(t, s, r)
				if code, text := got.error(t); got.Status != test.status || code != test.code || text != test.text {
					t.Errorf("got %d %q %q, want %d %q %q", got.Status, code, text, test.status, test.code, test.text)
				}
			})
		}
	}
}

// They share a bucket with userinfo, and a public client names itself in the body.
func TestRevokeOfPublicClient(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{BucketPerMinute: 2}})
	e := oktatest.Scenarios()[4]
	e.Scope = offline
	token := send(t, s, request(t, s, e)).member(t, "refresh_token")
	form := url.Values{"token": {token}, "client_id": {oktatest.PublicClientID}}
	if got := send(t, s, newPost(t, s.URL()+defaultBase+"introspect", form)); !strings.HasPrefix(got.Text, `{"active":true,`) {
		t.Errorf("introspect: got %d %s", got.Status, got.Text)
	}
	if got := send(t, s, newPost(t, s.URL()+defaultBase+"revoke", form)); got.Status != 200 || s.RefreshAlive(token) {
		t.Errorf("revoke: got %d %s, alive: %v", got.Status, got.Text, s.RefreshAlive(token))
	}
	if code, _ := send(t, s, newPost(t, s.URL()+defaultBase+"revoke", form)).error(t); code != "E0000047" {
		t.Errorf("too many: got %q, want E0000047", code)
	}
}

func TestIntrospect(t *testing.T) {
	t.Parallel()
	const dead = `{"active":false}`
	s := start(t, oktatest.Options{Lifetimes: oktatest.Lifetimes{ID: 2 * time.Hour}})
	a := signIn(t, s, "default", offline)
	access, id, refresh := a.member(t, "access_token"), a.member(t, "id_token"), a.member(t, "refresh_token")
	common := `\{"active":true,"token_type":"Bearer","scope":"offline_access openid","client_id":"0oaSandboxClient0001","username":"alice@example.com",`
	iss := `"iss":"` + regexp.QuoteMeta(s.Issuer("default")) + `",`
	mustMatch(t, "access token", introspect(t, s, access), common+`"exp":1785589201,"iat":1785585601,"sub":"alice@example.com","aud":"api://default",`+iss+
		`"jti":"AT\.[^"]+","uid":"00u[A-Za-z0-9]{17}"\}`)
	mustMatch(t, "ID token", introspect(t, s, id), common+`"exp":1785592801,"iat":1785585601,"sub":"00u[A-Za-z0-9]{17}","aud":"0oaSandboxClient0001",`+iss+
		`"jti":"ID\.[^"]+"\}`)
	mustMatch(t, "refresh token", introspect(t, s, refresh), common+`"exp":1786190401,"sub":"alice@example.com","device_id":"q4S[a-z0-9]{17}"\}`) // in 7 days
	for what, token := range map[string]string{"access token": access, "ID token": id, "refresh token": refresh, "unknown": "canary-unknown"} {
		got := send(t, s, byClient(t, s, s.URL()+"/oauth2/v1/introspect", url.Values{"token": {token}})).Text
		if got != dead {
			t.Errorf("%s at another server: got %s, want %s", what, got, dead)
		}
	}
	states := func() string {
		out := ""
		for _, token := range []string{access, id, refresh} {
			out += map[bool]string{true: "-", false: "+"}[introspect(t, s, token) == dead]
		}
		return out
	}
	s.Clock().Advance(time.Hour)
	if got := states(); got != "-++" {
		t.Errorf("after an hour: got %s, want -++", got)
	}
	s.Clock().Advance(time.Hour)
	if got := states(); got != "--+" {
		t.Errorf("after two hours: got %s, want --+", got)
	}
	s.Clock().Advance(7*day - 2*time.Hour)
	if got := states(); got != "---" {
		t.Errorf("after a week: got %s, want ---", got)
	}
	a = signIn(t, s, "default", offline)
	access, id, refresh = a.member(t, "access_token"), a.member(t, "id_token"), a.member(t, "refresh_token")
	revoke(t, s, refresh)
	if got := states(); got != "-+-" {
		t.Errorf("revoked: got %s, want -+-", got)
	}
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	if got := states(); got != "---" {
		t.Errorf("user deactivated: got %s, want ---", got)
	}
}

// Another client of the server may ask as well, and learns that a spent token and those of a deactivated app are good for nothing.
func TestIntrospectByAnother(t *testing.T) {
	t.Parallel()
	s := start(t, rotating(0))
	spent := firstRefresh(t, s, offline)
	a := mustRefresh(t, s, spent)
	ask := func(token string) bool {
		r := newPost(t, s.URL()+defaultBase+"introspect", url.Values{"token": {token}})
		r.SetBasicAuth(oktatest.DirectAuthClientID, oktatest.DefaultClientSecret)
		return strings.HasPrefix(send(t, s, r).Text, `{"active":true,`)
	}
	kinds := []string{"access_token", "id_token", "refresh_token"}
	for _, kind := range kinds {
		if !ask(a.member(t, kind)) {
			t.Errorf("%s: not active", kind)
		}
	}
	if ask(spent) || s.Reuses() != 0 {
		t.Errorf("spent: active: %v, %d reuses", ask(spent), s.Reuses())
	}
	app, _ := s.App(oktatest.DefaultClientID)
	app.Inactive = true
	s.AddApp(app)
	for _, kind := range kinds {
		if ask(a.member(t, kind)) {
			t.Errorf("%s of a deactivated app: active", kind)
		}
	}
}

// A refresh token lives until its sign-in's last day, or until it has lain idle.
func TestIntrospectEndOfRefresh(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		set  oktatest.Lifetimes
		want string
	}{
		{oktatest.Lifetimes{Refresh: time.Hour}, `"exp":1785589201`},
		{oktatest.Lifetimes{Refresh: time.Hour, Idle: time.Minute}, `"exp":1785585661`},
		{oktatest.Lifetimes{Refresh: time.Minute, Idle: time.Hour}, `"exp":1785585661`},
	} {
		s := start(t, oktatest.Options{Lifetimes: test.set})
		if got := introspect(t, s, firstRefresh(t, s, offline)); !strings.Contains(got, test.want) {
			t.Errorf("%+v: got %s, want %s", test.set, got, test.want)
		}
	}
	s := start(t)
	token := signIn(t, s, oktatest.OrgServerID, offline).member(t, "refresh_token")
	if got := send(t, s, byClient(t, s, s.URL()+"/oauth2/v1/introspect", url.Values{"token": {token}})).Text; !strings.Contains(got, `"exp":1793361601`) {
		t.Errorf("org server: got %s, want 90 days", got)
	}
}
