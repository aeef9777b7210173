package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
)

// Everything that is stored is a JSON object that says which version of okauth's format it is: {"okauth":1,…}. An item of
// another application, the output of a broken helper or half a value cannot be mistaken for it. Each kind of value counts
// its own versions.

// formatError is a value that cannot be believed (Corrupt) or understood (Newer). Its text is our own, never the value's.
type formatError struct {
	kind ErrorKind
	text string
}

func (e *formatError) Error() string { return e.text }

func corrupt(text string) error { return &formatError{Corrupt, "the stored value is corrupt: " + text} }

// itemError turns a formatError into an *Error of its kind, and anything else into one of kind Failed.
func itemError(op string, err error) error {
	var f *formatError
	if errors.As(err, &f) {
		return &Error{f.kind, op, err}
	}
	return &Error{Failed, op, err}
}

// encodeEnvelope returns v as JSON in printable ASCII: everything else is escaped, because keychains disagree about encodings.
func encodeEnvelope(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeNonASCII(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// escapeNonASCII writes every character that is not printable ASCII as \uXXXX. In the output of encoding/json such
// characters stand inside strings only, where that is the same text.
func escapeNonASCII(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for _, r := range string(doc) {
		switch {
		case r >= 0x20 && r < 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// decodeEnvelope reads value into v, which must know every member and has the version among them; known is the only one it
// believes. It returns a *formatError; the text of encoding/json's errors is not passed on, since it quotes the value.
func decodeEnvelope(value []byte, v any, version *int, known int) error {
	if !isASCII(value) {
		return corrupt("it is not okauth's JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil || *version != known {
		return judgeVersion(value, known)
	}
	if _, err := dec.Token(); err != io.EOF {
		return corrupt("something follows okauth's JSON")
	}
	return nil
}

// judgeVersion says what is wrong with a value that is not of our version and shape.
func judgeVersion(value []byte, known int) error {
	var envelope struct {
		Version json.Number `json:"okauth"`
	}
	if err := json.Unmarshal(value, &envelope); err != nil {
		return corrupt("it is not okauth's JSON")
	}
	version, err := strconv.ParseUint(string(envelope.Version), 10, 32)
	switch {
	case err != nil || version == 0:
		return corrupt("it has no version")
	case version > uint64(known):
		return &formatError{UnsupportedVersion, fmt.Sprintf("the stored value has format %d, and this okauth knows %d", version, known)}
	case version < uint64(known):
		return corrupt(fmt.Sprintf("it has format %d, from before the first release, and this okauth knows %d", version, known))
	}
	return corrupt("it is not what okauth writes")
}
