package oktatest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

const (
	deadRefresh = "The refresh token is invalid or expired."
	offline     = "openid offline_access"
	day         = 24 * time.Hour
)

func rotating(leeway time.Duration) oktatest.Options {
	return oktatest.Options{Rotation: oktatest.Rotation{Rotate: true, Leeway: leeway}}
}

// firstRefresh signs in and returns the refresh token.
func firstRefresh(t *testing.T, s *oktatest.Server, scope string) string {
	t.Helper()
	return signIn(t, s, "default", scope).member(t, "refresh_token")
}

func mustRefresh(t *testing.T, s *oktatest.Server, token string) answer {
	t.Helper()
	got := send(t, s, refreshing(t, s, token, ""))
	if got.Status != 200 {
		t.Fatalf("refresh: got %d %s", got.Status, got.Text)
	}
	return got
}

func mustBeDead(t *testing.T, s *oktatest.Server, what, token string) {
	t.Helper()
	got := send(t, s, refreshing(t, s, token, ""))
	if code, text := got.error(t); got.Status != 400 || code != "invalid_grant" || text != deadRefresh {
		t.Errorf("%s: got %d %q %q, want 400 invalid_grant %q", what, got.Status, code, text, deadRefresh)
	}
	if s.RefreshAlive(token) {
		t.Errorf("%s: RefreshAlive says that the token is alive", what)
	}
}

func TestRefreshKeepsToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := signIn(t, s, "default", "openid profile offline_access")
	token := first.member(t, "refresh_token")
	s.Clock().Advance(time.Hour)
	got := mustRefresh(t, s, token)
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"offline_access openid profile",`+
		`"refresh_token":"`+token+`","id_token":"[^"]+"\}`)
	keys := publicKeys(t, s, s.URL()+"/oauth2/default/v1/keys")
	_, claims, signed := open(t, got.member(t, "access_token"), keys)
	if id := regexp.MustCompile(`\.oar[A-Za-z0-9]{17}`); !signed || !strings.Contains(claims, `"iat":1785589201,"exp":1785592801`) ||
		!strings.Contains(claims, `"auth_time":1785585601`) || !id.MatchString(claims) {
		t.Errorf("access token: got %s, signed: %v", claims, signed)
	}
	// The sign-in was an hour ago, whatever is new.
	if _, claims, signed = open(t, got.member(t, "id_token"), keys); !signed || !strings.Contains(claims, `"auth_time":1785585601`) ||
		!strings.Contains(claims, `"iat":1785589201`) {
		t.Errorf("ID token: got %s, signed: %v", claims, signed)
	}
	if got.member(t, "access_token") == first.member(t, "access_token") {
		t.Error("the access token is the old one")
	}
	if s.Reuses() != 0 || !s.RefreshAlive(token) {
		t.Errorf("got %d reuses, alive: %v", s.Reuses(), s.RefreshAlive(token))
	}
}

func TestRefreshScopes(t *testing.T) {
	t.Parallel()
	const denied = "Some of the scopes requested for the refresh request were not granted in the original authorize request. Denied scopes: "
	s := start(t, rotating(0))
	token := firstRefresh(t, s, "openid offline_access api:read")
	for _, test := range []struct {
		ask, scope string // "" is refused
		id         bool
		text       string
	}{
		{"", "api:read offline_access openid", true, ""},
		{"  ", "api:read offline_access openid", true, ""},
		{"api:read", "api:read", false, ""},
		{"openid  api:read openid", "api:read openid", true, ""},
		{"openid profile", "", false, denied + "profile."},
		{"openid profile api:write", "", false, denied + "api:write, profile."},
		{strings.Repeat("x", 4097), "", false, "The requested scope is invalid, "},
		{"", "api:read offline_access openid", true, ""}, // what was narrowed is not lost, and what was refused spent nothing
	} {
		got := send(t, s, refreshing(t, s, token, test.ask))
		code, text := got.error(t)
		if test.scope == "" {
			if got.Status != 400 || (code != "access_denied" && code != "invalid_scope") || !strings.HasPrefix(text, test.text) {
				t.Errorf("%.30q: got %d %q %q, want %q", test.ask, got.Status, code, text, test.text)
			}
			continue
		}
		if scope, id := got.member(t, "scope"), got.member(t, "id_token"); scope != test.scope || (id != "") != test.id {
			t.Errorf("%q: got %d %q, ID token: %v, want %q, %v", test.ask, got.Status, scope, id != "", test.scope, test.id)
		}
		if _, claims, _ := open(t, got.member(t, "access_token"), nil); !strings.Contains(claims, `"scp":["`+strings.ReplaceAll(test.scope, " ", `","`)+`"]`) {
			t.Errorf("%q: got the claims %s", test.ask, claims)
		}
		token = got.member(t, "refresh_token")
	}
}

