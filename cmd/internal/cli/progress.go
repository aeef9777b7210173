package cli

// The line that says what takes so long.

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/prompt"
)

// unnoticed is how long a person waits without wondering.
const Unnoticed = 500 * time.Millisecond

// eraseLine takes the cursor to the first column and clears the line.
// https://ecma-international.org/publications-and-standards/standards/ecma-48/ section 8.3.41
const eraseLine = "\r\x1b[K"

// progress says on a terminal, once delay is over, what okauth is doing and for how
// long. The returned function ends that and erases the line; nothing else may be
// printed before it is called. A second call does nothing.
func (e *Env) Progress(delay time.Duration, what string) (done func()) {
	if !e.StderrIsTTY || e.Getenv("TERM") == "dumb" {
		return func() {}
	}
	seconds := time.NewTicker(time.Second)
	after := time.NewTimer(delay)
	line := newProgressLine(e.Stderr, okta.Sanitize(what, progressWidth(e.Stderr)))
	go line.run(after.C, seconds.C)
	return func() {
		after.Stop()
		seconds.Stop()
		line.end()
	}
}

// progressWidth is how many columns there are for what okauth is doing: a line that
// wraps is not erased whole. Standard output may be a pipe, so its width is no guide.
func progressWidth(stderr io.Writer) int {
	const around = len("okauth: ") + len(" … 1000 s")
	width := 80
	if f, ok := stderr.(*os.File); ok {
		if known := prompt.Width(f); known > 0 {
			width = known
		}
	}
	return max(width-around, 1)
}

// progressLine is a line on a terminal that counts seconds.
type progressLine struct {
	out   io.Writer
	what  string
	began time.Time
	over  chan struct{}
	once  sync.Once

	mu    sync.Mutex
	shown bool
	ended bool
}

func newProgressLine(out io.Writer, what string) *progressLine {
	return &progressLine{out: out, what: what, began: time.Now(), over: make(chan struct{})}
}

// run shows the line at the first tick of after, and anew at each of seconds.
func (p *progressLine) run(after, seconds <-chan time.Time) {
	for {
		select {
		case <-after:
			p.show("")
		case now := <-seconds:
			if p.isShown() {
				p.show(fmt.Sprintf(" %d s", int(now.Sub(p.began).Round(time.Second)/time.Second)))
			}
		case <-p.over:
			return
		}
	}
}

func (p *progressLine) isShown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown
}

func (p *progressLine) show(seconds string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return // a tick that was on its way
	}
	p.shown = true
	fmt.Fprintf(p.out, "%sokauth: %s …%s", eraseLine, p.what, seconds)
}

// end erases the line.
func (p *progressLine) end() {
	p.once.Do(func() { close(p.over) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown && !p.ended {
		io.WriteString(p.out, eraseLine)
	}
	p.ended = true
}
