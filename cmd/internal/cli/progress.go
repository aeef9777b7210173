package cli

// The line that says what okauth is waiting for.

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"okauth/pkg/okta"
)

// Unnoticed is the length of a wait that needs no explanation.
const Unnoticed = 500 * time.Millisecond

// eraseLine moves the cursor to the first column and clears the line.
// https://ecma-international.org/publications-and-standards/standards/ecma-48/ section 8.3.41
const eraseLine = "\r\x1b[K"

// waitLine is the last line of standard error while okauth waits.
type waitLine struct {
	sync.Mutex
	taken bool // by one wait; what is waited for within it is not shown
	shown bool
}

// Progress shows on a terminal, after delay, what okauth is waiting for and for how long. done erases the line. It may
// be called twice.
func (e *Env) Progress(delay time.Duration, what string) (done func()) {
	began := time.Now()
	return e.wait(delay, what, func() string {
		if seconds := int(time.Since(began).Seconds()); seconds > 0 {
			return fmt.Sprintf(" %d s", seconds)
		}
		return ""
	})
}

// Countdown shows on a terminal what okauth is waiting for and how long it still will. done is that of Progress.
func (e *Env) Countdown(what string, until time.Time) (done func()) {
	return e.wait(0, what, func() string {
		left := int(max(time.Until(until), 0).Round(time.Second).Seconds())
		return fmt.Sprintf(" %d:%02d left", left/60, left%60)
	})
}

// wait shows what is waited for, and beside it what clock says each second.
func (e *Env) wait(delay time.Duration, what string, clock func() string) (done func()) {
	if !e.draws() || e.waiting == nil {
		return func() {}
	}
	e.waiting.Lock()
	defer e.waiting.Unlock()
	if e.waiting.taken {
		return func() {}
	}
	e.waiting.taken = true
	width, _ := e.stderrSize()
	text := "okauth: " + what + " …"
	draw := func() {
		e.waiting.Lock()
		defer e.waiting.Unlock()
		e.waiting.shown = true
		now := clock()
		room := cmp.Or(width, 80) - len(now) - 1 // a line that wraps is not erased whole
		fmt.Fprint(e.Stderr, eraseLine, okta.Sanitize(text, room), now)
	}
	seconds, unnoticed := time.NewTicker(time.Second), time.After(delay)
	return inBackground(func(stop <-chan struct{}) {
		defer seconds.Stop()
		for noticed := false; ; {
			select {
			case <-unnoticed:
				noticed = true
				draw()
			case <-seconds.C:
				if noticed {
					draw()
				}
			case <-stop:
				e.above(func() { e.waiting.taken = false })
				return
			}
		}
	})
}

// draws reports whether standard error is a terminal that can do more than show lines.
func (e *Env) draws() bool { return e.StderrIsTTY && e.Getenv("TERM") != "dumb" }

// above prints where the line of a wait was, which comes back below.
func (e *Env) above(print func()) {
	if e.waiting == nil {
		print()
		return
	}
	e.waiting.Lock()
	defer e.waiting.Unlock()
	if e.waiting.shown {
		io.WriteString(e.Stderr, eraseLine)
	}
	e.waiting.shown = false
	print()
}

// Stopping says on a terminal that the signal which ends ctx was seen, if the command goes on for a moment. Until done
// returns nothing else may be printed.
func (e *Env) Stopping(ctx context.Context) (done func()) {
	if !e.StderrIsTTY {
		return func() {}
	}
	return inBackground(func(stop <-chan struct{}) {
		select {
		case <-ctx.Done():
		case <-stop:
			return
		}
		select {
		case <-time.After(Unnoticed / 5):
			io.WriteString(e.Stderr, "\nokauth: stopping …\n")
		case <-stop:
		}
	})
}

// Notice prints text on standard error once, after delay, for a wait that a person must know of even where there is no
// terminal. Until done returns nothing else may be printed.
func (e *Env) Notice(delay time.Duration, text string) (done func()) {
	return inBackground(func(stop <-chan struct{}) {
		select {
		case <-time.After(delay):
			e.Say(text)
		case <-stop:
		}
	})
}

// inBackground runs f beside its caller. done tells f to stop and waits for its end; it may be called twice.
func inBackground(f func(stop <-chan struct{})) (done func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		f(stop)
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-ended
	})
}