// A refresh token is bound to its client and its server, and to what its user and its app are now.
func TestRefreshRefusals(t *testing.T) {
	t.Parallel()
	form := func(change func(url.Values)) func(*testing.T, *oktatest.Server, *http.Request) {
		return func(t *testing.T, _ *oktatest.Server, r *http.Request) { setForm(t, r, change) }
	}
	app := func(change func(*oktatest.App)) func(*testing.T, *oktatest.Server, *http.Request) {
		return func(_ *testing.T, s *oktatest.Server, _ *http.Request) {
			a, _ := s.App(oktatest.DefaultClientID)
			change(&a)
			s.AddApp(a)
		}
	}
	for _, test := range []struct {
		name string
		edit func(*testing.T, *oktatest.Server, *http.Request)
		code string
		text string
	}{
		{"no token", form(func(v url.Values) { v.Del("refresh_token") }), "invalid_request", "The required parameter 'refresh_token' is missing."},
		{"unknown token", form(func(v url.Values) { v.Set("refresh_token", "canary-refresh") }), "invalid_grant", deadRefresh},
		{"another server", func(_ *testing.T, _ *oktatest.Server, r *http.Request) { r.URL.Path = "/oauth2/v1/token" }, "invalid_request",
			"The grant was issued for another authorization server."},
		{"another client", func(_ *testing.T, _ *oktatest.Server, r *http.Request) {
			r.SetBasicAuth(oktatest.DirectAuthClientID, oktatest.DefaultClientSecret)
		}, "invalid_grant", "The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request."},
		{"no refresh grant", app(func(a *oktatest.App) { a.Grants = []string{oktatest.GrantPassword} }), "unauthorized_client",
			"The client is not authorized to use the provided grant type. Configured grant types: [password]."},
		{"unassigned", app(func(a *oktatest.App) { a.Assigned = []string{} }), "invalid_grant", deadRefresh},
		{"deactivated app", app(func(a *oktatest.App) { a.Inactive = true }), "invalid_client", "Invalid value for 'client_id' parameter."},
		{"deactivated user", func(_ *testing.T, s *oktatest.Server, _ *http.Request) {
			s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
			s.SetUserStatus(oktatest.DefaultUser, oktatest.Active) // comes too late
		}, "invalid_grant", deadRefresh},
		{"policy gone", func(_ *testing.T, s *oktatest.Server, _ *http.Request) {
			s.AddAuthServer(oktatest.AuthServer{ID: "default", Rules: []oktatest.Rule{{Grants: []string{"refresh_token"}}}})
		}, "access_denied", "Policy evaluation failed for this request, please check the policy configurations."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, rotating(0))
			r := refreshing(t, s, firstRefresh(t, s, offline), "")
			test.edit(t, s, r)
			got := send(t, s, r)
			if code, text := got.error(t); code != test.code || text != test.text || s.Reuses() != 0 {
				t.Errorf("got %d %q %q and %d reuses, want %q %q", got.Status, code, text, s.Reuses(), test.code, test.text)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	s := start(t, rotating(oktatest.DefaultLeeway))
	before := signIn(t, s, "default", offline)
	first := before.member(t, "refresh_token")
	second := mustRefresh(t, s, first).member(t, "refresh_token")
	if second == first || len(second) != 43 {
		t.Fatalf("got %q after %q", second, first)
	}
	s.Clock().Advance(oktatest.DefaultLeeway - time.Nanosecond)
	if !s.RefreshAlive(first) || !s.RefreshAlive(second) {
		t.Errorf("within the leeway: alive: %v, %v", s.RefreshAlive(first), s.RefreshAlive(second))
	}
	third := mustRefresh(t, s, first).member(t, "refresh_token")
	if third == second || third == first {
		t.Errorf("within the leeway: got %q again", third)
	}
	s.Clock().Advance(time.Nanosecond)
	latest := mustRefresh(t, s, second) // spent by what took its place, and later than the first: it has leeway left
	if s.Reuses() != 0 || s.RefreshAlive(first) {
		t.Errorf("got %d reuses, the first alive: %v", s.Reuses(), s.RefreshAlive(first))
	}
	fourth := latest.member(t, "refresh_token")
	mustBeDead(t, s, "after the leeway", first)
	mustBeDead(t, s, "the newest, after the reuse of an older one", fourth)
	if got := s.Reuses(); got != 1 {
		t.Errorf("got %d reuses, want 1", got)
	}
	for what, access := range map[string]string{"first": before.member(t, "access_token"), "last": latest.member(t, "access_token")} {
		for _, path := range []string{"/oauth2/default/v1/userinfo", "/api/hello"} {
			if got := get(t, s, s.URL()+path, access); got.Status != 401 {
				t.Errorf("%s access token of the sign-in at %s: got %d %s, want 401", what, path, got.Status, got.Text)
			}
		}
	}
	if other := firstRefresh(t, s, offline); !s.RefreshAlive(other) {
		t.Error("another sign-in is not alive")
	}
}

// An app that stops rotating keeps the token it has; one that starts, too, until it is used.
func TestRotationSwitched(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := firstRefresh(t, s, offline)
	app, _ := s.App(oktatest.DefaultClientID)
	app.Rotation.Rotate = true
	s.AddApp(app)
	next := mustRefresh(t, s, token).member(t, "refresh_token")
	app.Rotation.Rotate = false
	s.AddApp(app)
	if got := mustRefresh(t, s, next).member(t, "refresh_token"); next == token || got != next {
		t.Errorf("got %q, %q, %q", token, next, got)
	}
	if _, ok := s.App("0oaNobody"); ok {
		t.Error("App: found one that does not exist")
	}
}

// No clock helps a spent token.
func TestReuseWithTheClockTurnedBack(t *testing.T) {
	t.Parallel()
	s := start(t, rotating(time.Minute))
	token := firstRefresh(t, s, offline)
	mustRefresh(t, s, token)
	s.Clock().Advance(-time.Hour)
	mustBeDead(t, s, "shown an hour before it was spent", token)
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		set     oktatest.Lifetimes
		server  string
		each    time.Duration // between two refreshes
		good    int           // refreshes until one is too late
		last    time.Duration // what is waited longer before that one
		rotates bool
	}{
		{"org server: 90 days", oktatest.Lifetimes{}, oktatest.OrgServerID, 30*day - 1, 3, 0, false},
		{"org server, rotated: 90 days", oktatest.Lifetimes{}, oktatest.OrgServerID, 30*day - 1, 3, 0, true},
		{"org server: one idle span", oktatest.Lifetimes{}, oktatest.OrgServerID, 90 * day, 0, 0, false},
		{"7 days idle", oktatest.Lifetimes{}, "default", 7 * day, 0, 0, false},
		{"used every week for years", oktatest.Lifetimes{}, "default", 7*day - 1, 110, 1, true},
		{"set", oktatest.Lifetimes{Refresh: time.Hour, Idle: 20 * time.Minute}, "default", 20*time.Minute - 1, 3, 0, true},
		{"set idle", oktatest.Lifetimes{Refresh: time.Hour, Idle: 20 * time.Minute}, "default", 20 * time.Minute, 0, 0, true},
		{"set idle, org server", oktatest.Lifetimes{Idle: time.Minute}, oktatest.OrgServerID, time.Minute, 0, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, oktatest.Options{Lifetimes: test.set, Rotation: oktatest.Rotation{Rotate: test.rotates}})
			token := signIn(t, s, test.server, offline).member(t, "refresh_token")
			for i := 0; ; i++ {
				s.Clock().Advance(test.each)
				if i == test.good {
					s.Clock().Advance(test.last)
				}
				alive := s.RefreshAlive(token)
				form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
				got := send(t, s, byClient(t, s, tokenURL(s, test.server), form))
				if alive != (got.Status == 200) || alive != (i < test.good) {
					t.Fatalf("refresh %d: RefreshAlive said %v, got %d %s", i+1, alive, got.Status, got.Text)
				}
				if i >= test.good {
					return
				}
				token = got.member(t, "refresh_token")
			}
		})
	}
}

