package okta

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret shows to everybody who does not call Reveal, also for an empty one.
const redacted = "••••"

// Secret is text that must reach the wire or the keychain and nothing else: a password, a client secret, a token.
// Every way of printing or marshalling it yields "••••"; Reveal is the only way to the text. The zero Secret is empty.
//
// Secrets are not comparable with == (the compiler says so); use Equal.
type Secret struct {
	_ [0]func() // two equal secrets have different pointers, so == would lie
	// A pointer, because fmt calls no method on an unexported field of a stranger's struct: it would print a string
	// held here, but of a pointer it prints the address.
	text *string
}

// NewSecret wraps text. An empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself. Only the encoder of a request, the store and the output of a token have a reason to call it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares two secrets in time that depends on their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "••••".
func (Secret) String() string { return redacted }

// GoString returns "••••", for %#v.
func (Secret) GoString() string { return redacted }

// Format prints "••••" whatever the verb: %x and %d would otherwise go round String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "••••", for YAML, XML and map keys.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "••••" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "••••", for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
