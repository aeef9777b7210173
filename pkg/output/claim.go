package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/internal/strictjson"
	"okauth/pkg/jwt"
)

// ClaimError is a claim that a token does not have, or one that cannot be printed raw. It holds no value.
type ClaimError struct {
	Path       string   // as the caller wrote it
	Problem    string   // "there is none"
	Names      []string // those that are there instead; nil if the problem is another
	Suggestion string   // the path that was probably meant, or ""

	missing string // the end of Path that was not found
}

// Error returns one printable line.
func (e *ClaimError) Error() string {
	return fmt.Sprintf("claim %q: %s", safetext.Sanitize(e.Path, 80), e.Problem)
}

// WriteClaim writes one claim of token and a newline, with one Write call, for scripts: a string without quotes,
// anything else as compact JSON, numbers with every digit. path is the name of a claim, which may have dots, or a path
// down from one: "address.country", "groups.0". Unless there is a claim "header", that is the token's header:
// "header.kid".
//
// The error is that of the write, or a [*ClaimError]: there is no such claim, or it is a string with characters that
// cannot be seen.
func WriteClaim(w io.Writer, token jwt.Unverified, path string) error {
	claims, added := token.Claims, 0
	if _, ok := claims.Get("header"); !ok {
		added = 1
		header := jwt.Member{Name: "header", Value: appendObject(nil, token.Header)}
		claims = append(claims[:len(claims):len(claims)], header)
	}
	raw, err := findPath(claims, path)
	if err != nil {
		err.Path = path
		if err.missing == path { // below the token itself, which has a header, but no claim of that name
			err.Names = err.Names[:len(claims)-added]
		}
		if err.Suggestion != "" {
			err.Suggestion = strings.TrimSuffix(path, err.missing) + err.Suggestion
		}
		return err
	}
	text, isString := strictjson.Unquote(raw)
	if !isString {
		return write(w, append(appendEscaped(nil, raw), '\n'))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return &ClaimError{Path: path, Problem: "the string has line breaks or other characters that cannot be seen, " +
			"so it is not printed raw"}
	}
	return write(w, []byte(text+"\n"))
}

// findPath returns the value at path. A name that has dots counts before a path: the longest name is tried first.
func findPath(o jwt.Object, path string) (json.RawMessage, *ClaimError) {
	if raw, ok := o.Get(path); ok {
		return raw, nil
	}
	var first *ClaimError
	for end := strings.LastIndexByte(path, '.'); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		raw, ok := o.Get(path[:end])
		if !ok {
			continue
		}
		found, err := findBelow(raw, path[end+1:])
		if err == nil {
			return found, nil
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	missing := &ClaimError{Problem: "there is none", missing: path}
	for _, m := range o {
		missing.Names = append(missing.Names, m.Name)
	}
	missing.Suggestion = suggest(path, missing.Names)
	if name, below, ok := strings.Cut(path, "."); ok && missing.Suggestion == "" {
		if other := suggest(name, missing.Names); other != "" {
			missing.Suggestion = other + "." + below
		}
	}
	return nil, missing
}

// findBelow returns the value at path in raw.
func findBelow(raw json.RawMessage, path string) (json.RawMessage, *ClaimError) {
	switch raw[0] {
	case '{':
		o, err := jwt.ParseObject(raw)
		if err != nil {
			return nil, &ClaimError{Problem: err.Error()}
		}
		return findPath(o, path)
	case '[':
		return findElement(raw, path)
	}
	return nil, &ClaimError{Problem: "there is nothing below " + strictjson.Describe(raw)}
}

func findElement(raw json.RawMessage, path string) (json.RawMessage, *ClaimError) {
	index, rest, deeper := strings.Cut(path, ".")
	var list []json.RawMessage
	invalid := json.Unmarshal(raw, &list) // never: the strict reader has read it
	i, err := strconv.ParseUint(index, 10, 31)
	switch {
	case invalid != nil || len(list) == 0:
		return nil, &ClaimError{Problem: "the list is empty"}
	case err != nil || i >= uint64(len(list)):
		return nil, &ClaimError{Problem: fmt.Sprintf("expected the number of an element, 0 to %d", len(list)-1)}
	case deeper:
		return findBelow(list[i], rest)
	}
	return list[i], nil
}

// suggest returns the one of names that was probably meant, or "": one with a typing error before one that means the
// same.
func suggest(typed string, names []string) string {
	typed = strings.ToLower(typed)
	meanings := claimMeanings()
	for _, alike := range [...]func(name string) bool{
		func(name string) bool { return oneEditApart(typed, name) },
		// "issuer" for iss, "group" for groups, "scopes" for scope. What follows a dot may be meant as a path.
		func(name string) bool {
			return typed != "" && typed == meanings[name] || len(typed) > 2 && strings.HasPrefix(name, typed) ||
				len(name) > 2 && strings.HasPrefix(typed, name) && !strings.Contains(typed, ".")
		},
	} {
		for _, name := range names {
			if alike(strings.ToLower(name)) {
				return name
			}
		}
	}
	return ""
}

// oneEditApart reports whether one character that was added, left out, changed or swapped with the next turns a into b.
func oneEditApart(a, b string) bool {
	longer := max(len(a), len(b))
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	// Any two names of one or two characters are that near.
	return a == b || longer > 2 && (swapped || len(a) <= 1 && len(b) <= 1)
}
