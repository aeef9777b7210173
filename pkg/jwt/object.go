package jwt

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"okauth/pkg/internal/strictjson"
)

// Member is one name and its value: Name is unescaped, Value is the JSON as it was spelled, without white space.
type Member = strictjson.Member

// Object is a JSON object whose members keep their order, and whose values keep their spelling. Names are unique on
// every level.
type Object []Member

// ParseObject reads text as one JSON object, as strictly as the parts of a token: UTF-8, no name twice on any level, at
// most 64 levels. The error is a [*FormatError] of reason json.
func ParseObject(text []byte) (Object, error) { return readObject("document", text) }

func readObject(name string, text []byte) (Object, error) {
	members, err := strictjson.Object(text)
	if err != nil {
		return nil, formatErrorf(ReasonJSON, "%s: %v", name, err)
	}
	return members, nil
}

// Get returns the value called name as JSON.
func (o Object) Get(name string) (json.RawMessage, bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, true
		}
	}
	return nil, false
}

// String returns the value called name if it is a JSON string.
func (o Object) String(name string) (string, bool) {
	raw, ok := o.Get(name)
	if !ok {
		return "", false
	}
	return strictjson.Unquote(raw)
}

// Strings returns the value called name if it is a JSON string or an array of nothing but strings, the two shapes of
// aud. https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
func (o Object) Strings(name string) ([]string, bool) {
	if s, ok := o.String(name); ok {
		return []string{s}, true
	}
	raw, ok := o.Get(name)
	var elements []json.RawMessage
	if !ok || raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
		return nil, false
	}
	list := make([]string, len(elements))
	for i, element := range elements {
		if list[i], ok = strictjson.Unquote(element); !ok {
			return nil, false
		}
	}
	return list, true
}

// Time returns the value called name if it is a NumericDate: a JSON number, whole or not, of seconds since 1970-01-01
// UTC. It is false for a string of digits and for a number beyond the years 1 to 9999; [Object.Get] tells these from an
// absent member. https://www.rfc-editor.org/rfc/rfc7519#section-2
func (o Object) Time(name string) (time.Time, bool) {
	raw, ok := o.Get(name)
	if !ok || !isNumber(raw) {
		return time.Time{}, false
	}
	const (
		yearOne         = -62135596800 // 0001-01-01T00:00:00Z
		yearTenThousand = 253402300800 // 10000-01-01T00:00:00Z
	)
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < yearOne || seconds >= yearTenThousand {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}

// FinerTime returns the time that the value called name seems to be, and the unit that it is counted in, where that is
// not seconds: a number too large for [Object.Time] that is a time between 1978 and 2200 in "milliseconds",
// "microseconds" or "nanoseconds". Programs that take the clock of JavaScript or Java write such claims. For people
// only: "A JSON numeric value representing the number of seconds", https://www.rfc-editor.org/rfc/rfc7519#section-2
func (o Object) FinerTime(name string) (t time.Time, unit string, ok bool) {
	const (
		year1978 = 252460800 // 1978-01-01T00:00:00Z
		year2200 = 7258118400
	)
	raw, _ := o.Get(name)
	count, err := strconv.ParseFloat(string(raw), 64)
	if _, seconds := o.Time(name); err != nil || seconds {
		return time.Time{}, "", false
	}
	for _, unit := range [...]string{"milliseconds", "microseconds", "nanoseconds"} {
		if count /= 1000; year1978 <= count && count < year2200 {
			return time.UnixMilli(int64(count * 1000)).UTC(), unit, true
		}
	}
	return time.Time{}, "", false
}

func isNumber(raw json.RawMessage) bool { return raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9' }

// MarshalJSON writes the members in their order and their values as they were spelled. An empty object is {}.
func (o Object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(m.Name) // a string has no error
		out = append(append(append(out, name...), ':'), m.Value...)
	}
	return append(out, '}'), nil
}

func (o Object) has(names ...string) bool {
	for _, name := range names {
		if _, ok := o.Get(name); ok {
			return true
		}
	}
	return false
}

// show returns the value called name as JSON, fit to be shown.
func (o Object) show(name string) string {
	raw, _ := o.Get(name)
	return printable(string(raw))
}

// text returns the string called name. Where there is none, problem says why, and text is the JSON that stands there
// instead.
func (o Object) text(name string) (text, problem string) {
	if s, ok := o.String(name); ok {
		return s, ""
	}
	if !o.has(name) {
		return "", "the token has no " + name
	}
	return o.show(name), "the token's " + name + " is not a string"
}
