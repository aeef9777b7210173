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
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
	"okauth/pkg/store/memory"
)

// sandbox is an "okauth sandbox" that runs.
type sandbox struct {
	process *exec.Cmd
	temp    string            // all that it may write to
	vars    map[string]string // what it tells people to export
	stderr  string            // up to the last command
	storage string            // what it tells people to export as OKAUTH_STORAGE; not in vars
}

// startSandbox runs "okauth sandbox", on a machine without a keychain, until it serves.
func startSandbox(t *testing.T, args ...string) *sandbox {
	t.Helper()
	return startSandboxWith(t, "unix:path=/no/such/bus", args...)
}

// startSandboxWith is startSandbox on a machine with the session bus at an address.
func startSandboxWith(t *testing.T, bus string, args ...string) *sandbox {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &sandbox{temp: t.TempDir(), vars: make(map[string]string)}
	stdout, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	s.process = exec.Command(self, append([]string{"sandbox"}, args...)...)
	s.process.Args[0] = "okauth" // see TestMain
	s.process.Env = []string{"HOME=" + s.temp, "TMPDIR=" + s.temp, "DBUS_SESSION_BUS_ADDRESS=" + bus, exitAtOnce}
	s.process.Stdout = stdout
	stderr, err := s.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.process.Process.Kill() })
	last := oktatest.DPoPClientID // in the last command
	if slices.Contains(args, "--org") {
		last = "okauth token\n"
	}
	for lines := bufio.NewScanner(stderr); !strings.Contains(s.stderr, last) && lines.Scan(); {
		s.stderr += lines.Text() + "\n"
	}
	text, err := os.ReadFile(stdout.Name())
	if err != nil || len(text) == 0 {
		t.Fatalf("nothing to export: %v, %s", err, s.stderr)
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok || !strings.HasPrefix(line, "export OKAUTH_") {
			t.Fatalf("got the line %q", line)
		}
		s.vars[name] = strings.Trim(value, "'\n")
	}
	s.storage = s.vars["OKAUTH_STORAGE"] // a session in a file would be in the home of whoever runs the tests
	delete(s.vars, "OKAUTH_STORAGE")
	return s
}

// stop is Ctrl-C.
func (s *sandbox) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if left, _ := os.ReadDir(s.temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// run runs okauth in a shell that has the sandbox's variables.
func (s *sandbox) run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	var out, errs strings.Builder
	c := exec.Command(self, args...)
	c.Args[0] = "okauth"
	c.Env = []string{"HOME=" + home, "OKAUTH_STORAGE=none", "OKAUTH_NO_INPUT=true", "TZ=UTC", exitAtOnce}
	for name, value := range s.vars {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errs
	err = c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return exitCode(c.ProcessState), out.String(), errs.String()
}

// "okauth sandbox" prints what to export, serves, and on Ctrl-C ends with exit code 0 and leaves nothing behind.
func TestSandbox(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--tls"}, {"--no-limits", "--rotate", "--grace", "0s", "--lifetime", "90s"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s := startSandbox(t, args...)
			if want := 6 + b2i(slices.Contains(args, "--tls")); len(s.vars) != want {
				t.Errorf("got %d variables, want %d", len(s.vars), want)
			}
			u := &user{keychain: new(memory.Store), vars: s.vars, config: filepath.Join(t.TempDir(), "config.yaml")}
			if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
				t.Errorf("login: exit code %d: %s", code, stderr)
			}
			if slices.Contains(args, "--rotate") {
				sandboxRotates(t, s.vars)
			}
			s.stop(t)
		})
	}
}

