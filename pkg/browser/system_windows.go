package browser

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// openDefault opens the browser of the desktop. ShellExecute runs what is registered for the scheme of the address,
// which is http or https, and no command line.
// https://learn.microsoft.com/en-us/windows/win32/api/shellapi/nf-shellapi-shellexecutew
func (o Options) openDefault(address string) (<-chan error, error) {
	if !o.Desktop {
		return nil, ErrNone
	}
	text, err := windows.UTF16PtrFromString(address)
	if err == nil {
		err = windows.ShellExecute(0, windows.StringToUTF16Ptr("open"), text, nil, nil, windows.SW_SHOWNORMAL)
	}
	return make(chan error), err
}

// findDefault names no program: Windows knows which one it is.
func (o Options) findDefault() (program string, err error) {
	if !o.Desktop {
		return "", ErrNone
	}
	return "the system's", nil
}

// detach gives a command a process group of its own.
func detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
