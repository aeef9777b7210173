package cli

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// errnosFor returns what Windows calls an error. The numbers that package syscall has for the names of POSIX are Go's
// own, and no call of the system returns them.
func errnosFor(name syscall.Errno) []syscall.Errno {
	switch name {
	case syscall.EADDRINUSE:
		return []syscall.Errno{windows.WSAEADDRINUSE}
	case syscall.ECONNREFUSED:
		return []syscall.Errno{windows.WSAECONNREFUSED}
	case syscall.ENETUNREACH:
		return []syscall.Errno{windows.WSAENETUNREACH}
	case syscall.EHOSTUNREACH:
		return []syscall.Errno{windows.WSAEHOSTUNREACH}
	case syscall.EPIPE:
		return []syscall.Errno{windows.ERROR_BROKEN_PIPE, windows.ERROR_NO_DATA}
	case syscall.ENOSPC:
		return []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
	case syscall.EDQUOT:
		return []syscall.Errno{windows.ERROR_DISK_QUOTA_EXCEEDED}
	case syscall.EROFS:
		return []syscall.Errno{windows.ERROR_WRITE_PROTECT}
	}
	return nil
}
