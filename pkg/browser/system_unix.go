//go:build !windows

package browser

import (
	"os/exec"
	"runtime"
	"syscall"
)

// openDefault opens the browser of the desktop.
func (o Options) openDefault(address string) (<-chan error, error) {
	program, err := o.findDefault()
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, address)
	command.Env = o.Environ
	return start(command)
}

// findDefault returns the program that opens the browser of the desktop.
func (o Options) findDefault() (program string, err error) {
	if !o.Desktop {
		return "", ErrNone
	}
	names := []string{"wslview", "xdg-open"} // the first is on WSL only: the browser of Windows
	if runtime.GOOS == "darwin" {
		names = []string{"/usr/bin/open"}
	}
	for _, name := range names {
		if program, err = o.find(name); err == nil {
			break
		}
	}
	return program, err
}

// detach gives a command a session of its own.
func detach(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
