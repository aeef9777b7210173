package cli

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"okauth/pkg/output"
	"okauth/pkg/store"
)

// fileCode returns the exit code of a file that cannot be written: another path helps, or another state of the disk.
func fileCode(e *output.FileError) int {
	if e.Unsafe || noDirectory(e) {
		return ExitUsage
	}
	return ExitStorage
}

func noDirectory(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// fileAdvice says what the user can do about a file that cannot be written.
func fileAdvice(e *output.FileError) string {
	const elsewhere = "name a file in a directory of yours, such as one under $XDG_RUNTIME_DIR"
	info, err := os.Stat(e.Path)
	switch {
	case Is[*store.OwnerError](e), err == nil && info.Mode()&fs.ModeSticky != 0: // such as /tmp
		return elsewhere
	case e.Unsafe && e.Op == "write":
		return "name a regular file or a new one: okauth replaces the file, and follows no link"
	case e.Unsafe:
		return "run `chmod go-w " + ShellQuote(e.Path) + "`, or name a file in another directory"
	case errors.Is(e, syscall.ENOTDIR):
		return elsewhere
	case noDirectory(e):
		return "make it: mkdir -p -m 700 " + ShellQuote(e.Path)
	case isErrno(e, syscall.ENOSPC), isErrno(e, syscall.EDQUOT):
		return "free some space there, then try again"
	case isErrno(e, syscall.EROFS), errors.Is(e, fs.ErrPermission):
		return elsewhere
	}
	return ""
}
