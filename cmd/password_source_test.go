package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"okauth/pkg/config"
)

// The hint about a refused password says where that password came from, whatever gave it.
func TestRefusedPasswordNamesItsSource(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("wrong-horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range config.SecretKeys(config.KeyPassword) {
		variables := []string{"OKAUTH_PASSWORD"} // which has no key in the file
		if name != config.KeyPassword {
			key, err := config.FindKey(name)
			if err != nil {
				t.Fatal(err)
			}
			variables = key.Env
		}
		value, shown := "wrong-horse", ""
		switch name {
		case config.FileKey(config.KeyPassword):
			value, shown = file, " ("+file+")"
		case config.CommandKey(config.KeyPassword):
			value = "echo wrong-horse"
		}
		for _, variable := range variables {
			u := newUser(t)
			delete(u.vars, "OKAUTH_PASSWORD")
			u.vars[variable] = value
			wantSource(t, u, variable+shown, "env -u "+variable+" okauth login")
		}
		if name == config.KeyPassword {
			continue // the configuration file never holds one
		}
		u := newUser(t)
		delete(u.vars, "OKAUTH_PASSWORD")
		if code, _, stderr := u.okauth(t.Context(), "config", "set", name, value); code != 0 {
			t.Fatal(stderr)
		}
		wantSource(t, u, name+shown, "okauth config unset "+name+", then: okauth login")
	}
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	u.stdin = "wrong-horse\n"
	wantSource(t, u, "standard input", "okauth login", "--password-stdin")

	u = newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	u.stdin, u.vars["OKAUTH_PASSWORD_FILE"] = "wrong-horse\n", file
	wantSource(t, u, "standard input", "env -u OKAUTH_PASSWORD_FILE okauth login", "--password-stdin")
}

// wantSource signs in by token, which sends the wrong password of source, and by login, which does not: typed is the
// command that asks for another.
func wantSource(t *testing.T, u *user, source, typed string, flags ...string) {
	t.Helper()
	for _, test := range []struct{ command, hint string }{
		{"token", "hint: the user name or the password from " + source + " is wrong"},
		{"login", "hint: correct the password from " + source + ", or type it: " + typed + "\n"},
	} {
		code, stdout, stderr := u.okauth(t.Context(), append([]string{test.command}, flags...)...)
		if code != 5 || stdout != "" || !strings.Contains(stderr, test.hint) || strings.Contains(stderr, "wrong-horse") {
			t.Errorf("%s: got exit code %d, %q, %q; want %q", test.command, code, stdout, stderr, test.hint)
		}
	}
}
