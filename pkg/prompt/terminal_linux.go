package prompt

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TCGETS
	ioctlSetTermios = unix.TCSETS

	// "Maximum line length ... is 4096 chars (including the terminating newline character); lines longer than 4096
	// chars are truncated." termios(3), canonical mode
	maxKernelLine = 4096
	maxLine       = 4000
)
