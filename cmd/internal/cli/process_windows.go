package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
)

// replaceProcess returns the function behind [Env].Exec. A process of Windows cannot become another program, so it
// runs one and waits.
func replaceProcess(func()) func(path string, args, environ []string) (int, error) {
	return func(path string, args, environ []string) (int, error) {
		// The console sends Ctrl-C to both processes, and the program decides what it means. An ignored signal would
		// still end this process.
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
		c := exec.Command(path, args[1:]...)
		c.Env = environ
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		err := c.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode(), nil
		}
		return 0, err
	}
}

// EndProcess ends the process with an exit code of Main.
func EndProcess(code int) { os.Exit(code) }

// CheckDescriptors has nothing to check: Windows has no such limit.
func CheckDescriptors() error { return nil }

// noCoreDumps has nothing to do: Windows writes no core files by itself.
func noCoreDumps() (undo func()) { return func() {} }
