package config

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// splice makes an edit in the text of the file: it puts, replaces or removes
// the lines of one entry, at the positions that the tree gives. It guesses
// where a value ends and may guess wrong; its caller reads the result again.
// It reports false where it does not try.
func splice(data []byte, root *yaml.Node, e edit) ([]byte, bool) {
	t := newText(data)
	var top *yaml.Node
	if root != nil {
		top = root.Content[0]
	}
	ok := false
	switch {
	case e.profile == "":
		ok = t.setCurrent(top, e)
	case e.remove:
		key, value := entry(child(child(top, "profiles"), e.profile), e.key)
		ok = t.removeEntry(key, value)
	default:
		ok = t.set(top, e)
	}
	return []byte(strings.Join(t.lines, "")), ok
}

// text is a file as lines, each with its line break.
type text struct {
	lines []string
	eol   string
}

func newText(data []byte) *text {
	t := &text{eol: "\n"}
	if bytes.Contains(data, []byte("\r\n")) {
		t.eol = "\r\n"
	}
	if len(data) > 0 {
		t.lines = strings.SplitAfter(string(data), "\n")
		if last := len(t.lines) - 1; t.lines[last] == "" {
			t.lines = t.lines[:last]
		} else {
			t.lines[last] += t.eol
		}
	}
	return t
}

// insert puts lines before the line of that index.
func (t *text) insert(index int, lines ...string) bool {
	if index < 0 || index > len(t.lines) {
		return false
	}
	for i := range lines {
		lines[i] += t.eol
	}
	t.lines = slices.Insert(t.lines, index, lines...)
	return true
}

func (t *text) setCurrent(top *yaml.Node, e edit) bool {
	if key, value := entry(top, e.key); key != nil {
		return t.replaceValue(key, value, scalarText(e.value))
	}
	line := e.key + ": " + scalarText(e.value)
	if isBlock(top) {
		return t.insert(top.Content[0].Line-1, strings.Repeat(" ", top.Content[0].Column-1)+line)
	}
	return t.insert(len(t.lines), line)
}

func (t *text) set(top *yaml.Node, e edit) bool {
	k, err := FindKey(e.key)
	if err != nil {
		return false
	}
	value := scalarText(e.value)
	if k.Kind == List {
		value = listText(strings.Fields(e.value))
	}
	line := e.key + ": " + value
	profilesKey, profiles := entry(top, "profiles")
	if profilesKey == nil {
		return t.insert(len(t.lines), "profiles:", "  "+e.profile+":", "    "+line)
	}
	profileKey, body := entry(profiles, e.profile)
	if profileKey == nil {
		at, indent, ok := inside(profilesKey, profiles)
		return ok && t.insert(at, indent+e.profile+":", indent+indent[:step(profilesKey, indent)]+line)
	}
	if key, old := entry(body, e.key); key != nil {
		return t.replaceValue(key, old, value)
	}
	at, indent, ok := inside(profileKey, body)
	return ok && t.insert(at, indent+line)
}

// inside says before which line, and how far indented, a new last entry of a
// block mapping goes; the mapping may be there in name only.
func inside(key, body *yaml.Node) (index int, indent string, ok bool) {
	if isBlock(body) {
		return lastLine(body), strings.Repeat(" ", body.Content[0].Column-1), true
	}
	if isNull(body) && body.Value == "" {
		return key.Line, strings.Repeat(" ", key.Column+1), true
	}
	return 0, "", false
}

// step is how much deeper than its parent an entry is indented.
func step(parent *yaml.Node, indent string) int {
	return max(0, len(indent)-parent.Column+1)
}

// replaceValue writes a new value behind a key, keeps a comment that follows on
// the key's line, and drops further lines of the old value.
func (t *text) replaceValue(key, old *yaml.Node, value string) bool {
	at, last := key.Line-1, lastLine(old)
	if at < 0 || at >= len(t.lines) || last > len(t.lines) {
		return false
	}
	colon := afterKey(t.lines[at], key)
	if colon < 0 {
		return false
	}
	head, rest := t.lines[at][:colon], strings.TrimRight(t.lines[at][colon:], "\r\n")
	t.lines[at] = head + " " + value + rest[valueEnd(rest):] + t.eol
	if last > key.Line {
		t.lines = slices.Delete(t.lines, key.Line, last)
	}
	return true
}

func (t *text) removeEntry(key, value *yaml.Node) bool {
	if key == nil {
		return false
	}
	last := max(key.Line, lastLine(value))
	if key.Line < 1 || last > len(t.lines) {
		return false
	}
	t.lines = slices.Delete(t.lines, key.Line-1, last)
	return true
}

// afterKey returns the index behind the colon of a plainly written key, or -1.
func afterKey(line string, key *yaml.Node) int {
	from := key.Column - 1
	if from < 0 || from > len(line) || !strings.HasPrefix(line[from:], key.Value) {
		return -1
	}
	end := from + len(key.Value)
	if colon := strings.IndexByte(line[end:], ':'); colon >= 0 && strings.TrimSpace(line[end:end+colon]) == "" {
		return end + colon + 1
	}
	return -1
}

// valueEnd returns the index in rest, the text behind "key:", where the value
// ends and white space or a comment begins.
func valueEnd(rest string) int {
	var quote byte
	depth, end, fresh := 0, 0, true
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		blank := c == ' ' || c == '\t'
		switch {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '#' && (i == 0 || rest[i-1] == ' ' || rest[i-1] == '\t'):
			return end
		case fresh && (c == '"' || c == '\''):
			quote = c
		case c == '[' && (fresh || depth > 0):
			depth++
		case c == ']' && depth > 0:
			depth--
		}
		if fresh = blank && fresh || depth > 0 && (c == '[' || c == ',' || blank); !blank {
			end = min(i+1, len(rest))
		}
	}
	return end
}

// entry finds a key of a mapping and its value, nil if it has none of its own.
func entry(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Value == name && !isMerge(k) {
			return k, mapping.Content[i+1]
		}
	}
	return nil, nil
}

func child(mapping *yaml.Node, name string) *yaml.Node {
	_, value := entry(mapping, name)
	return value
}

func isBlock(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0
}

// lastLine returns the greatest line that a node or a node in it begins at.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}