// The next command that "okauth sandbox" prints works as it stands, with a keychain and without one.
func TestSandboxNextCommand(t *testing.T) {
	t.Parallel()
	keyring, err := fakesecretservice.Start(fakesecretservice.Behavior{})
	if err != nil {
		t.Fatal(err)
	}
	defer keyring.Close()
	for bus, storage := range map[string]string{keyring.Address(): "", "unix:path=/no/such/bus": "file"} {
		s := startSandboxWith(t, bus, "--no-limits")
		if s.storage != storage {
			t.Errorf("got OKAUTH_STORAGE %q, want %q", s.storage, storage)
		}
		_, commands, _ := strings.Cut(s.stderr, "then run:\n\n")
		next, others, _ := strings.Cut(commands, "\n")
		if next != "okauth login && okauth token --refresh" {
			t.Errorf("got %q", s.stderr)
		}
		for _, line := range invocations(others) {
			if _, err := parseExample(line); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
		if n := strings.Count(others, "\nokauth login --"); n != 3 {
			t.Errorf("got %d other ways to sign in, want 3: %s", n, others)
		}
		_, clients, _ := strings.Cut(others, "(DPoP):\n\n")
		for line := range strings.Lines(clients) {
			if text, code := s.shell(t, bus, line); code != 0 || !strings.Contains(text, "eyJ") {
				t.Errorf("%s: got exit code %d: %s", line, code, text)
			}
		}
		if n := strings.Count(clients, "\n"); n != 9 {
			t.Errorf("got %d clients, want 9: %s", n, clients)
		}
		if text, code := s.shell(t, bus, next); code != 0 || !strings.Contains(text, "\neyJ") {
			t.Errorf("got exit code %d: %s", code, text)
		}
		s.stop(t)
	}
}

// So do the commands of the scenarios, without a keychain.
func TestSandboxScenarioCommands(t *testing.T) {
	t.Parallel()
	const noBus = "unix:path=/no/such/bus"
	s := startSandbox(t, "--no-limits")
	_, list, _ := newUser(t).okauth(t.Context(), "sandbox", "--scenarios")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		text, code := s.shell(t, noBus, lines[i+1])
		refusal := lines[i][strings.LastIndex(lines[i], " ")+1:] // Okta's code
		if code == 0 || code == 2 || code == 6 || !strings.Contains(text, "okauth: error: ") ||
			!strings.Contains(text, "("+refusal+", HTTP ") {
			t.Errorf("%s: %s: got exit code %d: %s", lines[i], lines[i+1], code, text)
		}
	}
	s.stop(t)
}

// shell runs a line of a shell that has the sandbox's variables, in a home of its own.
func (s *sandbox) shell(t *testing.T, bus, line string) (text string, code int) {
	t.Helper()
	home := t.TempDir()
	c := exec.Command("sh", "-c", line)
	c.Env = []string{
		"HOME=" + home, "PATH=" + filepath.Dir(self(t)) + ":/usr/bin:/bin", "DBUS_SESSION_BUS_ADDRESS=" + bus, "OKAUTH_NO_INPUT=true",
		"TEST_LOCKS=" + filepath.Join(home, "locks"), "OKAUTH_STORAGE=" + s.storage, exitAtOnce,
	}
	for name, value := range s.vars {
		c.Env = append(c.Env, name+"="+value)
	}
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), exitCode(c.ProcessState)
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
	for _, test := range []struct{ flags, message, hint string }{
		{"--grace 5s", "--grace needs --rotate", "okauth sandbox --rotate --grace 5s"},
		{"--rotate --grace 61s", "--grace: expected 0s to 60s, got 1m1s", "okauth sandbox --rotate --grace 60s"},
		{"--rotate --grace -1s", "--grace: expected 0s to 60s, got -1s", "okauth sandbox --rotate --grace 60s"},
		{"--lifetime 0", "--lifetime: expected 1s or more, got 0s", "okauth sandbox --lifetime 90s"},
		{"--certificate rotten", `--certificate: "rotten" is not one of expired, `, "okauth sandbox --certificate expired"},
		{"--issuer okta:8080", `--issuer: expected a URL of scheme, host and port, got "okta:8080"`, "okauth sandbox --issuer http://okta:8080"},
		{"--trusted-origin http://a --trusted-origin http://b/", `--trusted-origin: expected a URL of scheme, host and port, got "http://b/"`,
			"okauth sandbox --trusted-origin http://localhost:3000"},
		{"--fault 500 --fault nothing@/keys", `--fault: there is no fault "nothing"`, "okauth sandbox --faults lists them"},
		{"--public-key sandbox_linux_test.go", `--public-key: "sandbox_linux_test.go" is no JWK of a public key with a kid`,
			"okauth sandbox --public-key takes what okauth config keygen prints"},
		{"--public-key nowhere", "--public-key: open nowhere", "docs/sandbox.md has the commands that make one"},
		{"--org nowhere.yaml", "--org: open nowhere.yaml", "docs/sandbox.md has an example of such a file"},
		{"--org sandbox_linux_test.go", "sandbox_linux_test.go:", "okauth sandbox --schema prints what the file may have"},
		{"--org x --rotate", "--rotate is not for --org", "okauth sandbox --schema shows it"},
		{"--org x --public-key y", "--public-key is not for --org", "okauth sandbox --schema shows them"},
		{"--config org.yaml", "--config is for profiles", "okauth sandbox --org FILE takes users, applications and authorization servers"},
		{"--lifetime soon", `invalid argument "soon" for "--lifetime" flag`, "see okauth sandbox --help"},
	} {
		args := append([]string{"sandbox"}, strings.Fields(test.flags)...)
		code, stdout, stderr := newUser(t).okauth(t.Context(), args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, test.message) ||
			!strings.HasSuffix(stderr, "hint: "+test.hint+"\n") {
			t.Errorf("%s: got exit code %d, stdout %q, stderr %q", test.flags, code, stdout, stderr)
		}
	}
}

