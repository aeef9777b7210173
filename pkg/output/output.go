// Package output writes results: a token for a program, what is in a token, and reports, for people or for programs.
//
// A result is built in memory and written with one Write call, so a reader never sees half of it. The error of that
// call is returned, so a full disk is no success.
//
// Text from a token or a server may hold characters that a terminal acts on. Text for people passes
// [safetext.Sanitize]; in JSON a \u escape stands for each such character. A token is read by shells: a value with
// a character that no bearer token has is refused, never escaped.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"okauth/pkg/jwt"
)

// write writes text with one call.
func write(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// JSON writes value as one line of JSON without characters that a terminal acts on.
func JSON(w io.Writer, value any) error {
	line, err := encodeJSONLine(value)
	if err != nil {
		return err
	}
	return write(w, line)
}

func encodeJSONLine(value any) ([]byte, error) {
	raw, err := marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return append(appendEscaped(nil, raw), '\n'), nil
}

// marshal is json.Marshal without its escapes for HTML: no browser reads the "&" of a URL or the ">" of a hint.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// object is a JSON object whose members keep their order. An empty string and a zero time are null, a nil list is
// empty.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON returns the object.
func (o object) MarshalJSON() ([]byte, error) {
	var members jwt.Object
	for _, m := range o {
		switch v := m.value.(type) {
		case string:
			if v == "" {
				m.value = nil
			}
		case time.Time:
			if m.value = nil; !v.IsZero() {
				m.value = v.UTC().Format(time.RFC3339)
			}
		case []string:
			m.value = append([]string{}, v...)
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		members = append(members, jwt.Member{Name: m.name, Value: value})
	}
	return appendObject(nil, members), nil
}

// secondsUntil returns the whole seconds from now until t, 0 if t is past, or nil for the zero time.
func secondsUntil(t, now time.Time) any {
	if t.IsZero() {
		return nil
	}
	return wholeSeconds(t.Sub(now))
}

func wholeSeconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }

// appendEscaped appends raw, which is compact JSON, with a \u escape for every character that a terminal could act on
// or that cannot be seen. Compact JSON has those only in strings, so its meaning stays. A byte that is not UTF-8
// becomes U+FFFD.
func appendEscaped(dst, raw []byte) []byte {
	for {
		plain := 0 // copied at once, because most of JSON is plain
		for plain < len(raw) && ' ' <= raw[plain] && raw[plain] <= '~' {
			plain++
		}
		dst, raw = append(dst, raw[:plain]...), raw[plain:]
		if len(raw) == 0 {
			return dst
		}
		r, size := utf8.DecodeRune(raw)
		raw = raw[size:]
		if unicode.IsPrint(r) {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			dst = fmt.Appendf(dst, `\u%04x`, unit)
		}
	}
}

// appendString appends text as a JSON string.
func appendString(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := marshal(text) // a string always has its JSON
			return appendEscaped(dst, quoted)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}
