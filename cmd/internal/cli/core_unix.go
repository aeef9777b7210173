//go:build unix

package cli

import "syscall"

// noCoreDumps keeps secrets out of core files, as far as a process can say, and
// returns what takes that back. The hard limit stays: children may have reasons
// of their own.
func noCoreDumps() (undo func()) {
	var before syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &before) != nil {
		return func() {}
	}
	limit := before
	limit.Cur = 0
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	return func() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &before) }
}
