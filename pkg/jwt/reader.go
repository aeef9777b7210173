package jwt

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays may nest, the outermost one included. Okta's tokens have three levels.
const maxDepth = 64

// maxLooseDepth is as deep as encoding/json goes.
const maxLooseDepth = 10_000

// readObject reads text as one JSON object, strictly: no name stands twice on any level, nothing nests too deep. The errors call
// it by subject: "token's claims part".
//
// "The Header Parameter names within the JOSE Header MUST be unique; JWS parsers MUST either reject JWSs with duplicate Header
// Parameter names or use a JSON parser that returns only the lexically last duplicate member name". We reject, and for claims too:
// the reader that comes after us may take the other one.
// https://www.rfc-editor.org/rfc/rfc7515#section-4
func readObject(subject string, text []byte) (Object, error) {
	var r reader
	return r.read(subject, text, nil)
}

// readObjectLoosely is readObject for a text of which the parts are read strictly, each by itself: below the outermost level names
// may stand twice, much may nest, and what is no UTF-8 may stand anywhere.
func readObjectLoosely(subject string, text []byte) (Object, error) {
	r := reader{loose: true}
	return r.read(subject, text, nil)
}

// reader checks JSON in one pass. encoding/json would need three: to check, to look for names that stand twice, to take apart;
// most of the time that a good token costs beside its signature is spent here.
type reader struct {
	subject string
	text    []byte
	whole   string // text again, for names to share; "" until there is one to share it
	pos     int
	blanks  int // how many bytes of white space are behind pos
	loose   bool
	names   []string   // of the members read so far, of every object that is open
	first   [24]string // where names starts out
}

// read reads one text and appends its members to those given. A reader may read several, one after the other.
func (r *reader) read(subject string, text []byte, members Object) (Object, error) {
	r.subject, r.text, r.whole, r.pos, r.blanks, r.names = subject, text, "", 0, 0, r.first[:0]
	switch {
	case bytes.HasPrefix(r.text, []byte("\ufeff")):
		return nil, formatErrorf(ReasonJSON, "%s starts with a byte order mark", r.subject)
	case !r.loose && !utf8.Valid(r.text):
		return nil, formatErrorf(ReasonJSON, "%s is not UTF-8", r.subject)
	}
	r.skipBlanks()
	if c := r.peek(); c != '{' {
		if err := r.value(1); err != nil {
			return nil, err
		}
		return nil, formatErrorf(ReasonJSON, "%s is not a JSON object, got %s", r.subject, nameJSON(c))
	}
	if members == nil {
		members = make(Object, 0, min(len(r.text)/16+1, 16))
	}
	if err := r.object(1, &members); err != nil {
		return nil, err
	}
	r.skipBlanks()
	if r.pos < len(r.text) {
		return nil, r.mistake()
	}
	return members, nil
}

// mistake says where the JSON stops being JSON, and not how: that would show a piece of the token.
func (r *reader) mistake() error {
	return formatErrorf(ReasonJSON, "%s is not JSON: mistake at byte %d of %d", r.subject, min(r.pos+1, len(r.text)), len(r.text))
}

// object reads from "{" to behind its "}". Its members go to members, unless that is nil.
func (r *reader) object(depth int, members *Object) error {
	first := len(r.names) // the names of this object start here
	var seen map[string]struct{}
	for r.pos++; ; r.pos++ {
		r.skipBlanks()
		if r.peek() == '}' && len(r.names) == first {
			break
		}
		name, err := r.name()
		if err != nil {
			return err
		}
		if (depth == 1 || !r.loose) && r.twice(name, first, &seen) {
			return formatErrorf(ReasonJSON, "%s has the member %s twice", r.subject, quoteShort(name))
		}
		r.names = append(r.names, name)
		r.skipBlanks()
		if r.peek() != ':' {
			return r.mistake()
		}
		r.pos++
		r.skipBlanks()
		start, blanks := r.pos, r.blanks
		if err := r.value(depth + 1); err != nil {
			return err
		}
		if members != nil {
			*members = append(*members, Member{Name: name, Value: compactJSON(r.text[start:r.pos:r.pos], r.blanks > blanks)})
		}
		r.skipBlanks()
		if c := r.peek(); c == '}' {
			break
		} else if c != ',' {
			return r.mistake()
		}
	}
	r.names = r.names[:first]
	r.pos++
	return nil
}

// twice reports whether name is among r.names[first:]. A few are looked through; a token made to have thousands gets a map, lest it
// cost the square of that.
func (r *reader) twice(name string, first int, seen *map[string]struct{}) bool {
	const few = 24
	names := r.names[first:]
	if len(names) <= few {
		for _, n := range names {
			if n == name {
				return true
			}
		}
		return false
	}
	if *seen == nil {
		*seen = make(map[string]struct{}, 4*few)
		for _, n := range names {
			(*seen)[n] = struct{}{}
		}
	}
	_, twice := (*seen)[name]
	(*seen)[name] = struct{}{}
	return twice
}

