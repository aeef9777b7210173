package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"okauth/pkg/oktatest"
)

// another is what a process says that waits for the one that asks.
const another = "waiting for another okauth process, in which a person signs in"

// household returns a user without a password whose processes share a home, and the name of okauth in it.
func household(t *testing.T, storage string, options ...oktatest.Options) (u *user, okauth string) {
	t.Helper()
	u = newUser(t, options...)
	delete(u.vars, "OKAUTH_PASSWORD")
	home := t.TempDir()
	u.vars["HOME"], u.vars["PATH"], u.vars["OKAUTH_STORAGE"] = home, os.Getenv("PATH"), storage
	u.vars["OKAUTH_STORAGE_DIR"] = filepath.Join(home, "sessions")
	return u, self(t)
}

// self returns the path of okauth: the test binary by that name.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return link(t, path)
}

// four runs "okauth token" four times at once on one terminal, as a Makefile with -j does.
func four(t *testing.T, storage string) (*user, *person) {
	t.Helper()
	if _, err := exec.LookPath("xargs"); err != nil {
		t.Skip("xargs is not installed")
	}
	u, okauth := household(t, storage)
	// xargs gives up if a process that it started is killed.
	p := atTerminalRuns(t, u, exec.Command("sh", "-c", "seq 4 | xargs -P 4 -I{} sh -c '"+okauth+" token || exit 1'"))
	p.waitFor("Password for alice@example.com: ")
	p.waitForTimes(&p.stderr, another, 3)
	return u, p
}

// tokens returns the lines of standard output, each once, and how many lines there are.
func (p *person) tokens() (different []string, all int) {
	lines := strings.Fields(p.stdout.String())
	slices.Sort(lines)
	return slices.Compact(slices.Clone(lines)), len(lines)
}

// Of four processes that must ask one asks; the others wait for its session and go on with it.
func TestOneAsksTheOthersWait(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		u, p := four(t, storage)
		p.types(oktatest.DefaultPassword + "\r")
		if code := p.ends(); code != 0 {
			t.Errorf("got exit code %d: %s", code, &p.stderr)
		}
		if different, all := p.tokens(); all != 4 || len(different) != 1 {
			t.Errorf("got %d tokens, %d different ones, want 4 times the same", all, len(different))
		}
		if asked := strings.Count(p.screen(), "Password for"); asked != 1 || u.posts() != 1 {
			t.Errorf("asked %d times, sent %d requests, want one of each", asked, u.posts())
		}
	})
}

// Where the one that asks gets no answer, or a wrong one, or is killed, one of those that wait asks next.
func TestTheNextAsks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails func(*testing.T, *user, *person)
		posts int
	}{
		"no answer":    {func(_ *testing.T, _ *user, p *person) { p.types("\r") }, 1},
		"wrong answer": {func(_ *testing.T, _ *user, p *person) { p.types("wrong-horse\r") }, 2},
		"killed":       {killAsker, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, p := four(t, "file")
			c.fails(t, u, p)
			p.waitForTimes(&p.shown, "Password for", 2)
			p.types(oktatest.DefaultPassword + "\r")
			p.ends()
			if different, all := p.tokens(); all != 3 || len(different) != 1 {
				t.Errorf("got %d tokens, %d different ones, want 3 times the same: %s", all, len(different), &p.stderr)
			}
			if u.posts() != c.posts {
				t.Errorf("got %d requests, want %d", u.posts(), c.posts)
			}
		})
	}
}

// The one that asked says why it failed before the next asks.
func TestTheNextAsksAfterTheError(t *testing.T) {
	t.Parallel()
	u, okauth := household(t, "file")
	p := atTerminalRuns(t, u, exec.Command("sh", "-c", "seq 2 | xargs -P 2 -I{} "+okauth+" token 2>/dev/tty"))
	p.waitFor(another)
	p.types("wrong-horse\r")
	p.waitForTimes(&p.shown, "Password for", 2)
	screen := p.screen()
	if i := strings.Index(screen, "refused the sign-in"); i < 0 || i > strings.LastIndex(screen, "Password for") {
		t.Errorf("the terminal shows %q", screen)
	}
}

