package cli

import (
	"bytes"
	"context"
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

	"okauth/pkg/grant"
)

// The test binary called "interact" is a process at a terminal that asks or shows one thing and prints what came of it.
func TestMain(m *testing.M) {
	if os.Args[0] != "interact" {
		os.Exit(m.Run())
	}
	env, flags := System(Build{}), &GlobalFlags{NoInput: os.Getenv("TEST_NO_INPUT") != ""}
	err := UntilStopped(context.Background(), env, func(ctx context.Context) error {
		i := &terminalInteraction{env: env, flags: flags, noBrowser: os.Getenv("TEST_NO_BROWSER") != ""}
		return interact(ctx, i, os.Args[1], os.Args[2:])
	})
	if err != nil {
		Report(env, err, flags, false)
		EndProcess(ExitCode(err))
	}
}

// interact asks or shows what, with args.
func interact(ctx context.Context, i *terminalInteraction, what string, args []string) error {
	arg := append(args, "", "")
	switch what {
	case "factor":
		f, err := i.ChooseFactor(ctx, grant.Factors(), grant.Factor(arg[0]), arg[1])
		fmt.Print(f)
		return err
	case "code":
		code, err := i.AskCode(ctx, grant.Factor(arg[0]), arg[1])
		fmt.Print(code.Reveal())
		return err
	}
	var done func()
	var err error
	ended := make(chan struct{})
	expires := time.Now().Add(5 * time.Minute)
	switch what {
	case "push":
		done, err = i.ShowPush(ctx, grant.Push{Number: arg[0], Expires: expires})
	case "device":
		done, err = i.ShowDeviceCode(ctx, grant.DeviceCode{UserCode: arg[0], Address: "https://example.okta.com/activate",
			FullAddress: arg[1], Expires: expires})
	case "browser":
		done, err = i.OpenBrowser(ctx, grant.Browser{Address: arg[0], Expires: expires, Paste: func(address string) error {
			if !strings.HasSuffix(address, "state=right") {
				return errors.New("the address has another state")
			}
			fmt.Print(address)
			close(ended)
			return nil
		}})
	}
	if err != nil {
		return err
	}
	defer done()
	answered := make(chan struct{}) // by the phone or the browser, which is the test
	go func() {
		defer close(answered)
		_, _ = os.NewFile(3, "answer").Read(make([]byte, 1))
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-answered:
		fmt.Print("answered")
	case <-ended:
	}
	return nil
}

// child is an "interact" in front of a terminal. Its standard output is a pipe.
type child struct {
	*testing.T
	command  *exec.Cmd
	terminal *os.File
	mu       sync.Mutex
	more     *sync.Cond
	shown    bytes.Buffer // by the terminal
	stdout   bytes.Buffer
	answer   func() error // ends the wait
}

// size is that of a terminal.
type size struct{ columns, rows uint16 }

// start starts "interact" at a terminal, with variables and arguments.
func start(t *testing.T, at size, vars []string, args ...string) *child {
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
	if err := pty.Setsize(master, &pty.Winsize{Rows: at.rows, Cols: at.columns}); err != nil {
		t.Fatal(err)
	}
	// When the first process of a session ends, Linux throws away what the terminal has not shown yet: bash is that, and
	// waits until all has been seen.
	const leader = `trap : INT; (exec -a interact "$@"); code=$?; printf '<end>' >/dev/tty; read -r </dev/tty; exit $code`
	c := &child{T: t, terminal: master, command: exec.Command("bash", append([]string{"-c", leader, "bash", self}, args...)...)}
	c.more = sync.NewCond(&c.mu)
	c.command.Env = append([]string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=xterm", "LANG=C.UTF-8"}, vars...)
	c.command.Stdin, c.command.Stdout, c.command.Stderr = slave, &c.stdout, slave
	c.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	answer, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	c.answer, c.command.ExtraFiles = write.Close, []*os.File{answer}
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.command.Process.Kill(); master.Close() })
	go io.Copy(c, master)
	return c
}

// Write takes what the terminal shows.
func (c *child) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.more.Broadcast()
	return c.shown.Write(text)
}

// waitFor waits until the terminal has shown each text, and returns all that it has shown.
func (c *child) waitFor(texts ...string) string {
	c.Helper()
	late := false
	timer := time.AfterFunc(20*time.Second, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		late = true
		c.more.Broadcast()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range texts {
		for !strings.Contains(c.shown.String(), text) {
			if late {
				c.Fatalf("waited for %q; the terminal shows %q", text, &c.shown)
			}
			c.more.Wait()
		}
	}
	return c.shown.String()
}

func (c *child) types(text string) {
	c.Helper()
	if _, err := io.WriteString(c.terminal, text); err != nil {
		c.Fatal(err)
	}
}

// ends waits for the end, and returns what was printed on standard output and shown in all. It wants an exit code, and
// the terminal as it was.
func (c *child) ends(code int) (stdout, shown string) {
	c.Helper()
	shown = c.waitFor("<end>")
	mode, err := unix.IoctlGetTermios(int(c.terminal.Fd()), unix.TCGETS)
	if err != nil || mode.Lflag&unix.ECHO == 0 || mode.Lflag&unix.ICANON == 0 {
		c.Errorf("the terminal does not echo or has another mode: %v", err)
	}
	c.types("\r")
	_ = c.command.Wait()
	if got := c.command.ProcessState.ExitCode(); got != code {
		c.Errorf("got exit code %d, want %d: %q", got, code, shown)
	}
	return c.stdout.String(), shown
}
