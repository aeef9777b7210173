package store

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// precheck has nothing to ask: macOS always has a keychain, and asking whether it is locked costs a process.
func precheck(context.Context) error { return nil }

// vanished is for keychains that search and read in two steps.
func vanished(error) bool { return false }

// classify reads the exit code of /usr/bin/security, which is the low byte of the OSStatus.
// https://developer.apple.com/documentation/security/security-framework-result-codes
func classify(err error) (ErrorKind, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return Failed, err
	}
	switch exit.ExitCode() {
	case 36: // errSecInteractionNotAllowed, -25308: locked, and no one there to ask
		return Locked, fmt.Errorf("the keychain is locked: %w", err)
	case 37: // errSecNoDefaultKeychain, -25307
		return Unavailable, fmt.Errorf("there is no default keychain: %w", err)
	case 51, 128: // errSecAuthFailed, -25293; errSecUserCanceled, -128
		return Denied, fmt.Errorf("the keychain refused: %w", err)
	default:
		return Failed, fmt.Errorf("/usr/bin/security: %w", err)
	}
}
