package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every way of writing the file wrong is named, with its line where it has
// one, and no value is shown.
func TestAT63_MalformedConfig(t *testing.T) {
	t.Parallel()
	tests := []struct{ config, want string }{
		{"profiles:\n  default:\n    client_secret: [canary-a, canary-b]",
			`line 3: "client_secret": expected text, got a list`},
		{"profiles:\n  default:\n    client_secret: {a: canary}",
			`"client_secret": expected text, got keys and values`},
		{"profiles:\n  default:\n    client_secret: !!binary Y2FuYXJ5", "without a YAML tag"},
		{"profiles:\n  default:\n    scopes: {a: canary}", `"scopes": expected a list`},
		{"profiles:\n  default:\n    scopes: [[canary]]", `"scopes": expected text, got a list`},
		{"profiles:\n  default:\n    scopes: [~]", "an item of the list is empty"},
		{"profiles:\n  default: canary-secret", "profile default: expected keys and values"},
		{"profiles: [canary]", "profiles: expected keys and values, got a list"},
		{"canary-secret", "the file: expected keys and values"},
		{"- canary", "the file: expected keys and values, got a list"},
		{"profile: {a: canary}", `"profile": expected text`},
		{"profile: Canary/..", "not a profile name"},
		{"profiles:\n  default:\n\tclient_secret: canary", "line 3 is indented with a tab"},
		{"profiles:\n  default:\n    client_secret:canary-secret-1", "expected keys and values"},
		{"profiles:\n  default:\n    domain: a.okta.com\n    client_secret=canary-1", "YAML"},
		{"profiles:\n  default:\n    client_secret: \"canary", "not valid YAML"},
		{"profiles:\n  default:\n    client_secret: *canary", "unknown anchor"},
		{"profiles:\n  default:\n    client_secret: 'a'canary", "not valid YAML"},
		{"profiles:\n  default:\n    domian: x", `line 3: profile "default": unknown setting "domian"`},
		{"profiles:\n  default:\n    canary-9f8e7d6c5b4a: x", "not a plain word, not shown"},
		{"domain: canary.okta.com", `unknown key "domain"`},
		{"domain: canary.okta.com", "profiles: default: domain"},
		{"domian: canary.okta.com", `did you mean "domain"?`},
		{"profiles: {default: {pasword: canary}}", `did you mean "password_file"?`},
		{"pasword: canary", `did you mean "password_file"?`},
		{"clientId: canary", `did you mean "client_id"?`},
		{"profiles:\n  default:\n    Client-Secret: canary", `did you mean "client_secret"?`},
		{"profles: {}", `did you mean "profiles"?`},
		{"profiles:\n  default:\n    domain: a.b\n    domain: c.d",
			`line 4: profile default: the key "domain" is written twice`},
		{"profiles: {default: {}, default: {}}", "written twice"},
		{"profiles: {}\nprofiles: {}", "written twice"},
		{"profiles: {? [canary] : {}}", "not plain text"},
		{"a: 1\n---\nb: 2", "second YAML document"},
		{"profiles:\x00", "NUL byte"},
		{"profiles: \x01", "not valid YAML"},
		{"profiles: \xff\xfe", "not valid YAML"},
		{"profiles: &a {default: *a}", `unknown setting "default"`},
	}
	for _, tt := range tests {
		_, err := Load(testOptions(t, tt.config, Options{}))
		if err == nil {
			t.Errorf("%q is accepted", tt.config)
			continue
		}
		e := wantError(t, err, tt.want)
		if !strings.Contains(e.Error(), "config.yaml") {
			t.Errorf("%q: the file is not named: %v", tt.config, e)
		}
	}
}

