package config

import (
	"strings"
	"testing"
)

// The mistakes are tested in pkg/internal/orgurl.
func TestAT02_ParseDomain(t *testing.T) {
	t.Parallel()
	d, err := ParseDomain(" https://Dev-1.okta.com/oauth2/aus1/ ")
	if err != nil || d != (Domain{BaseURL: "https://dev-1.okta.com", Server: "aus1"}) {
		t.Errorf("got %v, %v", d, err)
	}
	_, err = ParseDomain("https://dev-1-admin.okta.com")
	if e := wantError(t, err, `setting "domain": `, "admin console"); e.Suggestion != "dev-1.okta.com" {
		t.Errorf("got suggestion %q", e.Suggestion)
	}
	_, err = ParseDomain("https://user:canary-pw@host.example.com")
	wantError(t, err, "user name or password")
}

func TestParseIssuer(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, domain, server string }{
		{"https://dev-1.okta.com", "https://dev-1.okta.com", "org"},
		{"https://dev-1.okta.com/", "https://dev-1.okta.com", "org"},
		{"https://dev-1.okta.com/oauth2", "https://dev-1.okta.com", "org"},
		{"https://dev-1.okta.com/oauth2/default", "https://dev-1.okta.com", "default"},
		{" HTTPS://Dev-1.Okta.com:443/oauth2/ausA.b_c-9/ ", "https://dev-1.okta.com", "ausA.b_c-9"},
		{"http://127.0.0.1:8080/oauth2/default", "http://127.0.0.1:8080", "default"},
		{"https://[::1]:8443/oauth2/aus1", "https://[::1]:8443", "aus1"},
		{"dev-1.okta.com/oauth2/default", "https://dev-1.okta.com", "default"},
	}
	for _, tt := range tests {
		domain, server, err := ParseIssuer(tt.text)
		if err != nil || domain != tt.domain || server != tt.server {
			t.Errorf("ParseIssuer(%q) = %q, %q, %v; want %q, %q", tt.text, domain, server, err, tt.domain, tt.server)
		}
		// What it says is what the settings would say, when they get it back.
		s := load(t, testOptions(t, "", Options{Flags: map[string]string{KeyDomain: domain, KeyServer: server}}))
		if s.Domain() != tt.domain || s.Server() != tt.server {
			t.Errorf("%q: settings say %q, %q; want %q, %q", tt.text, s.Domain(), s.Server(), tt.domain, tt.server)
		}
	}
}

func TestAT02_IssuerMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, reason, suggestion string }{
		{"", "it is missing", ""},
		{"default", "no dot", ""},
		{"aus4711", "no dot", ""},
		{"http://dev-1.okta.com/oauth2/default", "in the clear", "https://dev-1.okta.com"},
		{"https://dev-1-admin.okta.com/oauth2/default", "admin console", "dev-1.okta.com"},
		{"https://user:canary-pw@dev-1.okta.com", "user name or password", ""},
		{"https://dev-1.okta.com/oauth2/default?canary", "query", ""},
		{"https://dev-1.okta.com/oauth2/default/v1/token", "endpoint", "https://dev-1.okta.com/oauth2/default"},
		{"https://dev-1.okta.com/oauth2/v1/keys", "endpoint", "https://dev-1.okta.com/oauth2"},
		{"https://{yourOktaDomain}/oauth2/default", "placeholder", ""},
		{"https://dev-1.okta.com:0", "port is", ""},
		{"dev-1.okta.com.com/oauth2/default", ".com.com", "dev-1.okta.com"},
	}
	for _, tt := range tests {
		domain, server, err := ParseIssuer(tt.text)
		e := wantError(t, err, `setting "issuer": `, tt.reason)
		if domain != "" || server != "" || e.Suggestion != tt.suggestion {
			t.Errorf("ParseIssuer(%q) = %q, %q with suggestion %q; want nothing and %q", tt.text, domain, server,
				e.Suggestion, tt.suggestion)
		}
	}
}

func TestParseServer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "org", "org": "org", "default": "default", "aus1.A_-": "aus1.A_-"} {
		if got, err := ParseServer(text); err != nil || got != want {
			t.Errorf("ParseServer(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{".", "..", "a/b", "a b", "{authServerId}", "é", "a?b", "a#", "%2e",
		strings.Repeat("a", 129), "a\n"} {
		if got, err := ParseServer(text); err == nil {
			t.Errorf("ParseServer(%q) = %q, want an error", text, got)
		}
	}
}
