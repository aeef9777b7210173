//go:build !darwin && !windows && !linux && !netbsd && !openbsd && !(dragonfly && cgo) && !(freebsd && cgo)

package keychain

import (
	"context"

	"github.com/zalando/go-keyring"

	"okauth/pkg/store"
)

// precheck reports that go-keyring has no keychain for this system.
func precheck(context.Context) error { return keyring.ErrUnsupportedPlatform }

func classify(err error) (store.ErrorKind, error) { return store.Failed, err }
