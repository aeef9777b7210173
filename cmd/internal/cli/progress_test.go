package cli

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func unset(string) (string, bool) { return "", false }

// screen is a terminal that two goroutines know.
type screen struct {
	mu   sync.Mutex
	text string
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += string(p)
	return len(p), nil
}

// take returns what was written since it was called last.
func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text
	s.text = ""
	return text
}

// The line appears once the wait is noticed, counts seconds, and is gone at the end.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		env := &Env{Stderr: &out, StderrIsTTY: true, waiting: new(waitLine), LookupEnv: unset}
		done := env.Progress(1500*time.Millisecond, "waiting for dev-1.okta.com")
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{1100 * time.Millisecond, ""}, // before the line is there, a second is nothing to say
			{500 * time.Millisecond, "\r\x1b[Kokauth: waiting for dev-1.okta.com … 1 s"},
			{500 * time.Millisecond, "\r\x1b[Kokauth: waiting for dev-1.okta.com … 2 s"},
			{time.Second, "\r\x1b[Kokauth: waiting for dev-1.okta.com … 3 s"},
		} {
			time.Sleep(step.wait)
			synctest.Wait()
			if got := out.take(); got != step.want {
				t.Errorf("got %q, want %q", got, step.want)
			}
		}
		done()
		done()
		if got := out.take(); got != eraseLine {
			t.Errorf("at the end: got %q, want %q", got, eraseLine)
		}
	})
}

// What is over before a person wonders is never shown, and neither is anything in a file or on a dumb terminal.
func TestProgressKeepsQuiet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  *Env
		wait time.Duration
	}{
		"short": {&Env{StderrIsTTY: true, waiting: new(waitLine), LookupEnv: unset}, Unnoticed - time.Millisecond},
		"file":  {&Env{waiting: new(waitLine), LookupEnv: unset}, time.Minute},
		"dumb":  {&Env{StderrIsTTY: true, waiting: new(waitLine), LookupEnv: func(string) (string, bool) { return "dumb", true }}, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			test.env.Stderr = &out
			done := test.env.Progress(Unnoticed, "x")
			time.Sleep(test.wait)
			done()
			if out.Len() > 0 {
				t.Errorf("%s: got %q", name, &out)
			}
		})
	}
}

// A countdown says how long is left. What is printed meanwhile stands above it, and a wait within the wait is not shown.
func TestCountdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		env := &Env{Stderr: &out, StderrIsTTY: true, waiting: new(waitLine), LookupEnv: unset}
		done := env.Countdown("waiting for the phone", time.Now().Add(2*time.Minute))
		wants := func(want string) {
			t.Helper()
			synctest.Wait()
			if got := strings.ReplaceAll(out.take(), eraseLine, "<erase>"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		wants("<erase>okauth: waiting for the phone … 2:00 left")
		within := env.Progress(0, "waiting for okta.com")
		env.Say("a note")
		wants("<erase>okauth: a note\n")
		time.Sleep(time.Second)
		wants("<erase>okauth: waiting for the phone … 1:59 left")
		within()
		time.Sleep(55 * time.Second)
		synctest.Wait()
		out.take()
		time.Sleep(70 * time.Second)
		synctest.Wait()
		if shown := out.take(); !strings.HasSuffix(shown, "0:00 left") || strings.Contains(shown, "-") {
			t.Errorf("at the end of the time: got %q", shown)
		}
		done()
		wants("<erase>")
		env.Say("the end")
		wants("okauth: the end\n")
	})
}
