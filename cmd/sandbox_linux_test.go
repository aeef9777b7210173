package cmd_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"okauth/pkg/store"
)

// "okauth sandbox" prints what to export, serves who does, and leaves nothing
// behind when it is told to stop, which is no failure.
func TestSandbox(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"sandbox"}, {"sandbox", "--tls"}, {"sandbox", "--no-limits", "--rotate", "--grace", "0s", "--lifetime", "90s"}} {
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
			want := 6 + b2i(slices.Contains(args, "--tls"))
			for lines := bufio.NewScanner(stdout); len(vars) < want && lines.Scan(); {
				name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
				if !ok || !strings.HasPrefix(lines.Text(), "export OKAUTH_") {
					t.Fatalf("got the line %q", lines.Text())
				}
				vars[name] = strings.Trim(value, "'")
			}
			u := &user{keychain: new(store.Memory), vars: vars, config: filepath.Join(t.TempDir(), "config.yaml")}
			if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
				t.Errorf("login: exit code %d: %s", code, stderr)
			}
			if slices.Contains(args, "--rotate") {
				sandboxRotates(t, vars)
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

// sandboxRotates wants access tokens of 90 s, and refresh tokens that work once.
func sandboxRotates(t *testing.T, vars map[string]string) {
	t.Helper()
	ask := func(form url.Values) (status int, lifetime float64, refresh string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, vars["OKAUTH_DOMAIN"]+"/oauth2/default/v1/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(vars["OKAUTH_CLIENT_ID"], vars["OKAUTH_CLIENT_SECRET"])
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer struct {
			ExpiresIn    float64 `json:"expires_in"`
			RefreshToken string  `json:"refresh_token"`
		}
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, answer.ExpiresIn, answer.RefreshToken
	}
	_, lifetime, first := ask(url.Values{
		"grant_type": {"password"}, "username": {vars["OKAUTH_USERNAME"]}, "password": {vars["OKAUTH_PASSWORD"]}, "scope": {vars["OKAUTH_SCOPES"]},
	})
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first}}
	status, _, second := ask(refresh)
	if again, _, _ := ask(refresh); lifetime != 90 || first == "" || second == first || status != 200 || again != 400 {
		t.Errorf("got a lifetime of %v s, two refresh tokens: %v, status %d, then %d", lifetime, second != first, status, again)
	}
}

func TestSandboxFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flags, message string }{
		{"--grace 5s", "--grace needs --rotate"},
		{"--rotate --grace 61s", "--grace: expected 0s to 60s, got 1m1s"},
		{"--rotate --grace -1s", "--grace: expected 0s to 60s, got -1s"},
		{"--lifetime 0", "--lifetime: expected 1s or more, got 0s"},
		{"--lifetime soon", `invalid argument "soon" for "--lifetime" flag`},
	} {
		code, stdout, stderr := newUser(t).okauth(t.Context(), append([]string{"sandbox"}, strings.Fields(test.flags)...)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, test.message) || !strings.Contains(stderr, "hint: okauth sandbox --") {
			t.Errorf("%s: got exit code %d, stdout %q, stderr %q", test.flags, code, stdout, stderr)
		}
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
