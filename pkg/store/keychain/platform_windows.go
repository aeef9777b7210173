package keychain

import (
	"errors"
	"fmt"
	"syscall"

	"okauth/pkg/store"
)

// classify reads the error of CredRead, CredWrite or CredDelete.
// https://learn.microsoft.com/en-us/windows/win32/api/wincred/nf-wincred-credwritew
func classify(err error) (store.ErrorKind, error) {
	code, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return store.Failed, err
	}
	switch code {
	case 1312: // ERROR_NO_SUCH_LOGON_SESSION: a network logon
		return store.Unavailable, fmt.Errorf("this logon session has no Credential Manager: %w", err)
	case 1223: // ERROR_CANCELLED
		return store.Denied, err
	}
	return store.Failed, err
}
