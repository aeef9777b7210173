//go:build !linux && !netbsd && !openbsd && !(dragonfly && cgo) && !(freebsd && cgo)

package store

import (
	"context"

	"github.com/zalando/go-keyring"
)

// readItem returns the value of the item that go-keyring keeps under account, or go-keyring's ErrNotFound.
func readItem(_ context.Context, account string) ([]byte, error) {
	value, err := keyring.Get(service, account)
	return []byte(value), err
}
