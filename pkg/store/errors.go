package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/internal/safetext"
)

// ErrorKind says what is wrong with a store, as far as callers act on it.
type ErrorKind string

// The kinds of an [*Error].
const (
	Failed             ErrorKind = "failed"              // anything else
	Unavailable        ErrorKind = "unavailable"         // there is no store: nothing is stored, and nothing can be
	Locked             ErrorKind = "locked"              // the keychain is locked with its own password
	TimedOut           ErrorKind = "timed_out"           // no answer: a value may be there, a write may still happen
	Denied             ErrorKind = "denied"              // the user, or the system for the user, refused access
	TooBig             ErrorKind = "too_big"             // the value does not fit
	Corrupt            ErrorKind = "corrupt"             // okauth did not write the value; it is not returned
	UnsupportedVersion ErrorKind = "unsupported_version" // a later okauth wrote the value; it is left unchanged
	NotPersisted       ErrorKind = "not_persisted"       // the store confirmed a write and did not keep the value
	LockTimeout        ErrorKind = "lock_timeout"        // another process held the lock for too long
	Unsafe             ErrorKind = "unsafe"              // others can change the file or directory; it is not used
	WrongKey           ErrorKind = "wrong_key"           // the value was sealed with another key; it is left unchanged
	Unreachable        ErrorKind = "unreachable"         // the server of the store is away: what it holds is not known
	LostLock           ErrorKind = "lost_lock"           // the lock is another process's by now; nothing was written
)

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
// *Error that has an Op. An error of package privatefile names its own operation.
func WithOp(op string, err error) error {
	e, known := errors.AsType[*Error](err)
	file, isFile := errors.AsType[*privatefile.Error](err)
	switch {
	case err == nil, errors.Is(err, ErrNotFound), known && e.Op != "":
		return err
	case known:
		return &Error{e.Kind, op, err}
	case isFile && file.Unsafe:
		return &Error{Unsafe, file.Op + " " + strconv.Quote(file.Path), file.Err}
	case isFile:
		return &Error{Failed, file.Op + " " + strconv.Quote(file.Path), file.Err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{TimedOut, op, err}
	}
	return &Error{Failed, op, err}
}

// CorruptError returns an [*Error] of kind Corrupt for [WithOp] to complete. text never quotes the value.
func CorruptError(text string) error {
	return &Error{Kind: Corrupt, Err: errors.New("the stored value is corrupt: " + text)}
}

// WaitError returns the error of a wait for a lock that ended after limit, or with err, which is that of the context:
// of kind LockTimeout if the time was over, else Failed.
func WaitError(op string, limit time.Duration, err error) error {
	switch {
	case err == nil:
		err = fmt.Errorf("another process holds it, and did not release it in %s", safetext.Duration(limit))
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("wait for another process: %w", err)
	default:
		return &Error{Failed, op, err}
	}
	return &Error{LockTimeout, op, err}
}

// SizeError returns an [*Error] of kind TooBig for [WithOp] to complete.
func SizeError(size, limit int) error {
	return &Error{Kind: TooBig, Err: fmt.Errorf("the value has %d bytes, expected at most %d", size, limit)}
}

// NewerError returns an [*Error] of kind UnsupportedVersion for [WithOp] to complete.
func NewerError(version, known uint64) error {
	err := fmt.Errorf("the stored value has format %d, and this okauth knows formats up to %d", version, known)
	return &Error{Kind: UnsupportedVersion, Err: err}
}

// OwnerError is in the chain of an error about a file or directory that belongs to another user. It has the Path and
// the user ID of the Owner.
type OwnerError = privatefile.OwnerError

// IsKind reports whether err is an [*Error] of one of the kinds.
func IsKind(err error, kinds ...ErrorKind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(kinds, e.Kind)
}
