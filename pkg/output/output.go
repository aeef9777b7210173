// Package output says how results look: tokens for programs, claims for people, tables for both.
//
// A result is built in memory and written with one Write call, so that a reader never sees half of it, and the error of that call
// is returned, so that a full disk is no success. Each form of a token is one file with one encoder and one line in [formats].
//
// Text that comes from a token or a server is foreign: people get it through okta.Printable, programs get JSON in which whatever a
// terminal could act on is a \u escape.
package output

import (
	"fmt"
	"io"
	"strings"
	"time"

	"okauth/pkg/okta"
)

// Token is a token and what is known about it besides.
type Token struct {
	Value     okta.Secret
	Type      string    // "access", "id" or "refresh"
	TokenType string    // as the server said, normally "Bearer"; may be empty
	Scope     []string  // as granted; may be empty
	ExpiresAt time.Time // zero if unknown
	Issuer    string
	Profile   string
}

// format is one way of writing a token. encode gets a token whose value is known to hold nothing but b64token characters.
type format struct {
	name   string
	about  string // a few words for help texts and completion
	encode func(t Token, now time.Time) ([]byte, error)
}

// formats lists what -o may be, the default first.
func formats() []format {
	return []format{
		{"raw", "the token and one newline", encodeRaw},
		{"json", "the token and what is known about it, as JSON", encodeJSON},
		{"header", "an Authorization header line", encodeHeader},
	}
}

// Formats returns the names that [WriteToken] knows, the default first.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// DescribeFormat says in a few words what the format called name writes, for a help text. It is empty for an unknown name.
func DescribeFormat(name string) string {
	for _, f := range formats() {
		if f.name == name {
			return f.about
		}
	}
	return ""
}

// WriteToken writes t to w in the format called name, with one Write call; now is what relative times are counted from. It
// writes nothing and returns an error for an unknown format, for a token that the format can't express, and for a value that is no
// b64token: whoever reads the output, a shell most of all, may rely on that alphabet. The error of the write itself is wrapped.
func WriteToken(w io.Writer, name string, t Token, now time.Time) error {
	if !okta.ValidToken(t.Value.Reveal()) {
		return fmt.Errorf("write %s token: it is empty, or has a character that no bearer token may have", t.Type)
	}
	for _, f := range formats() {
		if f.name != name {
			continue
		}
		text, err := f.encode(t, now)
		if err != nil {
			return fmt.Errorf("write %s token as %s: %w", t.Type, name, err)
		}
		return write(w, text)
	}
	return fmt.Errorf("unknown output format %q, expected one of %s", okta.Printable(name, 40), strings.Join(Formats(), ", "))
}

// write writes text at once. A short write is an error, as the contract of io.Writer has it.
func write(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
