package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/cmd/internal/cli"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

// clockwork is a watch by a clock of its own: whoever sleeps moves it. Its tokens are named token-1, token-2 and so on.
type clockwork struct {
	*watch
	t       *testing.T
	clock   time.Time
	life    time.Duration
	tokens  int
	asked   []time.Time   // when a token was asked for
	slept   time.Duration // in one go, the longest
	stderr  bytes.Buffer
	answer  func() error // of a token endpoint; nil: it is well
	onSleep func()       // after each sleep
	ctx     context.Context
	stop    context.CancelCauseFunc
}

var errStopped = errors.New("stopped")

func newClockwork(t *testing.T, life time.Duration) *clockwork {
	t.Helper()
	c := &clockwork{t: t, clock: time.Now().Round(0), life: life, onSleep: func() {}, answer: func() error { return nil }}
	c.ctx, c.stop = context.WithCancelCause(t.Context())
	t.Cleanup(func() { c.stop(nil) })
	env := &cli.Env{
		Stderr: &c.stderr, Now: func() time.Time { return c.clock },
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	o := &tokenOptions{env: env, session: cli.SessionFlags{GlobalFlags: &cli.GlobalFlags{}}}
	o.watch, o.path, o.format.Format = true, filepath.Join(t.TempDir(), "token"), "raw"
	c.watch = &watch{o: o, sleep: c.sleeps, next: c.token}
	return c
}

func (c *clockwork) sleeps(ctx context.Context, d time.Duration) error {
	c.slept = max(c.slept, d)
	c.clock = c.clock.Add(max(d, 0))
	c.onSleep()
	return ctx.Err()
}

func (c *clockwork) token(_ context.Context, last okta.Secret) (output.Token, error) {
	if want := fmt.Sprintf("token-%d", c.tokens); c.tokens > 0 && last.Reveal() != want {
		c.t.Errorf("asked for the token after %q, want %s", last.Reveal(), want)
	}
	c.asked = append(c.asked, c.clock)
	if err := c.answer(); err != nil {
		return output.Token{}, err
	}
	c.tokens++
	return output.Token{Value: okta.NewSecret(fmt.Sprintf("token-%d", c.tokens)), Type: "access", ExpiresAt: c.clock.Add(c.life)}, nil
}

// runs runs the watch to its end, and wants that error and no file.
func (c *clockwork) runs(minTTL time.Duration, want error) {
	c.t.Helper()
	if err := c.run(c.ctx, minTTL); !errors.Is(err, want) {
		c.t.Fatalf("got the error %v, want %v", err, want)
	}
	if _, err := os.Lstat(c.o.path); !errors.Is(err, fs.ErrNotExist) {
		c.t.Errorf("the file is still there: %v", err)
	}
}

func (c *clockwork) file() string {
	text, _ := os.ReadFile(c.o.path)
	return string(text)
}

// waits returns the time between the requests.
func (c *clockwork) waits() (waits []time.Duration) {
	for i := range c.asked[1:] {
		waits = append(waits, c.asked[i+1].Sub(c.asked[i]))
	}
	return waits
}

func TestWatchRenews(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ life, minTTL, latest time.Duration }{
		{time.Hour, time.Minute, 30 * time.Minute},
		{time.Hour, 50 * time.Minute, 10 * time.Minute},
		{90 * time.Second, time.Minute, 30 * time.Second},
		{61 * time.Second, time.Minute, 10 * time.Second}, // and not each second
		{30 * time.Second, time.Minute, 10 * time.Second},
		{2 * time.Second, time.Minute, time.Second},
		{0, time.Minute, time.Second}, // an answer that is of no use does not lead to a flood of requests
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			t.Parallel()
			c := newClockwork(t, test.life)
			c.onSleep = func() {
				if got := c.file(); got != fmt.Sprintf("token-%d\n", c.tokens) {
					t.Fatalf("the file has %q after %d tokens", got, c.tokens)
				}
				if c.tokens == 50 {
					c.stop(errStopped)
				}
			}
			c.runs(test.minTTL, errStopped)
			apart := make(map[time.Duration]bool)
			for _, wait := range c.waits() {
				apart[wait] = true
				if wait > test.latest || wait < test.latest*9/10 {
					t.Errorf("renewed after %v, want %v or up to a tenth less", wait, test.latest)
				}
			}
			if len(apart) < 10 || c.slept > time.Minute || c.stderr.Len() > 0 {
				t.Errorf("%d different times, slept for %v at once, said %q", len(apart), c.slept, &c.stderr)
			}
		})
	}
}

// A machine that sleeps for hours, and a clock that is set forward or back.
func TestWatchLooksAtTheClock(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{10 * time.Hour, -10 * time.Hour} {
		c := newClockwork(t, time.Hour)
		var jumped time.Time
		c.onSleep = func() {
			if jumped.IsZero() {
				c.clock = c.clock.Add(jump)
				jumped = c.clock
			}
			if c.tokens == 2 {
				c.stop(errStopped)
			}
		}
		c.runs(time.Minute, errStopped)
		if late := c.asked[1].Sub(jumped); len(c.asked) != 2 || late > time.Minute {
			t.Errorf("after a jump of %v it asked %d times, and %v later", jump, len(c.asked), late)
		}
	}
}

var errDown = errors.New("no answer")

