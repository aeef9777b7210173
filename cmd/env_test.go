package cmd_test

import (
	"context"
	"io"
	"okauth/cmd/internal/cli"
	"os"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// AT-61: what holds a secret is taken out of the environment, which children
// inherit, and is still known to okauth.
func TestAT61_SecretsLeaveTheEnvironment(t *testing.T) {
	for _, name := range []string{"OKAUTH_PASSWORD", "OKAUTH_CLIENT_SECRET", "OKTA_OAUTH2_CLIENT_SECRET", "OKTA_OAUTH2_CLIENTSECRET"} {
		t.Setenv(name, "canary-"+name)
	}
	t.Setenv("OKAUTH_USERNAME", "alice")
	env := cli.System(cli.Build{})
	if inherited := strings.Join(os.Environ(), "\n"); strings.Contains(inherited, "canary-") {
		t.Error("a child would inherit a secret")
	}
	for name, want := range map[string]string{"OKAUTH_PASSWORD": "canary-OKAUTH_PASSWORD", "OKAUTH_USERNAME": "alice"} {
		if got, ok := env.LookupEnv(name); !ok || got != want {
			t.Errorf("%s is no longer known", name)
		}
	}
}

// ST-12: the password is discarded once a token was obtained: it is in nothing
// that is kept, and it was sent once.
func TestST12_PasswordIsDiscarded(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
		t.Fatal(stderr)
	}
	for _, account := range u.keychain.Accounts() {
		value, err := u.keychain.Get(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(value), oktatest.DefaultPassword) {
			t.Errorf("%s holds the password", account)
		}
	}
	if _, err := os.Stat(u.config); err == nil {
		t.Error("login wrote a configuration file")
	}
	if u.posts() != 1 {
		t.Errorf("%d requests, want 1", u.posts())
	}
}

// AT-51: a token given as an argument works, with a note about the shell's
// history, and is never repeated in an error.
func TestAT51_TokenInArgv(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.stderrTTY = true
	code, stdout, stderr := u.okauth(t.Context(), "decode", "-o", "text", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.")
	if code != 0 || !strings.Contains(stdout, "sub") || !strings.Contains(stderr, "stays in your shell's history") {
		t.Errorf("got exit code %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, stderr = u.okauth(t.Context(), "decode", "canary.canary.canary!")
	if code != 7 || stdout != "" || strings.Contains(stderr, "canary") {
		t.Errorf("got exit code %d, %q, %q", code, stdout, stderr)
	}
}

// A signal ends the wait for a pipe that nobody writes to.
func TestAT08_SilentPipe(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	r, w := io.Pipe()
	defer w.Close()
	u.stdinFrom = r
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cli.SignalError{Signal: 15})
	if code, stdout, _ := u.okauth(ctx, "login", "--password-stdin"); code != 143 || stdout != "" || u.posts() != 0 {
		t.Errorf("got exit code %d, stdout %q, %d requests", code, stdout, u.posts())
	}
}