func TestLifetimesOfTheOthers(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Lifetimes: oktatest.Lifetimes{Access: 5 * time.Second}})
	check := func(server, access string, id int64) {
		t.Helper()
		got := signIn(t, s, server, "openid")
		_, text, _ := open(t, got.member(t, "id_token"), nil)
		var claims struct{ Iat, Exp int64 }
		if err := json.Unmarshal([]byte(text), &claims); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.Text, `"expires_in":`+access+",") || claims.Exp-claims.Iat != id {
			t.Errorf("%s: got %s and an ID token of %d s, want %s and %d", server, got.Text, claims.Exp-claims.Iat, access, id)
		}
	}
	check("default", "5", 3600)
	check(oktatest.OrgServerID, "5", 3600)
	s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Rules: []oktatest.Rule{{Lifetime: time.Minute}}})
	check("aus1", "60", 3600) // the rule says otherwise
	s.Change(func(o *oktatest.Options) { o.Lifetimes = oktatest.Lifetimes{ID: time.Minute} })
	check("default", "3600", 60)
}

// Sixty-four refreshes at once with one rotating token and no leeway: one gets tokens, and the others end the sign-in.
func TestRefreshAtOnce(t *testing.T) {
	t.Parallel()
	for _, rotation := range []oktatest.Rotation{{}, {Rotate: true}, {Rotate: true, Leeway: time.Minute}} {
		s, err := oktatest.Start(oktatest.Options{Keys: testKeys, Rotation: rotation}) // with a clock that runs
		if err != nil {
			t.Fatal(err)
		}
		const many = 64
		token := signIn(t, s, "default", offline).member(t, "refresh_token")
		client := s.Client()
		var requests []*http.Request
		for range many {
			requests = append(requests, refreshing(t, s, token, ""))
		}
		statuses := make([]int, many)
		var wg sync.WaitGroup
		for i, r := range requests {
			wg.Go(func() {
				if res, err := client.Do(r); err == nil {
					statuses[i] = res.StatusCode
					_ = res.Body.Close()
				}
			})
		}
		wg.Wait()
		good, bad := 0, 0
		for _, status := range statuses {
			good, bad = good+b2i(status == 200), bad+b2i(status == 400)
		}
		want := many
		if rotation.Rotate && rotation.Leeway == 0 {
			want = 1
		}
		if good != want || bad != many-want || s.Reuses() != many-want {
			t.Errorf("%+v: got %d good, %d bad and %d reuses, want %d good", rotation, good, bad, s.Reuses(), want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
