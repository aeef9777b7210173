package cmd_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// withoutTerminal starts okauth where there is no terminal, with pipes for standard output and standard error.
func withoutTerminal(t *testing.T, u *user, args ...string) *person {
	t.Helper()
	p := newPerson(t, exec.Command(self(t), args...))
	p.command.Env = []string{exitAtOnce}
	for name, value := range u.vars {
		p.command.Env = append(p.command.Env, name+"="+value)
	}
	p.command.Stdout, p.command.Stderr = &p.stdout, &p.stderr
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.command.Process.Kill() })
	return p
}

// wants waits for the end and wants an exit code and a text on standard error, and nothing on standard output.
func (p *person) wants(code int, text string) {
	p.t.Helper()
	if got := p.ends(); got != code || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), text) {
		p.t.Errorf("got exit code %d, want %d; stdout %q, stderr %q, terminal %q", got, code, &p.stdout, &p.stderr, p.screen())
	}
}

// read waits for what the pattern finds on standard error, and returns its group.
func (p *person) read(pattern string) string {
	p.t.Helper()
	p.waitForTimes(&p.stderr, "\n\n", 2) // an address, and a code, is between empty lines
	found := regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(p.stderr.String())
	if found == nil {
		p.t.Fatalf("%s finds nothing in %q", pattern, &p.stderr)
	}
	return found[1]
}

// storedNothing wants no session in the household, and no token that was asked for.
func (u *user) storedNothing(t *testing.T) {
	t.Helper()
	for _, r := range u.server.Requests() {
		if strings.HasSuffix(r.Path, "/v1/token") {
			t.Errorf("Okta was asked for a token: %s", r.Form.Get("grant_type"))
		}
	}
	u.nothingKept(t)
}

// browserHousehold is a household whose people sign in in a browser.
func browserHousehold(t *testing.T) (u *user, opened func() string) {
	t.Helper()
	u, _ = household(t, "file")
	return u, u.inBrowser(t)
}

// The browser that BROWSER names shows Okta's page, and in the end one that says who is signed in.
func TestSignInInTheBrowser(t *testing.T) {
	t.Parallel()
	u, opened := browserHousehold(t)
	for _, command := range []string{"login", "token"} {
		p := atTerminal(t, u, command)
		end := browse(t, opened(), oktatest.DefaultUser)
		response, err := http.Get(end)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 200 || !strings.Contains(string(page), "<h1>Signed in</h1>") {
			t.Errorf("the last page is %d, %s", response.StatusCode, page)
		}
		if code := p.ends(); code != 0 || (p.stdout.Len() > 0) != (command == "token") {
			t.Fatalf("%s: got exit code %d, stdout %q: %s", command, code, &p.stdout, &p.stderr)
		}
		if command == "login" && !strings.Contains(p.stderr.String(), "Signed in as "+oktatest.DefaultUser) {
			t.Errorf("got %s", &p.stderr)
		}
		if strings.Contains(p.stderr.String()+p.screen(), "state=") {
			t.Errorf("the address is shown: %s", &p.stderr)
		}
		if err := os.RemoveAll(u.vars["OKAUTH_STORAGE_DIR"]); err != nil {
			t.Fatal(err)
		}
	}
}

// Over ssh the address of the last page is pasted. A wrong one is asked again, with the reason, and sends nothing.
func TestPastedAddress(t *testing.T) {
	t.Parallel()
	u, _ := browserHousehold(t)
	p := atTerminal(t, u, "login", "--no-browser")
	p.waitFor("Address: ")
	end := browse(t, p.read(`^(http\S+/v1/authorize\?\S+)$`), oktatest.DefaultUser)
	for i, wrong := range []string{
		regexp.MustCompile(`state=[^&]*`).ReplaceAllString(end, "state=other"), "https://example.com/", "code",
	} {
		p.types(wrong + "\r")
		p.waitForTimes(&p.shown, "Address: ", i+2)
	}
	u.storedNothing(t)
	p.types(end + "\r")
	p.wants(0, "Signed in as "+oktatest.DefaultUser)
	if !p.echo() {
		t.Error("the terminal does not echo")
	}
}

// The answer may come by a tunnel to the port (ssh -L) while the address is asked for.
func TestAnswerThroughATunnel(t *testing.T) {
	t.Parallel()
	u, _ := browserHousehold(t)
	p := atTerminal(t, u, "login", "--no-browser")
	p.waitFor("Address: ")
	p.types("half an addr")
	response, err := http.Get(browse(t, p.read(`^(http\S+/v1/authorize\?\S+)$`), oktatest.DefaultUser))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	p.wants(0, "Signed in as "+oktatest.DefaultUser)
	if !p.echo() {
		t.Error("the terminal does not echo")
	}
}

