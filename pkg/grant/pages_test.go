package grant

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// visit goes through the sign-in pages from address, and decides there where consent is wanted. It returns the heading
// of the last page.
func visit(t *testing.T, s *oktatest.Server, address, decision string) string {
	t.Helper()
	client := *s.Client()
	client.CheckRedirect = nil
	client.Jar, _ = cookiejar.New(nil)
	field := regexp.MustCompile(`name="(\w+)" value="(\w*)"`)
	action := regexp.MustCompile(`<form method="post" action="(/\w+)"`)
	resp, err := client.Get(address)
	for range 5 {
		if err != nil {
			t.Error(err)
			return ""
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		to := action.FindSubmatch(body)
		if to == nil {
			heading := regexp.MustCompile(`<h1>(.*)</h1>`).FindSubmatch(body)
			if heading == nil {
				t.Errorf("got the page %s", body)
				return ""
			}
			return string(heading[1])
		}
		form := url.Values{}
		for _, m := range field.FindAllSubmatch(body, -1) {
			form.Set(string(m[1]), string(m[2]))
		}
		if strings.Contains(string(body), `name="password"`) {
			form.Set("username", oktatest.DefaultUser)
			form.Set("password", oktatest.DefaultPassword)
		}
		if form.Has("decision") {
			form.Set("decision", decision)
		}
		resp, err = client.PostForm(s.URL()+string(to[1]), form)
	}
	t.Error("the pages do not end")
	return ""
}

// The Okta of oktatest, which shares no code with the client, lets both grants sign in, and refuses them.
func TestGrantsOnPages(t *testing.T) {
	t.Parallel()
	s := oktatest.ForTest(t, oktatest.Options{PollInterval: time.Second})
	redirect := "http://" + freePort(t, "127.0.0.1") + "/callback"
	app, _ := s.App(oktatest.DefaultClientID)
	app.RedirectURIs = []string{redirect}
	s.AddApp(app)
	off := app
	off.ClientID, off.Grants = "0oaNoGrantHere000001", []string{oktatest.GrantPassword}
	s.AddApp(off)
	for _, test := range []struct {
		grant             string
		client, scopes    string
		decision, heading string
		code              string // of the error; "" for tokens
	}{
		{"authorization-code", app.ClientID, "openid profile", "", "Signed in", ""},
		{"authorization-code", app.ClientID, "openid nonsense", "", "Not signed in", "invalid_scope"},
		{"authorization-code", off.ClientID, "openid", "", "Not signed in", "unauthorized_client"},
		{"device-code", app.ClientID, "openid profile", "allow", "Device connected", ""},
		{"device-code", app.ClientID, "openid profile", "deny", "Sign-in failed", "access_denied"},
		{"device-code", app.ClientID, "openid nonsense", "", "", "invalid_scope"},
		{"device-code", off.ClientID, "openid", "", "", "unauthorized_client"},
	} {
		s.ResetRequests()
		heading := ""
		w := &watcher{shownNow: func(d DeviceCode) { heading = visit(t, s, d.FullAddress, test.decision) }}
		b := &browser{Interaction: w,
			visit: func(b *browser) { heading = visit(t, s, b.opened.Address, test.decision) }}
		row, _ := Lookup(test.grant)
		g := row.New(Params{Scopes: strings.Fields(test.scopes), RedirectURI: redirect})
		tokens, err := g.Token(t.Context(), clientAt(t, s, test.client, oktatest.DefaultServerID), b)
		b.visited.Wait()
		if heading != test.heading {
			t.Errorf("%+v: the last page says %q", test, heading)
		}
		if test.code != "" {
			if e, ok := errors.AsType[*okta.Error](err); !ok || e.Code != test.code || tokens != nil {
				t.Errorf("%+v: got %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		id := clientAt(t, s, test.client, oktatest.DefaultServerID).Server.Issuer()
		if err := CheckIDToken(tokens, id, test.client); err != nil || len(tokens.Warnings) > 0 {
			t.Errorf("%+v: %v, %q", test, err, tokens.Warnings)
		}
		posts := 0
		for _, r := range s.Requests() {
			if strings.HasSuffix(r.Path, "/token") && r.Method == http.MethodPost {
				posts++
			}
		}
		if posts != 1 {
			t.Errorf("%+v: %d token requests, want 1", test, posts)
		}
	}
}
