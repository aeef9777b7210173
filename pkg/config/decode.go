package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the work that aliases can ask for: a file for people has a
// few hundred nodes, and a bomb has more the more often it is followed.
const maxNodes = 20_000

// document is what a configuration file says, every value as text. A list is
// joined by spaces; a key without a value is left out.
type document struct {
	current  string                       // the top-level "profile"
	profiles map[string]map[string]string // by profile name, then by key
}

// parse reads YAML into a document and also returns the tree it was made from,
// nil for an empty file. Errors name the line and the key, never a value, and
// are *Error.
func parse(data []byte) (*document, *yaml.Node, error) {
	d := &decoder{doc: document{profiles: make(map[string]map[string]string)}}
	root, err := parseTree(data)
	if err != nil || root == nil {
		return &d.doc, nil, err
	}
	if err := d.top(root.Content[0]); err != nil {
		return nil, nil, err
	}
	return &d.doc, root, nil
}

func parseTree(data []byte) (*yaml.Node, error) {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, &Error{Reason: "the file holds a NUL byte: it is not YAML text"}
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
		return nil, lineError(&second, "a second YAML document begins: expected one")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(data, err)
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil, &Error{Reason: "the file is not a YAML document"}
	}
	return &root, nil
}

// syntaxError keeps the line and a fixed phrase of what the YAML library said:
// its own text may quote the file.
func syntaxError(data []byte, err error) error {
	text := err.Error()
	var line int
	if i := strings.Index(text, "line "); i >= 0 {
		_, _ = fmt.Sscanf(text[i:], "line %d", &line)
	}
	for i, l := range strings.Split(string(data), "\n") {
		if before := strings.TrimLeft(l, " "); strings.HasPrefix(before, "\t") && strings.TrimSpace(l) != "" {
			return &Error{Reason: fmt.Sprintf("line %d is indented with a tab: YAML allows spaces only", i+1)}
		}
	}
	reason := "the file is not valid YAML"
	for _, known := range []string{"did not find expected key", "could not find expected ':'", "mapping values are not allowed in this context",
		"did not find expected ',' or ']'", "did not find expected ',' or '}'", "found unexpected end of stream", "found character that cannot start any token",
		"unknown anchor", "invalid UTF-8", "control characters are not allowed", "found unknown escape character", "exceeded max depth"} {
		if strings.Contains(text, known) {
			reason += ": " + known
			break
		}
	}
	if line > 0 {
		reason = fmt.Sprintf("near line %d: %s", line, reason)
	}
	return &Error{Reason: reason, Next: "mend the file by hand; `okauth config path` says where it is"}
}

func lineError(n *yaml.Node, reason string) *Error {
	return &Error{Reason: fmt.Sprintf("line %d: %s", n.Line, reason)}
}

// decoder walks the tree along the one shape that a configuration can have.
type decoder struct {
	doc   document
	nodes int
}

func (d *decoder) top(n *yaml.Node) error {
	return d.mapping(n, "the file", func(key, value *yaml.Node) error {
		switch key.Value {
		case "profile":
			text, err := d.scalar(value, "profile")
			d.doc.current = text
			if err == nil && text != "" && !isProfileName(text) {
				return lineError(value, "\"profile\" is not a profile name: "+nameRule)
			}
			return err
		case "profiles":
			return d.mapping(value, "profiles", d.profile)
		}
		return unknownKey(key, []string{"profile", "profiles"})
	})
}

func (d *decoder) profile(name, body *yaml.Node) error {
	if !isProfileName(name.Value) {
		return lineError(name, keyShown(name.Value)+" is not a profile name: "+nameRule)
	}
	values := make(map[string]string)
	d.doc.profiles[name.Value] = values
	return d.mapping(body, "profile "+name.Value, func(key, value *yaml.Node) error {
		k, err := FindKey(key.Value)
		if err != nil {
			e := err.(*Error)
			e.Reason = fmt.Sprintf("line %d: profile %q: %s", key.Line, name.Value, e.Reason)
			return e
		}
		read := d.scalar
		if k.Kind == List {
			read = d.list
		}
		text, err := read(value, k.Name)
		if text != "" {
			values[k.Name] = text
		}
		return err
	})
}

