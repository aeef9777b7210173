package output

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"okauth/pkg/jwt"
)

// DecodeJSON writes what is in u as one line: {"header":{…},"claims":{…},"verified":false}. Members keep their order and numbers
// their digits; characters that a terminal could act on are \u escapes, in names too. The error is that of the write.
func DecodeJSON(w io.Writer, u jwt.Unverified) error { return write(w, AppendDecodeJSON(nil, u)) }

// AppendDecodeJSON appends what [DecodeJSON] writes.
func AppendDecodeJSON(dst []byte, u jwt.Unverified) []byte {
	dst = slices.Grow(dst, 1024) // most tokens fit
	dst = appendObject(append(dst, `{"header":`...), u.Header)
	dst = appendObject(append(dst, `,"claims":`...), u.Claims)
	return append(dst, `,"verified":false}`+"\n"...)
}

// appendObject goes round json.Marshal of the whole, which would rewrite "<", ">" and "&" in values that are to stay as they are.
func appendObject(dst []byte, o jwt.Object) []byte {
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHarmless(append(appendName(dst, m.Name), ':'), m.Value)
	}
	return append(dst, '}')
}

func appendName(dst []byte, name string) []byte {
	word := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
	}
	if strings.IndexFunc(name, func(r rune) bool { return !word(r) }) < 0 {
		return append(append(append(dst, '"'), name...), '"')
	}
	quoted, _ := json.Marshal(name) // a string always has its JSON
	return appendHarmless(dst, quoted)
}

// decodeError is the document that stands in a stream for a line that is no token. Its members are those of every okauth error in
// JSON, and reason, which is a jwt.Reason.
type decodeError struct {
	Error struct {
		Code    string     `json:"code"`
		Exit    int        `json:"exit"`
		Message string     `json:"message"`
		Hint    string     `json:"hint,omitempty"`
		Reason  jwt.Reason `json:"reason,omitempty"`
	} `json:"error"`
}

// DecodeErrorJSON writes err as one line, {"error":{"code":"invalid_token","exit":7,"message":…,"hint":…,"reason":…}}, to take the
// place of a token that could not be decoded. Hint and reason are left out where err has none. The error returned is that of the write.
func DecodeErrorJSON(w io.Writer, err error) error {
	var doc decodeError
	doc.Error.Code, doc.Error.Exit, doc.Error.Message = "invalid_token", 7, err.Error()
	if format, ok := errors.AsType[*jwt.FormatError](err); ok {
		doc.Error.Hint, doc.Error.Reason = format.Hint(), format.Reason
	}
	line, err := encodeLine(doc)
	if err != nil {
		return err
	}
	return write(w, line)
}
