// Package output says how results look: tokens for programs, claims for people, tables for both.
//
// A result is built in memory and written with one Write call, so that a reader never sees half of it, and the error of that call
// is returned, so that a full disk is no success. Each form of a token is one file with one encoder and one line in [formats].
//
// Text that comes from a token or a server is foreign: people get it through okta.Printable, programs get JSON in which whatever a
// terminal could act on is a \u escape. A token is what shells read, so a value or a name that any of them could take for more than
// a word is refused, never escaped.
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

// TokenOptions says how a token is written. Only Format has no default.
type TokenOptions struct {
	Format     string    // one of [Formats]
	Shell      string    // for env: one of [Shells], the first if empty
	Variable   string    // for env: what [ValidVariable] lets pass, [Variable] of the token's type if empty
	APIVersion string    // for exec-credential: what [ExecAPIVersion] returned; v1 if empty
	Now        time.Time // for json: what expires_in is counted from
}

// format is one way of writing a token. encode gets a token whose value is known to hold nothing but b64token characters.
type format struct {
	name   string
	about  string // a few words for help texts and completion
	encode func(t Token, o TokenOptions) ([]byte, error)
}

// formats lists what -o may be, the default first.
func formats() []format {
	return []format{
		{"raw", "the token and one newline", encodeRaw},
		{"json", "the token and what is known about it, as JSON", encodeJSON},
		{"header", "an Authorization header line", encodeHeader},
		{"curl", "that header as a line for curl -K -", encodeCurl},
		{"env", "a shell's assignment to an environment variable", encodeEnv},
		{"exec-credential", "an ExecCredential, for kubectl", encodeExecCredential},
	}
}

// Formats returns what [TokenOptions].Format may be, the default of okauth first.
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

// Check returns the error that Write returns for a good bearer token of the type "access", "id" or "refresh", if there is one. What
// it says is the user's to mend, so ask before a password is sent: an unknown format, shell or API version, a name that is no
// variable's, a refresh token where an API token belongs.
func (o TokenOptions) Check(kind string) error {
	_, err := o.encode(Token{Value: okta.NewSecret("x"), Type: kind})
	return err
}

// Write writes t to w with one Write call. It writes nothing and returns an error where [TokenOptions.Check] does, for a token that
// the format can't express, and for a value that is no b64token: whoever reads the output, a shell most of all, may rely on that
// alphabet. The error of the write itself is wrapped.
func (o TokenOptions) Write(w io.Writer, t Token) error {
	text, err := o.encode(t)
	if err != nil {
		return err
	}
	return write(w, text)
}

func (o TokenOptions) encode(t Token) ([]byte, error) {
	if err := checkValue(t); err != nil {
		return nil, err
	}
	for _, f := range formats() {
		if f.name != o.Format {
			continue
		}
		text, err := f.encode(t, o)
		if err != nil {
			return nil, fmt.Errorf("write %s token as %s: %w", t.Type, f.name, err)
		}
		return text, nil
	}
	return nil, fmt.Errorf("unknown output format %q, expected one of %s", okta.Sanitize(o.Format, 40), strings.Join(Formats(), ", "))
}

// checkValue refuses a value that a shell, a header or a terminal could take for anything but a word.
func checkValue(t Token) error {
	if !okta.ValidToken(t.Value.Reveal()) {
		return fmt.Errorf("write %s token: it is empty, or has a character that no bearer token may have", t.Type)
	}
	return nil
}

// write writes text at once. A short write is an error, as the contract of io.Writer has it.
func write(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
