package cli

// The line that says what okauth is waiting for.

import (
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
	what = okta.Sanitize(what, progressWidth(e.stderrWidth()))
	show, seconds := time.NewTimer(delay), time.NewTicker(time.Second)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		showProgress(e.Stderr, what, progressTicks{time.Now(), show.C, seconds.C, stop})
	}()
	return sync.OnceFunc(func() {
		show.Stop()
		seconds.Stop()
		close(stop)
		<-ended
	})
}

// progressTicks are the events of one wait.
type progressTicks struct {
	began         time.Time
	show, seconds <-chan time.Time
	stop          <-chan struct{}
}

// showProgress writes the line at the first tick of show, again at each of seconds, and erases it at the end.
func showProgress(out io.Writer, what string, ticks progressTicks) {
	shown := false
	for {
		select {
		case <-ticks.show:
			shown = true
			fmt.Fprintf(out, "%sokauth: %s …", eraseLine, what)
		case now := <-ticks.seconds:
			if shown {
				fmt.Fprintf(out, "%sokauth: %s … %d s", eraseLine, what, int(now.Sub(ticks.began).Round(time.Second)/time.Second))
			}
		case <-ticks.stop:
			if shown {
				io.WriteString(out, eraseLine)
			}
			return
		}
	}
}

// progressWidth returns how many columns there are for the text: a line that wraps is not erased whole.
func progressWidth(columns int) int {
	const around = len("okauth: ") + len(" … 1000 s")
	if columns == 0 {
		columns = 80
	}
	return max(columns-around, 1)
}
