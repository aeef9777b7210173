// Package strictjson reads JSON objects that a server or a stranger wrote, and refuses what two readers could read
// differently.
//
// encoding/json decides what is JSON. This package adds what encoding/json lacks: member names match exactly, no name
// occurs twice, nothing follows the object, the text is UTF-8, nesting is bounded. Members keep their order and values
// their spelling, so no digit of a number is lost.
//
// The caller bounds the size of the text: only the caller knows how large its documents are.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep the objects and arrays that [Object] reads may nest, the outermost one included.
const MaxDepth = 64

// Member is one name and its value.
type Member struct {
	Name  string          // unescaped
	Value json.RawMessage // one JSON value as it was spelled, without white space between its tokens; never empty
}

// Object reads text as exactly one JSON object and returns its members in their order. An empty object has none, and no
// error. The values may share memory with text, which must not change afterwards.
//
// The error says what is wrong and fits behind the name of the document and a colon: "not UTF-8", "invalid JSON at byte
// 3 of 10", "not a JSON object, got an array", `member "x" occurs twice` (on any level), "nested deeper than 64
// levels". It is printable, and shows nothing of text but the name that occurs twice, quoted and cut.
func Object(text []byte) ([]Member, error) {
	if !utf8.Valid(text) && !isUTF16(text) {
		return nil, errors.New("not UTF-8")
	}
	return read(text, walker{strict: true})
}

// Outline is [Object] for a document whose values the caller reads one by one, so that a bad one does not spoil the
// others: below the outermost level a name may occur twice, only encoding/json bounds the nesting (at 10,000 levels),
// and text need not be UTF-8.
func Outline(text []byte) ([]Member, error) { return read(text, walker{}) }

// isUTF16 reports whether JSON is in UTF-16, as Windows PowerShell writes files: it begins with a byte order mark, or
// one of its first two bytes, which are ASCII, is zero.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) ||
		len(text) > 1 && (text[0] == 0) != (text[1] == 0)
}

func read(text []byte, w walker) ([]Member, error) {
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return nil, errors.New("starts with a byte order mark")
	}
	if isUTF16(text) {
		return nil, errors.New("not UTF-8 but UTF-16")
	}
	if !json.Valid(text) {
		return nil, explain(text)
	}
	w.text = text
	if hasBlanks(text) {
		var compact bytes.Buffer
		_ = json.Compact(&compact, text) // valid JSON has no error, nor has one of its strings below
		w.text = compact.Bytes()
	}
	if w.text[0] != '{' {
		return nil, fmt.Errorf("not a JSON object, got %s", Describe(w.text))
	}
	return w.object(1)
}

func hasBlanks(text []byte) bool {
	for _, blank := range []byte(" \t\r\n") { // bytes.ContainsAny is slower
		if bytes.IndexByte(text, blank) >= 0 {
			return true
		}
	}
	return false
}

// explain says where text stops being JSON. The error of encoding/json would show a piece of the text, which may be a
// secret.
func explain(text []byte) error {
	var value json.RawMessage
	syntax, _ := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &value))
	switch {
	case syntax == nil:
		return errors.New("invalid JSON")
	case strings.HasSuffix(syntax.Error(), "exceeded max depth"):
		return errors.New("nested deeper than 10000 levels")
	}
	return fmt.Errorf("invalid JSON at byte %d of %d", syntax.Offset, len(text))
}

// Describe returns what kind of JSON a value is, with its article: "an object", "a string", "null".
func Describe(value json.RawMessage) string {
	switch value[0] {
	case '{':
		return "an object"
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

// Unquote returns the text of a JSON string. Half a surrogate pair becomes U+FFFD. It reports false for any other
// value.
func Unquote(value json.RawMessage) (string, bool) {
	if value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// walker steps through text, which is valid JSON without white space between tokens: it needs to find the tokens' ends
// only.
type walker struct {
	text   []byte
	shared string // text again, once: the memory of all names
	pos    int
	strict bool // names are unique and nesting is bounded on every level
}

// object steps over an object and returns its members.
func (w *walker) object(depth int) ([]Member, error) {
	members := make([]Member, 0, min(16, (len(w.text)-w.pos)/8))
	for w.pos++; w.text[w.pos] != '}'; {
		if w.text[w.pos] == ',' {
			w.pos++
		}
		name := w.name()
		w.pos++ // the colon
		start := w.pos
		if err := w.value(depth + 1); err != nil {
			return nil, err
		}
		members = append(members, Member{Name: name, Value: w.text[start:w.pos:w.pos]})
	}
	w.pos++
	if name, twice := duplicate(members); twice && (w.strict || depth == 1) {
		return nil, fmt.Errorf("member %s occurs twice", Quote(name))
	}
	return members, nil
}

func (w *walker) array(depth int) error {
	for w.pos++; w.text[w.pos] != ']'; {
		if w.text[w.pos] == ',' {
			w.pos++
		}
		if err := w.value(depth + 1); err != nil {
			return err
		}
	}
	w.pos++
	return nil
}

func (w *walker) value(depth int) error {
	c := w.text[w.pos]
	if (c == '{' || c == '[') && w.strict && depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d levels", MaxDepth)
	}
	switch c {
	case '{':
		_, err := w.object(depth)
		return err
	case '[':
		return w.array(depth)
	case '"':
		w.string()
		return nil
	}
	for c != ',' && c != '}' && c != ']' {
		w.pos++
		c = w.text[w.pos]
	}
	return nil
}

func (w *walker) string() {
	for w.pos++; w.text[w.pos] != '"'; w.pos++ {
		if w.text[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
}

func (w *walker) name() string {
	start := w.pos
	w.string()
	if quoted := w.text[start:w.pos]; bytes.IndexByte(quoted, '\\') >= 0 {
		var name string
		_ = json.Unmarshal(quoted, &name)
		return name
	}
	if w.shared == "" {
		w.shared = string(w.text)
	}
	return w.shared[start+1 : w.pos-1]
}

// duplicate returns a name that occurs twice. Few members are compared each with each, which allocates nothing; a text
// made to have thousands is sorted, so that it does not cost the square of that.
func duplicate(members []Member) (string, bool) {
	const few = 24
	if len(members) <= few {
		for i := range members {
			for _, before := range members[:i] {
				if before.Name == members[i].Name {
					return before.Name, true
				}
			}
		}
		return "", false
	}
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	slices.Sort(names)
	for i := range names[1:] {
		if names[i] == names[i+1] {
			return names[i], true
		}
	}
	return "", false
}

// Quote makes foreign text fit for an error: quoted, printable, at most 64 characters of it.
func Quote(text string) string {
	const most = 64
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most])) + "…"
	}
	return strconv.Quote(text)
}
