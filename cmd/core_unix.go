//go:build unix

package cmd

import "syscall"

// noCoreDumps keeps secrets out of core files, as far as a process can say. The
// hard limit stays: children may have reasons of their own.
func noCoreDumps() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
}
