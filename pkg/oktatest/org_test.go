package oktatest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// claimsOf reads the claims of a JWT.
func claimsOf(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	_, payload, _ := open(t, token, nil)
	if err := json.Unmarshal([]byte(payload), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// An org of one's own takes the place of the test org, also after a reset. Claims come from the user.
func TestOrg(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Org: &oktatest.Org{
		Users: []oktatest.User{{
			Login: "Mia@example.com", Password: "wrong-horse", Groups: []string{"Sales"}, GivenName: "Mia",
			Profile: map[string]any{"floor": 3},
		}},
		Apps: []oktatest.App{{
			ClientID: "0oaMine", Secrets: []string{"canary"}, Grants: []string{"password", "refresh_token", "client_credentials"},
		}},
		AuthServers: []oktatest.AuthServer{{
			ID: "ausMine", Audience: "api://mine", Scopes: []oktatest.Scope{{Name: "api"}},
			Rules: []oktatest.Rule{{Lifetime: time.Minute, Refresh: time.Hour, Idle: 30 * time.Minute}},
			Claims: map[string]any{
				"tenant": "acme", "groups": "user.groups", "first": "user.firstName", "floor": "user.floor", "none": "user.phone",
				"mail": "user.email",
			},
		}},
	}})
	signIn := func(form url.Values) answer {
		r := newPost(t, tokenURL(s, "ausMine"), form)
		r.SetBasicAuth("0oaMine", "canary")
		return send(t, s, r)
	}
	password := url.Values{
		"grant_type": {"password"}, "username": {"mia@example.com"}, "password": {"wrong-horse"}, "scope": {"openid offline_access"},
	}
	for _, test := range []struct {
		form url.Values
		want string
	}{
		{password, "map[aud:api://mine first:Mia floor:3 groups:[Sales] life:60 mail:Mia@example.com none:<nil> tenant:acme]"},
		{url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}},
			"map[aud:api://mine first:<nil> floor:<nil> groups:<nil> life:60 mail:<nil> none:<nil> tenant:acme]"},
	} {
		claims := claimsOf(t, signIn(test.form).member(t, "access_token"))
		got := map[string]any{"life": claims["exp"].(float64) - claims["iat"].(float64)}
		for _, name := range []string{"aud", "first", "floor", "groups", "mail", "none", "tenant"} {
			got[name] = claims[name]
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("got %v, want %s", got, test.want)
		}
	}
	unused, used := signIn(password).member(t, "refresh_token"), signIn(password).member(t, "refresh_token")
	s.Clock().Advance(29 * time.Minute)
	signIn(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {used}})
	s.Clock().Advance(2 * time.Minute)
	if s.RefreshAlive(unused) || !s.RefreshAlive(used) {
		t.Errorf("after half an hour: unused %v, used %v", s.RefreshAlive(unused), s.RefreshAlive(used))
	}
	s.AddUser(oktatest.User{Login: "late@example.com"})
	s.Reset()
	org := s.Org()
	if len(org.Users) != 1 || len(org.Apps) != 1 || len(org.AuthServers) != 1 || org.Users[0].Login != "Mia@example.com" ||
		s.RefreshAlive(used) || len(s.Requests()) != 0 {
		t.Errorf("after a reset: %+v, %v, %v", org, s.RefreshAlive(used), s.Requests())
	}
}

// What is removed is unknown, and so is all that it was part of, even if it comes back.
func TestRemove(t *testing.T) {
	t.Parallel()
	s := start(t)
	user, _ := s.User(oktatest.DefaultUser)
	app, _ := s.App(oktatest.DefaultClientID)
	for _, part := range []struct {
		remove, add func()
		refused     string // at the next sign-in
	}{
		{func() { s.RemoveUser("ALICE@example.com") }, func() { s.AddUser(user) }, "invalid_grant"},
		{func() { s.RemoveApp(app.ClientID) }, func() { s.AddApp(app) }, "invalid_client"},
		{func() { s.RemoveAuthServer("default") }, s.Reset, "E0000007"},
	} {
		s.Clock().Advance(2 * time.Second)
		e := oktatest.Scenarios()[2]
		tokens := send(t, s, request(t, s, e))
		e.Scope = "api:read"
		refresh := tokens.member(t, "refresh_token")
		if !s.RefreshAlive(refresh) {
			t.Fatalf("no session: %s", tokens.Text)
		}
		part.remove()
		if code, _ := send(t, s, request(t, s, e)).error(t); code != part.refused || s.RefreshAlive(refresh) {
			t.Errorf("removed: got %q, want %q; alive: %v", code, part.refused, s.RefreshAlive(refresh))
		}
		part.add()
		active := introspect(t, s, tokens.member(t, "access_token"))
		if s.RefreshAlive(refresh) || active != `{"active":false}` {
			t.Errorf("added again: alive %v, %s", s.RefreshAlive(refresh), active)
		}
	}
}
