// Package config reads the settings and edits the configuration file.
//
// A setting comes from the first of four layers that has it: a flag, an environment variable, the chosen profile in the
// configuration file, a default. [Load] reads them once and returns [Settings], in which each value has its [Source].
// [Keys] is the table of settings.
//
// Viper reads the file through a strict decoder. [File] edits it as a YAML tree, so comments and the order of the keys
// survive, and nothing from a flag or the environment can get into it.
//
// A secret is a [SecretRef], which says where the secret is and reads it when asked. Nothing here prints a secret.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// DefaultProfile is the profile to use if nothing names one.
const DefaultProfile = "default"

const (
	envConfig  = "OKAUTH_CONFIG"
	envProfile = "OKAUTH_PROFILE"
	envIssuer  = "OKTA_OAUTH2_ISSUER"
)

// Options say where settings come from. The zero value means the environment of this process and the user's
// configuration file.
type Options struct {
	Flags         map[string]string       // values that override every other layer, by the name of the setting
	FlagName      func(key string) string // what errors call such a value: "flag --scope"; nil means "the caller"
	Profile       string                  // the profile to use, if not ""
	ConfigFile    string                  // the file to use, if not ""; it must exist
	LookupEnv     func(string) (string, bool)
	UserConfigDir func() (string, error)
	Stderr        io.Writer // for the error output of a command that prints a secret; nil discards it
}

