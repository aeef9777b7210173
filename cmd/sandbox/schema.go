package sandbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"okauth/pkg/config"
)

//go:embed org.schema.json
var orgSchema string

// schema is as much of JSON Schema as org.schema.json has. A zero schema allows everything.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Enum                 []string           `json:"enum"`
	Pattern              string             `json:"pattern"`
	Required             []string           `json:"required"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *bool              `json:"additionalProperties"` // nil: true
	Items                *schema            `json:"items"`
	Defs                 map[string]*schema `json:"$defs"`
}

const duration = "#/$defs/duration" // text for people, nanoseconds for package oktatest

// resolve returns the schema that a reference leads to.
func (s *schema) resolve(defs map[string]*schema) *schema {
	if s == nil {
		return &schema{}
	}
	if s.Ref != "" {
		return defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	}
	return s
}

// mistake is what is wrong with a file, at the value that a path such as apps[0].grants leads to.
type mistake struct {
	line         int
	path, reason string
}

func (f *mistake) Error() string { return strings.TrimPrefix(f.path+": "+f.reason, ": ") }

// reader reads YAML, which JSON is part of, as a schema demands.
type reader struct {
	defs  map[string]*schema
	lines map[string]int // of each value, by its path
	left  int            // of the values that may still come: aliases can multiply them
}

func newReader() *reader {
	var root schema
	_ = json.Unmarshal([]byte(orgSchema), &root) // valid, see org.schema.json
	return &reader{root.Defs, map[string]int{}, 100_000}
}

// parse returns the only document of a file.
func parse(text []byte) (*yaml.Node, error) {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&document)
	if err == nil && !errors.Is(decoder.Decode(&second), io.EOF) {
		return nil, &mistake{line: second.Line, reason: "a second document begins, expected one"}
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, &mistake{line: 1, reason: "empty, expected keys and values"}
	case err != nil:
		f := &mistake{line: 1, reason: strings.TrimPrefix(err.Error(), "yaml: ")}
		if n, _ := fmt.Sscanf(f.reason, "line %d:", &f.line); n == 1 {
			_, f.reason, _ = strings.Cut(f.reason, ": ")
		}
		f.reason = "not valid YAML: " + f.reason
		return nil, f
	}
	return document.Content[0], nil
}

// read puts the value at a node into out, which is of a type that has the schema with this name.
func (r *reader) read(n *yaml.Node, name string, out any) error {
	value, err := r.value(n, r.defs[name], "")
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return &mistake{line: n.Line, reason: err.Error()} // a number that is infinite, or none
	}
	return json.Unmarshal(text, out)
}

// value returns the value at a node as encoding/json has it.
func (r *reader) value(n *yaml.Node, s *schema, path string) (any, error) {
	isDuration := s != nil && s.Ref == duration
	s = s.resolve(r.defs)
	r.lines[path] = n.Line
	switch r.left--; { // an alias can contain itself
	case r.left < 0:
		return nil, &mistake{n.Line, "", "there are too many values"}
	case len(path) > 1000:
		return nil, &mistake{n.Line, path[:40] + "…", "the values are nested too deeply"}
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.MappingNode && (s.Type == "object" || s.Type == "" && s.Enum == nil):
		return r.object(n, s, path)
	case n.Kind == yaml.SequenceNode && (s.Type == "array" || s.Type == "" && s.Enum == nil):
		return r.list(n, s, path)
	case n.Kind == yaml.ScalarNode:
		return r.scalar(n, s, path, isDuration)
	}
	return nil, mismatch(n, s, path, isDuration)
}

func (r *reader) object(n *yaml.Node, s *schema, path string) (any, error) {
	members := map[string]any{}
	closed := s.AdditionalProperties != nil && !*s.AdditionalProperties
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, name := n.Content[i], n.Content[i].Value
		at := strings.TrimPrefix(path+"."+name, ".")
		property, known := s.Properties[name]
		_, twice := members[name]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, &mistake{key.Line, path, "a key is not plain text"}
		case twice:
			return nil, &mistake{key.Line, at, "the key is there twice"}
		case closed && !known:
			reason, all := "unknown key", slices.Sorted(maps.Keys(s.Properties))
			if near := config.Suggest(name, all); near != "" {
				reason += fmt.Sprintf(", did you mean %q?", near)
			} else {
				reason += ", expected one of " + strings.Join(all, ", ")
			}
			return nil, &mistake{key.Line, at, reason}
		}
		value, err := r.value(n.Content[i+1], property, at)
		if err != nil {
			return nil, err
		}
		members[name] = value
	}
	for _, name := range s.Required {
		if _, ok := members[name]; !ok {
			return nil, &mistake{n.Line, strings.TrimPrefix(path+"."+name, "."), "missing"}
		}
	}
	return members, nil
}

func (r *reader) list(n *yaml.Node, s *schema, path string) (any, error) {
	items := []any{}
	for i, item := range n.Content {
		value, err := r.value(item, s.Items, fmt.Sprintf("%s[%d]", path, i))
		if err != nil {
			return nil, err
		}
		items = append(items, value)
	}
	return items, nil
}

func (r *reader) scalar(n *yaml.Node, s *schema, path string, isDuration bool) (any, error) {
	tag := n.ShortTag()
	isText := tag == "!!str"
	switch {
	case s.Type == "" && s.Enum == nil:
		var value any
		if slices.Contains([]string{"!!int", "!!float", "!!bool", "!!null"}, tag) && n.Decode(&value) == nil {
			return value, nil
		}
		return n.Value, nil
	case s.Type == "boolean" && tag == "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case s.Enum != nil && isText && !slices.Contains(s.Enum, n.Value):
		return nil, &mistake{n.Line, path, fmt.Sprintf("%q is not one of %s", n.Value, strings.Join(s.Enum, ", "))}
	case isText && isDuration && matches(s.Pattern, n.Value):
		d, err := time.ParseDuration(n.Value)
		if err != nil {
			return nil, &mistake{n.Line, path, err.Error()}
		}
		return int64(d), nil
	case isText && isDuration, isText && s.Type == "string" && !matches(s.Pattern, n.Value):
		return nil, &mistake{n.Line, path, "expected " + expected(s, isDuration) + ", got another text"}
	case isText && (s.Type == "string" || s.Enum != nil):
		return n.Value, nil
	}
	return nil, mismatch(n, s, path, isDuration)
}

func matches(pattern, text string) bool {
	ok, _ := regexp.MatchString(pattern, text) // valid, see org.schema.json
	return ok
}

// expected says what a text has to be.
func expected(s *schema, isDuration bool) string {
	switch {
	case isDuration:
		return "a duration such as 90s or 1h"
	case strings.HasPrefix(s.Pattern, "^[^"):
		return "a text without control characters that is not empty"
	case s.Pattern == "^[0-9]+$":
		return "digits"
	}
	return "a text that matches " + s.Pattern
}

func mismatch(n *yaml.Node, s *schema, path string, isDuration bool) error {
	want := map[string]string{
		"object": "keys and values", "array": "a list", "boolean": "true or false",
	}[s.Type]
	got, advice := "text", ""
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.MappingNode:
		got = "keys and values"
	case n.Kind == yaml.SequenceNode:
		got = "a list"
	case tag == "!!null":
		got = "nothing"
	case tag != "!!str":
		got = "a value of another type"
	}
	switch {
	case isDuration:
		want = expected(s, true)
	case want == "":
		want = "text"
		if n.Kind == yaml.ScalarNode && got != "nothing" {
			advice = ": write it in quotes"
		}
	}
	return &mistake{n.Line, path, "expected " + want + ", got " + got + advice}
}

// line returns the line of the value that a path leads to, or of the nearest one around it.
func (r *reader) line(path string) int {
	for path != "" && r.lines[path] == 0 {
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return r.lines[path]
}

// show is the way back: it returns what encoding/json made of a value with this schema, as people write it.
func (r *reader) show(value any, s *schema) any {
	isDuration := s != nil && s.Ref == duration
	s = s.resolve(r.defs)
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = r.show(member, s.Properties[name])
		}
	case []any:
		for i, item := range v {
			v[i] = r.show(item, s.Items)
		}
	case json.Number:
		if n, err := v.Int64(); isDuration && err == nil {
			return time.Duration(n).String()
		}
	}
	return value
}