func TestWatchFailsForAWhile(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, time.Hour)
	c.answer = func() error {
		if n := len(c.asked); n > 1 && n < 12 {
			return errDown
		}
		return nil
	}
	c.onSleep = func() {
		if c.tokens == 4 {
			c.stop(errStopped)
		}
	}
	c.runs(time.Minute, errStopped)
	pause := time.Second
	for _, wait := range c.waits()[1:11] {
		if wait > pause || wait < pause/2 {
			t.Errorf("the next attempt was after %v, want %v or down to half of it", wait, pause)
		}
		pause = min(2*pause, time.Minute)
	}
	lines := strings.Split(strings.TrimSuffix(c.stderr.String(), "\n"), "\n")
	if len(lines) != 11 || !strings.HasPrefix(lines[0], "okauth: warning: no answer; the last token is valid for 3") ||
		!strings.HasSuffix(lines[0], "minutes, next attempt in 1 second") || !strings.HasSuffix(lines[10], `is fresh again`) {
		t.Errorf("got %d lines: %s", len(lines), &c.stderr)
	}
}

// The watch outlives the token for as long as a network needs after a sleep, and no longer.
func TestWatchGivesUp(t *testing.T) {
	t.Parallel()
	for _, sleeps := range []time.Duration{0, 10 * time.Hour} {
		c := newClockwork(t, time.Hour)
		c.answer = func() error {
			if len(c.asked) > 1 {
				return errDown
			}
			return nil
		}
		c.onSleep = func() {
			if len(c.asked) == 1 {
				c.clock = c.clock.Add(sleeps)
			}
		}
		began := c.clock
		c.runs(time.Minute, errDown)
		ends := began.Add(max(c.life, sleeps))
		if late := c.clock.Sub(ends); late < 0 || late > 4*time.Minute || sleeps > 0 && late < time.Minute {
			t.Errorf("after a sleep of %v it gave up %v after the token had ended", sleeps, late)
		}
		if !strings.Contains(c.stderr.String(), "the last token has ended, next attempt in") && sleeps > 0 {
			t.Errorf("got %s", &c.stderr)
		}
	}
}

// While a person is needed the file stays until its token ends. The person may sign in elsewhere.
func TestWatchWaitsForAPerson(t *testing.T) {
	t.Parallel()
	required := &okauth.LoginRequiredError{Reason: "not signed in"}
	for _, signsIn := range []bool{false, true} {
		c := newClockwork(t, time.Hour)
		c.answer = func() error {
			if n := len(c.asked); n == 1 || n > 10 && signsIn {
				return nil
			}
			return required
		}
		c.onSleep = func() {
			if c.tokens == 2 {
				c.stop(errStopped)
			} else if left := c.ends.Sub(c.clock); left > 0 && c.file() == "" {
				t.Errorf("no file %v before the end of the token", left)
			}
		}
		began := c.clock
		if signsIn {
			c.runs(time.Minute, errStopped)
		} else if c.runs(time.Minute, required); c.clock.Sub(began) != time.Hour {
			t.Errorf("it ended after %v, want 1h", c.clock.Sub(began))
		}
		text := c.stderr.String()
		if n := strings.Count(text, "not signed in; sign in with: okauth login; the last token is valid for "); n != 1 {
			t.Errorf("said it %d times, want once: %s", n, text)
		}
	}
}

// After a sleep in which the token has ended, no attempt helps where a person is needed.
func TestWatchNeedsAPersonAfterSleep(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, time.Hour)
	required := &okauth.LoginRequiredError{Reason: "not signed in"}
	c.answer = func() error {
		if len(c.asked) > 1 {
			return required
		}
		return nil
	}
	c.onSleep = func() { c.clock = c.clock.Add(10 * time.Hour) }
	c.runs(time.Minute, required)
	if len(c.asked) != 2 || c.stderr.Len() > 0 {
		t.Errorf("it asked %d times, want 2, and said %q", len(c.asked), &c.stderr)
	}
}

// A file that is removed comes back within a minute; what takes its place stays, and is no reason for a request.
func TestWatchRestoresTheFile(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, time.Hour)
	looks := 0
	c.onSleep = func() {
		looks++
		switch looks {
		case 1:
			if err := os.Remove(c.o.path); err != nil {
				t.Fatal(err)
			}
		case 2:
			if got := c.file(); got != "token-1\n" {
				t.Errorf("the file has %q", got)
			}
			if err := errors.Join(os.Remove(c.o.path), os.Symlink("elsewhere", c.o.path)); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case c.tokens == 3:
			c.stop(errStopped)
		case looks == 60: // some failures later
			if c.tokens != 2 {
				t.Errorf("it asked for %d tokens, want 2: the second is not written yet", c.tokens)
			}
			_ = os.Remove(c.o.path)
		}
	}
	if err := c.run(c.ctx, time.Minute); !errors.Is(err, errStopped) {
		t.Fatal(err)
	}
	if !strings.Contains(c.stderr.String(), "it is a symbolic link, not a file; name a regular file") {
		t.Errorf("got %s", &c.stderr)
	}
	if _, err := os.Lstat(filepath.Join(filepath.Dir(c.o.path), "elsewhere")); err == nil {
		t.Error("the link was followed")
	}
}

func TestWatchKeepsTheFile(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, time.Hour)
	c.o.keep = true
	c.onSleep = func() { c.stop(errStopped) }
	if err := c.run(c.ctx, time.Minute); !errors.Is(err, errStopped) || c.file() != "token-1\n" {
		t.Errorf("got %v, and the file has %q", err, c.file())
	}
}
