package grant

import "syscall"

// exclusive keeps other programs from listening at the same port. "SO_EXCLUSIVEADDRUSE" is ~SO_REUSEADDR; RFC 8252
// §B.3 asks for it: https://www.rfc-editor.org/rfc/rfc8252#appendix-B.3
func exclusive(_, _ string, c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, ^syscall.SO_REUSEADDR, 1)
	}); failed != nil {
		return failed
	}
	return err
}
