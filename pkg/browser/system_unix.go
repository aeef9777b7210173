//go:build !windows

package browser

import (
	"os/exec"
	"runtime"
	"syscall"
)

// openDefault opens the browser of the desktop.
func (o Options) openDefault(address string) (<-chan error, error) {
	if !o.Desktop {
		return nil, ErrNone
	}
	commands := []string{"wslview", "xdg-open"} // the first is on WSL only: the browser of Windows
	if runtime.GOOS == "darwin" {
		commands = []string{"/usr/bin/open"}
	}
	var last error
	for _, name := range commands {
		command, err := o.command(name, address)
		if err == nil {
			return start(command)
		}
		last = err
	}
	return nil, last
}

// detach gives a command a session of its own.
func detach(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
