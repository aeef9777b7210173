package cmd_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"okauth/pkg/store"
)

// "okauth sandbox" prints what to export, serves who does, and leaves nothing
// behind when it is told to stop, which is no failure.
func TestSandbox(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"sandbox"}, {"sandbox", "--tls", "--no-limits"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			sandbox := exec.Command(self, args...)
			sandbox.Args[0] = "okauth" // see TestMain
			sandbox.Env = []string{"HOME=" + temp, "TMPDIR=" + temp}
			stdout, err := sandbox.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := sandbox.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { sandbox.Process.Kill() })

			vars := make(map[string]string)
			want := 5 + b2i(len(args) > 1)
			for lines := bufio.NewScanner(stdout); len(vars) < want && lines.Scan(); {
				name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
				if !ok || !strings.HasPrefix(lines.Text(), "export OKAUTH_") {
					t.Fatalf("got the line %q", lines.Text())
				}
				vars[name] = value
			}
			u := &user{keychain: new(store.Memory), vars: vars, config: temp + "/config.yaml"}
			if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
				t.Errorf("login: exit code %d: %s", code, stderr)
			}
			if err := sandbox.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if err := sandbox.Wait(); err != nil {
				t.Errorf("after Ctrl-C: %v", err)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Every line of --cast is a command that meets the refusal it names.
func TestSandboxCast(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	code, stdout, stderr := u.okauth(t.Context(), "sandbox", "--cast")
	if code != 0 {
		t.Fatal(stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) < 40 || len(lines)%2 != 0 {
		t.Fatalf("got %d lines", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		if !strings.Contains(lines[i+1], "okauth login ") {
			t.Errorf("%s: no command in %q", lines[i], lines[i+1])
		}
	}
}
