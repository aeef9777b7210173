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

	"okauth/pkg/internal/privatefile"
)

// Listen listens on an address of this machine: "127.0.0.1:8080", a name or number of a loopback interface and a port,
// where 0 is any free one; or "unix:PATH", a Unix socket that only the user can connect to and replace, in place of
// that of a process that has died. The error is an *AddressError if the address cannot be used.
func Listen(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return listenUnix(path)
	}
	host, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		return nil, &AddressError{address, "expected HOST:PORT, such as 127.0.0.1:8080, or unix:PATH"}
	}
	remote := &AddressError{address, "anyone who can connect to the proxy uses your token, so it listens " +
		"on this machine only: 127.0.0.1, ::1 or unix:PATH"}
	if !isLoopback(host) {
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

func listenUnix(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	writers := privatefile.CheckWriters(filepath.Dir(path), "")
	switch {
	case path == "" || path[0] == '@': // an abstract socket of Linux has no owner and no mode
		return nil, &AddressError{"unix:" + path, "expected the path of a socket, such as unix:/run/user/1000/api"}
	case writers != nil: // who could put another socket there, and be taken for the proxy
		return nil, &AddressError{"unix:" + path, writers.Error()}
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		return nil, &AddressError{"unix:" + path, "there is " + privatefile.TypeName(info.Mode()) + ", and no socket"}
	case err == nil:
		if err := removeStale(path); err != nil {
			return nil, err
		}
	}
	var l net.Listener
	privately(func() { l, err = net.Listen("unix", path) })
	if errors.Is(err, syscall.EINVAL) {
		return nil, &AddressError{"unix:" + path, "the path of a socket has about 100 bytes at most"}
	}
	return l, err
}

// removeStale removes the socket of a process that has died.
func removeStale(path string) error {
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("listen on unix:%s: %w", path, syscall.EADDRINUSE)
	case errors.Is(err, syscall.ECONNREFUSED):
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
