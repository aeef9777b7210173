package proxy

import "golang.org/x/sys/windows"

const connectionRefused = windows.WSAECONNREFUSED // which syscall.ECONNREFUSED is not

// privately calls create: the access list of the directory decides.
func privately(create func()) { create() }
