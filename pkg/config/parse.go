package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const maxItems = 1000 // of a list

// parse reads YAML and returns its content and its tree, nil for an empty file. Errors name the line and the key,
// never a value, and are *Error.
func parse(data []byte) (*document, *yaml.Node, error) {
	doc := newDocument()
	root, err := parseTree(data)
	if err != nil || root == nil {
		return doc, nil, err
	}
	top, err := mapping(root.Content[0], "the file")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range top {
		switch err = e.fault; {
		case err != nil:
		case e.key.Value == "profile":
			doc.current, err = scalar(e.value, "profile")
		case e.key.Value == "profiles":
			err = doc.parseProfiles(e.value)
		default:
			err = unknownTopKey(e)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return doc, root, nil
}

func unknownTopKey(e entry) error {
	err := syntaxAt(e.key, "unknown key "+quoteKey(e.key.Value)+", expected profile or profiles")
	near := e.key.Value
	_, findErr := FindKey(near)
	if e, unknown := findErr.(*Error); unknown {
		near = cmp.Or(Suggest(near, []string{"profile", "profiles", e.Suggestion}), e.Suggestion)
		err.Suggestion = near
		_, findErr = FindKey(near)
	}
	if findErr == nil {
		err.Reason += "; settings are in a profile: profiles: default: " + near
	}
	return err
}

// parseProfiles keeps what is wrong with a profile: it is an error where that profile is used. A name that is none
// cannot be used, and [CheckProfileName] says why.
func (doc *document) parseProfiles(n *yaml.Node) error {
	profiles, err := mapping(n, "profiles")
	for _, p := range profiles {
		name := p.key.Value
		if !isProfileName(name) {
			continue
		}
		values, err := parseProfile(p)
		if err != nil {
			doc.faults[name] = err
		}
		doc.profiles[name] = values
	}
	return err
}

// parseProfile returns the values that it can read, and the first error.
func parseProfile(p entry) (values map[string]string, fault error) {
	values = make(map[string]string)
	if p.fault != nil {
		return values, p.fault
	}
	entries, fault := mapping(p.value, "profile "+p.key.Value)
	for _, e := range entries {
		k, text, err := e.setting()
		if err, ok := err.(*Error); ok && err.Kind != Syntax {
			err.Line = e.key.Line
			err.Reason = fmt.Sprintf("line %d: profile %q: %s", e.key.Line, p.key.Value, err.Reason)
		}
		if fault == nil {
			fault = err
		}
		if err == nil && (text != "" || k.secret != "") {
			values[k.Name] = text
		}
	}
	return values, fault
}

// setting returns an entry of a profile, its value as text.
func (e entry) setting() (k Key, text string, err error) {
	if k, err = FindKey(e.key.Value); e.fault != nil || err != nil {
		return k, "", cmp.Or(e.fault, err)
	}
	if k.Type == List {
		text, err = list(e.value, k.Name)
	} else {
		text, err = scalar(e.value, k.Name)
	}
	return k, text, err
}

func parseTree(data []byte) (*yaml.Node, error) {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, &Error{Kind: Syntax, Reason: "the file has a NUL byte: it is UTF-16, or no text at all"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var root, second yaml.Node
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(data, err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, syntaxAt(&second, "a second YAML document begins, expected one")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(data, err)
	}
	return &root, nil
}

// syntaxError keeps the line and a known phrase of the YAML library's error, whose text may quote the file.
func syntaxError(data []byte, err error) error {
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "\t") && strings.TrimSpace(line) != "" {
			return &Error{Kind: Syntax, Reason: fmt.Sprintf("line %d is indented with a tab, YAML allows spaces only",
				i+1)}
		}
	}
	reason, text := "the file is not valid YAML", err.Error()
	for _, known := range []string{"did not find expected key", "could not find expected ':'",
		"mapping values are not allowed in this context", "did not find expected ',' or ']'",
		"did not find expected ',' or '}'", "found unexpected end of stream",
		"found character that cannot start any token",
		"unknown anchor", "invalid UTF-8", "control characters are not allowed", "found unknown escape character",
		"exceeded max depth", "excessive aliasing"} {
		if strings.Contains(text, known) {
			reason += ": " + known
			break
		}
	}
	if _, after, ok := strings.Cut(text, "line "); ok {
		var line int
		if _, err := fmt.Sscanf(after, "%d", &line); err == nil {
			reason = fmt.Sprintf("near line %d: %s", line, reason)
		}
	}
	return &Error{Kind: Syntax, Reason: reason}
}

func syntaxAt(n *yaml.Node, reason string) *Error {
	return &Error{Kind: Syntax, Reason: fmt.Sprintf("line %d: %s", n.Line, reason)}
}

// entry is a key of a mapping, a scalar, with its value.
type entry struct {
	key, value *yaml.Node
	fault      error // the key was there before
}

// mapping returns the entries of a mapping in their order, then those of its merge keys ("<<"). Null is an empty
// mapping.
func mapping(n *yaml.Node, what string) ([]entry, error) {
	n = follow(n)
	if isNull(n) {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, syntaxAt(n, what+": expected keys and values, got "+typeName(n))
	}
	var entries []entry
	seen, merges := make(map[string]bool), false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, syntaxAt(key, "a key of "+what+" is not plain text")
		case key.ShortTag() == "!!merge":
			merges = true
			continue
		}
		e := entry{key: key, value: value}
		if seen[key.Value] {
			e.fault = syntaxAt(key, what+": the key "+quoteKey(key.Value)+" is written twice")
		}
		seen[key.Value] = true
		entries = append(entries, e)
	}
	if !merges {
		return entries, nil
	}
	// The YAML library merges, and refuses aliases that multiply.
	var merged map[string]yaml.Node
	if err := n.Decode(&merged); err != nil {
		return nil, syntaxAt(n, what+": "+syntaxError(nil, err).Error())
	}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		if value := merged[name]; !seen[name] {
			entries = append(entries, entry{key: &yaml.Node{Value: name, Line: value.Line}, value: &value})
		}
	}
	return entries, nil
}

