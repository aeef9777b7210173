package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"okauth/pkg/oktatest"
)

// process is a running okauth.
type process struct {
	*exec.Cmd
	m              *machine
	stdout, stderr bytes.Buffer
	began          time.Time
	cancel         func()
}

// longest is how long any okauth may take before its test has failed, and a process that it started may keep its output.
const longest = 90 * time.Second

// command is okauth with these arguments, separated by spaces, and these
// variables besides those of the machine.
func (m *machine) command(ctx context.Context, line string, vars ...string) *exec.Cmd {
	m.t.Helper()
	self, err := program()
	if err != nil {
		m.t.Fatal(err)
	}
	c := exec.CommandContext(ctx, self, strings.Fields(line)...)
	c.Args[0] = "okauth" // see TestMain
	c.WaitDelay = longest
	storage, bus := "keychain", m.keychain.Address()
	if m.keyring != nil {
		bus = m.keyring.Address()
	} else if m.inFile {
		storage = "file"
	} else if m.redis != nil {
		storage = "redis"
		vars = append(vars, "OKAUTH_STORAGE_URL=redis://"+m.redis.Addr)
	}
	c.Env = append([]string{
		"HOME=" + m.home, "TZ=UTC", exitAtOnce, "DBUS_SESSION_BUS_ADDRESS=" + bus,
		"TEST_LOCKS=" + m.locks, "TEST_CLOCK=" + m.ahead.String(), "TEST_WAIT=1m", "OKAUTH_NO_INPUT=true", "OKAUTH_STORAGE=" + storage,
		"OKAUTH_DOMAIN=" + m.server.URL(), "OKAUTH_CLIENT_ID=" + oktatest.DefaultClientID, "OKAUTH_CLIENT_SECRET=" + oktatest.DefaultClientSecret,
		"OKAUTH_USERNAME=" + oktatest.DefaultUser, "OKAUTH_SCOPES=" + m.scopes,
	}, vars...)
	if strings.HasPrefix(line, "login") {
		c.Env = append(c.Env, "OKAUTH_PASSWORD="+oktatest.DefaultPassword)
	}
	return c
}

func (m *machine) start(line string, vars ...string) *process {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	return m.run(m.command(ctx, line, vars...), cancel)
}

// startCramped is start for a process that can write nothing to any file, as on
// a full disk.
func (m *machine) startCramped(line string, vars ...string) *process {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	c := m.command(ctx, line, vars...)
	c.Args = append([]string{"sh", "-c", `ulimit -f 0; exec "$0" "$@"`, link(m.t, c.Path)}, c.Args[1:]...)
	c.Path = "/bin/sh"
	return m.run(c, cancel)
}

// link gives a program the name okauth, see TestMain.
func link(t *testing.T, program string) string {
	t.Helper()
	okauth := filepath.Join(t.TempDir(), "okauth")
	if err := os.Symlink(program, okauth); err != nil {
		t.Fatal(err)
	}
	return okauth
}

func (m *machine) run(c *exec.Cmd, cancel func()) *process {
	m.t.Helper()
	p := &process{Cmd: c, m: m, cancel: cancel, began: time.Now()}
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(cancel)
	return p
}

// atOnce starts n of them.
func (m *machine) atOnce(n int, line string, vars ...string) []*process {
	m.t.Helper()
	all := make([]*process, n)
	for i := range all {
		all[i] = m.start(line, vars...)
	}
	return all
}

// ends waits for the process, and returns its exit code: 137 after a SIGKILL, as
// a shell would say.
func (p *process) ends() int {
	p.m.t.Helper()
	_ = p.Wait()
	p.cancel()
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// token wants a token that is good at Okta, and nothing else.
func (p *process) token() string {
	p.m.t.Helper()
	code := p.ends()
	if code != 0 || p.stderr.Len() > 0 {
		p.m.t.Fatalf("%q: got exit code %d, want 0, and nothing on stderr: %s", p.Args, code, &p.stderr)
	}
	return p.good()
}

// good wants the token on standard output, whatever the exit code.
func (p *process) good() string {
	p.m.t.Helper()
	token, newline := strings.CutSuffix(p.stdout.String(), "\n")
	if !newline || !p.m.active(token) {
		p.m.t.Fatalf("%q: %d bytes on stdout are no token that is valid at Okta; stderr: %s", p.Args, p.stdout.Len(), &p.stderr)
	}
	return token
}

// fails wants an exit code, an empty standard output, and a message with all of these pieces.
func (p *process) fails(code int, pieces ...string) {
	p.m.t.Helper()
	if got := p.ends(); got != code || p.stdout.Len() > 0 {
		p.m.t.Fatalf("%q: got exit code %d, want %d, and %d bytes on stdout: %s", p.Args, got, code, p.stdout.Len(), &p.stderr)
	}
	p.says(pieces...)
}

// says wants all of these pieces on standard error.
func (p *process) says(pieces ...string) {
	p.m.t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(p.stderr.String(), piece) {
			p.m.t.Errorf("%q: the message lacks %q: %s", p.Args, piece, &p.stderr)
		}
	}
}

// does wants exit code 0 and nothing on standard output.
func (p *process) does() { p.m.t.Helper(); p.fails(0) }

// stop stops the process as Ctrl-Z does, and returns when it has stopped.
func (p *process) stop() {
	p.m.t.Helper()
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		p.m.t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, p.Process.Pid, nil, unix.WSTOPPED, nil); err != nil {
		p.m.t.Fatal(err)
	}
}

// sees waits until the process has taken a signal that was sent to it.
func (m *machine) sees(p *process, signal syscall.Signal) {
	m.t.Helper()
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
		if err != nil {
			m.t.Fatal(err)
		}
		pending := false
		for line := range strings.Lines(string(status)) {
			name, value, _ := strings.Cut(line, ":")
			if name == "SigPnd" || name == "ShdPnd" {
				mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
				pending = pending || err != nil || mask&(1<<(signal-1)) != 0
			}
		}
		if !pending {
			return
		}
	}
	m.t.Fatal("the signal is still pending")
}

func (p *process) goOn() { _ = p.Process.Signal(syscall.SIGCONT) }
