// Package store keeps sessions, client secrets and clients' private keys.
//
// [Sessions], [ClientSecrets] and [ClientKeys] say what is stored: a versioned JSON value per identity or client. A
// [Backend] says where: package keychain in the keychain of the operating system, sealed in encrypted files, redis on a
// server that many machines share, memory in this process, [None] nowhere. Package filelock has the locks that let the
// processes of a user change a session one at a time; those of package redis are on the server.
//
// Callers tell four outcomes apart: nothing is stored ([ErrNotFound]); there is no store ([Unavailable]); there is one
// that cannot be used now ([Locked], [TimedOut], [Unreachable], [Denied]); the stored value cannot be trusted
// ([Corrupt], [UnsupportedVersion]). A timeout never means that nothing is stored: the secret may be there.
package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrNotFound says that no value has that name. It is returned bare or wrapped, never in an [*Error].
var ErrNotFound = errors.New("nothing is stored under that name")

// Backend stores small values under names. [CheckItem] says which names and values are possible.
//
// Get returns [ErrNotFound] for a name that has no value; Delete of such a name succeeds. Every other error is an
// [*Error]; it wraps the context's error if the context ended.
type Backend interface {
	Get(ctx context.Context, account string) ([]byte, error)
	Set(ctx context.Context, account string, value []byte) error
	Delete(ctx context.Context, account string) error
}

// lister is a Backend that can list the names of its values.
type lister interface {
	List(ctx context.Context) ([]string, error)
}

// Locker gives locks that one process at a time can hold.
type Locker interface {
	// Acquire waits for the lock of that name. The error is an [*Error], of kind LockTimeout if another process does
	// not release the lock in time.
	Acquire(ctx context.Context, name string) (Lock, error)
	// Revoke tells the holder of a lock, if there is one, that it must no longer change what the lock protects.
	Revoke(name string) error
}

// Lock is a lock that is held.
type Lock interface {
	// Release releases the lock. It may be called twice.
	Release()
	// Revoked reports whether Revoke was called since the lock was acquired.
	Revoked() bool
}

// MaxValue is the size of the largest value that is stored, in bytes. Keychains without a limit of their own become
// slow beyond some 100 KiB, and sessions are far smaller.
const MaxValue = 1 << 20

// CheckItem returns an error for a name or value that some backend would change, misunderstand or execute: names are
// made of [A-Za-z0-9_.-], values of printable ASCII (0x20 to 0x7E), and neither is empty.
func CheckItem(account string, value []byte) error {
	if err := CheckAccount(account); err != nil {
		return err
	}
	if len(value) == 0 {
		return errors.New("the value is empty")
	}
	if !isASCII(value) {
		return errors.New("the value has bytes other than printable ASCII")
	}
	return nil
}

// CheckAccount is [CheckItem] for the name alone.
func CheckAccount(account string) error {
	if !IsAccount(account) {
		return fmt.Errorf("account name %q has characters other than A-Z a-z 0-9 _ . -", account)
	}
	return nil
}

// IsAccount reports whether s can name a value or a lock.
func IsAccount(s string) bool {
	const valid = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return s != "" && len(s) <= 256 && strings.Trim(s, valid) == ""
}

func isASCII(value []byte) bool {
	for _, c := range value {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// None is a Backend that stores nothing: every Get returns [ErrNotFound], every Set an [*Error] of kind Unavailable.
type None struct{}

// Get returns [ErrNotFound].
func (None) Get(context.Context, string) ([]byte, error) { return nil, ErrNotFound }

// Set returns an [*Error].
func (None) Set(_ context.Context, account string, _ []byte) error {
	return &Error{Unavailable, "store " + strconv.Quote(account), errors.New("storage is switched off")}
}

// Delete succeeds: there is nothing to delete.
func (None) Delete(context.Context, string) error { return nil }

// List returns no names.
func (None) List(context.Context) ([]string, error) { return nil, nil }
