package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is a configuration file being edited. Each method changes one entry, in memory; [File.Save] writes the file. It
// knows neither flags nor the environment, so nothing from there can get into the file.
type File struct {
	path  string
	home  string // see checkWriters
	data  []byte // with the edits
	edits []edit
	doc   *document
}

// edit is one change. That of the top-level "profile" has no profile name.
type edit struct {
	profile, key, value string
	remove              bool
}

// OpenFile reads the file to edit. A file that does not exist is empty. A file that is not a configuration is an *Error
// and stays as it is, and so is one that others can write to: it would be the user's own afterwards. The directories
// above home are not looked at.
func OpenFile(path, home string) (*File, error) {
	data, err := readConfig(path, home)
	if isMissing(err) {
		err = withSource(checkWriters(path, home), Source{FromFile, path}) // of its directories
	}
	if err != nil {
		return nil, err
	}
	doc, _, err := parse(data)
	if err != nil {
		return nil, withSource(err, Source{FromFile, path})
	}
	return &File{path: path, home: home, data: data, doc: doc}, nil
}

// OpenProfile opens the configuration file and returns the name of the profile to edit. Neither has to exist, and no
// value is checked, so that a wrong one can be corrected. The error is an *Error.
func OpenProfile(o Options) (f *File, profile string, err error) {
	o = o.withDefaults()
	path, err := ConfigPath(o)
	if err != nil {
		return nil, "", err
	}
	if f, err = OpenFile(path, o.home()); err != nil {
		return nil, "", err
	}
	profile, _, err = o.profileName(f.doc, path)
	return f, profile, err
}

// Path returns the path of the file.
func (f *File) Path() string { return f.path }

// Check returns an *Error if the file has a profile of that name and something in it is wrong. Such a profile is not
// edited.
func (f *File) Check(profile string) error {
	return withSource(f.doc.faults[profile], Source{FromFile, f.path})
}

// Profiles returns the names of the profiles, sorted.
func (f *File) Profiles() []string { return f.doc.names() }

// Current returns the profile that the file names, or "".
func (f *File) Current() string { return f.doc.current }

// Get returns the text of a setting in the file, a list joined by spaces. It also returns the value of client_secret,
// which must not be shown.
func (f *File) Get(profile, key string) (string, bool) {
	text, ok := f.doc.profiles[profile][key]
	return text, ok
}

// Set sets a setting, and creates the profile if there is none. The items of a list may be separated by spaces or
// commas. An unknown setting, and a value that it cannot have alone or with the others of the profile, is an *Error.
func (f *File) Set(profile, key, value string) error {
	if err := cmp.Or(CheckProfileName(profile), f.Check(profile)); err != nil {
		return err
	}
	k, err := FindKey(key)
	if err != nil {
		return err
	}
	if k.Type != Secret {
		value = strings.TrimSpace(value)
	}
	if err := k.Check(value); err != nil {
		return err
	}
	if k.Type == List {
		scopes, _ := ParseScopes(value)
		value = strings.Join(scopes, " ")
	}
	e := edit{profile: profile, key: key, value: value}
	if err := checkConflicts(f.doc.with(e).profiles[profile], key); err != nil {
		return err
	}
	return f.edit(e)
}

// Unset removes a setting, if it is there. An unknown setting is an *Error, and so is an unknown profile if there are
// others.
func (f *File) Unset(profile, key string) error {
	k, err := FindKey(key)
	if k.Keychain {
		err = nil // the caller removes it there
	}
	if err = cmp.Or(f.Check(profile), err); err != nil { // first the profile: it names the line of a misspelt key
		return err
	}
	values, ok := f.doc.profiles[profile]
	if !ok && len(f.doc.profiles) > 0 {
		return unknownProfile(profile, Source{}, f.Profiles())
	}
	if _, ok := values[key]; !ok {
		return nil
	}
	return f.edit(edit{profile: profile, key: key, remove: true})
}

// Use makes a profile the one to use if nothing names another. A profile that is not in the file is an *Error.
func (f *File) Use(profile string) error {
	if _, ok := f.doc.profiles[profile]; !ok {
		if err := CheckProfileName(profile); err != nil {
			return err
		}
		return unknownProfile(profile, Source{}, f.Profiles())
	}
	if err := f.Check(profile); err != nil {
		return err
	}
	return f.edit(edit{key: "profile", value: profile})
}

func (f *File) edit(e edit) error {
	data, doc, err := apply(f.data, e)
	if err != nil {
		return withSource(err, Source{FromFile, f.path})
	}
	f.data, f.doc, f.edits = data, doc, append(f.edits, e)
	return nil
}

