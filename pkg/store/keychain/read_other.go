//go:build !linux

package keychain

import (
	"context"
	"errors"
)

// readDirect exists on Linux.
func readDirect(context.Context, string) ([]byte, error) { return nil, errors.ErrUnsupported }
