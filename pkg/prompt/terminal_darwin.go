package prompt

import "golang.org/x/sys/unix"

const (
	ioctlGetTermios = unix.TIOCGETA
	ioctlSetTermios = unix.TIOCSETA

	maxKernelLine = 1024 // MAX_CANON of sys/syslimits.h; longer lines are truncated
	maxLine       = 1000
)
