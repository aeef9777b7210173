// Package safetext makes foreign text safe to show on a terminal, in a log line or in an error.
package safetext

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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

// Duration returns d in Go's notation without units that are zero: 1h, 1m30s.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Redacted stands for a secret in foreign text. It does not tell how long the secret was.
const Redacted = "••••"

// Redactor returns a function that replaces secrets in foreign text, as they are and form-urlencoded, and everything
// that looks like a JWT: a server or a proxy may echo what it was sent. Secrets of less than four bytes are not looked
// for; they would turn every text into dots.
func Redactor(secrets ...string) func(text string) string {
	var pairs []string
	// Longest first: of two secrets that begin alike, the shorter would leave the end of the longer.
	for _, secret := range slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) }) {
		if len(secret) >= 4 {
			pairs = append(pairs, secret, Redacted, url.QueryEscape(secret), Redacted)
		}
	}
	replacer := strings.NewReplacer(pairs...)
	jwt := regexp.MustCompile(`eyJ[\w-]+(\.[\w-]*)*`)
	return func(text string) string { return jwt.ReplaceAllString(replacer.Replace(text), Redacted) }
}
