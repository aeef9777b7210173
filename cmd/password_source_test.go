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
			wantSource(t, u, variable+shown)
		}
		if name == config.KeyPassword {
			continue // the configuration file never holds one
		}
		u := newUser(t)
		delete(u.vars, "OKAUTH_PASSWORD")
		if code, _, stderr := u.okauth(t.Context(), "config", "set", name, value); code != 0 {
			t.Fatal(stderr)
		}
		wantSource(t, u, name+shown)
	}
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	u.stdin = "wrong-horse\n"
	wantSource(t, u, "standard input", "--password-stdin")
}

func wantSource(t *testing.T, u *user, source string, flags ...string) {
	t.Helper()
	for _, test := range []struct{ command, hint string }{
		{"login", "hint: the user name or the password from " + source + " is wrong"},
		{"token", "hint: check the password from " + source + "; okauth login sends it again"}, // it is not sent
	} {
		code, stdout, stderr := u.okauth(t.Context(), append([]string{test.command}, flags...)...)
		if code != 5 || stdout != "" || !strings.Contains(stderr, test.hint) || strings.Contains(stderr, "wrong-horse") {
			t.Errorf("%s: got exit code %d, %q, %q; want %q", test.command, code, stdout, stderr, test.hint)
		}
	}
}
