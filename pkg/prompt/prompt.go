// Package prompt asks a person something on the terminal device.
//
// The device is /dev/tty (CONIN$ and CONOUT$ on Windows), never standard input or output, so a question works while
// both are pipes, and a pipe is never mistaken for an answer. Where there is no device, [Open] says so at once.
//
// The rules every question keeps:
//
//   - A secret is not echoed, not in part, not as stars. Its characters arrive as typed, however many there are.
//   - The terminal is given back as it was found: after an answer, an error, a panic, the end of the context, and
//     while the process is stopped by Ctrl-Z. Coming back to the foreground asks the question again.
//   - The end of the context ends the question at once. The caller ties the context to the signals that end the
//     process (SIGINT, SIGTERM, SIGHUP); this package does not catch those.
//   - A terminal that has gone away is an error at once, not an empty answer and not a loop.
//   - No colours and no cursor movement: a dumb terminal of 20 columns is enough.
package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

var (
	// ErrNoTerminal means that the process has no terminal to ask on (cron, CI, a detached service). Callers name
	// the other ways to give the answer.
	ErrNoTerminal = errors.New("no terminal to ask on")

	// ErrClosed means that no answer will come: the terminal was hung up, or the person pressed Ctrl-D (Ctrl-Z and
	// Enter on Windows) instead of answering.
	ErrClosed = errors.New("the input ended without an answer")

	// ErrEmpty means that Enter was pressed where a secret was wanted.
	ErrEmpty = errors.New("the answer is empty")

	// ErrTooLong means that an answer was longer than MaxSecret or MaxLine bytes. Nothing of it is returned: a
	// secret cut short is a wrong secret.
	ErrTooLong = errors.New("the answer is too long")
)

const (
	// MaxSecret is the longest secret that is accepted, in bytes.
	MaxSecret = 64 << 10

	// MaxLine is the longest answer to a question with echo, in bytes. The kernel edits such a line and cuts it
	// without a word: at 1024 bytes on macOS (MAX_CANON), at 4096 on Linux (termios(3), canonical mode).
	MaxLine = 1000
)

// Terminal is the terminal device of this process. It asks one question at a time and is not for concurrent use.
type Terminal struct {
	device
	out *os.File
}

// Open returns the terminal device. The error wraps ErrNoTerminal where there is none. The caller closes it.
func Open() (*Terminal, error) {
	t, err := open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	return t, nil
}

// Printf shows text to the person, on the terminal. Control characters other than newline and tab are escaped.
func (t *Terminal) Printf(format string, args ...any) error {
	return t.write(printable(fmt.Sprintf(format, args...), "\n\t"))
}

// ReadPassword asks for a secret without echo and returns its bytes exactly as typed, without the line end. Backspace
// removes a whole character, Ctrl-W a word, Ctrl-U everything. The caller zeroes the bytes after use.
//
// Errors: ErrEmpty, ErrClosed, ErrTooLong (64 KiB), or the cause of the context's end.
func (t *Terminal) ReadPassword(ctx context.Context, label string) ([]byte, error) {
	secret, err := t.ask(ctx, printable(label, "")+": ", true)
	if err != nil {
		return nil, err
	}
	secret = withoutPasteMarkers(secret)
	if len(secret) == 0 {
		return nil, ErrEmpty
	}
	return secret, nil
}

// ReadLine asks with echo and returns the answer without surrounding white space, or def, shown in brackets, if the
// person only presses Enter.
//
// Errors: ErrClosed, ErrTooLong (1000 bytes), or the cause of the context's end.
func (t *Terminal) ReadLine(ctx context.Context, label, def string) (string, error) {
	prompt := printable(label, "")
	if def != "" {
		prompt += " [" + printable(def, "") + "]"
	}
	line, err := t.ask(ctx, prompt+": ", false)
	if err != nil {
		return "", err
	}
	answer := strings.TrimSpace(string(withoutPasteMarkers(line)))
	if answer == "" {
		return def, nil
	}
	return answer, nil
}

// Choose shows the options numbered from 1 and returns the index, from 0, of the one chosen by its number or its
// text; Enter takes options[def], unless def is not an index. It asks until the answer is one of them.
//
// Errors: as ReadLine; and one where there are no options.
func (t *Terminal) Choose(ctx context.Context, label string, options []string, def int) (int, error) {
	if len(options) == 0 {
		return 0, fmt.Errorf("choose %q: no options", label)
	}
	list := printable(label, "") + "\n"
	for i, option := range options {
		list += fmt.Sprintf("  %d) %s\n", i+1, printable(option, ""))
	}
	if err := t.write(list); err != nil {
		return 0, err
	}
	shown := ""
	if def >= 0 && def < len(options) {
		shown = strconv.Itoa(def + 1)
	}
	for {
		answer, err := t.ReadLine(ctx, "Number", shown)
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(options) {
			return n - 1, nil
		}
		for i, option := range options {
			if answer == option {
				return i, nil
			}
		}
		if err := t.Printf("Please answer with a number from 1 to %d.\n", len(options)); err != nil {
			return 0, err
		}
	}
}

// Confirm asks a question that is answered with yes or no, in full or by the first letter; Enter means def. It asks
// until it understands. Errors: as ReadLine.
func (t *Terminal) Confirm(ctx context.Context, label string, def bool) (bool, error) {
	hint := " (y/N)"
	if def {
		hint = " (Y/n)"
	}
	for {
		answer, err := t.ReadLine(ctx, label+hint, "")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return def, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		if err := t.Printf("Please answer y or n.\n"); err != nil {
			return false, err
		}
	}
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// Width returns how many columns the terminal f has, 0 if f is not a terminal or does not say.
func Width(f *os.File) int {
	if f == nil {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return max(width, 0)
}

func (t *Terminal) write(text string) error {
	if _, err := t.out.WriteString(text); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// withoutPasteMarkers removes what a terminal in bracketed paste mode, left on by some other program, puts around
// pasted text: nobody types these, and nobody can see them in a password that is then refused.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h2-Bracketed-Paste-Mode
func withoutPasteMarkers(line []byte) []byte {
	for _, marker := range []string{"\x1b[200~", "\x1b[201~"} {
		for {
			i := bytes.Index(line, []byte(marker))
			if i < 0 {
				break
			}
			// In place, so that no second copy of a secret is left behind.
			rest := append(line[:i], line[i+len(marker):]...)
			clear(line[len(rest):])
			line = rest
		}
	}
	return line
}
