package config

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
		{"[::1]:8443", Domain{"https://[::1]:8443", ""}},
		{"https://[::1]:8443/oauth2/default", Domain{"https://[::1]:8443", "default"}},
		{"http://[::1]:80", Domain{"http://[::1]", ""}},
		{"http://[0:0:0:0:0:0:0:1]:8080", Domain{"http://[::1]:8080", ""}},
		{"https://[2001:DB8:0::0:7]:443/oauth2", Domain{"https://[2001:db8::7]", "org"}},
		{"https://[::ffff:192.0.2.1]", Domain{"https://[::ffff:192.0.2.1]", ""}},
		{"http://127.9.9.9:8080", Domain{"http://127.9.9.9:8080", ""}},
		{"HTTP://LocalHost:8080", Domain{"http://localhost:8080", ""}},
		{"DEV-1.OKTA.COM:08443", Domain{"https://dev-1.okta.com:8443", ""}},
		{"https://XN--KTA-5CD.com", Domain{"https://xn--kta-5cd.com", ""}},
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
		{"https://[]", "IPv6", ""},
		{"https://[::1]evil.example.com", "IPv6", "[2001:db8::7]"},
		{"https://[::1]evil:443", "IPv6", ""},
		{"https://[::1].", "IPv6", ""},
		{"https://[::1]]:443", "IPv6", ""},
		{"https://[::1]:", "port is \"\"", ""},
		{"https://[::1]:0", "port is \"0\"", ""},
		{"https://[::1]:65536", "port is \"65536\"", ""},
		{"https://2001:db8::7:443", "more than one colon", "[::1]"},
		{"::1", "more than one colon", "[::1]"},
		{"https://[fe80::1%eth0]", "with a zone", "leave out everything from the % up to the ]"},
		{"https://[::1%25lo]:8443", "with a zone", ""},
		{"http://[2001:db8::7]:8080", "in the clear", "https://[2001:db8::7]:8080"},
		{"http://[::]:8080", "in the clear", ""},
		{"https://acme..okta.com", "two dots", ""},
		{"https://acme.okta.com/oauth2/..", "two dots", ""},
		{"https://.okta.com", "begins with a dot", ""},
		{"https://acme.okta.com.", "ends with a dot", "write acme.okta.com"},
		{"ACME.okta.com.:443", "ends with a dot", "write acme.okta.com"},
		{"http://localhost.", "ends with a dot", "write localhost"},
		{"https://-acme.okta.com", "not a label", ""},
		{"https://ac!me.okta.com", "not a label", ""},
		{"https://" + strings.Repeat("a", 64) + ".okta.com", "not a label", ""},
		{"https://" + strings.Repeat("a.", 130) + "com", "253", ""},
		{"dev-123456", "no dot", "dev-123456.okta.com"},
		{"okta.com", "organisation's own name", "dev-123456.okta.com"},
		{"https://127.1", "neither a host name nor an IPv4", ""},
		{"https://\u043ekta.com", `\u043ekta.com" holds letters outside ASCII`, "xn--"},
		{"https://b\u00fccher.example", `b\u00fccher.example" holds letters outside ASCII`, "xn--"},
		{"https://\xff.example", `\xff`, "xn--"},
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

// An issuer is wrong in the ways a domain is, but no hint speaks of a domain.
func TestAT02_IssuerMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, reason, hint string }{
		{"", "it is missing", "copy the issuer"},
		{"default", "no dot", "copy the issuer"},
		{"aus4711", "no dot", "copy the issuer"},
		{"http://dev-1.okta.com/oauth2/default", "in the clear", "https://dev-1.okta.com"},
		{"https://dev-1-admin.okta.com/oauth2/default", "admin console", "dev-1.okta.com"},
		{"https://user:canary-pw@dev-1.okta.com", "user name or password", "up to the @"},
		{"https://dev-1.okta.com/oauth2/default?canary", "query", "from the ? on"},
		{"https://dev-1.okta.com/oauth2/default/v1/token", "endpoint", "write https://dev-1.okta.com/oauth2/default"},
		{"https://dev-1.okta.com/oauth2/v1/keys", "endpoint", "write https://dev-1.okta.com"},
		{"https://{yourOktaDomain}/oauth2/default", "placeholder", "copy the issuer"},
		{"https://dev-1.okta.com:0", "port is", "copy the issuer"},
		{"dev-1.okta.com.com/oauth2/default", ".com.com", "did you mean dev-1.okta.com?"},
	}
	for _, tt := range tests {
		domain, server, err := ParseIssuer(tt.text)
		e := wantError(t, err, `setting "issuer": `, tt.reason)
		if domain != "" || server != "" || !strings.Contains(e.Hint(), tt.hint) {
			t.Errorf("ParseIssuer(%q) = %q, %q with hint %q; want nothing and %q", tt.text, domain, server, e.Hint(), tt.hint)
		}
		if all := e.Error() + e.Hint(); strings.Contains(all, "the domain") || strings.Contains(all, "set server") {
			t.Errorf("ParseIssuer(%q): %q, hint %q: speaks of other settings", tt.text, e, e.Hint())
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
	for _, seed := range []string{"dev-1.okta.com", "https://dev-1.okta.com/oauth2/default", "http://[::1]:8080", "https://a.b@c.d", "//a.b", "a.b:0", "https://A.b/oauth2/..",
		"[::1]:8443", "https://[0:0::1]:443", "https://[::ffff:127.0.0.1]", "http://[::1%lo]", "https://xn--kta-5cd.com.", "https://\u043ekta.com"} {
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
