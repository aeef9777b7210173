//go:build unix

package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests start this test binary again as the process that asks, or as a small shell with job control that starts
// the process that asks. Both tell what happens, line by line, on descriptor 3.
const (
	roleVar   = "PROMPT_TEST_ROLE"   // what to ask; set in a child only
	shellVar  = "PROMPT_TEST_SHELL"  // not empty: be the shell
	ignoreVar = "PROMPT_TEST_IGNORE" // not empty: ignore the hang-up signal
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	switch {
	case role == "":
		// A signal that nohup or a shell's & made this process ignore, its children would ignore as well.
		for _, ignored := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
			if signal.Ignored(ignored) {
				signal.Notify(make(chan os.Signal, 1), ignored)
			}
		}
		os.Exit(m.Run())
	case os.Getenv(shellVar) != "":
		if err := shell(); err != nil {
			tell("shell: %v", err)
		}
	default:
		if os.Getenv(ignoreVar) != "" {
			signal.Ignore(syscall.SIGHUP)
		}
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		if os.Getenv(ignoreVar) == "" {
			ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		}
		tell("%s", play(ctx, role))
		stop()
	}
}

func tell(format string, args ...any) {
	fmt.Fprintf(os.NewFile(3, "report"), format+"\n", args...)
}

// play asks what role says and returns the answer, quoted, or the name of the error.
func play(ctx context.Context, role string) string {
	terminal, err := Open()
	if err != nil {
		return name(ctx, err)
	}
	defer terminal.Close()
	var answer any
	switch role {
	case "password":
		answer, err = terminal.ReadPassword(ctx, "Password for a\x1b[2Jlice")
	case "line":
		answer, err = terminal.ReadLine(ctx, "Domain", "dev-1.okta.com")
	case "choose":
		answer, err = terminal.Choose(ctx, "Where?", []string{"default", "org"}, 0)
	case "confirm":
		answer, err = terminal.Confirm(ctx, "Go on?", true)
	case "form":
		answer, err = form(ctx, terminal)
	case "panic":
		defer func() { tell("panic: %v", recover()) }()
		_, err = terminal.ReadPassword(treacherous{ctx}, "Password")
	default:
		err = fmt.Errorf("unknown role %q", role)
	}
	if err != nil {
		return name(ctx, err)
	}
	return fmt.Sprintf("%q", fmt.Sprintf("%s", answer)) // %s shows ints and bools as %!s(int=1): enough to compare
}

func form(ctx context.Context, terminal *Terminal) (string, error) {
	user, err := terminal.ReadLine(ctx, "Username", "alice")
	if err != nil {
		return "", err
	}
	secret, err := terminal.ReadPassword(ctx, "Password")
	if err != nil {
		return "", err
	}
	domain, err := terminal.ReadLine(ctx, "Domain", "dev-1")
	if err != nil {
		return "", err
	}
	if err := terminal.Printf("signed in as %s\x07\n", user); err != nil {
		return "", err
	}
	return strings.Join([]string{user, string(secret), domain}, "|"), nil
}

// name of an error, as a caller tells them apart.
func name(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil && err == context.Cause(ctx):
		return "ended: " + err.Error()
	case errors.Is(err, ErrNoTerminal):
		return "ErrNoTerminal"
	case errors.Is(err, ErrClosed):
		return "ErrClosed"
	case errors.Is(err, ErrEmpty):
		return "ErrEmpty"
	case errors.Is(err, ErrTooLong):
		return "ErrTooLong"
	}
	return "error: " + err.Error()
}

// treacherous panics when it has ended: in the middle of a question.
type treacherous struct{ context.Context }

func (c treacherous) Err() error {
	if c.Context.Err() != nil {
		panic("treacherous context")
	}
	return nil
}

// shell runs the process that asks as a job of its own in the foreground, takes the terminal back when the job stops,
// and does what it is told on standard input: fg, bg or term.
func shell() error {
	tty, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := os.Unsetenv(shellVar); err != nil { // or the job would be a shell too, and its job
		return err
	}
	job, err := syscall.ForkExec(os.Args[0], os.Args[:1], &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2, 3},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: tty},
	})
	if err != nil {
		return err
	}
	// Or taking the terminal back would stop the shell. After the fork, for the job must not inherit it.
	signal.Ignore(syscall.SIGTTOU)
	tell("job %d", job)
	orders := bufio.NewScanner(os.Stdin)
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(job, &status, syscall.WUNTRACED, nil); err == syscall.EINTR {
			continue
		} else if err != nil {
			return err
		}
		if !status.Stopped() {
			tell("exit %d", status.ExitStatus())
			// Stay: the kernel resets a terminal whose session ends, and the test wants to see it before.
			orders.Scan()
			return orders.Err()
		}
		if err := unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, unix.Getpgrp()); err != nil {
			return err
		}
		tell("stopped by %s", unix.SignalName(status.StopSignal()))
		if !orders.Scan() {
			return orders.Err()
		}
		switch orders.Text() {
		case "fg":
			if err := unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, job); err != nil {
				return err
			}
		case "term":
			if err := unix.Kill(-job, unix.SIGTERM); err != nil {
				return err
			}
		}
		if err := unix.Kill(-job, unix.SIGCONT); err != nil {
			return err
		}
	}
}
