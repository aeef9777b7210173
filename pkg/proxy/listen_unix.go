//go:build unix

package proxy

import "syscall"

const connectionRefused = syscall.ECONNREFUSED

// privately calls create so that what it creates is the user's alone from the start. Nothing else may create files
// meanwhile.
func privately(create func()) {
	before := syscall.Umask(0o177)
	defer syscall.Umask(before)
	create()
}