// checkConflicts returns the *Error of [Load] for a new value that excludes another one.
func checkConflicts(values map[string]string, key string) error {
	secret := strings.TrimSuffix(strings.TrimSuffix(key, FileKey("")), CommandKey(""))
	for _, other := range SecretKeys(secret) {
		if other != key && values[other] != "" {
			return conflict(key, other, Source{})
		}
	}
	other, ok := map[string]string{KeyDomain: KeyServer, KeyServer: KeyDomain}[key]
	server := values[KeyServer]
	d, err := ParseDomain(values[KeyDomain])
	if ok && err == nil && server != "" && d.Server != "" && d.Server != server {
		return &Error{Kind: Conflict, Key: key, Other: other, Suggestion: d.BaseURL,
			Reason: fmt.Sprintf("the domain names the authorization server %q and server says %q", d.Server, server)}
	}
	return nil
}

// apply makes one edit in the YAML tree: comments, the order of keys and the style of other values stay, blank lines do
// not. The result is read again: it must differ from the file in that one value alone.
func apply(data []byte, e edit) ([]byte, *document, error) {
	before, root, err := parse(data)
	if err != nil {
		return nil, nil, err
	}
	want := before.with(e)
	if want.equal(before) {
		return data, before, nil
	}
	var out bytes.Buffer
	if root == nil { // the file has comments at most
		root = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
		if out.Write(data); len(data) > 0 && data[len(data)-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	e.applyTo(root.Content[0])
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	err = errors.Join(enc.Encode(root), enc.Close())
	edited := out.Bytes()
	if bytes.Contains(data, []byte("\r\n")) {
		edited = bytes.ReplaceAll(bytes.ReplaceAll(edited, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	if err == nil {
		if after, _, err := parse(edited); err == nil && after.equal(want) && len(edited) <= maxConfig {
			return edited, after, nil
		}
	}
	return nil, nil, &Error{Kind: NotEditable, Key: e.key, Reason: "changing it would change other values too: " +
		"the file shares parts of itself through anchors, or is written in a way that okauth cannot edit"}
}

// applyTo makes the edit in the top mapping of a file.
func (e edit) applyTo(top *yaml.Node) {
	if e.profile == "" {
		setNode(toMapping(top), e.key, textNode(e.value))
		return
	}
	body := mappingAt(mappingAt(toMapping(top), "profiles"), e.profile)
	i := indexOf(body, e.key)
	switch {
	case e.remove && i > 1: // the comment below the last setting is about the profile
		body.Content[i-2].FootComment += body.Content[i].FootComment
		fallthrough
	case e.remove && i >= 0:
		body.Content = slices.Delete(body.Content, i, i+2)
	case !e.remove && lookup(e.key).Type == List:
		items := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for _, item := range strings.Fields(e.value) {
			items.Content = append(items.Content, textNode(item))
		}
		setNode(body, e.key, items)
	case !e.remove && lookup(e.key).Type == Enum: // true, and not "true"
		setNode(body, e.key, &yaml.Node{Kind: yaml.ScalarNode, Value: e.value})
	case !e.remove:
		setNode(body, e.key, textNode(e.value))
	}
}

// indexOf returns the index of a key of a mapping, -1 if it has none of its own.
func indexOf(mapping *yaml.Node, name string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// toMapping turns a null into an empty mapping.
func toMapping(n *yaml.Node) *yaml.Node {
	if isNull(n) {
		n.Kind, n.Tag, n.Value, n.Style = yaml.MappingNode, "!!map", "", 0
	}
	return n
}

// mappingAt returns the mapping of a key, a new one if there is none.
func mappingAt(parent *yaml.Node, name string) *yaml.Node {
	if i := indexOf(parent, name); i >= 0 {
		return toMapping(parent.Content[i+1])
	}
	child := &yaml.Node{Kind: yaml.MappingNode}
	parent.Content = append(parent.Content, textNode(name), child)
	return child
}

// setNode replaces the value of a key and keeps its comments, or adds the key.
func setNode(mapping *yaml.Node, name string, value *yaml.Node) {
	i := indexOf(mapping, name)
	if i < 0 {
		mapping.Content = append(mapping.Content, textNode(name), value)
		return
	}
	old := mapping.Content[i+1]
	value.HeadComment, value.LineComment, value.FootComment = old.HeadComment, old.LineComment, old.FootComment
	mapping.Content[i+1] = value
}

func textNode(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// with returns the document as it should be after the edit.
func (d *document) with(e edit) *document {
	next := &document{current: d.current, profiles: maps.Clone(d.profiles), faults: d.faults}
	if e.profile == "" {
		next.current = e.value
		return next
	}
	values := map[string]string{}
	maps.Copy(values, d.profiles[e.profile])
	if values[e.key] = e.value; e.remove {
		delete(values, e.key)
	}
	next.profiles[e.profile] = values
	return next
}

func (d *document) equal(other *document) bool {
	line := regexp.MustCompile(`line \d+`) // may be another one
	sameFault := func(a, b error) bool {
		return line.ReplaceAllString(a.Error(), "") == line.ReplaceAllString(b.Error(), "")
	}
	return d.current == other.current && maps.EqualFunc(d.profiles, other.profiles, maps.Equal[map[string]string]) &&
		maps.EqualFunc(d.faults, other.faults, sameFault)
}
