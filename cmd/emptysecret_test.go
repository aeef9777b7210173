package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A client secret that cannot be one is named at once by every command that would use it, also where a session is
// missing or a person would be asked first, and whatever its source. Commands that need none go on.
func TestUselessClientSecretIsNamedFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(u *user) (names string){
		"empty variable": func(u *user) string { u.vars["OKAUTH_CLIENT_SECRET"] = ""; return "set but empty" },
		"a line break":   func(u *user) string { u.vars["OKAUTH_CLIENT_SECRET"] = "\n"; return "set but empty" },
		"quotes":         func(u *user) string { u.vars["OKAUTH_CLIENT_SECRET"] = `"wrong-horse"`; return "in quotes" },
		"empty file":     func(u *user) string { u.vars["OKAUTH_CLIENT_SECRET_FILE"] = file; return "the secret is empty" },
		"file is absent": func(u *user) string { u.vars["OKAUTH_CLIENT_SECRET_FILE"] = file + "x"; return "_FILE: open" },
		"setting": func(u *user) string {
			text := "profiles: {default: {client_secret: ''}}"
			if err := os.WriteFile(u.config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return "set but empty"
		},
	} {
		for _, command := range []string{
			"token", "token --refresh", "token --type id", "exec -- okauth", "userinfo", "login", "status", "decode",
			"config list", "logout",
		} {
			for _, password := range []bool{true, false} {
				u := newUser(t)
				delete(u.vars, "OKAUTH_CLIENT_SECRET")
				if !password {
					delete(u.vars, "OKAUTH_PASSWORD")
				}
				names, want := set(u), 2
				code, stdout, stderr := u.okauth(t.Context(), strings.Fields(command)...)
				switch command {
				case "decode":
					names, want = "not signed in", 4
				case "config list", "logout":
					names, want = "", 0
				case "status":
					stderr, want = stdout, 4
				}
				if code != want || !strings.Contains(strings.Join(strings.Fields(stderr), " "), names) || len(u.server.Requests()) > 0 {
					t.Errorf("%s, %s, password %t: got exit code %d, %q", name, command, password, code, stderr)
				}
			}
		}
	}
	u := newUser(t)
	if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
		t.Fatal(stderr)
	}
	u.vars["OKAUTH_CLIENT_SECRET"] = ""
	for _, command := range []string{"token", "decode"} { // from the cache, which needs no secret
		if code, stdout, stderr := u.okauth(t.Context(), command); code != 0 || stdout == "" {
			t.Errorf("%s: got exit code %d, %q", command, code, stderr)
		}
	}
}
