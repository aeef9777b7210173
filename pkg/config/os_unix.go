//go:build !windows

package config

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// noFollow refuses a lock file that somebody made a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// permissions returns the permission bits that the system enforces.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

// ownedByUs reports whether the file belongs to the user this process acts as.
func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}

// shell prepares a command line for the user's shell. It stays in our process
// group: in one of its own it would be a background job, and a pinentry that
// asks on the terminal would be stopped there instead of answered.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "sh", "-c", line)
}

// syncDir makes a rename in dir survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
