//go:build !windows

package profile

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// permissions returns the permission bits that the system enforces.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }

// ownedByUs reports whether the file belongs to the user this process acts as.
func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}

// shell prepares a command line for the user's shell. It runs in a process
// group of its own, so that what it started dies with it.
func shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
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