// name reads the name of a member.
func (r *reader) name() (string, error) {
	start := r.pos
	if r.peek() != '"' {
		return "", r.mistake()
	}
	if err := r.string(); err != nil {
		return "", err
	}
	if name := commonName(r.text[start+1 : r.pos-1]); name != "" {
		return name, nil
	}
	if bytes.IndexByte(r.text[start:r.pos], '\\') < 0 {
		if r.whole == "" {
			r.whole = string(r.text)
		}
		return r.whole[start+1 : r.pos-1], nil
	}
	name, err := unquoteJSON(r.text[start:r.pos])
	if err != nil {
		return "", r.mistake()
	}
	return name, nil
}

// commonName returns the names that nearly every token has, without a copy: "" for any other.
func commonName(name []byte) string {
	switch string(name) {
	case "alg":
		return "alg"
	case "amr":
		return "amr"
	case "at_hash":
		return "at_hash"
	case "aud":
		return "aud"
	case "auth_time":
		return "auth_time"
	case "cid":
		return "cid"
	case "email":
		return "email"
	case "exp":
		return "exp"
	case "groups":
		return "groups"
	case "iat":
		return "iat"
	case "idp":
		return "idp"
	case "iss":
		return "iss"
	case "jti":
		return "jti"
	case "kid":
		return "kid"
	case "name":
		return "name"
	case "nonce":
		return "nonce"
	case "preferred_username":
		return "preferred_username"
	case "scp":
		return "scp"
	case "sub":
		return "sub"
	case "typ":
		return "typ"
	case "uid":
		return "uid"
	case "ver":
		return "ver"
	}
	return ""
}

func (r *reader) maxDepth() int {
	if r.loose {
		return maxLooseDepth
	}
	return maxDepth
}

// value steps over one value of any kind.
func (r *reader) value(depth int) error {
	switch c := r.peek(); {
	case (c == '{' || c == '[') && depth > r.maxDepth():
		return formatErrorf(ReasonJSON, "%s nests deeper than %d levels", r.subject, r.maxDepth())
	case c == '{':
		return r.object(depth, nil)
	case c == '[':
		return r.array(depth)
	case c == '"':
		return r.string()
	case c == '-' || isDigit(c):
		return r.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(r.text[r.pos:], []byte(word)) {
			r.pos += len(word)
			return nil
		}
	}
	return r.mistake()
}

func (r *reader) array(depth int) error {
	r.pos++
	r.skipBlanks()
	if r.peek() == ']' {
		r.pos++
		return nil
	}
	for ; ; r.pos++ {
		r.skipBlanks()
		if err := r.value(depth + 1); err != nil {
			return err
		}
		r.skipBlanks()
		switch r.peek() {
		case ',':
		case ']':
			r.pos++
			return nil
		default:
			return r.mistake()
		}
	}
}

// string steps over a string: https://www.rfc-editor.org/rfc/rfc8259#section-7
func (r *reader) string() error {
	for r.pos++; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return nil
		case c == '\\':
			if err := r.escape(); err != nil {
				return err
			}
		case c < ' ':
			return r.mistake()
		}
	}
	return r.mistake()
}

// escape steps from a backslash to the last byte that belongs to it.
func (r *reader) escape() error {
	r.pos++
	switch r.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			r.pos++
			if c := r.peek() | 0x20; !isDigit(r.peek()) && (c < 'a' || c > 'f') {
				return r.mistake()
			}
		}
		return nil
	}
	return r.mistake()
}

// number steps over a number: https://www.rfc-editor.org/rfc/rfc8259#section-6
func (r *reader) number() error {
	if r.peek() == '-' {
		r.pos++
	}
	if r.peek() == '0' {
		r.pos++
	} else if !r.digits() {
		return r.mistake()
	}
	if r.peek() == '.' {
		r.pos++
		if !r.digits() {
			return r.mistake()
		}
	}
	if r.peek()|0x20 == 'e' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		if !r.digits() {
			return r.mistake()
		}
	}
	return nil
}

// digits steps over digits and reports whether there were any.
func (r *reader) digits() bool {
	start := r.pos
	for isDigit(r.peek()) {
		r.pos++
	}
	return r.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// peek returns the byte at pos, and 0, which is no part of JSON, behind the end.
func (r *reader) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

func (r *reader) skipBlanks() {
	for ; r.pos < len(r.text); r.pos++ {
		if c := r.text[r.pos]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return
		}
		r.blanks++
	}
}

// compactJSON removes the white space between the JSON tokens of a value, if there is any.
func compactJSON(value []byte, blanks bool) []byte {
	var b bytes.Buffer
	if !blanks || json.Compact(&b, value) != nil {
		return value
	}
	return b.Bytes()
}

// nameJSON names the kind of JSON value that starts with c.
func nameJSON(c byte) string {
	switch c {
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