// A profile that okauth cannot read is an error for whoever uses that profile, and stays as it is when another one is
// edited.
func TestAT67_BadProfileAmongOthers(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"bad: {domian: x}", "bad: {password: canary}", "bad: {timeout: [1, 2]}", "bad: {client_secret: {a: canary}}",
		"bad: {scopes: [~]}", "bad: [canary]", "bad: canary", "bad: {domain: a.b, domain: c.d}", "bad: {? [canary] : {}}",
		"bad: {}\n  bad: {}", "bad: {<<: canary}", "bad: {timeout: soon}", "bad: {domain: '{yourOktaDomain}'}",
		"bad: {client_secret_file: a, client_secret_command: b}",
		"bad name: {}", "-bad: {}", "'': {}", strings.Repeat("bad", 22) + ": {}", "ünbad: {}",
	} {
		config := "profiles:\n  good:\n    domain: a.okta.com\n  " + bad + "\n"
		o := testOptions(t, config, Options{Profile: "good"})
		load(t, o)
		name, _, _ := strings.Cut(strings.Trim(bad, "'"), ":")
		o.Profile = strings.Trim(name, "'")
		_, err := Load(o)
		if o.Profile != "" {
			wantError(t, err, "")
		}
		path, _ := ConfigPath(o)
		file, err := OpenFile(path, "")
		must(t, err)
		if !slices.Contains(file.Profiles(), "good") {
			t.Errorf("%s: got the profiles %q", bad, file.Profiles())
		}
		if err := errors.Join(file.Set("good", KeyTimeout, "5s"), file.Use("good"), file.Save()); err != nil {
			t.Errorf("%s: edit the other profile: %v", bad, err)
		}
		if s := load(t, testOptions(t, "", Options{ConfigFile: path})); s.Timeout() != 5*time.Second {
			t.Errorf("%s: the edit is lost", bad)
		}
		if file.Check("bad") != nil {
			wantError(t, file.Set("bad", KeyDomain, "a.okta.com"), "config.yaml", "line")
			wantError(t, file.Unset("bad", KeyDomain), "config.yaml", "line")
			wantError(t, file.Use("bad"), "config.yaml", "line")
		}
	}
}

// Names are compared exactly.
func TestProfileNames(t *testing.T) {
	t.Parallel()
	names := []string{"dev", "Dev", "DEV", "a.b", "a", "A.B", "0", "x-_.", strings.Repeat("Z", 64), "profiles.dev"}
	config := "profiles:\n"
	for i, name := range names {
		config += fmt.Sprintf("  %q: {client_id: 0oa%d}\n", name, i)
	}
	for i, name := range names {
		s := load(t, testOptions(t, config, Options{Profile: name}))
		if want := fmt.Sprintf("0oa%d", i); s.ClientID() != want || s.ProfileName() != name {
			t.Errorf("%s: got client %q of the profile %q, want %q", name, s.ClientID(), s.ProfileName(), want)
		}
	}
	for _, name := range []string{"", ".a", "_a", "-a", "a b", "a/b", "ä", "a\n", strings.Repeat("Z", 65)} {
		wantError(t, CheckProfileName(name), "is not a profile name")
	}
}

func TestAT67_AliasBomb(t *testing.T) {
	t.Parallel()
	var laughs strings.Builder
	laughs.WriteString("profiles:\n  a0: &a0 {scopes: &s [" + strings.Repeat("x,", 9999) + "x]}\n")
	for i := 1; i < 500; i++ {
		fmt.Fprintf(&laughs, "  a%d: {scopes: *s}\n", i)
	}
	nested := "profiles: " + strings.Repeat("[", 20000)
	merges := "profiles:\n  m0: &m0 {domain: x}\n"
	for i := 1; i < 60; i++ {
		merges += fmt.Sprintf("  m%d: &m%d {<<: [*m%d, *m%d]}\n", i, i, i-1, i-1)
	}
	for name, config := range map[string]string{"laughs": laughs.String(), "nested": nested, "merges": merges} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			profile := map[string]string{"laughs": "a499", "merges": "m59"}[name]
			_, err := Load(testOptions(t, config, Options{Profile: profile}))
			wantError(t, err, "config.yaml")
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestAT67_NotAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Load(testOptions(t, "", Options{ConfigFile: dir}))
	wantError(t, err, "expected a regular file, got a directory")
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, []byte("# "+strings.Repeat("x", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Load(testOptions(t, "", Options{ConfigFile: big}))
	wantError(t, err, "larger than 1048576 bytes")
	_, err = OpenFile(big, "")
	wantError(t, err, "larger than")
}

// Whatever the file holds, Load answers with settings or an *Error, and never
// shows the secret in it.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{sample, "profiles: {default: {scopes: [a, b]}}", "profile: x", "&a [*a]",
		"profiles: &a {<<: *a}", "a: b: c", "\tx", "profiles:\n  default:\n    client_secret: canary\n"} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, config []byte) {
		path := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(path, config, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(testOptions(t, "", Options{ConfigFile: path}))
		var e *Error
		if err != nil && (!errors.As(err, &e) ||
			strings.ContainsFunc(strings.ReplaceAll(err.Error(), path, ""), isControl)) {
			t.Fatalf("got %v, want a clean *Error", err)
		}
		if err == nil && (len(s.Scopes()) == 0 || s.Timeout() <= 0 || s.Server() == "" ||
			!isProfileName(s.ProfileName())) {
			t.Fatalf("Load accepted %q: %+v", config, s.List())
		}
	})
}
