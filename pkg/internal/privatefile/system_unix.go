//go:build !windows

package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// OpenFlags make it an error to open a symbolic link, keep the file from child processes, and let the open of a named
// pipe return at once.
const OpenFlags = syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK

// Permissions returns the permission bits that the system enforces.
func Permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

// CheckOwner returns an error, not an *Error, unless the file or directory belongs to the effective user, grants no
// rights to others and, if it is a file, has no second name.
func CheckOwner(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the system does not name its owner")
	}
	if owner := int(stat.Uid); owner != os.Geteuid() {
		return &OwnerError{Path: path, Owner: owner}
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("its mode is %04o, which gives rights to group or others", perm)
	}
	// A second name may be in a directory of others. A file without a name was replaced after it was opened.
	if info.Mode().IsRegular() && stat.Nlink > 1 {
		return fmt.Errorf("it is linked under %d names", stat.Nlink)
	}
	return nil
}

// ownerOf returns the user to whom a file belongs.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// checkWritable asks for the right to add an entry to a directory. It also knows read-only file systems.
func checkWritable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }

func openFile(path string, flag int) (*os.File, error) {
	return os.OpenFile(path, flag|OpenFlags, 0o600)
}

// OpenShared opens a file for reading, which others can replace meanwhile. It follows links, and does not wait for the
// writer of a named pipe.
func OpenShared(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func renameFile(from, to string) error { return os.Rename(from, to) }

// SyncDir makes a rename or a removal in the directory survive a power failure.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err == nil {
		err = d.Sync()
		if closeErr := d.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return fail("flush", dir, err)
	}
	return nil
}
