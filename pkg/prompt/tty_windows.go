package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// device is the console's input buffer. A read from it cannot be ended: a question that is given up leaves its reader
// behind, which is over when the process is.
type device struct {
	in *os.File
}

func open() (*Terminal, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	return &Terminal{device: device{in: in}, out: out}, nil
}

// Close gives up the terminal device.
func (t *Terminal) Close() error {
	return errors.Join(t.in.Close(), t.out.Close())
}

// ask shows prompt and returns the line typed, without its end. It hands back the console on every way out.
func (t *Terminal) ask(ctx context.Context, prompt string, hidden bool) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	fd := int(t.in.Fd())
	found, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the console's settings: %w", err)
	}
	defer func() { _ = term.Restore(fd, found) }() // an error means that the console is gone
	if err := t.setMode(hidden); err != nil {
		return nil, fmt.Errorf("change the console's settings: %w", err)
	}
	if err := t.write(prompt); err != nil {
		return nil, err
	}
	type result struct {
		line []byte
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		line, err := t.readLine(hidden)
		answered <- result{line, err}
	}()
	var got result
	select {
	case got = <-answered:
	case <-ctx.Done():
		got.err = context.Cause(ctx)
	}
	if hidden || got.err != nil {
		_ = t.write("\n") // nobody is there to see it fail
	}
	return got.line, got.err
}

// setMode prepares the console for a question. ENABLE_PROCESSED_INPUT keeps Ctrl-C a signal.
// https://learn.microsoft.com/en-us/windows/console/setconsolemode
func (t *Terminal) setMode(hidden bool) error {
	const line = windows.ENABLE_LINE_INPUT | windows.ENABLE_ECHO_INPUT
	handle := windows.Handle(t.in.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return err
	}
	mode |= windows.ENABLE_PROCESSED_INPUT | line
	if hidden {
		mode &^= line
	}
	return windows.SetConsoleMode(handle, mode)
}

// readLine reads UTF-8, into which os.File turns what the console sends. A line with echo ends in CR LF, a hidden one,
// which the editor edits, in CR.
func (t *Terminal) readLine(hidden bool) ([]byte, error) {
	var e editor
	take := e.echoed
	if hidden {
		take = e.key
	}
	var key [1]byte
	for {
		n, err := t.in.Read(key[:])
		if errors.Is(err, io.EOF) {
			err = ErrClosed
		} else if err != nil {
			err = fmt.Errorf("read from the console: %w", err)
		}
		done := false
		if err == nil && n == 1 && (hidden || key[0] != '\r') {
			done, err = take(key[0])
		}
		if err != nil {
			e.restart()
		}
		if done || err != nil {
			return e.line, err
		}
	}
}
