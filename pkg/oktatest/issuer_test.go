package oktatest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// issuers are what metadata says, without and with the client's id, and what the client's two tokens say.
func issuers(t *testing.T, s *oktatest.Server, server, clientID string) [4]string {
	t.Helper()
	base := s.URL()
	if server != oktatest.OrgServerID {
		base += "/oauth2/" + server
	}
	metadata := base + "/.well-known/openid-configuration"
	e := oktatest.Scenarios()[0]
	e.Server, e.ClientID, e.Scope = server, clientID, "openid"
	tokens := send(t, s, request(t, s, e))
	out := [4]string{get(t, s, metadata, "").member(t, "issuer"), get(t, s, metadata+"?client_id="+clientID, "").member(t, "issuer")}
	for i, kind := range []string{"access_token", "id_token"} {
		_, claims, _ := open(t, tokens.member(t, kind), nil)
		var c struct{ Iss string }
		if err := json.Unmarshal([]byte(claims), &c); err != nil {
			t.Fatal(err)
		}
		out[2+i] = c.Iss
	}
	return out
}

func TestIssuerModes(t *testing.T) {
	t.Parallel()
	const custom, other = "https://login.example.com", "https://org.example.com"
	for _, test := range []struct {
		name        string
		server, app string // issuer of each
		want        [4]string
	}{
		{"dynamic", "", "", [4]string{"", "", "", ""}},
		{"custom domain", custom, "", [4]string{custom, custom, custom, custom}},
		{"the client's own", "", other, [4]string{"", other, other, other}},
		{"both", custom, other, [4]string{custom, other, other, other}},
	} {
		for server, path := range map[string]string{"default": "/oauth2/default", oktatest.OrgServerID: ""} {
			s := start(t, oktatest.Options{Issuer: test.server})
			app, _ := s.App(oktatest.DefaultClientID)
			app.Issuer = test.app
			s.AddApp(app)
			want := test.want
			for i, base := range want {
				if base == "" {
					base = s.URL()
				}
				want[i] = base + path
			}
			if got := issuers(t, s, server, app.ClientID); got != want {
				t.Errorf("%s at %s: got %q, want %q", test.name, server, got, want)
			}
			if named := s.Issuer(server); named != want[0] {
				t.Errorf("%s: Issuer(%q): got %s, want %s", test.name, server, named, want[0])
			}
		}
	}
}

// The endpoints stay where they can be reached, and the API takes tokens of that issuer.
func TestCustomDomainWorks(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Issuer: "https://login.example.com"})
	got := get(t, s, s.URL()+"/oauth2/default/.well-known/openid-configuration", "")
	if uri := got.member(t, "jwks_uri"); uri != s.URL()+defaultBase+"keys" {
		t.Errorf("jwks_uri: got %s", uri)
	}
	token := send(t, s, good(t, s)).member(t, "access_token")
	if got := get(t, s, s.URL()+"/api/hello", token); got.Status != 200 {
		t.Errorf("hello: got %d %v", got.Status, got.Header)
	}
	if got := introspect(t, s, token); !strings.Contains(got, `"iss":"https://login.example.com/oauth2/default"`) {
		t.Errorf("introspect: got %s", got)
	}
	app, _ := s.App(oktatest.PublicClientID)
	app.Issuer = "https://org.example.com"
	s.AddApp(app)
	e := oktatest.Scenarios()[4]
	if got := get(t, s, s.URL()+"/api/hello", send(t, s, request(t, s, e)).member(t, "access_token")); got.Status != 200 {
		t.Errorf("hello, with a client's issuer: got %d %v", got.Status, got.Header)
	}
}
