package cli

import "syscall"

// noTracers keeps other processes of the user from reading this one's memory and environment under /proc, as far as
// the kernel can help.
// https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
func noTracers() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
