package jwt

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
)

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

// unquoteJSON returns what a JSON string stands for. Half a surrogate pair becomes U+FFFD.
func unquoteJSON(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}
