package proxy

import "syscall"

const connectionRefused = syscall.Errno(10061) // WSAECONNREFUSED, which syscall.ECONNREFUSED is not

// privately calls create: the access list of the directory decides.
func privately(create func()) { create() }