// killAsker kills the process that holds the lock for asking.
func killAsker(t *testing.T, u *user, _ *person) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(u.vars["OKAUTH_STORAGE_DIR"], "ask-*.lock"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got locks %q, %v, want one", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(locks)) {
		// 1: FLOCK  ADVISORY  WRITE 4711 fe:00:262148 0 EOF, and those that wait behind "->"
		fields := strings.Fields(line)
		if len(fields) == 8 && strings.HasSuffix(fields[5], fmt.Sprintf(":%d", info.Sys().(*syscall.Stat_t).Ino)) {
			pid, err := strconv.Atoi(fields[4])
			if err := errors.Join(err, syscall.Kill(pid, syscall.SIGKILL)); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("nobody holds the lock:\n%s", locks)
}

// Ctrl-C ends the one that asks and those that wait, at once.
func TestCtrlCEndsAll(t *testing.T) {
	t.Parallel()
	u, p := four(t, "file")
	p.types("\x03")
	p.ends()
	if p.stdout.Len() > 0 || u.posts() > 0 || !p.echo() {
		t.Errorf("got stdout %q, %d requests, echo %t", &p.stdout, u.posts(), p.echo())
	}
}

// Two windows: the second waits, which Ctrl-C ends and no password of its own; a login does not wait.
func TestTwoWindows(t *testing.T) {
	t.Parallel()
	u, okauth := household(t, "file")
	first := atTerminalRuns(t, u, exec.Command(okauth, "token"))
	first.waitFor("Password for")
	impatient := atTerminalRuns(t, u, exec.Command(okauth, "exec", "--", "echo"))
	impatient.waitForTimes(&impatient.stderr, another, 1)
	impatient.types("\x03")
	if code := impatient.ends(); code != 130 || impatient.stdout.Len() > 0 {
		t.Errorf("got exit code %d, stdout %q", code, &impatient.stdout)
	}
	patient := atTerminalRuns(t, u, exec.Command(okauth, "token"))
	patient.waitForTimes(&patient.stderr, another, 1)
	login := atTerminalRuns(t, u, exec.Command(okauth, "login"))
	login.waitFor("Password for")
	login.types("\x03")
	login.ends()
	first.types(oktatest.DefaultPassword + "\r")
	if a, b := first.ends(), patient.ends(); a != 0 || b != 0 || first.stdout.String() != patient.stdout.String() {
		t.Errorf("got exit codes %d and %d, and not the same token: %s", a, b, &patient.stderr)
	}
	if screen := impatient.screen() + patient.screen(); strings.Contains(screen, "Password for") {
		t.Errorf("one that waits has asked: %q", screen)
	}
}

// Two users on one terminal: the answer to one question does not go to the other, which waits.
func TestOneQuestionOnATerminal(t *testing.T) {
	t.Parallel()
	u, okauth := household(t, "file")
	p := atTerminalRuns(t, u, exec.Command("sh", "-c",
		"seq 1 2 | xargs -P 2 -I{} env OKAUTH_USERNAME=user{}@example.com "+okauth+" login"))
	p.waitFor("Password for")
	p.waitForTimes(&p.stderr, another, 1)
	if asked := strings.Count(p.screen(), "Password for"); asked != 1 {
		t.Errorf("%d questions at once: %q", asked, p.screen())
	}
	p.types("wrong-horse\r")
	p.waitForTimes(&p.shown, "Password for", 2)
	p.types("\r")
	p.ends()
	_, first, _ := strings.Cut(p.screen(), "Password for ")
	first, _, _ = strings.Cut(first, ":")
	if form := u.server.Requests()[0].Form; form.Get("username") != first || form.Get("password") != "wrong-horse" {
		t.Errorf("the answer for %s was sent for %s", first, form.Get("username"))
	}
}
