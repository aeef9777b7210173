package oktatest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct{ path, issuer, v1 string }{
		{"/.well-known/openid-configuration", "", "/oauth2/v1/"},
		{"/.well-known/oauth-authorization-server", "", "/oauth2/v1/"},
		{"/oauth2/default/.well-known/openid-configuration?client_id=" + oktatest.DefaultClientID, "/oauth2/default", "/oauth2/default/v1/"},
		{"/oauth2/default/.well-known/oauth-authorization-server", "/oauth2/default", "/oauth2/default/v1/"},
		{"/.well-known/oauth-authorization-server/oauth2/default", "/oauth2/default", "/oauth2/default/v1/"},
	} {
		got := get(t, s, s.URL()+test.path, "")
		var doc struct {
			Issuer   string
			Token    string   `json:"token_endpoint"`
			Keys     string   `json:"jwks_uri"`
			Userinfo string   `json:"userinfo_endpoint"`
			Grants   []string `json:"grant_types_supported"`
			Scopes   []string `json:"scopes_supported"`
		}
		if err := json.Unmarshal([]byte(got.Text), &doc); err != nil {
			t.Fatalf("%s: %v in %s", test.path, err, got.Text)
		}
		if v1 := s.URL() + test.v1; doc.Issuer != s.URL()+test.issuer || doc.Token != v1+"token" || doc.Keys != v1+"keys" {
			t.Errorf("%s: got %+v", test.path, doc)
		}
		oidc := strings.Contains(test.path, "openid")
		if (doc.Userinfo != "") != oidc || slices.Contains(doc.Grants, "client_credentials") == oidc {
			t.Errorf("%s: got %+v, OIDC %v", test.path, doc, oidc)
		}
		if slices.Contains(doc.Scopes, "groups") != (test.issuer == "") || strings.Contains(got.Text, "null") {
			t.Errorf("%s: got the scopes %q, or null: %s", test.path, doc.Scopes, got.Text)
		}
		if h := got.Header; h.Get("X-Rate-Limit-Limit") != "" || h.Get("Pragma") != "" || !strings.HasPrefix(h.Get("Cache-Control"), "max-age=") {
			t.Errorf("%s: headers %v", test.path, h)
		}
	}
}

func TestDiscoveryRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct {
		path   string
		status int
		code   string
	}{
		{"/oauth2/nowhere/.well-known/openid-configuration", 404, "E0000007"},
		{"/oauth2/org/.well-known/openid-configuration", 404, "E0000007"},
		{"/oauth2/nowhere/v1/keys", 404, "E0000007"},
		{"/oauth2/default/.well-known/openid-configuration?client_id=nobody", 400, "invalid_client"},
		{"/oauth2/v1/keys?client_id=nobody", 400, "invalid_client"},
		{"/oauth2/default/.well-known/nothing", 404, "E0000008"},
		{"/oauth2/default/v1/nothing", 404, "E0000008"},
		{"/nothing", 404, "E0000008"},
	} {
		got := get(t, s, s.URL()+test.path, "")
		if code, _ := got.error(t); got.Status != test.status || code != test.code {
			t.Errorf("%s: got %d %q, want %d %q", test.path, got.Status, code, test.status, test.code)
		}
	}
	for _, path := range []string{"/oauth2/default/v1/keys?client_id=nobody", "/oauth2/v1/keys?client_id=" + oktatest.DefaultClientID} {
		if got := get(t, s, s.URL()+path, ""); got.Status != 200 {
			t.Errorf("%s: got %d, want 200", path, got.Status)
		}
	}
	for _, path := range []string{"/.well-known/okta-organization", "/.well-known/openid-configuration", "/oauth2/v1/keys", "/api/hello"} {
		if got := send(t, s, newPost(t, s.URL()+path, nil)); got.Status != 405 {
			t.Errorf("POST %s: got %d, want 405", path, got.Status)
		}
	}
	if got := get(t, s, s.URL()+"/.well-known/okta-organization", ""); got.member(t, "pipeline") != "idx" || !strings.HasPrefix(got.member(t, "id"), "00o") {
		t.Errorf("organization: got %s", got.Text)
	}
}
