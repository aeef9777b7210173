package okta

import (
	"strings"
	"testing"
)

func TestServerAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, id, wantID, issuer, token string }{
		{"https://dev-1.okta.com", "default", "default", "https://dev-1.okta.com/oauth2/default",
			"https://dev-1.okta.com/oauth2/default/v1/token"},
		{"https://Dev-1.Okta.com:443/", "aus9o8wzkhckw9TLa0h7z", "aus9o8wzkhckw9TLa0h7z",
			"https://dev-1.okta.com/oauth2/aus9o8wzkhckw9TLa0h7z",
			"https://dev-1.okta.com/oauth2/aus9o8wzkhckw9TLa0h7z/v1/token"},
		{"https://dev-1.okta.com", "", "org", "https://dev-1.okta.com", "https://dev-1.okta.com/oauth2/v1/token"},
		{"https://dev-1.okta.com", "org", "org", "https://dev-1.okta.com", "https://dev-1.okta.com/oauth2/v1/token"},
		{"http://[::1]:8099", "org", "org", "http://[::1]:8099", "http://[::1]:8099/oauth2/v1/token"},
		{"http://127.0.0.1:8099", "default", "default", "http://127.0.0.1:8099/oauth2/default",
			"http://127.0.0.1:8099/oauth2/default/v1/token"},
	} {
		s, err := NewAuthorizationServer(test.base, test.id)
		if err != nil {
			t.Errorf("%s %s: %v", test.base, test.id, err)
			continue
		}
		if s.ID() != test.wantID || s.Issuer() != test.issuer || s.Endpoint("token") != test.token {
			t.Errorf("%s %s: got %s %s %s", test.base, test.id, s.ID(), s.Issuer(), s.Endpoint("token"))
		}
	}
}

func TestAT02_ServerMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, id, want string }{
		{"http://dev-1.okta.com", "default", "in the clear"},
		{"http://127.0.0.1.evil.example", "default", "in the clear"},
		{"HTTPS://user:canary-pw@dev-1.okta.com", "default", "user name or password"},
		{"https://dev-1.okta.com@evil.example", "default", "user name or password"},
		{"https://user:canary-pw@dev-1.okta.com:x", "default", "user name or password"},
		{"//dev-1.okta.com", "default", "expected https://"},
		{"dev-1.okta.com", "default", "expected https://"},
		{"ftp://dev-1.okta.com", "default", "expected https"},
		{"https://dev-1.okta.com#", "default", "fragment"},
		{"https://dev-1.okta.com/?a=b", "default", "query"},
		{"https://dev-1.okta.com?", "default", "query"},
		{"https://dev-1.okta.com:99999", "default", "port"},
		{"https://dev-1.okta.com:0", "default", "port"},
		{"https://dev-1.okta.com/../x", "default", "two dots"},
		{"https://dev-1.okta.com/oauth2/default", "default", "expected https:// and a host"},
		{"https://dev-1.okta.com//", "default", "path"},
		{"https://dev-1.оkta.com", "default", "xn--"}, // the o is Cyrillic
		{"https://dev-1.okta.com\u202e", "default", "xn--"},
		{"https://", "default", "host"},
		{"https://dev..okta.com", "default", "two dots"},
		{"https://dev-1\n.okta.com", "default", "control character"},
		{"https://dev-1.okta.com", "..", "server id"},
		{"https://dev-1.okta.com", "a/b", "server id"},
		{"https://dev-1.okta.com", "a%2fb", "server id"},
		{"https://dev-1.okta.com", "a?b", "server id"},
		{"https://dev-1.okta.com", "аus", "server id"}, // the a is Cyrillic
	} {
		_, err := NewAuthorizationServer(test.base, test.id)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") ||
			strings.ContainsAny(err.Error(), "\n\u202e") {
			t.Errorf("%q %q: got %v, want %q", test.base, test.id, err, test.want)
		}
	}
}