func (o Options) withDefaults() Options {
	if o.FlagName == nil {
		o.FlagName = func(string) string { return "the caller" }
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.UserConfigDir == nil {
		o.UserConfigDir = os.UserConfigDir
	}
	return o
}

// env returns a variable without its last line break. An empty one counts as not set.
func (o Options) env(name string) string {
	text, _ := o.LookupEnv(name)
	return DropNewline(text)
}

// expand replaces a leading ~ by the home directory. The error is an *Error of kind NoDirectory.
func (o Options) expand(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home := o.home()
	if home == "" {
		return "", &Error{Kind: NoDirectory, Reason: quote(path) + ": the home directory is unknown"}
	}
	return filepath.Join(home, rest), nil
}

// home returns the user's home directory, or "".
func (o Options) home() string {
	if dir := o.env("HOME"); dir != "" {
		return dir
	}
	dir, _ := os.UserHomeDir()
	return dir
}

// ConfigPath returns where the configuration file is or would be: Options.ConfigFile, $OKAUTH_CONFIG,
// $XDG_CONFIG_HOME/okauth/config.yaml, or okauth/config.yaml in the user's configuration directory. It never looks in
// the working directory: a file there could send the password to another server. The error is an *Error of kind
// NoDirectory.
func ConfigPath(o Options) (string, error) {
	o = o.withDefaults()
	if path := cmp.Or(o.ConfigFile, o.env(envConfig)); path != "" {
		return o.expand(path)
	}
	const reason = "find the configuration directory"
	// "All paths set in these environment variables must be absolute."
	// https://specifications.freedesktop.org/basedir-spec/latest/
	dir := o.env("XDG_CONFIG_HOME")
	if dir != "" && !filepath.IsAbs(dir) {
		return "", &Error{Kind: NoDirectory, Reason: reason + ": XDG_CONFIG_HOME is not an absolute path"}
	}
	if dir == "" {
		var err error
		if dir, err = o.UserConfigDir(); err != nil || !filepath.IsAbs(dir) {
			return "", &Error{Kind: NoDirectory, Reason: reason, Err: err}
		}
	}
	return filepath.Join(dir, "okauth", "config.yaml"), nil
}

// StorageDir returns the directory of the sealed files of storage "file", which may not exist: the setting storage_dir,
// resolved as in [Settings.File], or the state directory of the user. The error is an *Error.
func (s *Settings) StorageDir() (string, error) {
	f := s.values[KeyStorageDir]
	path, err := s.resolvePath(KeyStorageDir)
	switch {
	case err != nil:
		return "", err
	case path == "":
		dir, err := stateDir(runtime.GOOS, s.options.env)
		if err == nil && s.options.env("SUDO_UID") != "" { // with the user's HOME, root would make directories there
			e, _ := errors.AsType[*Error](checkWriters(dir, s.options.home()))
			if e != nil && e.Kind == WrongOwner {
				return "", e
			}
		}
		return dir, err
	case !filepath.IsAbs(path):
		return "", &Error{Key: KeyStorageDir, Source: f.source,
			Reason: quote(path) + " is not absolute, expected / or ~/ first"}
	}
	return path, nil
}

// CacheDir returns the directory of the user's caches, which may not exist, or "" if the environment does not say it.
func (s *Settings) CacheDir() string { return cacheDir(runtime.GOOS, s.options.env) }

func cacheDir(goos string, env func(string) string) string {
	dir, _ := userDir(goos, func(name string) string {
		// "If an implementation encounters a relative path ... it should consider the path invalid and ignore it."
		// https://specifications.freedesktop.org/basedir-spec/latest/
		if dir := env(name); filepath.IsAbs(dir) {
			return dir
		}
		return ""
	}, "XDG_CACHE_HOME")
	return dir
}

// stateDir returns the user's directory of sealed files. A needed variable that is missing or relative is an *Error: a
// guess, or a directory that depends on the working directory, would lose sessions.
func stateDir(goos string, env func(string) string) (string, error) {
	dir, fault := userDir(goos, env, "XDG_STATE_HOME")
	if fault != "" {
		return "", &Error{Kind: NoDirectory, Key: KeyStorageDir,
			Reason: "it is not set, and the usual directory is unknown: " + fault}
	}
	return dir, nil
}

// userDir returns okauth's directory below $xdg if that is set, else where programs of the system store that sort of
// data of one user. fault says what is wrong with the variable it needs.
func userDir(goos string, env func(string) string, xdg string) (dir, fault string) {
	variable, below, onMac := "HOME", ".local/state", "Library/Application Support"
	if xdg == "XDG_CACHE_HOME" {
		below, onMac = ".cache", "Library/Caches"
	}
	switch {
	case env(xdg) != "":
		variable, below = xdg, ""
	case goos == "darwin":
		below = onMac
	case goos == "windows":
		variable, below = "LocalAppData", ""
	}
	if dir = env(variable); dir == "" {
		return "", variable + " is not set either"
	}
	if !filepath.IsAbs(dir) {
		return "", variable + " is not an absolute path"
	}
	return filepath.Join(dir, below, "okauth"), ""
}

// Load reads the settings. A missing setting is no error, see [Settings.Require]; a wrong one is, and so are a file
// that cannot be used and a named profile that the file does not have. The error is an *Error.
func Load(o Options) (*Settings, error) {
	o = o.withDefaults()
	path, err := ConfigPath(o)
	if err != nil {
		path = "" // flags and the environment may have all settings
	}
	doc, err := readDocument(path, o.home())
	exists := err == nil
	if !exists && (!isMissing(err) || o.ConfigFile != "") {
		return nil, err
	}
	name, source, err := o.profileName(doc, path)
	if err != nil {
		return nil, err
	}
	if _, ok := doc.profiles[name]; !ok && exists && source.Kind > FromDefault && name != DefaultProfile {
		return nil, unknownProfile(name, source, doc.names())
	}
	if err := doc.faults[name]; err != nil {
		return nil, withSource(err, Source{FromFile, path})
	}
	s := &Settings{options: o, path: path, profile: name, profileSource: source,
		profiles: doc.names(), file: doc.profiles[name]}
	if err := s.resolve(); err != nil {
		return nil, err
	}
	return s, nil
}

// profileName chooses the profile: flag, environment, file, default.
func (o Options) profileName(doc *document, path string) (string, Source, error) {
	name, source := DefaultProfile, Source{Kind: FromDefault}
	if text := o.env(envProfile); o.Profile != "" {
		name, source = o.Profile, Source{FromFlag, o.FlagName("profile")}
	} else if text != "" {
		name, source = text, Source{FromEnv, envProfile}
	} else if doc.current != "" {
		name, source = doc.current, Source{FromFile, path}
	}
	err := CheckProfileName(name)
	if e, ok := err.(*Error); ok {
		e.Source, e.Suggestion = source, Suggest(name, doc.names())
	}
	return name, source, err
}

const profileNameRule = "expected letters, digits, ., - and _, beginning with a letter or a digit, at most 64"

// CheckProfileName returns an *Error unless name can be the name of a profile.
func CheckProfileName(name string) error {
	if isProfileName(name) {
		return nil
	}
	return &Error{Key: "profile", Reason: quote(name) + " is not a profile name: " + profileNameRule}
}

func isProfileName(name string) bool {
	const first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return name != "" && len(name) <= 64 && strings.Trim(name, first+"._-") == "" && strings.IndexByte(first, name[0]) >= 0
}

func unknownProfile(name string, source Source, existing []string) error {
	return &Error{Kind: UnknownProfile, Key: "profile", Source: source, Profile: name, Profiles: existing,
		Reason: fmt.Sprintf("there is no profile %q", name), Suggestion: Suggest(name, existing)}
}

// names returns the names of the profiles, sorted.
func (d *document) names() []string { return slices.Sorted(maps.Keys(d.profiles)) }

// isMissing reports whether err says that there is no such file.
func isMissing(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