// AT-88: Ctrl-C in the wait for the browser ends it at once; an answer that comes later finds no one, and nothing is
// stored.
func TestAT88_CtrlCInTheBrowserWait(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"login"}, {"login", "--no-browser"}, {"token"}} {
		u, opened := browserHousehold(t)
		p := atTerminal(t, u, args...)
		address := ""
		if len(args) > 1 {
			p.waitFor("Address: ")
			address = p.read(`^(http\S+/v1/authorize\?\S+)$`)
		} else {
			address = opened()
		}
		end := browse(t, address, oktatest.DefaultUser)
		p.types("\x03")
		p.wants(130, "")
		if response, err := http.Get(end); err == nil {
			response.Body.Close()
			t.Errorf("%s: the port still answers", args)
		}
		u.storedNothing(t)
	}
}

// A token without a terminal does not sign in in a browser: exit 4, and the command that helps.
func TestNoBrowserWithoutATerminal(t *testing.T) {
	t.Parallel()
	u, _ := browserHousehold(t)
	withoutTerminal(t, u, "token").wants(4, "sign in with: okauth login")
	u.vars["OKAUTH_NO_INPUT"] = "true"
	atTerminal(t, u, "token").wants(4, "sign in with: okauth login")
	u.storedNothing(t)
}

// --prompt goes to the page, and so does the user name.
func TestPromptOfThePage(t *testing.T) {
	t.Parallel()
	u, opened := browserHousehold(t)
	u.vars["OKAUTH_PROMPT"] = "login"
	p := atTerminal(t, u, "login")
	if address := opened(); !strings.Contains(address, "prompt=login") || !strings.Contains(address, "login_hint=alice") {
		t.Errorf("got %s", address)
	}
	p.types("\x03")
	p.wants(130, "")
}

// deviceHousehold is a household whose people sign in on another device. Okta wants a second between two polls.
func deviceHousehold(t *testing.T) *user {
	t.Helper()
	u, _ := household(t, "file")
	u.server.Change(func(o *oktatest.Options) { o.PollInterval = time.Second })
	u.vars["OKAUTH_GRANT"] = "device-code"
	delete(u.vars, "OKAUTH_USERNAME")
	return u
}

// polls returns how often Okta was asked whether the person has signed in.
func (u *user) polls() (n int) {
	for _, r := range u.server.Requests() {
		if strings.HasSuffix(r.Path, "/v1/token") {
			n++
		}
	}
	return n
}

// In a container's log, without a terminal: the code and the address are on standard error, nothing is on standard
// output, and the sign-in on another device ends the wait.
func TestDeviceCodeWithoutATerminal(t *testing.T) {
	t.Parallel()
	u := deviceHousehold(t)
	p := withoutTerminal(t, u, "login")
	code := p.read(`^    ([A-Z]{8})$`)
	address := regexp.MustCompile(`open (\S+) on any device`).FindStringSubmatch(p.stderr.String())
	if address == nil {
		t.Fatalf("no address: %s", &p.stderr)
	}
	if end := browse(t, address[1]+"?user_code="+code, oktatest.DefaultUser); end != "" {
		t.Errorf("the browser was sent to %s", end)
	}
	p.wants(0, "Signed in as ")
}

// A session belongs to the user, however they signed in: a token without --grant finds it, and login warns of nothing.
func TestSessionOfAnotherGrantIsFound(t *testing.T) {
	t.Parallel()
	u := deviceHousehold(t)
	delete(u.vars, "OKAUTH_GRANT") // the password grant
	p := withoutTerminal(t, u, "login", "--grant", "device-code")
	code := p.read(`^    ([A-Z]{8})$`)
	browse(t, u.server.URL()+"/activate?user_code="+code, oktatest.DefaultUser)
	p.wants(0, "Signed in as ")
	if text := p.stderr.String(); strings.Contains(text, "warning") {
		t.Errorf("got %s", text)
	}
	u.server.ResetRequests()
	if code, stdout, stderr := u.okauth(t.Context(), "token"); code != 0 || !strings.HasPrefix(stdout, "eyJ") ||
		u.polls() != 0 {
		t.Errorf("got exit code %d after %d requests: %s", code, u.polls(), stderr)
	}
}

// AT-88: Ctrl-C in the wait for the other device ends it at once. Who allows it later allows nothing.
func TestAT88_CtrlCInTheDeviceWait(t *testing.T) {
	t.Parallel()
	u := deviceHousehold(t)
	p := atTerminal(t, u, "login")
	code := p.read(`^    ([A-Z]{8})$`)
	p.types("\x03")
	p.wants(130, "open ")
	asked := u.polls()
	browse(t, u.server.URL()+"/activate?user_code="+code, oktatest.DefaultUser)
	if n := u.polls() - asked; n > 0 {
		t.Errorf("%d polls after the end", n)
	}
	u.server.ResetRequests()
	u.storedNothing(t)
}
