package cmd_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// person is an okauth in a process of its own with a terminal, while its
// standard output and standard error are pipes.
type person struct {
	t              *testing.T
	command        *exec.Cmd
	terminal       *os.File
	stdout, stderr page
	shown          page
}

// page is text that grows while a test looks at it.
type page struct {
	more *sync.Cond // that of all pages in front of one person
	text bytes.Buffer
}

func (p *page) Write(text []byte) (int, error) {
	p.more.L.Lock()
	defer p.more.L.Unlock()
	defer p.more.Broadcast()
	return p.text.Write(text)
}

func (p *page) String() string {
	p.more.L.Lock()
	defer p.more.L.Unlock()
	return p.text.String()
}

func (p *page) Len() int { return len(p.String()) }

// newPerson returns a person in front of blank pages.
func newPerson(t *testing.T, command *exec.Cmd) *person {
	p := &person{t: t, command: command}
	more := sync.NewCond(new(sync.Mutex))
	p.stdout.more, p.stderr.more, p.shown.more = more, more, more
	return p
}

func atTerminal(t *testing.T, u *user, args ...string) *person {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self, args...)
	command.Args[0] = "okauth" // see TestMain
	return atTerminalRuns(t, u, command)
}

// atTerminalRuns is atTerminal for any command.
func atTerminalRuns(t *testing.T, u *user, command *exec.Cmd) *person {
	t.Helper()
	keychain, err := fakesecretservice.Start(fakesecretservice.Behavior{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keychain.Close)
	p := newPerson(t, command)
	p.command.Env = []string{"HOME=" + t.TempDir(), "TERM=dumb", "DBUS_SESSION_BUS_ADDRESS=" + keychain.Address(), exitAtOnce}
	for name, value := range u.vars {
		p.command.Env = append(p.command.Env, name+"="+value)
	}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	p.terminal = master
	p.command.Stdin, p.command.Stdout, p.command.Stderr = slave, &p.stdout, &p.stderr
	p.command.WaitDelay = longest
	// As a shell with "ulimit -c unlimited" would, so that the child has something to lower.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 30, Max: 1 << 30})
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.command.Process.Kill(); master.Close() })
	go p.watch()
	return p
}

// watch collects what the terminal shows.
func (p *person) watch() { io.Copy(&p.shown, p.terminal) }

// waitFor waits until the terminal has shown text.
func (p *person) waitFor(text string) {
	p.t.Helper()
	p.waitForTimes(&p.shown, text, 1)
}

// waitForTimes waits until a page has text so often.
func (p *person) waitForTimes(where *page, text string, times int) {
	p.t.Helper()
	more := where.more
	late := false
	timer := time.AfterFunc(20*time.Second, func() {
		more.L.Lock()
		defer more.L.Unlock()
		late = true
		more.Broadcast()
	})
	defer timer.Stop()
	more.L.Lock()
	defer more.L.Unlock()
	for strings.Count(where.text.String(), text) < times {
		if late {
			p.t.Fatalf("waited for %d times %q; the terminal shows %q, standard error is %q", times, text,
				p.shown.text.String(), p.stderr.text.String())
		}
		more.Wait()
	}
}

// screen returns what the terminal has shown so far.
func (p *person) screen() string { return p.shown.String() }

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.terminal, text); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) echo() bool {
	p.t.Helper()
	state, err := unix.IoctlGetTermios(int(p.terminal.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// ends waits for the process and returns its exit code. One that never ends fails its own test, not the package.
func (p *person) ends() int {
	p.t.Helper()
	late := time.AfterFunc(time.Minute, func() {
		p.t.Errorf("it does not end; the terminal shows %q, standard error is %q", p.screen(), p.stderr.String())
		p.command.Process.Kill()
	})
	defer late.Stop()
	var exit *exec.ExitError
	if err := p.command.Wait(); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return exitCode(p.command.ProcessState)
}

// AT-88: whatever ends the question leaves the terminal echoing, says nothing
// on standard output, and sends nothing.
func TestAT88_SignalsAtThePrompt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*person)
		code int
	}{
		"Ctrl-C":       {func(p *person) { p.types("wrong-ho\x03") }, 130},
		"SIGTERM":      {func(p *person) { p.command.Process.Signal(syscall.SIGTERM) }, 143},
		"SIGHUP":       {func(p *person) { p.command.Process.Signal(syscall.SIGHUP) }, 129},
		"Ctrl-D":       {func(p *person) { p.types("\x04") }, 1},
		"Enter":        {func(p *person) { p.types("\r") }, 2},
		"an arrow":     {func(p *person) { p.types("wrong-ho\x1b[A\r") }, 2},
		"Ctrl-C twice": {func(p *person) { p.types("wrong-ho\x03\x03") }, 130},
		"TERM twice": {func(p *person) {
			p.command.Process.Signal(syscall.SIGTERM)
			p.command.Process.Signal(syscall.SIGTERM)
		}, 143},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			delete(u.vars, "OKAUTH_PASSWORD")
			p := atTerminal(t, u, "login")
			p.waitFor("Password for alice@example.com: ")
			if p.echo() {
				t.Error("the terminal echoes at the password prompt")
			}
			c.end(p)
			if code := p.ends(); code != c.code {
				t.Errorf("got exit code %d, want %d: %s", code, c.code, &p.stderr)
			}
			if !p.echo() {
				t.Error("the terminal is left without echo")
			}
			if p.stdout.Len() > 0 || u.posts() > 0 {
				t.Errorf("stdout %q, %d requests", &p.stdout, u.posts())
			}
			if text := p.stderr.String() + p.screen(); strings.Contains(text, "wrong-ho") {
				t.Errorf("the password is shown: %q", text)
			}
		})
	}
}

