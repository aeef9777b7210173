// Package browser opens an address in the user's browser.
//
// The address goes to a program as one argument, and to no shell. Programs are named by absolute paths, or found in the
// absolute directories of a search path, and only where no other user can change them. What they print is thrown away,
// since a browser writes its log for as long as it lives. They are in a process group of their own, so that Ctrl-C ends
// their caller and not the browser.
//
// The libraries for this (pkg/browser, cli/browser) do none of that, and ignore BROWSER.
package browser

import (
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"

	"okauth/pkg/internal/privatefile"
)

// Options say which browser is used.
type Options struct {
	// Commands are command lines, the best first, separated as directories in a search path are: "firefox
	// --new-window %s:w3m". %s stands for the address, which is the last argument where there is none. There is no
	// shell, so no quotes either. "": the browser of the system.
	Commands string
	Path     string   // directories of programs, as in PATH
	Environ  []string // of the programs
	Home     string   // the directories above may be others'
	Desktop  bool     // there is a screen for the browser of the system
}

// ErrNone means that there is no browser: no screen, or no program that opens one.
var ErrNone = errors.New("no browser is known here")

// Open opens an http or https address and does not wait for the browser. ended gets one value when the program that
// was run ends, which may be soon or never: nil, or an error if it failed.
func Open(address string, o Options) (ended <-chan error, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("the address to open is not one of a web page")
	}
	if o.Commands == "" {
		return o.openDefault(address)
	}
	err = o.first(address, func(command *exec.Cmd) (err error) {
		ended, err = start(command)
		return err
	})
	return ended, err
}

// Find returns the path of the program that Open would run, or "the system's" where there is none to name. The error is
// that of Open.
func Find(o Options) (program string, err error) {
	if o.Commands == "" {
		return o.findDefault()
	}
	err = o.first("", func(command *exec.Cmd) error {
		program = command.Path
		return nil
	})
	return program, err
}

// first calls use with the command of each line of Options.Commands until that works. The error is the first one.
func (o Options) first(address string, use func(*exec.Cmd) error) error {
	problem := ErrNone
	for line := range strings.SplitSeq(o.Commands, string(filepath.ListSeparator)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		command, err := o.command(line, address)
		if err == nil {
			err = use(command)
		}
		if err == nil {
			return nil
		}
		if errors.Is(problem, ErrNone) {
			problem = err
		}
	}
	return problem
}

// command returns the command of a line of Options.Commands.
func (o Options) command(line, address string) (*exec.Cmd, error) {
	if strings.ContainsAny(line, `"'`) {
		return nil, fmt.Errorf("%q has quotes, which only a shell would remove", line)
	}
	words := strings.Fields(line)
	program, err := o.find(words[0])
	if err != nil {
		return nil, err
	}
	if !strings.Contains(line, "%s") {
		words = append(words, "%s")
	}
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "%s", address)
	}
	command := exec.Command(program, words[1:]...)
	command.Env = o.Environ
	return command, nil
}

// find returns the path of a program that only the user, root, or no one can change.
func (o Options) find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, o.check(name)
	}
	if filepath.Base(name) != name {
		return "", fmt.Errorf("%q is a relative path: give the whole path", name)
	}
	for _, dir := range filepath.SplitList(o.Path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path := filepath.Join(dir, name)
		if _, err := exec.LookPath(path); err == nil {
			return path, o.check(path)
		}
	}
	return "", fmt.Errorf("%q is in no absolute directory of the search path", name)
}

func (o Options) check(path string) error {
	if _, err := exec.LookPath(path); err != nil { // not there, a directory, not executable
		return fmt.Errorf("%q: %w", path, errors.Unwrap(err))
	}
	if err := privatefile.CheckWriters(path, o.Home); err != nil {
		return fmt.Errorf("%q is not run: %w", path, err)
	}
	return nil
}

// start starts a command and reports its end.
func start(command *exec.Cmd) (<-chan error, error) {
	detach(command)
	if err := command.Start(); err != nil { // an *fs.PathError: it names the program
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		if err != nil {
			err = fmt.Errorf("%q failed: %w", command.Path, err)
		}
		ended <- err
	}()
	return ended, nil
}
