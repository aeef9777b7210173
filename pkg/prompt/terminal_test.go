//go:build unix

package prompt

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// testTimeout ends a test that waits for something that does not happen.
const testTimeout = 20 * time.Second

// person sits at a pseudo-terminal in front of a child process, sees the screen, types, and hears the reports.
type person struct {
	*testing.T
	keyboard *os.File // the master side
	child    *exec.Cmd
	orders   io.WriteCloser
	reports  chan string
	stderr   *bytes.Buffer // read after the child's end
	asker    int           // the process that asks: the child, or the job of the shell

	mu     sync.Mutex
	screen []byte
	seen   int
	change chan struct{}
	dark   chan struct{} // closed when nothing more will be shown
}

// sit starts a shell with the pseudo-terminal as its controlling terminal and in it a job that plays role. The
// standard streams of both are pipes.
func sit(t *testing.T, role string) *person {
	t.Helper()
	p := sitAlone(t, role, shellVar+"=1")
	report := p.listens()
	if _, err := fmt.Sscanf(report, "job %d", &p.asker); err != nil {
		t.Fatalf("got report %q, want the number of the job", report)
	}
	return p
}

// sitAlone is sit without the shell: the process that asks leads the session. Further environment variables may follow.
func sitAlone(t *testing.T, role string, env ...string) *person {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 5, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	p := &person{T: t, keyboard: unblocked(t, master), change: make(chan struct{}, 1), dark: make(chan struct{})}
	p.start(slave, append(env, roleVar+"="+role, "TERM=dumb", "LC_ALL=C"))
	if err := slave.Close(); err != nil {
		t.Fatal(err)
	}
	go p.watch()
	t.Cleanup(func() { _ = p.keyboard.Close() })
	return p
}

// terminalAt returns a Terminal at a pseudo-terminal that is no process's controlling terminal.
func terminalAt(t *testing.T) *Terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(slave.Close(), master.Close()) })
	return &Terminal{device: device{fd: int(slave.Fd())}, out: slave}
}

// unblocked replaces a file by one of which Close ends a Read: pty leaves it in blocking mode.
func unblocked(t *testing.T, f *os.File) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.SetNonblock(fd, true), f.Close()); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// start runs the child in a session of its own; with a nil terminal it has none.
func (p *person) start(terminal *os.File, env []string) {
	p.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		p.Fatal(err)
	}
	p.stderr = new(bytes.Buffer)
	p.child = exec.Command(os.Args[0])
	p.child.Env = append(os.Environ(), append(env,
		"GORACE=atexit_sleep_ms=0")...) // or each child takes a second to leave
	p.child.Stdout, p.child.Stderr = p.stderr, p.stderr
	p.child.ExtraFiles = []*os.File{w}
	p.child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if terminal != nil {
		p.child.ExtraFiles = append(p.child.ExtraFiles, terminal)
		p.child.SysProcAttr.Setctty, p.child.SysProcAttr.Ctty = true, 4
	}
	if p.orders, err = p.child.StdinPipe(); err != nil {
		p.Fatal(err)
	}
	if err := p.child.Start(); err != nil {
		p.Fatal(err)
	}
	p.asker = p.child.Process.Pid
	_ = w.Close()
	p.reports = make(chan string, 16)
	go func() {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.reports <- lines.Text()
		}
		close(p.reports)
		_ = r.Close()
	}()
	p.child.WaitDelay = testTimeout
	p.Cleanup(func() {
		if p.asker != p.child.Process.Pid && p.Failed() {
			_ = unix.Kill(p.asker, unix.SIGKILL) // stopped, perhaps, and holding the pipes
		}
		_ = p.child.Process.Kill()
		_ = p.child.Wait()
	})
}

// watch reads the screen until the terminal is gone.
func (p *person) watch() {
	defer close(p.dark)
	buf := make([]byte, 4096)
	for {
		n, err := p.keyboard.Read(buf)
		p.mu.Lock()
		p.screen = append(p.screen, buf[:n]...)
		p.mu.Unlock()
		select {
		case p.change <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// sees waits until text appears on the screen behind what was seen before.
func (p *person) sees(text string) {
	p.Helper()
	deadline := time.After(testTimeout)
	for {
		p.mu.Lock()
		i := strings.Index(string(p.screen[p.seen:]), text)
		if i >= 0 {
			p.seen += i + len(text)
		}
		p.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-p.change:
		case <-deadline:
			p.Fatalf("waited for %q, the screen is %q", text, p.shown())
		}
	}
}

func (p *person) shown() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.screen)
}

func (p *person) types(keys string) {
	p.Helper()
	if _, err := io.WriteString(p.keyboard, keys); err != nil {
		p.Fatal(err)
	}
}

// hears waits for the next report and compares it.
func (p *person) hears(want string) {
	p.Helper()
	if got := p.listens(); got != want {
		p.Fatalf("got report %.200q, want %.200q", got, want)
	}
}

func (p *person) listens() string {
	p.Helper()
	select {
	case got, ok := <-p.reports:
		if !ok {
			return "end of reports"
		}
		return got
	case <-time.After(testTimeout):
		p.Fatalf("waited for a report, the screen is %q", p.shown())
		return ""
	}
}

// leaves waits for the end of the process that asks and returns its exit code.
func (p *person) leaves() int {
	p.Helper()
	report := p.listens()
	if report == "end of reports" {
		_ = p.child.Wait()
		return p.child.ProcessState.ExitCode()
	}
	var code int
	if _, err := fmt.Sscanf(report, "exit %d", &code); err != nil {
		p.Fatalf("got report %q, want the end of the process", report)
	}
	return code
}

// tells the shell what to do.
func (p *person) tells(order string) {
	p.Helper()
	if _, err := io.WriteString(p.orders, order+"\n"); err != nil {
		p.Fatal(err)
	}
}

// signals sends a signal to the process that asks.
func (p *person) signals(signal syscall.Signal) {
	p.Helper()
	if err := unix.Kill(p.asker, signal); err != nil {
		p.Fatal(err)
	}
}

// findsEcho compares what the kernel says about the terminal. The master side answers for both.
func (p *person) findsEcho(want bool) {
	p.Helper()
	mode := p.mode(nil)
	const flags = unix.ECHO | unix.ICANON | unix.ISIG
	if got := mode.Lflag&flags == flags; got != want {
		p.Fatalf("got local flags %#x: echo and line editing %t, want %t; the screen is %q", mode.Lflag, got, want,
			p.shown())
	}
}

// mode returns the settings of the terminal, after setting those given, if any.
func (p *person) mode(set *unix.Termios) (mode *unix.Termios) {
	p.Helper()
	raw, err := p.keyboard.SyscallConn() // not Fd, after which Close would not end a Read
	if err != nil {
		p.Fatal(err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if set != nil {
			failed = unix.IoctlSetTermios(int(fd), ioctlSetTermios, set)
		}
		if failed == nil {
			mode, failed = unix.IoctlGetTermios(int(fd), ioctlGetTermios)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		p.Fatal(err)
	}
	return mode
}

// hidden waits for the end of all processes and fails the test if any of the secrets was shown, on the screen or on
// standard output and error.
func (p *person) hidden(secrets ...string) {
	p.Helper()
	_ = p.orders.Close() // the shell leaves
	_ = p.child.Wait()
	select {
	case <-p.dark:
	case <-time.After(testTimeout):
		p.Fatal("the terminal is still in use")
	}
	for _, secret := range secrets {
		if shown := p.shown() + p.stderr.String(); strings.Contains(shown, secret) {
			p.Errorf("%q was shown in %q", secret, shown)
		}
	}
}
