//go:build !linux

package store

import (
	"context"
	"errors"
)

// readAtOnce is for Linux.
func readAtOnce(context.Context, string) ([]byte, error) { return nil, errors.ErrUnsupported }
