package okta

import (
	"net/url"
	"testing"
)

func TestAuthorizationURL(t *testing.T) {
	t.Parallel()
	for id, base := range map[string]string{
		"org": "https://dev-1.okta.com/oauth2/v1/authorize?", "default": "https://dev-1.okta.com/oauth2/default/v1/authorize?",
	} {
		server, err := NewAuthorizationServer("https://dev-1.okta.com", id)
		if err != nil {
			t.Fatal(err)
		}
		params := url.Values{"state": {"a&b"}, "scope": {"openid email"}}
		got := (&Client{Server: server, ID: "0oa1"}).AuthorizationURL(params)
		if want := base + "client_id=0oa1&response_type=code&scope=openid+email&state=a%26b"; got != want || len(params) != 2 {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	server, err := NewAuthorizationServer("https://dev-1.okta.com", "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &Client{Server: server, ID: "0oa1"}
	for _, test := range []struct{ answer, code, err string }{
		{"code=canary", "canary", ""},
		{"code=canary&iss=" + url.QueryEscape(server.Issuer()), "canary", ""},
		{"error=access_denied&error_description=No%1B%5B2J+way", "", "Okta refused the sign-in: No\ufffd[2J way (access_denied)"},
		{"error=server_error", "", "Okta could not handle the sign-in (server_error)"},
		{"error=temporarily_unavailable", "", "Okta could not handle the sign-in (temporarily_unavailable)"},
		{"code=canary&iss=https://attacker.example", "",
			`answer to the sign-in of https://dev-1.okta.com/oauth2/default names the issuer "https://attacker.example"`},
		{"error=access_denied&iss=", "",
			`answer to the sign-in of https://dev-1.okta.com/oauth2/default names the issuer ""`},
	} {
		answer, _ := url.ParseQuery(test.answer)
		code, err := client.AuthorizationCode(answer)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if code.Reveal() != test.code || text != test.err || MayHaveBeenProcessed(err) {
			t.Errorf("%s: got %q, %q", test.answer, code.Reveal(), text)
		}
	}
}
