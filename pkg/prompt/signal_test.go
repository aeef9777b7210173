//go:build unix

package prompt

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// No signal that a Go program can catch leaves the terminal without echo: it ends the process, or does nothing. Those
// that stop a process have their own tests.
func TestAT88_EverySignal(t *testing.T) {
	t.Parallel()
	ends := []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGTERM}
	others := []syscall.Signal{
		unix.SIGKILL, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT,
		unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS, // Go passes none of these on
		0x10, // SIGSTKFLT on Linux, neither; SIGURG on macOS
	}
	for s := syscall.Signal(1); s < 32; s++ {
		if slices.Contains(others, s) {
			continue
		}
		t.Run(unix.SignalName(s), func(t *testing.T) {
			t.Parallel()
			p := sit(t, "password")
			p.sees(passwordPrompt)
			p.signals(s)
			if !slices.Contains(ends, s) {
				p.types("wrong-horse\r")
				p.hears(`"wrong-horse"`)
			}
			for report := p.listens(); !strings.HasPrefix(report, "exit "); report = p.listens() {
				if report == "end of reports" {
					t.Fatal("the process has not ended")
				}
			}
			p.findsEcho(true)
		})
	}
}

// A pasted CR LF ends one line, not two; two times Enter are two answers.
func TestAT90_PastedLineEnd(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"wrong-horse\r\n":        `"bob|wrong-horse|dev-2"`,
		"wrong-horse\r\ndev-2\r": `"bob|wrong-horse|dev-2"`,
		"wrong-horse\n":          `"bob|wrong-horse|dev-2"`,
		"wrong-horse\r\r":        `"bob|wrong-horse|dev-1"`,
		"wrong-horse\n\n":        `"bob|wrong-horse|dev-1"`,
		"wrong-horse\rdev-2\r":   `"bob|wrong-horse|dev-2"`,
	} {
		t.Run(fmt.Sprintf("%q", typed), func(t *testing.T) {
			t.Parallel()
			p := sit(t, "form")
			p.sees("Username [alice]: ")
			p.types("bob\r")
			p.sees("Password: ")
			p.types(typed)
			p.sees("Domain [dev-1]: ")
			if !strings.Contains(typed, "dev-2") && strings.Contains(want, "dev-2") {
				p.types("dev-2\r")
			}
			p.hears(want)
		})
	}
}
