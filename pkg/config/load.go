package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// DefaultProfile is the profile that is used where none is named.
const DefaultProfile = "default"

const nameRule = "expected lower-case letters, digits, - and _, beginning with a letter or a digit, at most 64"

// Options is where settings may come from. The zero value reads the process's
// environment and the user's configuration file.
type Options struct {
	Flags         map[string]string // flags that were set, by the name of the setting
	Profile       string            // --profile, empty if not set
	ConfigFile    string            // --config, empty if not set
	LookupEnv     func(string) (string, bool)
	Environ       func() []string // what a secret's command inherits
	UserConfigDir func() (string, error)
	Stderr        io.Writer // where a secret's command may complain; nil: nowhere
}

func (o Options) withDefaults() Options {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Environ == nil {
		o.Environ = os.Environ
	}
	if o.UserConfigDir == nil {
		o.UserConfigDir = os.UserConfigDir
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	return o
}

// env returns a variable; one that is set to nothing counts as not set.
func (o Options) env(name string) (string, bool) {
	text, ok := o.LookupEnv(name)
	return text, ok && text != ""
}

// ConfigPath returns where the configuration file is or would be: --config,
// OKAUTH_CONFIG, $XDG_CONFIG_HOME/okauth/config.yaml, else the user's
// configuration directory. The working directory is never searched: a file put
// there could send the password elsewhere. The error, an *Error, means that
// there is no such place; a relative XDG_CONFIG_HOME is one.
func ConfigPath(o Options) (string, error) {
	o = o.withDefaults()
	if o.ConfigFile != "" {
		return o.ConfigFile, nil
	}
	if path, ok := o.env("OKAUTH_CONFIG"); ok {
		return path, nil
	}
	// https://specifications.freedesktop.org/basedir-spec/latest/: "All paths
	// set in these environment variables must be absolute."
	dir, ok := o.env("XDG_CONFIG_HOME")
	if ok && !filepath.IsAbs(dir) {
		return "", &Error{Reason: "find the configuration directory: XDG_CONFIG_HOME is not an absolute path", Next: "mend XDG_CONFIG_HOME, or name the file with --config or OKAUTH_CONFIG"}
	}
	if !ok {
		var err error
		if dir, err = o.UserConfigDir(); err != nil || !filepath.IsAbs(dir) {
			return "", &Error{Reason: "find the configuration directory", Err: err, Next: "set HOME, or name the file with --config or OKAUTH_CONFIG"}
		}
	}
	return filepath.Join(dir, "okauth", "config.yaml"), nil
}

// Locate returns the configuration file and the name of the profile that
// commands which edit the file work on. Neither has to exist yet, and no value
// is judged, so that a wrong one can be mended. The error is an *Error.
func Locate(o Options) (path, profile string, err error) {
	o = o.withDefaults()
	if path, err = ConfigPath(o); err != nil {
		return "", "", err
	}
	doc := &document{}
	if o.Profile == "" {
		if doc, err = readDocument(path); err != nil && !isMissing(err) {
			return path, "", err
		}
	}
	profile, _, err = o.profileName(doc)
	return path, profile, err
}

// Load reads the settings. Missing ones are no error here, see
// [Settings.Require]; wrong ones are, and so are a file that cannot be used and
// a named profile that the file does not have. Every error is an *Error.
func Load(o Options) (*Settings, error) {
	o = o.withDefaults()
	path, err := ConfigPath(o)
	if err != nil {
		path = "" // no home, no file: flags and environment may do
	}
	v, err := open(path)
	if err != nil && (!isMissing(err) || o.ConfigFile != "") {
		return nil, err
	}
	doc := &document{profiles: map[string]map[string]string{}}
	if v != nil {
		doc.current = v.GetString("profile")
		for name := range v.GetStringMap("profiles") {
			doc.profiles[name] = v.GetStringMapString("profiles." + name)
		}
	}
	name, from, err := o.profileName(doc)
	if err != nil {
		return nil, at(err, Source{FromFile, path})
	}
	if _, ok := doc.profiles[name]; !ok && v != nil && from.Kind > FromDefault && name != DefaultProfile {
		return nil, noProfile(name, from, names(doc.profiles))
	}
	s := &Settings{o: o, path: path, profile: name, profileSource: from, names: names(doc.profiles), file: doc.profiles[name]}
	for _, values := range doc.profiles {
		if values[KeyClientSecret] != "" {
			if err := checkPrivate(path); err != nil {
				return nil, err
			}
			break
		}
	}
	if err := s.resolve(); err != nil {
		return nil, err
	}
	return s, nil
}

// open lets Viper read the file at path. The error is fs.ErrNotExist where
// there is no file, and Viper is nil then.
func open(path string) (*viper.Viper, error) {
	if path == "" {
		return nil, os.ErrNotExist
	}
	data, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	v := viper.NewWithOptions(viper.WithDecoderRegistry(strict{}))
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(data)); err != nil {
		var e *Error
		if errors.As(err, &e) {
			err = e // without Viper's words around it
		}
		return nil, at(err, Source{FromFile, path})
	}
	return v, nil
}

