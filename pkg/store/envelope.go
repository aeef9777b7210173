package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
)

// Every stored value is a JSON object with the version of its format: {"okauth":1,…}. Nothing else can be mistaken
// for one: another application's item, the output of a broken program, a truncated value. Each kind of value counts
// its own versions.

// encodeEnvelope returns v as JSON in printable ASCII. Other characters are escaped, since keychains disagree about
// encodings.
func encodeEnvelope(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeNonASCII(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// escapeNonASCII writes every character that is not printable ASCII as \uXXXX. encoding/json writes such characters
// only inside strings, where that means the same.
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

// decodeEnvelope decodes value into v, which must know every member and has version among them; it must be known. The
// error is an *Error without Op. It does not quote encoding/json's errors, because they quote the value.
func decodeEnvelope(value []byte, v any, version *int, known int) error {
	if !isASCII(value) {
		return CorruptError("it is not okauth's JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil || *version != known {
		return versionError(value, uint64(known))
	}
	if _, err := dec.Token(); err != io.EOF {
		return CorruptError("data follows okauth's JSON")
	}
	return nil
}

// versionError returns what is wrong with a value of another version or shape.
func versionError(value []byte, known uint64) error {
	var envelope struct {
		Version json.Number `json:"okauth"`
	}
	if err := json.Unmarshal(value, &envelope); err != nil {
		return CorruptError("it is not okauth's JSON")
	}
	version, err := strconv.ParseUint(string(envelope.Version), 10, 32)
	switch {
	case err != nil || version == 0:
		return CorruptError("it has no version")
	case version > known:
		return NewerError(version, known)
	case version < known:
		return CorruptError(fmt.Sprintf("it has format %d, from before the first release", version))
	}
	return CorruptError("it is not what okauth writes")
}
