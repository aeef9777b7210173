package cmd_test

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// foreignServer is an authorization server that others wrote: panva's oidc-provider, see testdata/oidcprovider.mjs.
type foreignServer struct {
	mu      sync.Mutex
	answers []string // "POST /oauth2/default/v1/token 200"
}

// startForeignServer starts it and makes a household its user, who has no name in the settings. client is for the
// script. It skips the test where node or the package, which is in the directory that OKAUTH_TEST_OIDC_PROVIDER names,
// is not installed.
func startForeignServer(t *testing.T, u *user, client ...string) *foreignServer {
	t.Helper()
	directory := os.Getenv("OKAUTH_TEST_OIDC_PROVIDER")
	if _, err := exec.LookPath("node"); err != nil || directory == "" {
		t.Skip("node, or oidc-provider for it, is not installed")
	}
	redirectURI := cmp.Or(u.vars["OKAUTH_REDIRECT_URI"], "http://127.0.0.1:8085/callback")
	node := exec.Command("node", append([]string{"testdata/oidcprovider.mjs", directory, redirectURI}, client...)...)
	node.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()}
	node.Stderr = io.Discard // warnings
	node.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Process.Kill(); node.Wait() })
	s, lines := new(foreignServer), bufio.NewScanner(stdout)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "http://127.0.0.1:") {
		t.Fatalf("oidc-provider does not start: %q", lines.Text())
	}
	u.vars["OKAUTH_DOMAIN"], u.vars["OKAUTH_CLIENT_ID"] = lines.Text(), "0oaForeignClient0001"
	u.vars["OKAUTH_STORAGE_KEY"] = strings.Repeat("00", 32)
	u.vars["OKAUTH_SCOPES"] = "openid profile offline_access"
	delete(u.vars, "OKAUTH_CLIENT_SECRET")
	delete(u.vars, "OKAUTH_USERNAME")
	go func() {
		for lines.Scan() {
			s.mu.Lock()
			s.answers = append(s.answers, lines.Text())
			s.mu.Unlock()
		}
	}()
	return s
}

// count returns how often it has given an answer.
func (s *foreignServer) count(answer string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.answers), func(a string) bool { return a != answer }))
}

const tokenAnswer = "POST /oauth2/default/v1/token 200"

// lasts wants a session of jane, whose token is cached, verified and refreshed, until the logout.
func (s *foreignServer) lasts(t *testing.T, u *user) {
	t.Helper()
	run := func(args ...string) string {
		t.Helper()
		p := withoutTerminal(t, u, args...)
		if code := p.ends(); code != 0 {
			t.Errorf("%q: exit code %d: %s", args, code, &p.stderr)
		}
		return p.stdout.String()
	}
	first := run("token")
	if again := run("token"); first == "" || again != first || s.count(tokenAnswer) != 1 {
		t.Errorf("got %q and %q after %d requests", first, again, s.count(tokenAnswer))
	}
	if second := run("token", "--refresh"); second == first || s.count(tokenAnswer) != 2 {
		t.Errorf("refreshed: got %q and %q after %d requests", first, second, s.count(tokenAnswer))
	}
	if sub := run("decode", "--type", "id", "--claim", "sub"); sub != "jane\n" {
		t.Errorf("signed in as %q", sub)
	}
	run("verify", "--type", "id")
	if about := run("userinfo"); !strings.Contains(about, "jane") {
		t.Errorf("userinfo says %q", about)
	}
	run("logout")
	if n := s.count("POST /oauth2/default/v1/revoke 200"); n == 0 {
		t.Error("nothing was revoked")
	}
	withoutTerminal(t, u, "token", "--no-input").wants(4, "not signed in")
}

// signsIn goes through its pages, with any password.
func (s *foreignServer) signsIn(c *chromium) {
	c.t.Helper()
	c.element("//input[@name='login']")
	c.types("jane\t")
	c.types("any password\n")
	c.element("//h1[.='Authorize']")
	c.clicks("Continue")
}

// A server that others wrote takes what okauth sends, and okauth takes what it answers: authorization code with PKCE,
// refresh with rotation, logout. With DPoP, all of it with one key and a nonce.
func TestForeignServer_AuthorizationCode(t *testing.T) {
	t.Parallel()
	for _, dpop := range []string{"false", "true"} {
		t.Run("dpop="+dpop, func(t *testing.T) {
			t.Parallel()
			u, opened := browserHousehold(t)
			u.vars["OKAUTH_DPOP"] = dpop
			s := startForeignServer(t, u, `{"dpop_bound_access_tokens": `+dpop+`}`, "nonce")
			c := startChromium(t)
			p := withoutTerminal(t, u, "login", "--prompt", "consent") // without it, no offline_access: OpenID Connect Core §11
			c.open(opened())
			s.signsIn(c)
			c.sees("Signed in", "okauth is signed in as jane.")
			p.wants(0, "Signed in as jane")
			s.lasts(t, u)
		})
	}
}

// The same with a device code, whose polling has no interval in the answer, so it is 5 seconds.
func TestForeignServer_DeviceCode(t *testing.T) {
	t.Parallel()
	u, _ := browserHousehold(t)
	s := startForeignServer(t, u)
	c := startChromium(t)
	u.vars["OKAUTH_GRANT"] = "device-code"
	p := withoutTerminal(t, u, "login")
	c.open(p.read(`open (http://\S+)`))
	c.types(p.read(`^ *([A-Z]{4}-[A-Z]{4})\s*$`) + "\n")
	c.element("//h1[.='Confirm Device']")
	c.clicks("Continue")
	s.signsIn(c)
	c.element("//h1[normalize-space()='Sign-in Success']")
	p.wants(0, "Signed in as jane")
	s.lasts(t, u)
}
