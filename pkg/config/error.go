package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"unicode/utf8"
)

// SourceKind is a layer. A greater kind wins over a smaller one.
type SourceKind int

// The layers, weakest first.
const (
	Unset SourceKind = iota
	FromDefault
	FromFile
	FromEnv
	FromFlag
)

// Source says where a value came from. Name is the flag without dashes, the
// environment variable, or the path of the file; it is empty for a default.
type Source struct {
	Kind SourceKind
	Name string
}

// String names the source for people: "flag --scope", "OKAUTH_DOMAIN",
// "/home/a/.config/okauth/config.yaml", "default" or "not set".
func (s Source) String() string {
	switch s.Kind {
	case FromFlag:
		return "flag --" + s.Name
	case FromEnv, FromFile:
		return s.Name
	case FromDefault:
		return "default"
	}
	return "not set"
}

// Error is a setting that is missing or wrong, or a configuration file that
// cannot be used. A command that gets one ends with the usage exit code: the
// user has to change something before trying again. It never holds the value
// of a secret.
type Error struct {
	Key    string // the setting, or empty where the whole file is at fault
	Source Source // where the value came from, as far as known
	Reason string // what is wrong
	Next   string // what to do about it: one sentence, may be empty
	Err    error  // the cause, may be nil
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

// Hint returns what the user should do next, or an empty string.
func (e *Error) Hint() string { return e.Next }

// at returns err with the source filled in, when it is an *Error without one.
func at(err error, s Source) error {
	var e *Error
	if errors.As(err, &e) && e.Source.Kind == Unset {
		located := *e
		located.Source = s
		return &located
	}
	return err
}

// cause drops the path that package os puts into its errors: ours name it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// shown quotes foreign text for an error: ASCII, one line, at most 80 runes.
// It must not be given a secret.
func shown(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "..."
	}
	return strconv.QuoteToASCII(text)
}
