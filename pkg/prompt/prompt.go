// Package prompt asks the user questions on the terminal device.
//
// The device is /dev/tty (CONIN$ and CONOUT$ on Windows), not standard input and output, so questions work while both
// are pipes. [Open] fails at once if there is no terminal.
//
//   - A secret is not echoed, not even as stars.
//   - The terminal gets its settings back after an answer, an error, a panic, the end of the context, and while Ctrl-Z
//     has stopped the process. After fg, the question is asked again.
//   - The end of the context ends a question at once. The caller cancels the context on the signals that end the
//     process (SIGINT, SIGTERM, SIGHUP); this package does not catch them.
//   - A terminal that hung up is an error at once, not an empty answer.
//   - There are no colors and no cursor movement, so a dumb terminal of 20 columns is enough.
package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"

	"okauth/pkg/internal/safetext"
)

var (
	// ErrNoTerminal means that the process has no terminal (cron, CI, a detached service).
	ErrNoTerminal = errors.New("no terminal to ask on")

	// ErrClosed means that the terminal hung up, or that the user pressed Ctrl-D (Ctrl-Z and Enter on Windows).
	ErrClosed = errors.New("the input ended without an answer")

	// ErrEmpty means that the user pressed Enter instead of typing a secret.
	ErrEmpty = errors.New("the answer is empty")

	// ErrTooLong means that the answer has more bytes than the system passes on in one line: 4000 on Linux and Windows,
	// 1000 on macOS. Nothing of it is returned.
	ErrTooLong = errors.New("the answer is too long")
)

// Terminal is the terminal device of this process. It must not be used concurrently.
type Terminal struct {
	device
	out *os.File
}

// Open returns the terminal device. The error wraps ErrNoTerminal. The caller closes the Terminal.
func Open() (*Terminal, error) {
	t, err := open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	return t, nil
}

// Printf writes lines of text to the terminal. It replaces control characters.
func (t *Terminal) Printf(format string, args ...any) error {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i, line := range lines {
		lines[i] = safe(line)
	}
	return t.write(strings.Join(lines, "\n"))
}

// ReadPassword asks for a secret without echo and returns its bytes exactly as typed. The caller zeroes them after use.
//
// Errors: ErrEmpty, ErrClosed, ErrTooLong, or the cause of the context's end.
func (t *Terminal) ReadPassword(ctx context.Context, label string) ([]byte, error) {
	secret, err := t.ask(ctx, safe(label)+": ", true)
	if err != nil {
		return nil, err
	}
	secret = withoutPasteMarkers(secret)
	if len(secret) == 0 {
		return nil, ErrEmpty
	}
	return secret, nil
}

// ReadLine asks with echo and returns the answer without surrounding white space. It shows def in brackets and returns
// it if the user only presses Enter.
//
// Errors: ErrClosed, ErrTooLong, or the cause of the context's end.
func (t *Terminal) ReadLine(ctx context.Context, label, def string) (string, error) {
	prompt := safe(label)
	if def != "" {
		prompt += " [" + safe(def) + "]"
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

// Choose lists options, numbered from 1, and returns the index of the one that the user chooses by number or text.
// Enter chooses options[def], if there is one. It repeats the question until the answer is an option.
//
// Errors: as ReadLine.
func (t *Terminal) Choose(ctx context.Context, label string, options []string, def int) (int, error) {
	if len(options) == 0 {
		return 0, fmt.Errorf("choose %q: no options", label)
	}
	list := safe(label) + "\n"
	for i, option := range options {
		list += fmt.Sprintf("  %d) %s\n", i+1, safe(option))
	}
	if err := t.write(list); err != nil {
		return 0, err
	}
	number := ""
	if def >= 0 && def < len(options) {
		number = strconv.Itoa(def + 1)
	}
	for {
		answer, err := t.ReadLine(ctx, "Number", number)
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(options) {
			return n - 1, nil
		}
		if i := slices.Index(options, answer); i >= 0 {
			return i, nil
		}
		if err := t.Printf("Please answer with a number from 1 to %d.\n", len(options)); err != nil {
			return 0, err
		}
	}
}

// Confirm asks a question that the user answers with yes or no, in full or by the first letter; Enter means def. It
// repeats the question until it understands the answer.
//
// Errors: as ReadLine.
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

// Size returns the number of columns and rows of the terminal f, or 0 if f is not a terminal or does not tell.
func Size(f *os.File) (columns, rows int) {
	if f == nil {
		return 0, 0
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return max(columns, 0), max(rows, 0)
}

func (t *Terminal) write(text string) error {
	if _, err := t.out.WriteString(text); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

func safe(text string) string { return safetext.Sanitize(text, 1000) }

// withoutPasteMarkers removes what a terminal puts around pasted text if another program left it in bracketed paste
// mode: in a password the user could not see it.
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h2-Bracketed-Paste-Mode
func withoutPasteMarkers(line []byte) []byte {
	for _, marker := range []string{"\x1b[200~", "\x1b[201~"} {
		if bytes.Contains(line, []byte(marker)) {
			clean := bytes.ReplaceAll(line, []byte(marker), nil)
			clear(line)
			line = clean
		}
	}
	return line
}
