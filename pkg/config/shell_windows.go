package config

import (
	"context"
	"os/exec"
	"syscall"
)

// shell prepares a command line for cmd.exe, which expects it unquoted.
func shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /S /C "` + line + `"`}
	return cmd
}
