package okauth_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// A program with a go.mod of its own and 16 okauth processes share one session and one refresh.
func TestProgramSharesTheRefreshOf16Processes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.clock.Advance(-2 * time.Hour)
	home, sessions := t.TempDir(), filepath.Join(t.TempDir(), "sessions")
	options := o.options
	options.Keychain = nil
	options.Settings = map[string]string{
		"domain": o.URL(), "client_id": oktatest.DefaultClientID, "scopes": "openid offline_access",
		"storage": "file", "storage_dir": sessions,
	}
	if _, err := o.open(t, options).Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(2 * time.Hour) // now the access token has expired
	o.ResetRequests()

	programs := t.TempDir()
	command, program := filepath.Join(programs, "okauth.exe"), filepath.Join(programs, "exampleprogram.exe")
	build(t, filepath.Join("..", ".."), "-o", command, ".")
	buildExample(t, program)
	environ := []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "SystemRoot=" + os.Getenv("SystemRoot"), "OKAUTH_NO_INPUT=true",
		"OKAUTH_DOMAIN=" + o.URL(), "OKAUTH_CLIENT_ID=" + oktatest.DefaultClientID,
		"OKAUTH_CLIENT_SECRET=" + oktatest.DefaultClientSecret, "OKAUTH_USERNAME=" + oktatest.DefaultUser,
		"OKAUTH_SCOPES=openid offline_access", "OKAUTH_STORAGE=file", "OKAUTH_STORAGE_DIR=" + sessions,
	}
	const processes = 16
	var tokens [processes]string
	var answer string
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() { tokens[i] = outputOf(t, environ, command, "token") })
	}
	wg.Go(func() { answer = outputOf(t, environ, program, o.URL()+"/api/hello") })
	wg.Wait()

	for i, token := range tokens {
		if token == "" || token != tokens[0] {
			t.Errorf("process %d printed another token than process 0, or none", i)
		}
	}
	if !strings.Contains(answer, oktatest.DefaultUser) {
		t.Errorf("the API answered the program %q", answer)
	}
	refreshes := 0
	for _, r := range o.Requests() {
		switch {
		case r.Form.Get("grant_type") == "refresh_token":
			refreshes++
		case r.Path != "/api/hello":
			t.Errorf("unexpected request: %v", r)
		case r.Header.Get("Authorization") != "Bearer "+tokens[0]:
			t.Error("the program sent another token than the processes printed")
		}
	}
	if refreshes != 1 {
		t.Errorf("got %d refreshes, want 1", refreshes)
	}
}

// build builds the program in dir, without the network.
func build(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.Command("go", append([]string{"build", "-trimpath"}, args...)...)
	c.Dir, c.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build in %s: %v\n%s", dir, err, text)
	}
}

// buildExample builds the example program as path. The build completes copies of its go.mod and of our go.sum.
func buildExample(t *testing.T, path string) {
	t.Helper()
	dir, mod := filepath.Join("testdata", "exampleprogram"), t.TempDir()
	for from, to := range map[string]string{
		filepath.Join(dir, "go.mod"):        filepath.Join(mod, "go.mod"),
		filepath.Join("..", "..", "go.sum"): filepath.Join(mod, "go.sum"),
	} {
		text, err := os.ReadFile(from)
		if err := errors.Join(err, os.WriteFile(to, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	build(t, dir, "-modfile="+filepath.Join(mod, "go.mod"), "-o", path, ".")
}

func outputOf(t *testing.T, environ []string, program string, args ...string) string {
	c := exec.CommandContext(t.Context(), program, args...)
	var stderr bytes.Buffer
	c.Env, c.Stderr = environ, &stderr
	out, err := c.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s %q: %v: %s", filepath.Base(program), args, err, &stderr)
	}
	return strings.TrimSpace(string(out))
}
