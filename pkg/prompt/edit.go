package prompt

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// editor collects a secret key by key, as the kernel's line discipline does for a line with echo, but without its
// limit of 4096 bytes (1024 on macOS), beyond which a password is cut and no one is told.
type editor struct {
	line []byte
	long bool // more came than is accepted: the rest is dropped, for it must not answer the next question
}

// key takes one byte from the terminal and reports whether it ended the line. Errors: ErrClosed for Ctrl-D on an empty
// line; ErrTooLong, at the end of the line, if it was longer than MaxSecret bytes.
func (e *editor) key(b byte) (done bool, err error) {
	switch b {
	case '\r', '\n':
		if e.long {
			return true, ErrTooLong
		}
		return true, nil
	case 0x04: // Ctrl-D; within a line it does nothing
		if len(e.line) == 0 {
			return false, ErrClosed
		}
	case '\b', 0x7f: // either is sent by the backspace key, by terminal and setting
		_, size := utf8.DecodeLastRune(e.line)
		e.cut(len(e.line) - size)
	case 0x15: // Ctrl-U
		e.cut(0)
	case 0x17: // Ctrl-W
		word := bytes.TrimRight(e.line, " ")
		e.cut(bytes.LastIndexByte(word, ' ') + 1)
	default:
		if e.long = e.long || len(e.line) == MaxSecret; !e.long {
			e.append(b)
		}
	}
	return false, nil
}

// echoed takes one byte of a line that the kernel has edited, as key does one that it has not.
func (e *editor) echoed(b byte) (done bool, err error) {
	if b == '\r' || b == '\n' {
		if e.long {
			return true, ErrTooLong
		}
		return true, nil
	}
	if e.long = e.long || len(e.line) == MaxLine; !e.long {
		e.append(b)
	}
	return false, nil
}

// restart forgets everything.
func (e *editor) restart() {
	e.cut(0)
	e.long = false
}

// append grows the line by hand: the built-in would leave the start of the secret behind in each smaller array.
func (e *editor) append(b byte) {
	if len(e.line) == cap(e.line) {
		grown := make([]byte, len(e.line), max(1024, 2*cap(e.line)))
		copy(grown, e.line)
		clear(e.line)
		e.line = grown
	}
	e.line = append(e.line, b)
}

// cut shortens the line to n bytes and forgets the rest.
func (e *editor) cut(n int) {
	clear(e.line[n:])
	e.line = e.line[:n]
}

// printable returns s with everything escaped that could do more to a terminal than show a character: controls, format
// characters such as bidi overrides, invalid UTF-8. Runes in keep stay as they are.
func printable(s, keep string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		raw := s[i : i+size]
		i += size
		invalid := r == utf8.RuneError && size == 1
		switch {
		case !invalid && (unicode.IsPrint(r) || strings.ContainsRune(keep, r)):
			b.WriteString(raw)
		default:
			quoted := strconv.QuoteToASCII(raw)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
