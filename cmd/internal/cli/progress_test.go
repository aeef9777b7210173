package cli

import (
	"testing"
	"time"
)

// written hands on what is written to it, a piece at a time.
type written chan string

func (w written) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// next returns the next piece.
func (w written) next(t *testing.T) string {
	t.Helper()
	select {
	case piece := <-w:
		return piece
	case <-time.After(10 * time.Second):
		t.Fatal("nothing more is written")
		return ""
	}
}

// The line appears once the wait is noticed, counts seconds, and is gone at the end.
func TestProgressLine(t *testing.T) {
	t.Parallel()
	out := make(written)
	began := time.Now()
	show, seconds, stop := make(chan time.Time), make(chan time.Time), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		showProgress(out, "waiting for dev-1.okta.com", progressTicks{began, show, seconds, stop})
	}()
	seconds <- began.Add(time.Second) // before the line is there, a second is nothing to say
	for _, step := range []struct {
		tick chan time.Time
		at   time.Duration
		want string
	}{
		{show, Unnoticed, "\r\x1b[Kokauth: waiting for dev-1.okta.com …"},
		{seconds, 2 * time.Second, "\r\x1b[Kokauth: waiting for dev-1.okta.com … 2 s"},
		{seconds, 3 * time.Second, "\r\x1b[Kokauth: waiting for dev-1.okta.com … 3 s"},
	} {
		step.tick <- began.Add(step.at)
		if got := out.next(t); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
	close(stop)
	if got := out.next(t); got != eraseLine {
		t.Errorf("at the end: got %q, want %q", got, eraseLine)
	}
	<-ended
}

// What is over before a person wonders is never shown, and neither is anything in a file or on a dumb terminal.
func TestProgressKeepsQuiet(t *testing.T) {
	t.Parallel()
	out := make(written) // a write would never return
	stop := make(chan struct{})
	close(stop)
	showProgress(out, "x", progressTicks{began: time.Now(), stop: stop})
	for _, env := range []*Env{
		{Stderr: out, StderrIsTTY: false, LookupEnv: func(string) (string, bool) { return "", false }},
		{Stderr: out, StderrIsTTY: true, LookupEnv: func(string) (string, bool) { return "dumb", true }},
	} {
		env.Progress(0, "x")()
	}
}
