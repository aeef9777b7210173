//go:build !windows

package config

import (
	"context"
	"os/exec"
)

// shell prepares a command line for the user's shell. It stays in our process group: in a group of its own it would
// be a background job, and a pinentry that asks on the terminal would be stopped.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "sh", "-c", line)
}
