//go:build !windows

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// privateFlags: a link in the place of the file is an error, no child inherits the file, and the open of a named pipe returns.
const privateFlags = syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK

// ours says why the file or directory is not the effective user's alone. The effective one, because that is who opens it.
func ours(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the system does not say whose it is")
	}
	if owner := int(stat.Uid); owner != os.Geteuid() {
		return fmt.Errorf("it belongs to uid %d, not to uid %d", owner, os.Geteuid())
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("its mode is %04o, which gives rights to group or others", perm)
	}
	// A second name may lie where others can reach it. None at all is that of a file that was replaced while it was opened.
	if info.Mode().IsRegular() && stat.Nlink > 1 {
		return fmt.Errorf("it is linked under %d names", stat.Nlink)
	}
	return nil
}

// rename takes the place of what is there at once, whoever reads it.
func rename(from, to string) error { return os.Rename(from, to) }
