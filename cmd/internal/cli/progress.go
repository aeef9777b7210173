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

// Progress shows on a terminal, after delay, what okauth is waiting for and for how long. done erases the line; until
// it returns nothing else may be printed. It may be called twice.
func (e *Env) Progress(delay time.Duration, what string) (done func()) {
	if !e.StderrIsTTY || e.Getenv("TERM") == "dumb" {
		return func() {}
	}
	const around = "okauth: " + " … 1000 s"
	what = okta.Sanitize(what, max(cmp.Or(e.stderrWidth(), 80)-len(around), 1)) // a line that wraps is not erased whole
	began, seconds, unnoticed := time.Now(), time.NewTicker(time.Second), time.After(delay)
	return inBackground(func(stop <-chan struct{}) {
		defer seconds.Stop()
		for shown := false; ; {
			select {
			case <-unnoticed:
				shown = true
				fmt.Fprintf(e.Stderr, "%sokauth: %s …", eraseLine, what)
			case now := <-seconds.C:
				if shown {
					fmt.Fprintf(e.Stderr, "%sokauth: %s … %d s", eraseLine, what, int(now.Sub(began).Round(time.Second).Seconds()))
				}
			case <-stop:
				if shown {
					io.WriteString(e.Stderr, eraseLine)
				}
				return
			}
		}
	})
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
