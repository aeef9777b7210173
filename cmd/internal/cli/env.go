package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

// Env holds everything outside the process's memory that a command touches. [System] builds the real one; tests and
// the demo build others.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	StdinIsPipe bool // standard input is a pipe or a file that a program filled
	StdinIsTTY  bool
	StdoutIsTTY bool
	StderrIsTTY bool
	Width       int // columns of standard output; 0 when unknown

	LookupEnv     func(string) (string, bool)
	Environ       func() []string // to find misspelt names; nil: none
	UserConfigDir func() (string, error)
	OpenTerminal  func() (*prompt.Terminal, error)
	Now           func() time.Time

	// Signals returns a context that ends when a signal stops the process, and a function that stops listening; see
	// [Signals].
	Signals func(context.Context) (context.Context, func())

	// Exec replaces this process with the program at path; it returns only if that fails. On Windows it runs the
	// program, waits, and returns its exit code.
	Exec func(path string, args, environ []string) (code int, err error)

	// Keychain replaces the OS keychain, if set.
	Keychain store.Backend

	// LockDir is the directory of the locks of sessions in the keychain; "" is the user's.
	LockDir string

	Build Build

	waiting *waitLine // of Stderr; nil: a wait shows nothing
}

// Build says which okauth this is; the release build fills it in.
type Build struct{ Version, Commit, Date string }

// System returns the environment that the operating system gives a process.
func System(b Build) *Env {
	exec := replaceProcess(noCoreDumps())
	noTracers()
	width, _ := prompt.Size(os.Stdout)
	return &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinIsPipe: isPipe(os.Stdin), StdinIsTTY: prompt.IsTerminal(os.Stdin),
		StdoutIsTTY: prompt.IsTerminal(os.Stdout), StderrIsTTY: prompt.IsTerminal(os.Stderr),
		Width:         width,
		LookupEnv:     withoutSecrets(),
		Environ:       os.Environ,
		UserConfigDir: os.UserConfigDir,
		OpenTerminal:  prompt.Open,
		Now:           time.Now,
		Signals:       Signals,
		Exec:          exec,
		Build:         b,
		waiting:       new(waitLine),
	}
}

// withoutSecrets removes the variables that hold a secret from the environment of the process, so that no child process
// (a keychain helper, a password command) inherits them. The returned function looks up these and all others.
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

// Color reports whether standard output may be colored.
// https://no-color.org: "when present and not an empty string (regardless of its value), prevents the addition of ANSI
// color"
func (e *Env) Color() bool {
	return e.StdoutIsTTY && e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"
}

// TextOptions returns how text for people looks on standard output.
func (e *Env) TextOptions() output.TextOptions {
	return output.TextOptions{Now: e.Now(), Width: e.Width, Color: e.Color()}
}

// Desktop reports whether a keychain could show a prompt: on Linux, only if a display is set.
func (e *Env) Desktop() bool {
	return runtime.GOOS == "darwin" || runtime.GOOS == "windows" ||
		e.Getenv("DISPLAY") != "" || e.Getenv("WAYLAND_DISPLAY") != ""
}

// Getenv returns the value of a variable without one line break at its end, "" if it is unset.
func (e *Env) Getenv(name string) string {
	value, _ := e.LookupEnv(name)
	return config.DropNewline(value)
}

// Number returns the version, "devel" for a build without one.
func (b Build) Number() string { return cmp.Or(b.Version, "devel") }

// Facts returns the version, the commit, its date, the Go version and the platform. A build without a version has the
// commit that the go command found; what is not known is "".
func (b Build) Facts() map[string]string {
	if info, ok := debug.ReadBuildInfo(); ok && b.Version == "" {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			}
		}
	}
	return map[string]string{
		"version": b.Number(), "commit": b.Commit, "date": b.Date,
		"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
	}
}

// String returns the facts in one line.
func (b Build) String() string {
	facts := b.Facts()
	line := facts["version"]
	if commit := facts["commit"]; commit != "" {
		line += " (" + commit[:min(len(commit), 12)] + ")"
	}
	if date := facts["date"]; date != "" {
		line += " " + date
	}
	return fmt.Sprintf("%s %s %s/%s", line, facts["go"], facts["os"], facts["arch"])
}
