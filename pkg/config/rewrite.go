package config

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rewrite makes an edit in the tree and writes the whole tree: comments, order
// and the style of each value stay, blank lines do not.
func rewrite(root *yaml.Node, e edit) ([]byte, error) {
	if root == nil {
		root = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	top := asMapping(root.Content[0])
	if e.profile == "" {
		put(top, e.key, scalarNode(e.value))
	} else {
		body := descend(descend(top, "profiles"), e.profile)
		k, err := FindKey(e.key)
		switch {
		case err != nil:
			return nil, err
		case e.remove:
			drop(body, e.key)
		case k.Kind == List:
			put(body, e.key, listNode(strings.Fields(e.value)))
		default:
			put(body, e.key, scalarNode(e.value))
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// asMapping turns a null in place into an empty mapping.
func asMapping(n *yaml.Node) *yaml.Node {
	if isNull(n) {
		n.Kind, n.Tag, n.Value, n.Style = yaml.MappingNode, "!!map", "", 0
	}
	return n
}

// descend returns the mapping under a key and makes it if it is not there.
func descend(mapping *yaml.Node, name string) *yaml.Node {
	if value := child(mapping, name); value != nil {
		return asMapping(value)
	}
	value := &yaml.Node{Kind: yaml.MappingNode}
	mapping.Content = append(mapping.Content, scalarNode(name), value)
	return value
}

// put replaces the value of a key, keeping its comments, or adds the key.
func put(mapping *yaml.Node, name string, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			old := mapping.Content[i+1]
			value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
			mapping.Content[i+1] = value
			return
		}
	}
	mapping.Content = append(mapping.Content, scalarNode(name), value)
}

func drop(mapping *yaml.Node, name string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
			return
		}
	}
}

func scalarNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func listNode(items []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, item := range items {
		n.Content = append(n.Content, scalarNode(item))
	}
	return n
}

// scalarText writes one value as it stands in a file, quoted where needed.
func scalarText(value string) string { return nodeText(scalarNode(value)) }

func listText(items []string) string { return nodeText(listNode(items)) }

func nodeText(n *yaml.Node) string {
	out, err := yaml.Marshal(n)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(out), "\n")
}
