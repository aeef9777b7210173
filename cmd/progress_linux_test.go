package cmd_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"

	"okauth/pkg/oktatest"
)

const erase = "\r\x1b[K"

// atWatchedTerminal is atTerminal with standard error on the terminal, which has so
// many columns and knows escape sequences. The channel is closed when all that was
// written to the terminal has been seen.
func atWatchedTerminal(t *testing.T, u *user, columns uint16, args ...string) (*person, <-chan struct{}) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	// When the first process of a session ends, Linux throws away what the terminal has not shown yet: that is not okauth, but one
	// that waits until all has been seen. See TestMain for the name.
	const leader = `trap : INT; (exec -a okauth "$@"); code=$?; printf '<end>' >&2; read -r; exit $code`
	p := newPerson(t, exec.Command("bash", append([]string{"-c", leader, "bash", self}, args...)...))
	p.terminal = master
	p.command.Env = []string{"HOME=" + t.TempDir(), "TERM=xterm", "OKAUTH_STORAGE=none", exitAtOnce}
	for name, value := range u.vars {
		p.command.Env = append(p.command.Env, name+"="+value)
	}
	p.command.Stdin, p.command.Stdout, p.command.Stderr = slave, &p.stdout, slave
	p.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.command.Process.Kill(); master.Close() })
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		p.watch()
	}()
	return p, seen
}

// A request that takes long is announced on the terminal, while standard output is a
// pipe; nothing of that is left when the answer is there, or when Ctrl-C is pressed.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		columns uint16
		end     func(p *person, release chan<- struct{})
		code    int
	}{
		"answer":            {80, func(_ *person, release chan<- struct{}) { close(release) }, 0},
		"Ctrl-C":            {80, func(p *person, _ chan<- struct{}) { p.types("\x03") }, 130},
		"narrow terminal":   {30, func(_ *person, release chan<- struct{}) { close(release) }, 0},
		"width is not told": {0, func(_ *person, release chan<- struct{}) { close(release) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			release := make(chan struct{})
			u.server.Fail("/v1/token", oktatest.HoldRequest(nil, release))
			p, seen := atWatchedTerminal(t, u, test.columns, "token")
			p.waitFor("… 1 s")
			test.end(p, release)
			p.waitFor("<end>")
			p.types("\r")
			if code := p.ends(); code != test.code || (p.stdout.Len() > 0) != (code == 0) {
				t.Errorf("got exit code %d, %d bytes of output", code, p.stdout.Len())
			}
			<-seen
			lines := strings.Split(p.screen(), erase)
			if left := lines[len(lines)-1]; strings.Contains(left, "okauth") {
				t.Errorf("the terminal is left with %q", left)
			}
			for _, line := range lines[1 : len(lines)-1] {
				if width := utf8.RuneCountInString(line); !strings.HasPrefix(line, "okauth: waiting for") || test.columns > 0 && width > int(test.columns) {
					t.Errorf("the terminal of %d columns showed %q", test.columns, line)
				}
			}
		})
	}
}

// A refresh goes on for a moment after Ctrl-C, because its answer may hold the only good refresh token: the terminal
// shows that the key was seen.
func TestCtrlCDuringARefreshIsSeen(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.vars["OKAUTH_STORAGE"], u.vars["OKAUTH_STORAGE_DIR"] = "file", t.TempDir()+"/state"
	u.vars["OKAUTH_SCOPES"] = "openid offline_access"
	if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
		t.Fatal(stderr)
	}
	u.server.FailAlways("/v1/token", oktatest.Silence())
	p, _ := atWatchedTerminal(t, u, 80, "token", "--refresh")
	p.waitFor("… 1 s")
	p.types("\x03")
	p.waitFor("okauth: stopping …")
	p.waitFor("<end>")
	p.types("\r")
	if code := p.ends(); code != 130 || p.stdout.Len() > 0 {
		t.Errorf("got exit code %d, %d bytes of output", code, p.stdout.Len())
	}
}
