package proxy

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"okauth/pkg/internal/orgurl"
	"okauth/pkg/internal/privatefile"
)

// Listen listens on an address of this machine: "127.0.0.1:8080", a name or number of a loopback interface and a port,
// where 0 is any free one; or "unix:PATH", a Unix socket that only the user can connect to and replace, in place of
// that of a process that has died. The error is an *AddressError where the address cannot be one, a *ListenError where
// the system refuses it.
func Listen(address string) (net.Listener, error) {
	listen := listenTCP
	if strings.HasPrefix(address, "unix:") {
		listen = listenUnix
	}
	l, err := listen(address)
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		err = &ListenError{address, cause}
	}
	return l, err
}

// ListenError says that the system refuses an address, such as one where another program listens.
type ListenError struct {
	Address string
	Err     error
}

func (e *ListenError) Error() string { return fmt.Sprintf("%q: %v", e.Address, e.Err) }

// Unwrap returns the cause, a syscall.Errno.
func (e *ListenError) Unwrap() error { return e.Err }

func listenTCP(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		return nil, &AddressError{address, "expected HOST:PORT, such as 127.0.0.1:8080, or unix:PATH"}
	}
	remote := &AddressError{address, "anyone who can connect to the proxy uses your token, so it listens " +
		"on this machine only: 127.0.0.1, ::1 or unix:PATH"}
	if !orgurl.IsLoopback(host) {
		return nil, remote
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() { // a hosts file can put localhost elsewhere
		l.Close()
		return nil, remote
	}
	return l, nil
}

func listenUnix(address string) (net.Listener, error) {
	path := strings.TrimPrefix(address, "unix:")
	info, err := os.Lstat(path)
	writers := privatefile.CheckWriters(filepath.Dir(path), "")
	switch {
	case path == "" || path[0] == '@': // an abstract socket of Linux has no owner and no mode
		return nil, &AddressError{address, "expected the path of a socket, such as unix:/run/user/1000/api"}
	case writers != nil: // who could put another socket there, and be taken for the proxy
		return nil, &AddressError{address, writers.Error()}
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		return nil, &AddressError{address, "there is " + privatefile.TypeName(info.Mode()) + ", and no socket"}
	case err == nil:
		if err := removeStale(path); err != nil {
			return nil, err
		}
	}
	var l net.Listener
	privately(func() { l, err = net.Listen("unix", path) })
	if errors.Is(err, syscall.EINVAL) {
		return nil, &AddressError{address, "the path of a socket has about 100 bytes at most"}
	}
	return l, err
}

// removeStale removes the socket of a process that has died.
func removeStale(path string) error {
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return syscall.EADDRINUSE
	case errors.Is(err, connectionRefused):
		return os.Remove(path)
	}
	return err
}

// Address returns the address of l as a caller uses it: "http://127.0.0.1:40123", "unix:/run/user/1000/api".
func Address(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix:" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}
