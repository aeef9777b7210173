package okta

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize makes foreign text harmless for a terminal, a log line or an error: the result is one line of valid UTF-8 without
// control, bidirectional or format characters. White space of every kind becomes one space, everything else that
// cannot be seen becomes U+FFFD, so that a reader notices that something was there. At most limit runes are kept; "…" follows when something was cut.
//
// A server writes error_description, and whoever sits between writes anything: an escape sequence in it could retitle
// the terminal, hide what stands before it, or paste a command.
func Sanitize(text string, limit int) string {
	if limit <= 0 {
		return ""
	}
	var b strings.Builder
	runes, space := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.Is(unicode.Z, r) {
			space = runes > 0 // leading space is dropped, a trailing one never written
			continue
		}
		if runes == limit || space && runes == limit-1 {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			runes, space = runes+1, false
		}
		// Ranging over a string yields U+FFFD for each invalid byte.
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
		runes++
	}
	return b.String()
}
