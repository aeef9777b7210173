package profile

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParseDomain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want Domain
	}{
		{"dev-1.okta.com", Domain{"https://dev-1.okta.com", ""}},
		{"  dev-1.okta.com\n", Domain{"https://dev-1.okta.com", ""}},
		{"dev-1.okta.com/", Domain{"https://dev-1.okta.com", ""}},
		{"https://dev-1.okta.com", Domain{"https://dev-1.okta.com", ""}},
		{"HTTPS://Dev-1.Okta.COM/", Domain{"https://dev-1.okta.com", ""}},
		{"https://dev-1.okta.com/oauth2/default", Domain{"https://dev-1.okta.com", "default"}},
		{"https://dev-1.okta.com/oauth2/ausA.b_c-9/", Domain{"https://dev-1.okta.com", "ausA.b_c-9"}},
		{"https://dev-1.okta.com/oauth2", Domain{"https://dev-1.okta.com", "org"}},
		{"dev-1.okta.com:443", Domain{"https://dev-1.okta.com", ""}},
		{"https://login.example.com:8443", Domain{"https://login.example.com:8443", ""}},
		{"http://127.0.0.1:8080", Domain{"http://127.0.0.1:8080", ""}},
		{"http://127.0.0.1:80/oauth2/default", Domain{"http://127.0.0.1", "default"}},
		{"http://localhost:1", Domain{"http://localhost:1", ""}},
		{"http://[::1]", Domain{"http://[::1]", ""}},
		{"http://[::1]:8080/", Domain{"http://[::1]:8080", ""}},
		{"https://10.0.0.7", Domain{"https://10.0.0.7", ""}},
		{"https://xn--kta-5cd.com", Domain{"https://xn--kta-5cd.com", ""}},
		{"acme.okta.mil", Domain{"https://acme.okta.mil", ""}},
	}
	for _, tt := range tests {
		got, err := ParseDomain(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("ParseDomain(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

// Every mistake has words of its own, and a way out where there is one.
func TestAT02_DomainMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, reason, hint string }{
		{"", "is missing", "admin console"},
		{"https://", "host is missing", ""},
		{"https:///oauth2/default", "host is missing", ""},
		{"https://{yourOktaDomain}", "placeholder", ""},
		{"${OKTA_DOMAIN}", "placeholder", ""},
		{"<your domain>", "placeholder", ""},
		{"https://yourOktaDomain.com", "placeholder", ""},
		{"https://dev-1-admin.okta.com", "admin console", "did you mean dev-1.okta.com?"},
		{"acme-admin.oktapreview.com", "admin console", "acme.oktapreview.com"},
		{"acme-admin.okta-gov.com", "admin console", "acme.okta-gov.com"},
		{"dev-1.okta.com.com", ".com.com", "did you mean dev-1.okta.com?"},
		{"HTTPS://user:canary-pw@host.example.com", "user name or password", ""},
		{"https://acme.okta.com@evil.example.com", "user name or password", ""},
		{"https://acme.okta.com?x=canary-q", "query", ""},
		{"https://acme.okta.com/#canary-f", "fragment", ""},
		{"https://acme.okta.com/login", "path \"/login\"", "https://acme.okta.com"},
		{"https://acme.okta.com//", "path", ""},
		{"https://acme.okta.com/oauth2//", "path", ""},
		{"https://acme.okta.com/oauth2/default/v1/token", "endpoint", "write https://acme.okta.com/oauth2/default"},
		{"https://acme.okta.com/oauth2/v1/token", "endpoint", "set server to org"},
		{"https://acme.okta.com/oauth2/./v1", "path", ""},
		{"http://acme.okta.com", "in the clear", "https://acme.okta.com"},
		{"http://10.0.0.7", "in the clear", ""},
		{"http://localhost.example.com", "in the clear", ""},
		{"ftp://acme.okta.com", "scheme is \"ftp\"", ""},
		{"javascript://acme.okta.com", "scheme is", ""},
		{"https:acme.okta.com", "two slashes", ""},
		{"https:/acme.okta.com", "two slashes", ""},
		{"//acme.okta.com", "names no scheme", ""},
		{"https://acme.okta.com:0", "port is \"0\"", ""},
		{"https://acme.okta.com:99999", "port is \"99999\"", ""},
		{"https://acme.okta.com:", "port is \"\"", ""},
		{"https://acme.okta.com:+443", "port is", ""},
		{"https://acme.okta.com:abc", "port is", ""},
		{"https://::1", "more than one colon", "[::1]"},
		{"https://[::1", "IPv6", ""},
		{"https://[127.0.0.1]", "IPv6", ""},
		{"https://acme..okta.com", "two dots", ""},
		{"https://acme.okta.com/oauth2/..", "two dots", ""},
		{"https://.okta.com", "begins with a dot", ""},
		{"https://acme.okta.com.", "ends with a dot", "write acme.okta.com"},
		{"https://-acme.okta.com", "not a label", ""},
		{"https://ac!me.okta.com", "not a label", ""},
		{"https://" + strings.Repeat("a", 64) + ".okta.com", "not a label", ""},
		{"https://" + strings.Repeat("a.", 130) + "com", "253", ""},
		{"dev-123456", "no dot", "dev-123456.okta.com"},
		{"okta.com", "organisation's own name", "dev-123456.okta.com"},
		{"https://127.1", "neither a host name nor an IPv4", ""},
		{"https://\u043ekta.com", `\u043ekta.com" holds letters outside ASCII`, "xn--"},
		{"https://acme.okta.com\uff0fevil", "outside ASCII", ""},
		{"https://acme\x00.okta.com", "control character", ""},
		{"https://acme.okta.com\x1b[2J", "control character", ""},
		{"https://acme\u2028.okta.com", "control character", ""},
		{`https:\\acme.okta.com`, "backslash", ""},
		{"https://acme .okta.com", "space", ""},
		{"https://acme.okta.com/%2e%2e", "percent", ""},
	}
	for _, tt := range tests {
		got, err := ParseDomain(tt.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("ParseDomain(%q) = %v, %v; want an *Error", tt.text, got, err)
			continue
		}
		if e.Key != KeyDomain || !strings.Contains(e.Error(), tt.reason) || !strings.Contains(e.Hint(), tt.hint) {
			t.Errorf("ParseDomain(%q): %v (hint %q); want %q and hint %q", tt.text, e, e.Hint(), tt.reason, tt.hint)
		}
		if all := e.Error() + e.Hint(); strings.Contains(all, "canary") || strings.ContainsFunc(all, isControl) || e.Hint() == "" {
			t.Errorf("ParseDomain(%q): %q, hint %q: shows what it must not, or has no hint", tt.text, e, e.Hint())
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
	for _, text := range []string{".", "..", "a/b", "a b", "{authServerId}", "é", "a?b", "a#", "%2e", strings.Repeat("a", 129), "a\n"} {
		if got, err := ParseServer(text); err == nil {
			t.Errorf("ParseServer(%q) = %q, want an error", text, got)
		}
	}
}

// What is accepted must be a clean origin by the rules of net/url as well, and
// must be a fixed point.
func FuzzParseDomain(f *testing.F) {
	for _, seed := range []string{"dev-1.okta.com", "https://dev-1.okta.com/oauth2/default", "http://[::1]:8080", "https://a.b@c.d", "//a.b", "a.b:0", "https://A.b/oauth2/.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDomain(text)
		if err != nil {
			if strings.ContainsFunc(err.Error(), isControl) {
				t.Fatalf("control character in %q", err)
			}
			return
		}
		u, err := url.Parse(d.BaseURL)
		if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Host == "" || u.String() != d.BaseURL {
			t.Fatalf("ParseDomain(%q) = %q, which is not a clean origin: %v", text, d.BaseURL, err)
		}
		if u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || strings.Contains(u.Hostname(), ":"))) {
			t.Fatalf("ParseDomain(%q) = %q", text, d.BaseURL)
		}
		if again, err := ParseDomain(d.BaseURL); err != nil || again.BaseURL != d.BaseURL {
			t.Fatalf("ParseDomain(%q) = %q, and of that %q, %v", text, d.BaseURL, again.BaseURL, err)
		}
		if d.Server != "" && !isServerID(d.Server) {
			t.Fatalf("ParseDomain(%q): server %q", text, d.Server)
		}
	})
}
