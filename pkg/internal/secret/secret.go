// Package secret has the type of a password, a client secret or a token.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// redacted is what every Secret prints, also an empty one.
const redacted = "••••"

// Secret is text that belongs on the wire or in the store and nowhere else: a password, a client secret, a token.
// Printing and marshaling it in any way yields "••••"; Reveal alone returns the text. The zero Secret is empty.
//
// Secrets are not comparable with == (the compiler says so); use Equal.
type Secret struct {
	_ [0]func() // two equal secrets have different pointers, so == would give wrong results
	// A pointer, because fmt calls no method on an unexported field of another package's struct: it would print a
	// string held here, but of a pointer it prints the address.
	text *string
}

// New wraps text. An empty text gives the zero Secret.
func New(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself. Only the encoder of a request, the store and the output of a token should call it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares two secrets in time that depends on their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "••••".
func (Secret) String() string { return redacted }

// Format prints "••••" for every verb: %x, %d and %#v would otherwise bypass String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "••••", for JSON, YAML, XML, map keys and log/slog.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
