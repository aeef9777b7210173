package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// ClaimError says that a token has no such claim, or one that cannot be printed raw. It shows no value.
type ClaimError struct {
	Path  string   // as it was asked for
	What  string   // what is wrong
	Known []string // the names that there are instead; nil where names are not what is wrong
	Near  string   // the path that was probably meant; empty where none is near

	rest string // the end of Path at which nothing was found
}

// Error returns one printable line.
func (e *ClaimError) Error() string {
	return fmt.Sprintf("claim %q: %s", okta.Sanitize(e.Path, 80), e.What)
}

// Hint names the claim that was probably meant and those that there are, or the way to see all.
func (e *ClaimError) Hint() string {
	if len(e.Known) == 0 {
		return "okauth decode -o json shows the whole token, with control characters escaped"
	}
	there := "there are: " + okta.Sanitize(strings.Join(e.Known, ", "), 400)
	if e.Near == "" {
		return there
	}
	return fmt.Sprintf("did you mean %q? %s", okta.Sanitize(e.Near, 80), there)
}

// ClaimRaw writes one claim of u and a newline, with one Write call, for scripts: a string without quotes, everything else as
// compact JSON, numbers with every digit. path is the name of a claim, which may have dots in it, else a way down from one:
// "address.country", "groups.0". Where there is no claim "header", "header.kid" is the header's kid.
//
// The error is that of the write, or a [*ClaimError]: nothing is there, or it is a string that is no line of text.
func ClaimRaw(w io.Writer, u jwt.Unverified, path string) error {
	claims := u.Claims
	if _, ok := claims.Get("header"); !ok {
		claims = append(claims[:len(claims):len(claims)], jwt.Member{Name: "header", Value: appendObject(nil, u.Header)})
	}
	raw, err := follow(claims, path)
	if err != nil {
		err.Path = path
		if err.Near != "" {
			err.Near = strings.TrimSuffix(path, err.rest) + err.Near
		}
		return err
	}
	if raw[0] != '"' {
		return write(w, append(appendHarmless(nil, raw), '\n'))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("read claim %q: %w", okta.Sanitize(path, 80), err)
	}
	if strings.ContainsFunc(text, acts) {
		const what = "the string has line breaks or other characters that cannot be seen, so it is not printed raw"
		return &ClaimError{Path: path, What: what}
	}
	return write(w, []byte(text+"\n"))
}

// acts reports whether r does something other than to stand there: control and format characters, separators of lines.
func acts(r rune) bool { return !unicode.IsGraphic(r) }

// follow finds the value at path. The whole of it is tried as a name first, then ever shorter beginnings of it.
func follow(o jwt.Object, path string) (json.RawMessage, *ClaimError) {
	if raw, ok := o.Get(path); ok {
		return raw, nil
	}
	var wrong *ClaimError
	for end := strings.LastIndexByte(path, '.'); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		raw, ok := o.Get(path[:end])
		if !ok {
			continue
		}
		found, err := descend(raw, path[end+1:])
		if err == nil {
			return found, nil
		}
		if wrong == nil {
			wrong = err
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	missing := &ClaimError{What: "there is none", rest: path}
	for _, m := range o {
		missing.Known = append(missing.Known, m.Name)
	}
	missing.Near = nearest(path, missing.Known)
	if head, below, deeper := strings.Cut(path, "."); deeper && missing.Near == "" {
		if near := nearest(head, missing.Known); near != "" {
			missing.Near = near + "." + below
		}
	}
	return nil, missing
}

// descend finds the value at path below raw, which has passed the strict reader.
func descend(raw json.RawMessage, path string) (json.RawMessage, *ClaimError) {
	switch raw[0] {
	case '{':
		o, err := jwt.ParseObject(raw)
		if err != nil {
			return nil, &ClaimError{What: err.Error()}
		}
		return follow(o, path)
	case '[':
		return element(raw, path)
	}
	return nil, &ClaimError{What: "there is nothing below " + nameJSON(raw[0])}
}

func element(raw json.RawMessage, path string) (json.RawMessage, *ClaimError) {
	index, rest, deeper := strings.Cut(path, ".")
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, &ClaimError{What: err.Error()}
	}
	i, err := strconv.ParseUint(index, 10, 31)
	switch {
	case len(list) == 0:
		return nil, &ClaimError{What: "the list is empty"}
	case err != nil || i >= uint64(len(list)):
		return nil, &ClaimError{What: fmt.Sprintf("expected the number of an element, 0 to %d", len(list)-1)}
	case deeper:
		return descend(list[i], rest)
	}
	return list[i], nil
}

// nameJSON names the kind of value that starts with c.
func nameJSON(c byte) string {
	switch c {
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
