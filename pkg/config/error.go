package config

import (
	"errors"
	"fmt"

	"okauth/pkg/internal/safetext"
)

// SourceKind is a layer of settings. A greater kind overrides a smaller one.
type SourceKind int

// The layers, weakest first.
const (
	Unset SourceKind = iota
	FromDefault
	FromFile
	FromEnv
	FromFlag
)

// Source says where a value came from. Name is the path of the file, the variable, or what Options.FlagName returns.
type Source struct {
	Kind SourceKind
	Name string
}

// String describes the source: "flag --scope", "OKAUTH_DOMAIN", "/home/a/config.yaml", "default" or "not set".
func (s Source) String() string {
	switch s.Kind {
	case Unset:
		return "not set"
	case FromDefault:
		return "default"
	}
	return s.Name
}

// ErrorKind says what is wrong, for callers that advise the user.
type ErrorKind int

// The kinds of an [*Error].
const (
	Invalid        ErrorKind = iota // the setting cannot have this value
	Empty                           // the value is empty
	Missing                         // the setting is required and not set
	UnknownKey                      // there is no setting of that name
	UnknownProfile                  // the file has no profile of that name
	NotInFile                       // the setting is a secret that the file never holds
	Conflict                        // Key and Other exclude each other
	Syntax                          // the file is not the YAML of a configuration
	NotEditable                     // the edit would change other values too
	NoDirectory                     // the environment does not say which directory to use
	WrongOwner                      // Path belongs to another user, who can change it
	Exposed                         // others can read Path
	Writable                        // others can write to Path
	CommandFailed                   // the command that prints a secret did not succeed
	ReadFailed                      // a file cannot be read
	Withheld                        // the variable of a secret was not passed on to this process
	WriteFailed                     // the configuration file cannot be written
)

// Error is a setting that is missing or wrong, or a configuration file that cannot be used. The user has to change
// something before the next try. It never holds the value of a secret.
type Error struct {
	Kind       ErrorKind
	Key        string   // the setting, or "" if the whole file is wrong
	Source     Source   // where the value came from, if known
	Line       int      // of the file, if a key there is the fault; 0 otherwise
	Reason     string   // what is wrong
	Suggestion string   // the name or value that was probably meant, may be empty
	Other      string   // for Conflict: the other setting
	Path       string   // for WrongOwner, Exposed and Writable: the file or directory
	Profile    string   // for Missing and UnknownProfile: the profile that was meant
	Profiles   []string // for Missing and UnknownProfile: the profiles to choose from
	Err        error    // the cause, may be nil
}

func (e *Error) Error() string {
	text := e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	switch {
	case e.Key != "" && e.Source.Kind >= FromFile:
		return fmt.Sprintf("setting %q from %s: %s", e.Key, e.Source, text)
	case e.Key != "":
		return fmt.Sprintf("setting %q: %s", e.Key, text)
	case e.Source.Kind == FromFile:
		return fmt.Sprintf("configuration %q: %s", e.Source.Name, text)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// withSource returns err with the source filled in, if it is an *Error without one.
func withSource(err error, s Source) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Source.Kind == Unset {
		located := *e
		located.Source = s
		return &located
	}
	return err
}

// quote returns foreign text in quotes. It must not be given a secret.
func quote(text string) string { return safetext.Quote(text, 80) }
