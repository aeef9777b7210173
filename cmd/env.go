package cmd

import (
	"context"
	"io"
	"os"
	"runtime"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

// Env holds everything outside the process's memory that a command touches.
// [System] builds the real one; tests and the demo build others.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	StdinIsPipe bool // standard input is a pipe or a file that a program filled
	StdinIsTTY  bool
	StdoutIsTTY bool
	StderrIsTTY bool
	Width       int // columns of standard output; 0 when unknown

	LookupEnv     func(string) (string, bool)
	UserConfigDir func() (string, error)
	OpenTerminal  func() (*prompt.Terminal, error)
	Now           func() time.Time

	// Signals returns a context that ends when the process is told to stop,
	// and the function that ends the listening; see [Signals].
	Signals func(context.Context) (context.Context, func())

	// Exec runs the program at path in place of this process, and does not return
	// unless it could not be run. Where the system has no such call, it runs the
	// program, waits, and returns its exit code.
	Exec func(path string, args, environ []string) (code int, err error)

	// Keychain, when set, stands for the OS keychain.
	Keychain store.Backend

	// LockDir is where the locks of sessions in the keychain are; empty means
	// the directory of the user who runs the process.
	LockDir string

	Build Build
}

// Build says which okauth this is; the release build fills it in.
type Build struct{ Version, Commit, Date string }

// System returns the environment that the operating system gives a process.
func System(b Build) *Env {
	exec := replaceProcess(noCoreDumps())
	noTracers()
	return &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinIsPipe: isPipe(os.Stdin), StdinIsTTY: prompt.IsTerminal(os.Stdin),
		StdoutIsTTY: prompt.IsTerminal(os.Stdout), StderrIsTTY: prompt.IsTerminal(os.Stderr),
		Width:         prompt.Width(os.Stdout),
		LookupEnv:     withoutSecrets(),
		UserConfigDir: os.UserConfigDir,
		OpenTerminal:  prompt.Open,
		Now:           time.Now,
		Signals:       Signals,
		Exec:          exec,
		Build:         b,
	}
}

// withoutSecrets moves the variables that hold a secret from the environment of
// the process to the returned function, which looks up these and all others, so
// that no child process (a keychain helper, a password command) is handed them.
func withoutSecrets() func(string) (string, bool) {
	kept := make(map[string]string)
	for _, name := range config.SecretVariables() {
		if value, ok := os.LookupEnv(name); ok {
			kept[name] = value
			os.Unsetenv(name)
		}
	}
	return func(name string) (string, bool) {
		if value, ok := kept[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	}
}

func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}

// color tells whether standard output may be coloured.
// https://no-color.org: "when present and not an empty string (regardless of its
// value), prevents the addition of ANSI color"
func (e *Env) color() bool {
	return e.StdoutIsTTY && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb"
}

// desktop tells whether a keychain could show a prompt: on Linux, only where a
// display is known.
func (e *Env) desktop() bool {
	return runtime.GOOS == "darwin" || runtime.GOOS == "windows" || e.getenv("DISPLAY") != "" || e.getenv("WAYLAND_DISPLAY") != ""
}

// getenv returns the variable's value; unset and empty are the same.
func (e *Env) getenv(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}
