package prompt

import (
	"context"
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// device is the input of the console.
type device struct {
	in      windows.Handle
	reading bool // a question has ended before its read
}

func open() (*Terminal, error) {
	in, err := windows.CreateFile(windows.StringToUTF16Ptr("CONIN$"), windows.GENERIC_READ|windows.GENERIC_WRITE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "CONIN$", Err: err}
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		_ = windows.CloseHandle(in)
		return nil, err
	}
	return &Terminal{device: device{in: in}, out: out}, nil
}

// Name returns "": Windows has no name of a console on which all its processes agree.
func Name() string { return "" }

// Busy reports whether another program uses the console, which takes no question then: one that reads single keys.
func (t *Terminal) Busy() bool {
	mode, err := input(t.in).mode()
	return err == nil && mode&lineInput == 0
}

// Close closes the terminal device. It leaves an input open that would have to wait for a key.
func (t *Terminal) Close() error {
	if t.reading {
		return t.out.Close()
	}
	return errors.Join(windows.CloseHandle(t.in), t.out.Close())
}

// ask shows a prompt and returns the line that the user types, without its end. It always restores the console.
func (t *Terminal) ask(ctx context.Context, prompt string, hidden bool) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	line, ended, err := askConsole(ctx, input(t.in), hidden, func() error { return t.write(prompt) })
	select {
	case <-ended:
	default:
		t.reading = true
	}
	if hidden || err != nil {
		_ = t.write("\n")
	}
	return line, err
}

// input is the console of the system.
type input windows.Handle

func (in input) mode() (mode uint32, err error) {
	err = windows.GetConsoleMode(windows.Handle(in), &mode)
	return mode, err
}

func (in input) setMode(mode uint32) error { return windows.SetConsoleMode(windows.Handle(in), mode) }

func (in input) read(buf []uint16) (int, error) {
	var n uint32
	err := windows.ReadConsole(windows.Handle(in), &buf[0], uint32(len(buf)), &n, nil)
	return int(n), err
}

// keyEvent is an INPUT_RECORD with a KEY_EVENT_RECORD.
// https://learn.microsoft.com/en-us/windows/console/input-record-str
type keyEvent struct {
	kind, _           uint16
	down              int32
	repeat, key, scan uint16
	char              uint16
	controlKeys       uint32
}

func (in input) pressEnter() error {
	press := keyEvent{kind: 1, down: 1, repeat: 1, key: windows.VK_RETURN, scan: 0x1c, char: '\r'}
	release := press
	release.down = 0
	events := []keyEvent{press, release}
	var written uint32
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("WriteConsoleInputW").Call(uintptr(in),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(&written)))
	if ok == 0 {
		return err
	}
	return nil
}
