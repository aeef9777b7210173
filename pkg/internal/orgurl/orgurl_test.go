package orgurl

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want Address
	}{
		{"dev-1.okta.com", Address{"https://dev-1.okta.com", ""}},
		{"  dev-1.okta.com\n", Address{"https://dev-1.okta.com", ""}},
		{"dev-1.okta.com/", Address{"https://dev-1.okta.com", ""}},
		{"https://dev-1.okta.com", Address{"https://dev-1.okta.com", ""}},
		{"HTTPS://Dev-1.Okta.COM/", Address{"https://dev-1.okta.com", ""}},
		{"https://dev-1.okta.com/oauth2/default", Address{"https://dev-1.okta.com", "default"}},
		{"https://dev-1.okta.com/oauth2/ausA.b_c-9/", Address{"https://dev-1.okta.com", "ausA.b_c-9"}},
		{"https://dev-1.okta.com/oauth2", Address{"https://dev-1.okta.com", "org"}},
		{"dev-1.okta.com:443", Address{"https://dev-1.okta.com", ""}},
		{"https://login.example.com:8443", Address{"https://login.example.com:8443", ""}},
		{"http://127.0.0.1:8080", Address{"http://127.0.0.1:8080", ""}},
		{"http://127.0.0.1:80/oauth2/default", Address{"http://127.0.0.1", "default"}},
		{"http://localhost:1", Address{"http://localhost:1", ""}},
		{"http://[::1]", Address{"http://[::1]", ""}},
		{"http://[::1]:8080/", Address{"http://[::1]:8080", ""}},
		{"https://10.0.0.7", Address{"https://10.0.0.7", ""}},
		{"[::1]:8443", Address{"https://[::1]:8443", ""}},
		{"https://[::1]:8443/oauth2/default", Address{"https://[::1]:8443", "default"}},
		{"http://[::1]:80", Address{"http://[::1]", ""}},
		{"http://[0:0:0:0:0:0:0:1]:8080", Address{"http://[::1]:8080", ""}},
		{"https://[2001:DB8:0::0:7]:443/oauth2", Address{"https://[2001:db8::7]", "org"}},
		{"https://[::ffff:192.0.2.1]", Address{"https://[::ffff:192.0.2.1]", ""}},
		{"http://127.9.9.9:8080", Address{"http://127.9.9.9:8080", ""}},
		{"HTTP://LocalHost:8080", Address{"http://localhost:8080", ""}},
		{"DEV-1.OKTA.COM:08443", Address{"https://dev-1.okta.com:8443", ""}},
		{"https://XN--KTA-5CD.com", Address{"https://xn--kta-5cd.com", ""}},
		{"https://xn--kta-5cd.com", Address{"https://xn--kta-5cd.com", ""}},
		{"acme.okta.mil", Address{"https://acme.okta.mil", ""}},
	}
	for _, tt := range tests {
		got, err := Parse(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("Parse(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

// Every mistake has its own message, and a suggestion where there is one.
func TestST04_AT02_DomainMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, reason, suggestion string }{
		{"", "is missing", ""},
		{"https://", "host is missing", ""},
		{"https:///oauth2/default", "host is missing", ""},
		{"https://{yourOktaDomain}", "placeholder", ""},
		{"${OKTA_DOMAIN}", "placeholder", ""},
		{"<your domain>", "placeholder", ""},
		{"https://yourOktaDomain.com", "placeholder", ""},
		{"https://dev-1-admin.okta.com", "admin console", "dev-1.okta.com"},
		{"acme-admin.oktapreview.com", "admin console", "acme.oktapreview.com"},
		{"acme-admin.okta-gov.com", "admin console", "acme.okta-gov.com"},
		{"dev-1.okta.com.com", ".com.com", "dev-1.okta.com"},
		{"HTTPS://user:canary-pw@host.example.com", "user name or password", ""},
		{"https://acme.okta.com@evil.example.com", "user name or password", ""},
		{"https://acme.okta.com?x=canary-q", "query", ""},
		{"https://acme.okta.com/#canary-f", "fragment", ""},
		{"https://acme.okta.com/login", "path \"/login\"", "https://acme.okta.com"},
		{"https://acme.okta.com//", "path", ""},
		{"https://acme.okta.com/oauth2//", "path", ""},
		{"https://acme.okta.com/oauth2/default/v1/token", "endpoint", "https://acme.okta.com/oauth2/default"},
		{"https://acme.okta.com/oauth2/v1/token", "endpoint", "https://acme.okta.com/oauth2"},
		{"https://acme.okta.com/oauth2/./v1", "path", ""},
		{"http://acme.okta.com", "in the clear", "https://acme.okta.com"},
		{"http://10.0.0.7", "in the clear", ""},
		{"http://localhost.example.com", "in the clear", ""},
		{"ftp://acme.okta.com", "scheme is \"ftp\"", ""},
		{"javascript://acme.okta.com", "scheme is", ""},
		{"https:acme.okta.com", "two slashes", ""},
		{"https:/acme.okta.com", "two slashes", ""},
		{"//acme.okta.com", "no scheme", ""},
		{"https://acme.okta.com:0", "port is \"0\"", ""},
		{"https://acme.okta.com:99999", "port is \"99999\"", ""},
		{"https://acme.okta.com:", "port is \"\"", ""},
		{"https://acme.okta.com:+443", "port is", ""},
		{"https://acme.okta.com:abc", "port is", ""},
		{"https://::1", "more than one colon, expected brackets, as in [::1]:8080", ""},
		{"https://[::1", "IPv6", ""},
		{"https://[127.0.0.1]", "IPv6", ""},
		{"https://[]", "IPv6", ""},
		{"https://[::1]evil.example.com", "IPv6 address, expected one like [2001:db8::7]", ""},
		{"https://[::1]evil:443", "IPv6", ""},
		{"https://[::1].", "IPv6", ""},
		{"https://[::1]]:443", "IPv6", ""},
		{"https://[::1]:", "port is \"\"", ""},
		{"https://[::1]:0", "port is \"0\"", ""},
		{"https://[::1]:65536", "port is \"65536\"", ""},
		{"https://2001:db8::7:443", "more than one colon, expected brackets, as in [::1]:8080", ""},
		{"::1", "more than one colon, expected brackets, as in [::1]:8080", ""},
		{"https://[fe80::1%eth0]", "IPv6 zone", ""},
		{"https://[::1%25lo]:8443", "IPv6 zone", ""},
		{"http://[2001:db8::7]:8080", "in the clear", "https://[2001:db8::7]:8080"},
		{"http://[::]:8080", "in the clear", ""},
		{"https://acme..okta.com", "two dots", ""},
		{"https://acme.okta.com/oauth2/..", "two dots", ""},
		{"https://.okta.com", "begins with a dot", ""},
		{"https://acme.okta.com.", "ends with a dot", "acme.okta.com"},
		{"ACME.okta.com.:443", "ends with a dot", "acme.okta.com"},
		{"http://localhost.", "ends with a dot", "localhost"},
		{"https://-acme.okta.com", "not a label", ""},
		{"https://ac!me.okta.com", "not a label", ""},
		{"https://" + strings.Repeat("a", 64) + ".okta.com", "not a label", ""},
		{"https://" + strings.Repeat("a.", 130) + "com", "253", ""},
		{"dev-123456", "no dot", "dev-123456.okta.com"},
		{"okta.com", "org's own name, expected one like dev-123456.okta.com", ""},
		{"https://127.1", "neither a host name nor an IPv4", ""},
		{"https://\u043ekta.com", `\u043ekta.com" has letters outside ASCII, expected the xn--`, ""},
		{"https://b\u00fccher.example", `b\u00fccher.example" has letters outside ASCII, expected the xn--`, ""},
		{"https://\xff.example", `\ufffd.example`, ""},
		{"https://acme.okta.com\uff0fevil", "outside ASCII", ""},
		{"https://acme\x00.okta.com", "control character", ""},
		{"https://acme.okta.com\x1b[2J", "control character", ""},
		{"https://acme\u2028.okta.com", "control character", ""},
		{`https:\\acme.okta.com`, "backslash", ""},
		{"https://acme .okta.com", "space", ""},
		{"https://acme.okta.com/%2e%2e", "percent", ""},
	}
	for _, tt := range tests {
		got, err := Parse(tt.text)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Error(), tt.reason) ||
			!strings.Contains(e.Suggestion, tt.suggestion) {
			t.Errorf("Parse(%q) = %v, %#v; want %q and suggestion %q", tt.text, got, err, tt.reason, tt.suggestion)
			continue
		}
		if all := e.Error() + e.Suggestion; strings.Contains(all, "canary") || strings.ContainsFunc(all, isControl) {
			t.Errorf("Parse(%q): shows what it must not: %#v", tt.text, e)
		}
		if again, err := Parse(e.Suggestion); e.Suggestion != "" && err != nil {
			t.Errorf("Parse(%q): the suggestion %q is %v, %v", tt.text, e.Suggestion, again, err)
		}
	}
}

