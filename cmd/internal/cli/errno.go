package cli

import (
	"errors"
	"slices"
	"syscall"
)

// isErrno reports whether err is, or wraps, the error of the system that POSIX calls name.
func isErrno(err error, name syscall.Errno) bool {
	return errors.Is(err, name) ||
		slices.ContainsFunc(errnosFor(name), func(e syscall.Errno) bool { return errors.Is(err, e) })
}
