package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// maxLine is the longest answer, in bytes.
const maxLine = 4000

// device is the input buffer of the console.
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

// Name returns a name of the console of this process, which all processes of the console agree on; "" where there is
// none or it is not known.
func Name() string { return "" }

// Busy reports whether another program uses the console, which takes no question then: one that reads single keys.
func (t *Terminal) Busy() bool {
	var mode uint32
	err := windows.GetConsoleMode(windows.Handle(t.in.Fd()), &mode)
	return err == nil && mode&windows.ENABLE_LINE_INPUT == 0
}

// Close closes the terminal device.
func (t *Terminal) Close() error { return errors.Join(t.in.Close(), t.out.Close()) }

// ask shows a prompt and returns the line that the user types, without its end. It always restores the console. Windows
// cannot end a read: after the end of the context it lasts until the next line or the end of the process.
func (t *Terminal) ask(ctx context.Context, prompt string, hidden bool) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	fd := int(t.in.Fd())
	found, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the console's settings: %w", err)
	}
	defer func() { _ = term.Restore(fd, found) }() // fails if the console is gone
	if err := t.write(prompt); err != nil {
		return nil, err
	}
	type result struct {
		line []byte
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		read := t.readLine
		if hidden {
			read = func() ([]byte, error) { return term.ReadPassword(fd) }
		}
		line, err := read()
		answered <- result{line, err}
	}()
	var got result
	select {
	case got = <-answered:
	case <-ctx.Done():
		got.err = context.Cause(ctx)
	}
	switch {
	case errors.Is(got.err, io.EOF):
		got.err = ErrClosed
	case len(got.line) > maxLine:
		clear(got.line)
		got = result{err: ErrTooLong}
	}
	if hidden || got.err != nil {
		_ = t.write("\n")
	}
	return got.line, got.err
}

// readLine reads a line with the echo and the line editing of the console.
func (t *Terminal) readLine() (line []byte, err error) {
	var key [1]byte
	for {
		if _, err := t.in.Read(key[:]); err != nil {
			return nil, fmt.Errorf("read from the console: %w", err)
		}
		if key[0] == '\n' {
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		line = append(line, key[0])
	}
}
