package prompt

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"
)

// typed is a console on which somebody types. Each text is what one read returns, "" after Ctrl-C.
type typed struct {
	keys    chan string
	modes   []uint32 // all that were set
	enters  int
	noEnter bool // no key can be pressed for the user
}

const strangeMode = 0x80 | virtualTerminalInput // what another program has left behind

func (c *typed) mode() (uint32, error)  { return strangeMode, nil }
func (c *typed) setMode(m uint32) error { c.modes = append(c.modes, m); return nil }

func (c *typed) read(buf []uint16) (int, error) {
	text, open := <-c.keys
	if !open {
		return 0, errors.New("the console is gone")
	}
	return copy(buf, utf16.Encode([]rune(text))), nil
}

func (c *typed) pressEnter() error {
	if c.noEnter {
		return errors.New("not allowed")
	}
	c.enters++
	c.keys <- "half a line\r\n"
	return nil
}

func newTyped(texts ...string) *typed {
	c := &typed{keys: make(chan string, 8)}
	for _, text := range texts {
		c.keys <- text
	}
	return c
}

// What is typed on a console of Windows is the answer, and the console gets its mode back whatever it is.
func TestConsoleAnswers(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("x", maxConsoleLine+2) // as much as one read takes
	for name, c := range map[string]struct {
		keys   []string
		answer string
		err    error
	}{
		"a line":                    {[]string{"correct horse\r\n"}, "correct horse", nil},
		"only Enter":                {[]string{"\r\n"}, "", nil},
		"in two reads":              {[]string{"correct ", "horse\r\n"}, "correct horse", nil},
		"every plane":               {[]string{"pä漢🔑\r\n"}, "pä漢🔑", nil},
		"Ctrl-Z and Enter":          {[]string{"\x1a\r\n"}, "", ErrClosed},
		"Ctrl-C without a signal":   {[]string{""}, "", ErrClosed},
		"the longest line":          {[]string{part[:maxConsoleLine] + "\r\n"}, part[:maxConsoleLine], nil},
		"too long":                  {[]string{part[:maxConsoleLine+1] + "\n"}, "", ErrTooLong},
		"too long in bytes":         {[]string{strings.Repeat("漢", maxConsoleLine/2) + "\r\n"}, "", ErrTooLong},
		"too long for several":      {[]string{part, part, "x\r\n"}, "", ErrTooLong},
		"too long, end on its own":  {[]string{part, "\n"}, "", ErrTooLong},
		"a console that has closed": {nil, "", errGone},
	} {
		for _, hidden := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				console := newTyped(c.keys...)
				if c.err == errGone {
					close(console.keys)
				}
				line, ended, err := askConsole(t.Context(), console, hidden, func() error { return nil })
				<-ended
				gone := c.err == errGone && err != nil && strings.Contains(err.Error(), "the console is gone")
				if string(line) != c.answer || !errors.Is(err, c.err) && !gone {
					t.Errorf("%s: got %.20q, %v, want %.20q, %v", name, line, err, c.answer, c.err)
				}
				console.asked(t, hidden)
				if len(console.keys) > 0 {
					t.Errorf("%s: something is left for the next question", name)
				}
			})
		}
	}
}

var errGone = errors.New("gone")

// asked wants that the console had the mode of a question, and then the one from before.
func (c *typed) asked(t *testing.T, hidden bool) {
	t.Helper()
	want := uint32(0x80 | processedInput | lineInput | echoInput)
	if hidden {
		want &^= echoInput
	}
	if len(c.modes) != 2 || c.modes[0] != want || c.modes[1] != strangeMode {
		t.Errorf("got the modes %#x, want %#x and %#x", c.modes, want, strangeMode)
	}
}

// Ctrl-C ends a question at once: whether the read ends by itself, an Enter ends it, or it goes on. Then the console
// stays open.
func TestConsoleCtrlC(t *testing.T) {
	t.Parallel()
	interrupt := errors.New("interrupt")
	for name, c := range map[string]struct {
		read, noEnter, stuck bool // the read ends by itself; no Enter can be pressed; the read goes on
		enters               int
	}{
		"the read ends":           {read: true},
		"an Enter ends the read":  {enters: 1},
		"nothing ends the read":   {noEnter: true, stuck: true},
		"before the read returns": {read: true},
		"the signal is late":      {read: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				console := newTyped()
				console.noEnter = c.noEnter
				ctx, cancel := context.WithCancelCause(t.Context())
				show := func() error {
					switch name {
					case "before the read returns":
						time.AfterFunc(consoleDelay/10, func() { cancel(interrupt) })
					case "the signal is late":
						time.AfterFunc(interruptDelay-1, func() { cancel(interrupt) })
					default:
						cancel(interrupt)
					}
					if c.read {
						console.keys <- ""
					}
					return nil
				}
				began := time.Now()
				line, ended, err := askConsole(ctx, console, true, show)
				if line != nil || !errors.Is(err, interrupt) || time.Since(began) > interruptDelay {
					t.Errorf("got %q, %v after %v", line, err, time.Since(began))
				}
				if happens(ended, consoleDelay/10) == c.stuck || console.enters != c.enters {
					t.Errorf("the read has ended: %t, %d times Enter", c.stuck, console.enters)
				}
				console.asked(t, true)
				if c.stuck {
					console.keys <- "\r\n"
				}
			})
		})
	}
}