// The password is typed while standard output and standard error are pipes, and
// never shown.
func TestPasswordIsNotEchoed(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	p := atTerminal(t, u, "login")
	p.waitFor("Password for alice@example.com: ")
	p.types(oktatest.DefaultPassword + "\r")
	if code := p.ends(); code != 0 {
		t.Fatalf("got exit code %d: %s", code, &p.stderr)
	}
	if strings.Contains(p.screen(), oktatest.DefaultPassword[:4]) {
		t.Errorf("the terminal shows %q", p.screen())
	}
	if got := u.server.Requests()[0].Form.Get("password"); got != oktatest.DefaultPassword {
		t.Error("the password arrived changed")
	}
}

// silent makes the server receive sign-ins and never answer; the channel is
// closed when the first has arrived.
func silent(u *user) <-chan struct{} {
	arrived := make(chan struct{})
	u.server.FailAlways("/v1/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(arrived)
		oktatest.Silence()(w, r, next)
	})
	return arrived
}

// A user name that is pasted has the rules of one in the settings: what cannot be seen is named, and nothing is sent.
func TestTypedUsername(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"\u200balice@example.com": "U+200B", "'alice@example.com'": "in quotes"} {
		u := newUser(t)
		delete(u.vars, "OKAUTH_USERNAME")
		p := atTerminal(t, u, "login")
		p.waitFor("Okta username")
		p.types(typed + "\r")
		if code := p.ends(); code != 2 || !strings.Contains(p.stderr.String(), want) || u.posts() != 0 {
			t.Errorf("%q: got exit code %d, %d requests and %s", typed, code, u.posts(), p.stderr.String())
		}
	}
}

// AT-08: Ctrl-C works at once while Okta does not answer.
func TestAT08_CtrlCDuringTheRequest(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	arrived := silent(u)
	p := atTerminal(t, u, "login")
	<-arrived
	p.types("\x03")
	if code := p.ends(); code != 130 || p.stdout.Len() > 0 {
		t.Errorf("got exit code %d, stdout %q", code, &p.stdout)
	}
}

// AT-65: the dump that SIGQUIT makes shows no secret, and there is no core.
func TestAT65_DumpShowsNoSecret(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	arrived := silent(u)
	p := atTerminal(t, u, "login")
	<-arrived
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`Max core file size +0 `).Match(limits) {
		t.Errorf("a core file could be written:\n%s", limits)
	}
	p.command.Process.Signal(syscall.SIGQUIT)
	p.ends()
	dump := p.stderr.String()
	if !strings.Contains(dump, "goroutine ") {
		t.Fatalf("no dump: %q", dump)
	}
	for _, secret := range []string{oktatest.DefaultPassword, oktatest.DefaultClientSecret} {
		if strings.Contains(dump, secret) {
			t.Error("a secret is in the dump")
		}
	}
}

// Ctrl-C ends the loop that a shell runs okauth in, which it does only if the signal ended okauth.
func TestAT88_CtrlCEndsALoop(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const loop = `for i in 1 2; do ((i == 1)) || exit 99; (exec -a okauth "$0" login); done` // for the name, see TestMain
	p := atTerminalRuns(t, u, exec.Command("bash", "-c", loop, self))
	p.waitFor("Password for alice@example.com: ")
	p.types("\x03")
	if code := p.ends(); code != 130 {
		t.Errorf("got exit code %d, want 130: %s", code, &p.stderr)
	}
}
