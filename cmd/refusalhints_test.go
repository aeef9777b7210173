package cmd_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// A refused password with something at its ends that an editor may have added is mentioned, as quotes are.
func TestRefusedPasswordNamesBlanks(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		" wrong-horse": "begins or ends with a blank", "wrong-horse ": "begins or ends with a blank",
		"wrong-horse\t": "begins or ends with a blank", `"wrong-horse"`: "quotation mark", "wrong horse": "",
	} {
		u := newUser(t)
		u.vars["OKAUTH_PASSWORD"] = password
		code, _, stderr := u.okauth(t.Context(), "token")
		if code != 5 && code != 2 || want != "" && !strings.Contains(stderr, want) ||
			want == "" && strings.Contains(stderr, "begins") || strings.Contains(stderr, "horse") {
			t.Errorf("%q: got exit code %d: %s", password, code, stderr)
		}
	}
}

// Where the scopes came from --scope, the hint does not send the user to a setting that has others.
func TestRefusedScopesNameTheFlag(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"token", "login", "exec"} {
		u := newUser(t)
		args := []string{command, "--scope", "openid bogus"}
		if command == "exec" {
			args = append(args, "--", "okauth")
		}
		code, _, stderr := u.okauth(t.Context(), args...)
		if code != 5 || !strings.Contains(stderr, "--scope") || strings.Contains(stderr, "config get scopes") {
			t.Errorf("%s: got exit code %d: %s", command, code, stderr)
		}
	}
}

// A logout that could not revoke leaves no session to try again with: it says what becomes of the tokens.
func TestLogoutSaysWhoRevokesWhatItCouldNot(t *testing.T) {
	t.Parallel()
	for _, all := range [][]string{nil, {"--all"}} {
		u := newUser(t)
		if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
			t.Fatal(stderr)
		}
		u.server.FailAlways("/v1/revoke", oktatest.HangUp())
		code, _, stderr := u.okauth(t.Context(), append([]string{"logout"}, all...)...)
		if code != 3 || !strings.Contains(stderr, "they stay valid until they expire") ||
			!strings.Contains(stderr, "administrator revokes them") {
			t.Errorf("%q: got exit code %d: %s", all, code, stderr)
		}
	}
}

// A configuration file that others can write and read takes one step, not two.
func TestExposedConfigTakesOneStep(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has access lists instead of modes")
	}
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_CLIENT_SECRET")
	text := "profiles: {default: {client_secret: " + oktatest.DefaultClientSecret + "}}"
	if err := errors.Join(os.WriteFile(u.config, []byte(text), 0o600), os.Chmod(u.config, 0o666)); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := u.okauth(t.Context(), "token")
	if code != 2 || !strings.Contains(stderr, "run `chmod 600 ") {
		t.Fatalf("got exit code %d: %s", code, stderr)
	}
	if err := os.Chmod(u.config, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := u.okauth(t.Context(), "token"); code != 0 {
		t.Errorf("got exit code %d: %s", code, stderr)
	}
}

// A wrong client secret in the configuration file comes with the command that changes it there.
func TestRefusedSecretInTheFileNamesTheCommand(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_CLIENT_SECRET")
	text := "profiles: {default: {client_secret: wrong-horse-battery}}"
	if err := os.WriteFile(u.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := u.okauth(t.Context(), "token")
	if code != 5 || !strings.Contains(stderr, "okauth config set client_secret --keep file") {
		t.Fatalf("got exit code %d: %s", code, stderr)
	}
	u.stdin = oktatest.DefaultClientSecret
	for _, command := range []string{"config set client_secret --keep file", "token"} {
		if code, _, stderr := u.okauth(t.Context(), strings.Fields(command)...); code != 0 {
			t.Errorf("%s: got exit code %d: %s", command, code, stderr)
		}
	}
}
