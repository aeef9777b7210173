package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"okauth/pkg/internal/privatefile"
)

// ErrorKind says what is wrong with a store, as far as callers act on it.
type ErrorKind int

// The kinds of an [*Error].
const (
	Failed             ErrorKind = iota // anything else
	Unavailable                         // there is no store: nothing is stored, and nothing can be
	Locked                              // the keychain is locked with its own password
	TimedOut                            // no answer in time; a read value may exist, a write may still happen
	Denied                              // the user, or the system for the user, refused access
	TooBig                              // the value does not fit
	Corrupt                             // okauth did not write the stored value; it is not returned
	UnsupportedVersion                  // a later okauth wrote the stored value; it is left unchanged
	NotPersisted                        // the store confirmed a write and did not keep the value
	LockTimeout                         // another process held the lock for longer than the caller waits
	Unsafe                              // others can change the file or directory, or it is none; it is not used
	WrongKey                            // the file was sealed with another key; it is left unchanged
)

// String returns the kind's name: "lock_timeout".
func (k ErrorKind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "failed"
}

var kindNames = map[ErrorKind]string{
	Unavailable:        "unavailable",
	Locked:             "locked",
	TimedOut:           "timed_out",
	Denied:             "denied",
	TooBig:             "too_big",
	Corrupt:            "corrupt",
	UnsupportedVersion: "unsupported_version",
	NotPersisted:       "not_persisted",
	LockTimeout:        "lock_timeout",
	Unsafe:             "unsafe",
	WrongKey:           "wrong_key",
}

// Error is a failure of a store. Callers branch on Kind: Unavailable may mean that nothing is stored, Corrupt and
// UnsupportedVersion concern one item only; all others end the command. Err is never nil and never holds a secret.
type Error struct {
	Kind ErrorKind
	Op   string // what failed: `read "dev-0123abcd" from the keychain`
	Err  error  // why
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Err.Error()
	}
	return e.Op + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NewError returns an [*Error]. With op "" it is for [WithOp] to complete.
func NewError(kind ErrorKind, op string, err error) error { return &Error{kind, op, err} }

// WithOp returns err as an [*Error] that says what failed. nil and [ErrNotFound] stay what they are, and so does an
// *Error that has an Op.
func WithOp(op string, err error) error {
	var e *Error
	switch {
	case err == nil, errors.Is(err, ErrNotFound):
		return err
	case errors.As(err, &e) && e.Op != "":
		return err
	case e != nil:
		return &Error{e.Kind, op, err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{TimedOut, op, err}
	}
	return &Error{Failed, op, err}
}

// FileError returns an error of package privatefile as an [*Error]. nil stays nil.
func FileError(err error) error {
	var e *privatefile.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return &Error{Kind: Failed, Err: err}
	case e.Unsafe:
		return &Error{Unsafe, e.Op + " " + strconv.Quote(e.Path), e.Err}
	}
	return &Error{Failed, e.Op + " " + strconv.Quote(e.Path), e.Err}
}

// CorruptError returns an [*Error] of kind Corrupt for [WithOp] to complete. text never quotes the value.
func CorruptError(text string) error {
	return &Error{Kind: Corrupt, Err: errors.New("the stored value is corrupt: " + text)}
}

// NewerError returns an [*Error] of kind UnsupportedVersion for [WithOp] to complete.
func NewerError(version, known uint64) error {
	err := fmt.Errorf("the stored value has format %d, and this okauth knows formats up to %d", version, known)
	return &Error{Kind: UnsupportedVersion, Err: err}
}

func isKind(err error, kind ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
