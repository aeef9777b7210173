package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// File is a configuration file being edited. Edits change one entry each, in
// memory; [File.Save] writes them. Nothing but what the methods are given can
// reach the file: it knows neither flags nor environment.
type File struct {
	path     string
	original []byte // as read, nil if there was no file
	data     []byte // with the edits
	edits    []edit
	doc      *document
}

// edit is one change. A change of the top-level "profile" has no profile name.
type edit struct {
	profile, key, value string
	remove              bool
}

// OpenFile reads the file to edit; one that does not exist is empty. A file
// that cannot be understood is an *Error and is left alone, so that nothing in
// it can be lost.
func OpenFile(path string) (*File, error) {
	data, err := readConfig(path)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	doc, _, err := parse(data)
	if err != nil {
		return nil, at(err, Source{FromFile, path})
	}
	return &File{path: path, original: data, data: data, doc: doc}, nil
}

// Path returns the path that was given to OpenFile.
func (f *File) Path() string { return f.path }

// Profiles returns the names of the profiles, sorted.
func (f *File) Profiles() []string { return names(f.doc.profiles) }

// Current returns the profile that the file names, empty if it names none.
func (f *File) Current() string { return f.doc.current }

// Get returns the text of a setting in the file; a list is joined by spaces.
// It returns the value of client_secret too, which must not be shown.
func (f *File) Get(profile, key string) (string, bool) {
	text, ok := f.doc.profiles[profile][key]
	return text, ok
}

// Set gives a setting a value and makes the profile if there is none. A list
// may be separated by spaces or commas. Unknown settings and values that the
// setting cannot have, alone or beside the others of the profile, are an *Error.
func (f *File) Set(profile, key, value string) error {
	if err := CheckProfileName(profile); err != nil {
		return err
	}
	k, err := FindKey(key)
	if err != nil {
		return err
	}
	if !k.Secret {
		value = strings.TrimSpace(value)
	}
	if err := k.Check(value); err != nil {
		return err
	}
	if k.Kind == List {
		scopes, _ := ParseScopes(value)
		value = strings.Join(scopes, " ")
	}
	values := map[string]string{}
	maps.Copy(values, f.doc.profiles[profile])
	values[key] = value
	if err := checkTogether(values, key); err != nil {
		return err
	}
	return f.edit(edit{profile: profile, key: key, value: value})
}

// Unset removes a setting; one that is not there is no error, but an unknown
// setting is, and a profile that the file does not have beside others: an *Error.
func (f *File) Unset(profile, key string) error {
	if _, err := FindKey(key); err != nil {
		return err
	}
	values, ok := f.doc.profiles[profile]
	if !ok && len(f.doc.profiles) > 0 {
		return noProfile(profile, Source{}, f.Profiles())
	}
	if _, ok := values[key]; !ok {
		return nil
	}
	return f.edit(edit{profile: profile, key: key, remove: true})
}

// Use makes a profile the one that is used where none is named. The profile
// must be in the file; otherwise an *Error names those that are.
func (f *File) Use(profile string) error {
	if _, ok := f.doc.profiles[profile]; !ok {
		if err := CheckProfileName(profile); err != nil {
			return err
		}
		return noProfile(profile, Source{}, f.Profiles())
	}
	return f.edit(edit{key: "profile", value: profile})
}

func (f *File) edit(e edit) error {
	data, doc, err := apply(f.data, e)
	if err != nil {
		return at(err, Source{FromFile, f.path})
	}
	f.data, f.doc, f.edits = data, doc, append(f.edits, e)
	return nil
}

// checkTogether refuses values that [Load] would refuse beside each other.
func checkTogether(values map[string]string, key string) error {
	for _, k := range table() {
		ways := k.ways()
		if !k.Secret || !slices.Contains(ways, key) {
			continue
		}
		for _, other := range ways {
			if other != key && values[other] != "" {
				return &Error{Key: key, Reason: fmt.Sprintf("%q is set as well", other), Err: errTwice,
					Next: "run `okauth config unset " + other + "` first"}
			}
		}
	}
	if key != KeyDomain && key != KeyServer || values[KeyServer] == "" {
		return nil
	}
	d, err := ParseDomain(values[KeyDomain])
	if err == nil && d.Server != "" && d.Server != values[KeyServer] {
		return &Error{Key: key, Reason: fmt.Sprintf("the domain names the authorization server %q and server says %q", d.Server, values[KeyServer]),
			Next: "name it in one of the two: run `okauth config unset server`, or set domain to " + d.BaseURL}
	}
	return nil
}

// apply makes one edit. It first tries to change only the lines concerned, so
// that blank lines, comments and habits of style stay; where the YAML is written
// in a way that this cannot serve, the whole tree is written anew, with its
// comments. Either result is read again and must differ from the file in that
// one value alone, else nothing is changed.
func apply(data []byte, e edit) ([]byte, *document, error) {
	before, root, err := parse(data)
	if err != nil {
		return nil, nil, err
	}
	want := before.with(e)
	if want.equal(before) {
		return data, before, nil
	}
	if out, ok := splice(data, root, e); ok {
		if after, _, err := parse(out); err == nil && after.equal(want) {
			return out, after, nil
		}
	}
	// Parsed again: splice must not be trusted to leave the tree as it was.
	if _, root, err = parse(data); err != nil {
		return nil, nil, err
	}
	out, err := rewrite(root, e)
	if err == nil {
		if bytes.Contains(data, []byte("\r\n")) {
			out = bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))
		}
		if after, _, err := parse(out); err == nil && after.equal(want) && len(out) <= maxConfig {
			return out, after, nil
		}
	}
	return nil, nil, &Error{Key: e.key, Reason: "changing it would change other values too: the file shares parts of itself through anchors, or is written in a way that okauth cannot edit",
		Next: "edit the file by hand; `okauth config path` says where it is"}
}

// with returns the document as it should be after the edit.
func (d *document) with(e edit) *document {
	next := &document{current: d.current, profiles: maps.Clone(d.profiles)}
	if e.profile == "" {
		next.current = e.value
		return next
	}
	values := maps.Clone(d.profiles[e.profile])
	if values == nil {
		values = make(map[string]string)
	}
	if values[e.key] = e.value; e.remove {
		delete(values, e.key)
	}
	next.profiles[e.profile] = values
	return next
}

func (d *document) equal(other *document) bool {
	return d.current == other.current && maps.EqualFunc(d.profiles, other.profiles, maps.Equal[map[string]string])
}
