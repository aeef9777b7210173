//go:build unix

package cli

import "syscall"

func errnosFor(syscall.Errno) []syscall.Errno { return nil }