// The sandbox accepts a key that okauth made.
func TestSandboxPublicKey(t *testing.T) {
	t.Parallel()
	u, _ := household(t, "none")
	public := filepath.Join(t.TempDir(), "public.jwk")
	if err := os.WriteFile(public, newClientKey(t, u, "ES256"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.vars["OKAUTH_DOMAIN"] = startSandbox(t, "--public-key", public).vars["OKAUTH_DOMAIN"]
	u.vars["OKAUTH_CLIENT_ID"], u.vars["OKAUTH_GRANT"] = oktatest.ServiceKeyClientID, "client-credentials"
	u.vars["OKAUTH_SCOPES"], u.vars["OKAUTH_CLIENT_AUTH"] = "api:read", "private_key_jwt"
	p := withoutTerminal(t, u, "token")
	if code := p.ends(); code != 0 || p.stdout.Len() == 0 {
		t.Errorf("exit code %d: %s", code, &p.stderr)
	}
}

// The lists are a line of text and a command each.
func TestSandboxLists(t *testing.T) {
	t.Parallel()
	for flag, test := range map[string]struct {
		least         int
		first, second string // what the lines of each pair hold
	}{
		"--scenarios": {20, ": ", "okauth "},
		"--tokens":    {25, ": ", `curl -H 'X-Sandbox: 1' -s "$OKAUTH_DOMAIN/sandbox/tokens/`},
		"--faults":    {20, "", `"$OKAUTH_DOMAIN/sandbox/fault`},
	} {
		code, stdout, stderr := newUser(t).okauth(t.Context(), "sandbox", flag)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if code != 0 || len(lines) < 2*test.least || len(lines)%2 != 0 {
			t.Fatalf("%s: got exit code %d, %d lines, %s", flag, code, len(lines), stderr)
		}
		for i := 0; i < len(lines); i += 2 {
			if !strings.Contains(lines[i], test.first) || !strings.HasPrefix(lines[i+1], "  ") || !strings.Contains(lines[i+1], test.second) {
				t.Errorf("%s: got %q, then %q", flag, lines[i], lines[i+1])
			}
		}
	}
}

// As a container has it: an address that others reach, a log of JSON alone, and an end by SIGTERM.
func TestSandboxInAContainer(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "sandbox", "--listen", "0.0.0.0:0", "--allow-remote", "--trusted-origin", "http://localhost:3000", "--log")
	c.Args[0] = "okauth" // see TestMain
	c.Env = []string{"HOME=" + t.TempDir(), "OKAUTH_STORAGE=none", exitAtOnce}
	var log strings.Builder
	c.Stderr = &log
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "export OKAUTH_DOMAIN=")
	if err != nil || !ok {
		t.Fatalf("got %q, %v", line, err)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for path, want := range map[string]int{
			"/health": 200, "/oauth2/default/v1/keys": 200, "/nowhere%1B%C2%9B%E2%80%AE": 404, // ESC, CSI, right to left
		} {
			r, err := http.NewRequest(method, base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", "http://localhost:3000")
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s %s: got %d", method, path, res.StatusCode)
			}
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	var entries int
	for text := range strings.Lines(log.String()) {
		var entry struct {
			Time         time.Time
			Method, Path string
			Status       int
		}
		if err := json.Unmarshal([]byte(text), &entry); err != nil || entry.Status == 0 || entry.Path == "" || entry.Method == "" || entry.Time.IsZero() {
			t.Errorf("%q: %v", text, err)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
			t.Errorf("not ASCII: %q", text)
		}
		entries++
	}
	if entries != 6 {
		t.Errorf("got %d lines: %s", entries, &log)
	}
}
