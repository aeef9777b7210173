//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// replaceProcess returns the function behind [Env].Exec. What this process
// changed for itself, and a program would inherit, is taken back before: undo does
// that for what was changed at its start. All the rest execve(2) does itself: it
// resets caught signals and PR_SET_DUMPABLE, and closes our files, which Go opens
// with O_CLOEXEC; [syscall.Exec] restores the limit on open files.
func replaceProcess(undo func()) func(path string, args, environ []string) (int, error) {
	return func(path string, args, environ []string) (int, error) {
		if signal.Ignored(syscall.SIGPIPE) {
			// "yes | head" would never end. signal.Reset leaves an ignored signal
			// ignored; one that is caught, execve resets.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		}
		undo()
		return 0, syscall.Exec(path, args, environ)
	}
}
