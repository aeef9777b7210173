package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenJSON is the document of -o json: the members of a token response (https://www.rfc-editor.org/rfc/rfc6749#section-5.1),
// of which only the token's own is there, and three more. The other members are always there, null where the value is unknown.
type tokenJSON struct {
	AccessToken  string  `json:"access_token,omitempty"`
	IDToken      string  `json:"id_token,omitempty"`
	RefreshToken string  `json:"refresh_token,omitempty"`
	TokenType    *string `json:"token_type"` // as the server said, normally Bearer
	ExpiresIn    *int64  `json:"expires_in"` // whole seconds from now, rounded down, 0 once expired
	Scope        *string `json:"scope"`      // as granted, separated by spaces
	ExpiresAt    *string `json:"expires_at"` // RFC 3339, UTC, whole seconds
	Issuer       *string `json:"issuer"`     // URL
	Profile      *string `json:"profile"`
}

// encodeJSON gives one line of JSON, for programs.
func encodeJSON(t Token, o TokenOptions) ([]byte, error) {
	doc := tokenJSON{
		TokenType: known(t.TokenType), Scope: known(strings.Join(t.Scope, " ")), ExpiresAt: knownTime(t.ExpiresAt),
		Issuer: known(t.Issuer), Profile: known(t.Profile),
	}
	switch value := t.Value.Reveal(); t.Type {
	case "id":
		doc.IDToken = value
	case "refresh":
		doc.RefreshToken = value
	default:
		doc.AccessToken = value
	}
	if !t.ExpiresAt.IsZero() {
		left := wholeSeconds(t.ExpiresAt.Sub(o.Now))
		doc.ExpiresIn = &left
	}
	return encodeLine(doc)
}

// known returns nil for an empty text.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// knownTime gives t as RFC 3339 in UTC, and nil for the zero time.
func knownTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return known(t.UTC().Format(time.RFC3339))
}

// wholeSeconds says how many seconds are left of something: never more than there are, and 0 once it is over.
func wholeSeconds(left time.Duration) int64 { return max(0, int64(left/time.Second)) }

// JSON writes doc as one line in which nothing can act on a terminal.
func JSON(w io.Writer, doc any) error {
	line, err := encodeLine(doc)
	if err != nil {
		return err
	}
	return write(w, line)
}

// encodeLine gives doc as one harmless line of JSON.
func encodeLine(doc any) ([]byte, error) {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false) // "&" in an issuer or ">" in a hint is for people and jq, not for a browser
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return append(appendHarmless(nil, bytes.TrimSuffix(raw.Bytes(), []byte("\n"))), '\n'), nil
}

// appendHarmless appends raw, which is compact JSON, with a \u escape for every character that a terminal could act on or a
// reader could not see: DEL, C1 controls, bidirectional and other format characters, exotic white space. Compact JSON has those only
// inside strings, so the document means the same as before. A byte that is not UTF-8 becomes U+FFFD.
func appendHarmless(dst, raw []byte) []byte {
	for {
		plain := 0 // what most of it is, at a tenth of the price
		for plain < len(raw) && ' ' <= raw[plain] && raw[plain] <= '~' {
			plain++
		}
		dst, raw = append(dst, raw[:plain]...), raw[plain:]
		if len(raw) == 0 {
			return dst
		}
		r, size := utf8.DecodeRune(raw)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, "\ufffd"...)
		case unicode.IsPrint(r):
			dst = append(dst, raw[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = appendEscape(appendEscape(dst, high), low)
		default:
			dst = appendEscape(dst, r)
		}
		raw = raw[size:]
	}
}

// appendText appends text as a JSON string in which nothing can act on a terminal.
func appendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for {
		special := 0
		for special < len(text) && text[special] != '"' && text[special] != '\\' && ' ' <= text[special] && text[special] <= '~' {
			special++
		}
		dst, text = append(dst, text[:special]...), text[special:]
		if text == "" {
			return append(dst, '"')
		}
		if text[0] == '"' || text[0] == '\\' {
			dst, text = append(dst, '\\', text[0]), text[1:]
			continue
		}
		_, size := utf8.DecodeRuneInString(text)
		dst, text = appendHarmless(dst, []byte(text[:size])), text[size:]
	}
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// appendEscape appends \uXXXX for a UTF-16 unit.
func appendEscape(dst []byte, unit rune) []byte {
	return fmt.Appendf(dst, `\u%04x`, unit)
}