// scalar returns text as it is written: 0123 and yes stay what they are. Null is "", which means "not set".
func scalar(n *yaml.Node, key string) (string, error) {
	n = follow(n)
	switch {
	case isNull(n):
		return "", nil
	case n.Kind != yaml.ScalarNode:
		return "", syntaxAt(n, fmt.Sprintf("%q: expected text, got %s", key, typeName(n)))
	case n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str":
		return "", syntaxAt(n, fmt.Sprintf("%q: expected text without a YAML tag", key))
	}
	return n.Value, nil
}

// list returns the items of a list, joined by spaces.
func list(n *yaml.Node, key string) (string, error) {
	n = follow(n)
	switch {
	case n.Kind == yaml.ScalarNode:
		return scalar(n, key)
	case n.Kind == yaml.MappingNode:
		return "", syntaxAt(n, fmt.Sprintf("%q: expected a list, got keys and values", key))
	case len(n.Content) > maxItems:
		return "", syntaxAt(n, fmt.Sprintf("%q: the list has more than %d items", key, maxItems))
	}
	items := make([]string, len(n.Content))
	for i, item := range n.Content {
		var err error
		if items[i], err = scalar(item, key); err != nil {
			return "", err
		}
		if items[i] == "" {
			return "", syntaxAt(item, fmt.Sprintf("%q: an item of the list is empty", key))
		}
	}
	return strings.Join(items, " "), nil
}

func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func typeName(n *yaml.Node) string {
	return map[yaml.Kind]string{
		yaml.MappingNode: "keys and values", yaml.SequenceNode: "a list", yaml.ScalarNode: "a single value",
	}[n.Kind]
}
