//go:build unix

package cli

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// replaceProcess returns the function behind [Env].Exec. It first takes back what this process changed for itself and
// the program would inherit: undo does so for what changed at the start. execve(2) does the rest: it resets caught
// signals and PR_SET_DUMPABLE, and closes our files, which Go opens with O_CLOEXEC; [syscall.Exec] restores the limit
// on open files.
func replaceProcess(undo func()) func(path string, args, environ []string) (int, error) {
	return func(path string, args, environ []string) (int, error) {
		if signal.Ignored(syscall.SIGPIPE) {
			// Otherwise "yes | head" would never end. signal.Reset leaves an ignored signal ignored; execve resets a
			// caught one.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		}
		undo()
		return 0, syscall.Exec(path, args, environ)
	}
}

// EndProcess ends the process with an exit code of Main. One that stands for a signal becomes that signal: a shell ends
// a loop only if the signal ended the command in it, and systemd takes only that for the stop it asked for.
func EndProcess(code int) {
	ended := syscall.Signal(code - exitSignal)
	caught := ended == syscall.SIGINT || ended == syscall.SIGTERM || ended == syscall.SIGHUP
	if caught && os.Getpid() != 1 { // the kernel spares the first process of a container
		signal.Reset(ended)
		_ = syscall.Kill(os.Getpid(), ended)
		time.Sleep(time.Second) // another thread may be the one that gets it
	}
	os.Exit(code)
}

// spareDescriptors is how many files a command must be able to open. Without room for the two of its own poller, Go's
// runtime ends the process with a dump; any other file that cannot be opened is an error with a name.
const spareDescriptors = 5

// CheckDescriptors returns an error if this process may not open as many files as it needs.
func CheckDescriptors() error {
	for range spareDescriptors {
		fd, err := syscall.Dup(syscall.Stderr)
		if err != nil {
			return Exit(ExitFailure, fmt.Errorf("open %d files: %w", spareDescriptors, err),
				"raise the limit on open files: ulimit -n 256")
		}
		defer syscall.Close(fd)
	}
	return nil
}

// noCoreDumps keeps secrets out of core files, as far as a process can, and returns what takes that back. It leaves
// the hard limit alone, because children may need core files.
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