// mapping calls each for every entry, those of a merge key ("<<") after the
// written ones and only where they are not overridden. Null is an empty mapping.
func (d *decoder) mapping(n *yaml.Node, what string, each func(key, value *yaml.Node) error) error {
	seen := make(map[string]bool)
	return d.entries(n, what, seen, func(key, value *yaml.Node) error {
		if key.Kind != yaml.ScalarNode {
			return lineError(key, "a key of "+what+" is not plain text")
		}
		return each(key, value)
	})
}

func (d *decoder) entries(n *yaml.Node, what string, seen map[string]bool, each func(key, value *yaml.Node) error) error {
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return err
	}
	if n.Kind != yaml.MappingNode {
		return lineError(n, what+": expected keys and values, got "+kindName(n))
	}
	here := make(map[string]bool)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			merges = append(merges, value)
			continue
		}
		if here[key.Value] {
			return lineError(key, what+": the key "+keyShown(key.Value)+" is written twice")
		}
		here[key.Value] = true
		if seen[key.Value] {
			continue
		}
		seen[key.Value] = true
		if err := each(key, value); err != nil {
			return err
		}
	}
	for _, m := range merges {
		if err := d.merge(m, what, seen, each); err != nil {
			return err
		}
	}
	return nil
}

// merge takes the entries of one mapping or of a list of them.
func (d *decoder) merge(n *yaml.Node, what string, seen map[string]bool, each func(key, value *yaml.Node) error) error {
	target, err := d.follow(n)
	if err != nil {
		return err
	}
	if target.Kind != yaml.SequenceNode {
		return d.entries(target, what, seen, each)
	}
	for _, item := range target.Content {
		if err := d.entries(item, what, seen, each); err != nil {
			return err
		}
	}
	return nil
}

// scalar returns the text as written: 0123 and yes stay what they are. Null
// and a blank are the empty text, which means "not set".
func (d *decoder) scalar(n *yaml.Node, key string) (string, error) {
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return "", err
	}
	if n.Kind != yaml.ScalarNode {
		return "", lineError(n, fmt.Sprintf("%q: expected text, got %s", key, kindName(n)))
	}
	if n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str" {
		return "", lineError(n, fmt.Sprintf("%q: expected text without a YAML tag", key))
	}
	return n.Value, nil
}

func (d *decoder) list(n *yaml.Node, key string) (string, error) {
	n, err := d.follow(n)
	if err != nil {
		return "", err
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return d.scalar(n, key)
	case yaml.MappingNode:
		return "", lineError(n, fmt.Sprintf("%q: expected a list, got keys and values", key))
	}
	items := make([]string, len(n.Content))
	for i, item := range n.Content {
		if items[i], err = d.scalar(item, key); err != nil {
			return "", err
		}
		if items[i] == "" {
			return "", lineError(item, fmt.Sprintf("%q: an item of the list is empty", key))
		}
	}
	return strings.Join(items, " "), nil
}

// follow counts a visit and resolves an alias.
func (d *decoder) follow(n *yaml.Node) (*yaml.Node, error) {
	if d.nodes++; d.nodes > maxNodes {
		return nil, lineError(n, "too many entries, or aliases that multiply")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n, nil
}

func unknownKey(key *yaml.Node, known []string) error {
	err := lineError(key, "unknown key "+keyShown(key.Value))
	if near := Suggest(key.Value, known); near != "" {
		err.Next = fmt.Sprintf("did you mean %q?", near)
	} else if _, findErr := FindKey(key.Value); findErr == nil {
		err.Next = "settings belong into a profile: profiles: default: " + key.Value
	} else {
		err.Next = "the keys here are " + strings.Join(known, " and ")
	}
	return err
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge"
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}
