package store

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// precheck has nothing to ask: Windows always has a Credential Manager, and it has no lock of its own.
func precheck(context.Context) error { return nil }

// vanished is for keychains that search and read in two steps.
func vanished(error) bool { return false }

// classify reads the error of CredRead, CredWrite or CredDelete.
// https://learn.microsoft.com/en-us/windows/win32/api/wincred/nf-wincred-credwritew
func classify(err error) (ErrorKind, error) {
	var code syscall.Errno
	if !errors.As(err, &code) {
		return Failed, err
	}
	switch code {
	case 1312: // ERROR_NO_SUCH_LOGON_SESSION: a network logon
		return Unavailable, fmt.Errorf("this logon session has no Credential Manager: %w", err)
	case 1223: // ERROR_CANCELLED
		return Denied, err
	default:
		return Failed, err
	}
}
