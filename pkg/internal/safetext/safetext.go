// Package safetext makes foreign text safe to show on a terminal, in a log line or in an error.
package safetext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize returns text as one line of valid UTF-8 without control, bidirectional or format characters. Each run of
// white space becomes one space. Every other invisible character becomes U+FFFD, so that a reader sees that something
// was there. At most limit runes are kept; "…" follows when text was cut.
//
// A server writes error_description, and a proxy can write anything: an escape sequence in it could retitle the
// terminal, hide the text before it, or paste a command.
func Sanitize(text string, limit int) string {
	if limit <= 0 {
		return ""
	}
	var b strings.Builder
	runes, space := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.Is(unicode.Z, r) {
			space = runes > 0 // leading and trailing space is dropped
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

// Quote returns text as Sanitize does, in quotes and in ASCII: a reader sees which letters only look like Latin ones.
func Quote(text string, limit int) string { return strconv.QuoteToASCII(Sanitize(text, limit)) }
