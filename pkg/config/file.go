package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/viper"

	"okauth/pkg/internal/privatefile"
)

const maxConfig = 1 << 20 // bytes of a configuration file

// document is the content of a configuration file, every value as text. A list is joined by spaces. Keys without a
// value are left out, except those of secrets.
type document struct {
	current  string                       // the top-level "profile"
	profiles map[string]map[string]string // by the name of the profile, then of the setting
	faults   map[string]error             // what is wrong with a profile: an *Error without a source
}

func newDocument() *document {
	return &document{profiles: make(map[string]map[string]string), faults: make(map[string]error)}
}

// readDocument has Viper read a configuration file. The error is an *Error, and wraps fs.ErrNotExist if there is no
// file; the document is then empty.
func readDocument(path, home string) (*document, error) {
	doc := newDocument()
	data, err := readConfig(path, home)
	if err != nil {
		return doc, err
	}
	v := viper.NewWithOptions(viper.WithDecoderRegistry(strictYAML{}))
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(data)); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			err = e // without Viper's text
		}
		return doc, withSource(err, Source{FromFile, path})
	}
	// Not GetStringMap: Viper makes the keys of a map[string]any lower-case, and takes a dot in them for a path.
	doc.current = v.GetString("profile")
	doc.profiles, _ = v.Get("profiles").(map[string]map[string]string)
	doc.faults, _ = v.Get("faults").(map[string]error)
	return doc, nil
}

// strictYAML is the decoder that Viper uses.
type strictYAML struct{}

// Decoder returns strictYAML: a configuration file is YAML whatever its name.
func (strictYAML) Decoder(string) (viper.Decoder, error) { return strictYAML{}, nil }

// Decode puts the document into m. The error is an *Error.
func (strictYAML) Decode(data []byte, m map[string]any) error {
	doc, _, err := parse(data)
	if err != nil {
		return err
	}
	m["profile"], m["profiles"], m["faults"] = doc.current, doc.profiles, doc.faults
	return nil
}

// readConfig returns the content of a configuration file. It opens nothing but a regular file, so a named pipe cannot
// make it wait, and none that others can write to: a command in it would run, and the password would go to its domain.
// The error is an *Error, and wraps fs.ErrNotExist if there is no file.
func readConfig(path, home string) ([]byte, error) {
	fail := func(reason string, err error) error {
		return &Error{Kind: ReadFailed, Source: Source{FromFile, path}, Reason: reason, Err: privatefile.Cause(err)}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fail("open", err)
	}
	if err := checkWriters(path, home); err != nil {
		return nil, withSource(err, Source{FromFile, path})
	}
	if !info.Mode().IsRegular() {
		return nil, fail("expected a regular file, got "+privatefile.TypeName(info.Mode()), nil)
	}
	f, err := privatefile.OpenShared(path)
	if err != nil {
		return nil, fail("open", err)
	}
	defer f.Close()
	if err := writersError(privatefile.CheckOpen(f)); err != nil {
		return nil, withSource(err, Source{FromFile, path})
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fail("read", err)
	}
	if len(data) > maxConfig {
		return nil, fail(fmt.Sprintf("the file is larger than %d bytes", maxConfig), nil)
	}
	return data, nil
}

// checkWriters returns an *Error if someone but the user and root can change what is at path, or exchange it.
func checkWriters(path, home string) error { return writersError(privatefile.CheckWriters(path, home)) }

// writersError returns an *Error for one of package privatefile.
func writersError(err error) error {
	e, ok := errors.AsType[*privatefile.WritersError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return &Error{Kind: ReadFailed, Reason: "check who can write to it", Err: err}
	case e.Owner >= 0:
		return &Error{Kind: WrongOwner, Path: e.Path, Reason: e.Error()}
	}
	return &Error{Kind: Writable, Path: e.Path, Reason: e.Error()}
}

// checkPrivate returns an *Error if others can read a file that has a secret. It checks the file that a symbolic link
// leads to.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return &Error{Kind: ReadFailed, Reason: "check who can read the file", Err: privatefile.Cause(err)}
	}
	mode := privatefile.Permissions(info)
	if mode&0o077 == 0 {
		return nil
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return &Error{Kind: Exposed, Path: path,
		Reason: fmt.Sprintf("the file has a secret and its mode is %04o: others can read it", mode)}
}
