package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/viper"

	"okauth/pkg/internal/privatefile"
)

const maxConfig = 1 << 20 // bytes of a configuration file

// document is the content of a configuration file, every value as text. A list is joined by spaces. Keys without a
// value are left out.
type document struct {
	current  string                       // the top-level "profile"
	profiles map[string]map[string]string // by the name of the profile, then of the setting
}

// readDocument has Viper read a configuration file. The error is an *Error, and wraps fs.ErrNotExist if there is no
// file; the document is then empty.
func readDocument(path string) (*document, error) {
	doc := &document{profiles: make(map[string]map[string]string)}
	data, err := readConfig(path)
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
	doc.current = v.GetString("profile")
	for name := range v.GetStringMap("profiles") {
		doc.profiles[name] = v.GetStringMapString("profiles." + name)
	}
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
	profiles := make(map[string]any)
	for name, values := range doc.profiles {
		profiles[name] = values
	}
	m["profile"], m["profiles"] = doc.current, profiles
	return nil
}

// readConfig returns the content of a configuration file. It opens nothing but a regular file, so a named pipe cannot
// make it wait. The error is an *Error, and wraps fs.ErrNotExist if there is no file.
func readConfig(path string) ([]byte, error) {
	fail := func(reason string, err error) error {
		return &Error{Kind: ReadFailed, Source: Source{FromFile, path}, Reason: reason, Err: privatefile.Cause(err)}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fail("open", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fail("expected a regular file, got "+privatefile.TypeName(info.Mode()), nil)
	}
	// O_NONBLOCK: the file may have been replaced.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fail("open", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fail("read", err)
	}
	if len(data) > maxConfig {
		return nil, fail(fmt.Sprintf("the file is larger than %d bytes", maxConfig), nil)
	}
	return data, nil
}

// checkPrivate returns an *Error if others can read or replace a file with a client secret. It checks the file that a
// symbolic link leads to, and the directory of that file.
func checkPrivate(path string) error {
	wrong := func(kind ErrorKind, at, reason string) error {
		return &Error{Kind: kind, Key: KeyClientSecret, Source: Source{FromFile, path}, Path: at, Reason: reason}
	}
	var file, dir fs.FileInfo
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		file, err = os.Stat(target)
	}
	if err == nil {
		dir, err = os.Stat(filepath.Dir(target))
	}
	if err != nil {
		return wrong(ReadFailed, target, "check who can read the file: "+privatefile.Cause(err).Error())
	}
	switch mode := privatefile.Permissions(file); {
	case !privatefile.IsOwner(file):
		return wrong(WrongOwner, target, "the file has a secret and belongs to another user")
	case mode&0o077 != 0:
		return wrong(Exposed, target, fmt.Sprintf("the file has a secret and its mode is %04o: others can read it",
			mode))
	case privatefile.Permissions(dir)&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0:
		return wrong(WorldWritable, filepath.Dir(target),
			"the file has a secret and everybody can replace files in its directory")
	}
	return nil
}
