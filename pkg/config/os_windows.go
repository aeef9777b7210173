package config

import (
	"context"
	"io/fs"
	"os/exec"
	"syscall"
)

// noFollow has no equal here.
const noFollow = 0

// permissions returns no bits: Windows keeps access lists instead, and the
// user's configuration directory is private by inheritance.
func permissions(fs.FileInfo) fs.FileMode { return 0 }

func ownedByUs(fs.FileInfo) bool { return true }

// shell prepares a command line for cmd.exe, which wants it unquoted.
func shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /S /C "` + line + `"`}
	return cmd
}

// syncDir does nothing: a directory cannot be flushed here.
func syncDir(string) error { return nil }
