package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays may nest, the outermost one included. Okta's tokens have three levels.
const maxDepth = 64

// Member is one name and its value.
type Member struct {
	Name  string          // unescaped
	Value json.RawMessage // as it stood in the token, without the white space between JSON tokens
}

// Object is a JSON object whose members keep their order, and whose values keep their spelling. Names are unique on every level.
type Object []Member

// Get returns the value called name as JSON.
func (o Object) Get(name string) (json.RawMessage, bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	return nil, false
}

// String returns the value called name if it is a JSON string.
func (o Object) String(name string) (string, bool) {
	raw, ok := o.Get(name)
	if !ok || raw[0] != '"' {
		return "", false
	}
	s, err := unquoteJSON(raw)
	return s, err == nil
}

// Strings returns the value called name if it is a JSON string or an array of nothing but strings, the two shapes of aud.
// https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
func (o Object) Strings(name string) ([]string, bool) {
	if s, ok := o.String(name); ok {
		return []string{s}, true
	}
	raw, ok := o.Get(name)
	if !ok || raw[0] != '[' {
		return nil, false
	}
	// Pointers tell null, which is not a string, from "".
	var elements []*string
	if json.Unmarshal(raw, &elements) != nil {
		return nil, false
	}
	list := make([]string, len(elements))
	for i, s := range elements {
		if s == nil {
			return nil, false
		}
		list[i] = *s
	}
	return list, true
}

// Time returns the value called name if it is a NumericDate: a JSON number, whole or not, of seconds since 1970-01-01 UTC. It is
// false for a string of digits and for a number beyond the years 1 to 9999; [Object.Get] tells these from an absent member.
// https://www.rfc-editor.org/rfc/rfc7519#section-2
func (o Object) Time(name string) (time.Time, bool) {
	raw, ok := o.Get(name)
	if !ok || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return time.Time{}, false
	}
	const (
		yearOne         = -62135596800 // 0001-01-01T00:00:00Z
		yearTenThousand = 253402300800 // 10000-01-01T00:00:00Z
	)
	if seconds, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		if seconds < yearOne || seconds >= yearTenThousand {
			return time.Time{}, false
		}
		return time.Unix(seconds, 0).UTC(), true
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < yearOne || seconds >= yearTenThousand {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

// MarshalJSON writes the members in their order and their values as they stand. An empty object is {}.
func (o Object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), m.Value...)
	}
	return append(out, '}'), nil
}

// readObject reads text, which is the part of a token called name, as one JSON object.
//
// "The Header Parameter names within the JOSE Header MUST be unique; JWS parsers MUST either reject JWSs with duplicate Header
// Parameter names or use a JSON parser that returns only the lexically last duplicate member name". We reject, and for claims too:
// the reader that comes after us may take the other one.
// https://www.rfc-editor.org/rfc/rfc7515#section-4
func readObject(name string, text []byte) (Object, error) {
	switch {
	case bytes.HasPrefix(text, []byte("\ufeff")):
		return nil, formatErrorf(ReasonJSON, "token's %s part starts with a byte order mark", name)
	case !utf8.Valid(text):
		return nil, formatErrorf(ReasonJSON, "token's %s part is not UTF-8", name)
	}
	var compact bytes.Buffer
	compact.Grow(len(text))
	if json.Compact(&compact, text) != nil {
		// Compact doesn't say where the mistake is, and the text of these errors shows a piece of the token.
		at := int64(len(text))
		if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(json.RawMessage))); ok {
			at = syntax.Offset
		}
		return nil, formatErrorf(ReasonJSON, "token's %s part is not JSON: mistake at byte %d of %d", name, at, len(text))
	}
	w := walker{part: name, text: compact.Bytes()}
	if w.text[0] != '{' {
		return nil, formatErrorf(ReasonJSON, "token's %s part is not a JSON object, got %s", name, nameJSON(w.text[0]))
	}
	return w.object(1)
}

// nameJSON names the kind of JSON value that starts with c.
func nameJSON(c byte) string {
	switch c {
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// walker steps through JSON that is known to be valid and to have no white space, which leaves it three things to look for:
// where each value ends, names that stand twice, and depth.
type walker struct {
	part string
	text []byte
	pos  int
}

// object reads from "{" to behind its "}".
func (w *walker) object(depth int) (Object, error) {
	o := Object{}
	seen := make(map[string]struct{})
	for w.pos++; w.text[w.pos] != '}'; {
		if w.text[w.pos] == ',' {
			w.pos++
		}
		start := w.pos
		w.skipString()
		name, err := unquoteJSON(w.text[start:w.pos])
		if err != nil {
			return nil, formatErrorf(ReasonJSON, "token's %s part has an unreadable member name", w.part)
		}
		if _, twice := seen[name]; twice {
			return nil, formatErrorf(ReasonJSON, "token's %s part has the member %s twice", w.part, quoteShort(name))
		}
		seen[name] = struct{}{}
		w.pos++ // the colon
		start = w.pos
		if err := w.value(depth + 1); err != nil {
			return nil, err
		}
		o = append(o, Member{Name: name, Value: w.text[start:w.pos:w.pos]})
	}
	w.pos++
	return o, nil
}

// value steps over one value of any kind.
func (w *walker) value(depth int) error {
	switch c := w.text[w.pos]; {
	case (c == '{' || c == '[') && depth > maxDepth:
		return formatErrorf(ReasonJSON, "token's %s part nests deeper than %d levels", w.part, maxDepth)
	case c == '{':
		_, err := w.object(depth)
		return err
	case c == '[':
		for w.pos++; w.text[w.pos] != ']'; {
			if w.text[w.pos] == ',' {
				w.pos++
			}
			if err := w.value(depth + 1); err != nil {
				return err
			}
		}
		w.pos++
	case c == '"':
		w.skipString()
	default: // number, true, false, null: up to what ends the object or array around it
		for c := w.text[w.pos]; c != ',' && c != '}' && c != ']'; c = w.text[w.pos] {
			w.pos++
		}
	}
	return nil
}

// skipString steps over a string.
func (w *walker) skipString() {
	for w.pos++; w.text[w.pos] != '"'; w.pos++ {
		if w.text[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
}

// unquoteJSON returns what a JSON string stands for. Half a surrogate pair becomes U+FFFD.
func unquoteJSON(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}