// strict is the decoder that Viper reads the file with: the same that judges
// what the editor writes.
type strict struct{}

// Decoder returns itself: a configuration is YAML, whatever its name.
func (strict) Decoder(string) (viper.Decoder, error) { return strict{}, nil }

// Decode fills m with the profiles; the error is an *Error.
func (strict) Decode(data []byte, m map[string]any) error {
	doc, _, err := parse(data)
	if err != nil {
		return err
	}
	profiles := make(map[string]any, len(doc.profiles))
	for name, values := range doc.profiles {
		body := make(map[string]any, len(values))
		for key, text := range values {
			body[key] = text
		}
		profiles[name] = body
	}
	m["profile"], m["profiles"] = doc.current, profiles
	return nil
}

func readDocument(path string) (*document, error) {
	data, err := readConfig(path)
	if err != nil {
		return &document{}, err
	}
	doc, _, err := parse(data)
	return doc, at(err, Source{FromFile, path})
}

// profileName picks the profile: flag, environment, file, default.
func (o Options) profileName(doc *document) (string, Source, error) {
	name, from := DefaultProfile, Source{Kind: FromDefault}
	if text, ok := o.env("OKAUTH_PROFILE"); o.Profile != "" {
		name, from = o.Profile, Source{FromFlag, "profile"}
	} else if ok {
		name, from = text, Source{FromEnv, "OKAUTH_PROFILE"}
	} else if doc.current != "" {
		path, _ := ConfigPath(o)
		name, from = doc.current, Source{FromFile, path}
	}
	err := CheckProfileName(name)
	if e, ok := err.(*Error); ok {
		e.Source = from
		if near := Suggest(name, names(doc.profiles)); near != "" {
			e.Next = fmt.Sprintf("did you mean %q?", near)
		}
	}
	return name, from, err
}

// CheckProfileName returns an *Error unless name may be the name of a profile.
func CheckProfileName(name string) error {
	if isProfileName(name) {
		return nil
	}
	return &Error{Key: "profile", Reason: shown(name) + " is not a profile name: " + nameRule}
}

func isProfileName(name string) bool {
	const first, rest = "abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz0123456789_-"
	return name != "" && len(name) <= 64 && strings.Trim(name, rest) == "" && strings.IndexByte(first, name[0]) >= 0
}

// noProfile names the profile that was meant, as far as that can be told, or
// those there are, and how to choose: where from says the choice was made.
func noProfile(name string, from Source, existing []string) error {
	err := &Error{Key: "profile", Source: from, Reason: fmt.Sprintf("there is no profile %q", name)}
	near := Suggest(name, existing)
	instead := near
	if near == "" {
		instead = "NAME"
	}
	choose := "choose with `okauth config use " + instead + "` or -p " + instead
	if from.Kind == FromEnv {
		choose = "choose with " + from.Name + "=" + instead + " or -p " + instead
	}
	switch {
	case near != "":
		err.Next = fmt.Sprintf("did you mean %q? The profiles are %s; %s", near, someOf(existing), choose)
	case len(existing) > 0:
		err.Next = "the profiles are " + someOf(existing) + "; " + choose + ", or make it with `okauth -p " + name + " config init`"
	default:
		err.Next = "run `okauth -p " + name + " config init` to make it"
	}
	return err
}

// someOf lists the names of profiles, of many the first few.
func someOf(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func names(profiles map[string]map[string]string) []string {
	return slices.Sorted(maps.Keys(profiles))
}
