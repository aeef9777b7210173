package jwt

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Reason names in one word why a text is not a token that can be decoded. The words are stable: programs may compare
// them.
type Reason string

// The reasons a [FormatError] gives.
const (
	ReasonEmpty      Reason = "empty"       // there is no token
	ReasonTooLong    Reason = "too_long"    // more than MaxSize bytes
	ReasonOpaque     Reason = "opaque"      // one part: a refresh token, say; only the issuer knows what it means
	ReasonEncrypted  Reason = "encrypted"   // five parts: a JWE; only its recipient can read it
	ReasonNested     Reason = "nested"      // the claims are another token
	ReasonNotCompact Reason = "not_compact" // the JSON serialization of a JWS
	ReasonParts      Reason = "parts"       // some other number of parts, or an empty one
	ReasonAlphabet   Reason = "alphabet"    // a byte that is not base64url
	ReasonCharset    Reason = "charset"     // UTF-16, or a byte order mark before the token
	ReasonEncoding   Reason = "encoding"    // base64url with trailing bits or an impossible length
	ReasonJSON       Reason = "json"        // header or claims are not a JSON object as RFC 7515 wants it
)

// FormatError says why [Parse] cannot decode a text. Its text shows no part of the token but the name of a member that
// occurs twice, and the algorithms of an encrypted token, both quoted and cut.
type FormatError struct {
	Reason Reason
	text   string
}

func formatErrorf(reason Reason, format string, args ...any) error {
	return &FormatError{Reason: reason, text: fmt.Sprintf(format, args...)}
}

// Error says what is wrong with the token: one line without control characters.
func (e *FormatError) Error() string { return e.text }

// printable makes foreign text fit for a terminal and a log: at most 200 runes, all of them printable. Others are
// written as Go would escape them.
func printable(s string) string {
	const limit = 200
	plain := len(s) <= limit
	for i := 0; plain && i < len(s); i++ {
		plain = ' ' <= s[i] && s[i] <= '~'
	}
	if plain {
		return s
	}
	var b []byte
	count := 0
	for _, r := range s {
		if count++; count > limit {
			return string(b) + "…"
		}
		if strconv.IsPrint(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b = append(b, quoted[1:len(quoted)-1]...)
	}
	return string(b)
}
