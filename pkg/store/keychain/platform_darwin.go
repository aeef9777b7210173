package keychain

import (
	"errors"
	"fmt"
	"os/exec"

	"okauth/pkg/store"
)

// classify reads the exit code of /usr/bin/security, which is the low byte of the OSStatus.
// https://developer.apple.com/documentation/security/security-framework-result-codes
func classify(err error) (store.ErrorKind, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return store.Failed, err
	}
	switch exit.ExitCode() {
	case 36: // errSecInteractionNotAllowed, -25308: locked, and no one to ask
		return store.Locked, fmt.Errorf("the keychain is locked: %w", err)
	case 37: // errSecNoDefaultKeychain, -25307
		return store.Unavailable, fmt.Errorf("there is no default keychain: %w", err)
	case 51, 128: // errSecAuthFailed, -25293; errSecUserCanceled, -128
		return store.Denied, fmt.Errorf("the keychain refused: %w", err)
	}
	return store.Failed, fmt.Errorf("/usr/bin/security: %w", err)
}
