package okta

import (
	"okauth/pkg/internal/safetext"
	"okauth/pkg/internal/secret"
)

// Secret is text that belongs on the wire or in the store and nowhere else: a password, a client secret, a token.
// Printing and marshaling it in any way yields "••••"; Reveal alone returns the text. The zero Secret is empty.
// Secrets are not comparable with ==: use Equal.
type Secret = secret.Secret

// NewSecret wraps text. An empty text gives the zero Secret.
func NewSecret(text string) Secret { return secret.New(text) }

// Sanitize returns text as one printable line of at most limit runes, so that it is safe to show on a terminal:
// invisible characters become U+FFFD, white space becomes single spaces, "…" marks a cut.
func Sanitize(text string, limit int) string { return safetext.Sanitize(text, limit) }
