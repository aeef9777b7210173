package cli

import (
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestErrno(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, inUse := net.Listen("tcp", address)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, refused := net.Dial("tcp", address)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	_, closed := w.WriteString("x")
	for name, err := range map[syscall.Errno]error{
		syscall.EADDRINUSE: inUse, syscall.ECONNREFUSED: refused, syscall.EPIPE: closed,
	} {
		if !isErrno(err, name) || isErrno(fs.ErrNotExist, name) || isErrno(err, syscall.EROFS) {
			t.Errorf("%v: got %v", name, err)
		}
	}
}
