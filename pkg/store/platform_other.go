//go:build !darwin && !windows && !linux && !netbsd && !openbsd && !(dragonfly && cgo) && !(freebsd && cgo)

package store

import (
	"context"

	"github.com/zalando/go-keyring"
)

// precheck says that go-keyring was built without a keychain for this system.
func precheck(context.Context) error { return &kindError{Unavailable, keyring.ErrUnsupportedPlatform} }

// vanished is for keychains that search and read in two steps.
func vanished(error) bool { return false }

func classify(err error) (ErrorKind, error) { return Failed, err }
