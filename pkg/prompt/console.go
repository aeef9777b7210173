package prompt

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// What a question does on the console of Windows, apart from the system's calls, so that it is tested everywhere.

// console is the input of a console.
type console interface {
	mode() (uint32, error)
	setMode(uint32) error
	// read waits for a line and returns what of it fits into buf, nothing after Ctrl-C.
	read(buf []uint16) (int, error)
	// pressEnter adds an Enter to the input.
	pressEnter() error
}

// The modes of a console's input.
// https://learn.microsoft.com/en-us/windows/console/setconsolemode
const (
	processedInput       = 0x1 // Ctrl-C is a signal
	lineInput            = 0x2
	echoInput            = 0x4
	virtualTerminalInput = 0x200 // keys are escape sequences
)

const (
	maxConsoleLine = 4000                   // the longest answer, in bytes
	consoleDelay   = 500 * time.Millisecond // how long the end of a read may take
	interruptDelay = 5 * time.Second        // how long the signal of Ctrl-C may take, on a busy machine
)

// errInterrupted is the end of a read without a line.
var errInterrupted = errors.New("interrupted")

// askConsole shows a prompt, reads a line without its end, and always gives the console its mode back. When ended is
// closed, nothing reads from the console any more: to close the console before would wait for a key.
//
// Windows cannot end a read. At the end of ctx an Enter does.
func askConsole(
	ctx context.Context, c console, hidden bool, show func() error,
) (line []byte, ended chan struct{}, err error) {
	ended = make(chan struct{})
	found, err := c.mode()
	if err == nil {
		defer func() { _ = c.setMode(found) }() // fails if the console is gone
		if err = c.setMode(questionMode(found, hidden)); err == nil {
			err = show()
		}
	}
	if err != nil {
		close(ended)
		return nil, ended, fmt.Errorf("ask on the console: %w", err)
	}
	var got struct { // for those who see that it has ended
		line []byte
		err  error
	}
	go func() {
		defer close(ended)
		got.line, got.err = readConsole(c)
	}()
	select {
	case <-ended:
		if errors.Is(got.err, errInterrupted) {
			got.err = ErrClosed
			happens(ctx.Done(), interruptDelay) // the signal is on its way
		}
	case <-ctx.Done():
		// Ctrl-C may have ended the read. If not, half a line is thrown away.
		if !happens(ended, consoleDelay/10) && c.pressEnter() == nil && happens(ended, consoleDelay) {
			clear(got.line)
		}
	}
	if ctx.Err() != nil {
		return nil, ended, context.Cause(ctx)
	}
	return got.line, ended, got.err
}

// happens waits a moment for an event.
func happens(event <-chan struct{}, longest time.Duration) bool {
	select {
	case <-event:
		return true
	case <-time.After(longest):
		return false
	}
}

func questionMode(mode uint32, hidden bool) uint32 {
	mode |= processedInput | lineInput | echoInput
	if hidden {
		mode &^= echoInput
	}
	return mode &^ virtualTerminalInput
}

// readConsole reads to the end of a line, also of one that is too long: the rest must not answer the next question.
func readConsole(c console) ([]byte, error) {
	buf := make([]uint16, maxConsoleLine+len("\r\n"))
	defer clear(buf)
	for used, tooLong := 0, false; ; {
		n, err := c.read(buf[used:])
		if err != nil {
			return nil, fmt.Errorf("read from the console: %w", err)
		}
		if n == 0 {
			return nil, errInterrupted
		}
		used += n
		switch {
		case buf[used-1] == '\n' && tooLong:
			return nil, ErrTooLong
		case buf[used-1] == '\n':
			return decodeLine(buf[:used-1])
		case used == len(buf):
			used, tooLong = 0, true
		}
	}
}

// decodeLine returns a line in UTF-8, without the CR of its end. Ctrl-Z at the start is the end of the input.
func decodeLine(units []uint16) ([]byte, error) {
	if last := len(units) - 1; last >= 0 && units[last] == '\r' {
		units = units[:last]
	}
	const ctrlZ = 0x1a
	if len(units) > 0 && units[0] == ctrlZ {
		return nil, ErrClosed
	}
	runes := utf16.Decode(units)
	defer clear(runes)
	line := make([]byte, 0, utf8.UTFMax*len(runes)) // one piece of memory, which the caller clears
	for _, r := range runes {
		line = utf8.AppendRune(line, r)
	}
	if len(line) > maxConsoleLine {
		clear(line)
		return nil, ErrTooLong
	}
	return line, nil
}