func TestIsServerID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"org", "default", "aus1.A_-", strings.Repeat("a", 128)} {
		if !IsServerID(id) {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range []string{"", ".", "..", "a/b", "a b", "{authServerId}", "é", "a?b", "a#", "%2e",
		strings.Repeat("a", 129), "a\n"} {
		if IsServerID(id) {
			t.Errorf("%q is accepted", id)
		}
	}
}

// What is accepted must be a clean origin by the rules of net/url as well, and
// must be a fixed point.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"dev-1.okta.com", "https://dev-1.okta.com/oauth2/default", "http://[::1]:8080",
		"https://a.b@c.d", "//a.b", "a.b:0", "https://A.b/oauth2/..",
		"[::1]:8443", "https://[0:0::1]:443", "https://[::ffff:127.0.0.1]", "http://[::1%lo]",
		"https://xn--kta-5cd.com.", "https://\u043ekta.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			if strings.ContainsFunc(err.Error(), isControl) {
				t.Fatalf("control character in %q", err)
			}
			return
		}
		u, err := url.Parse(d.BaseURL)
		if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Host == "" ||
			u.String() != d.BaseURL {
			t.Fatalf("Parse(%q) = %q, which is not a clean origin: %v", text, d.BaseURL, err)
		}
		if u.Scheme != "https" && !(u.Scheme == "http" &&
			(u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") ||
				strings.Contains(u.Hostname(), ":"))) {
			t.Fatalf("Parse(%q) = %q", text, d.BaseURL)
		}
		if again, err := Parse(d.BaseURL); err != nil || again.BaseURL != d.BaseURL {
			t.Fatalf("Parse(%q) = %q, and of that %q, %v", text, d.BaseURL, again.BaseURL, err)
		}
		if d.Server != "" && !IsServerID(d.Server) {
			t.Fatalf("Parse(%q): server %q", text, d.Server)
		}
	})
}
