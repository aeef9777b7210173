package proxy_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"okauth/pkg/proxy"
)

// The proxy listens where only this machine, or this user, can connect.
func TestListenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "none"), link); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"", "8080", ":8080", "0.0.0.0:0", "[::]:0", "10.0.0.1:0", "192.168.1.1:80", "example.com:80", "127.0.0.1", "127.0.0.1:",
		"127.0.0.1:http", "127.0.0.1:65536", "unix:", "unix:@abstract", "unix:" + file, "unix:" + link, "unix:" + dir,
		"unix:" + filepath.Join(open, "socket"),
		"unix:" + filepath.Join(dir, strings.Repeat("x", 200)),
	} {
		l, err := proxy.Listen(address)
		if !errors.As(err, new(*proxy.AddressError)) {
			t.Errorf("%q: got %v, %v", address, l, err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file is changed: %q, %v", text, err)
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		l, err := proxy.Listen(address)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := proxy.Listen(l.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) || !errors.As(err, new(*proxy.ListenError)) {
			t.Errorf("a port that is taken: got %v", err)
		}
		l.Close()
	}
}

// A socket is the user's alone, replaces that of a dead process only, and is removed.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := proxy.Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 || proxy.Address(l) != "unix:"+path {
		t.Errorf("got %v, %v, %s", info.Mode(), err, proxy.Address(l))
	}
	if _, err := proxy.Listen("unix:" + path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a live socket: got %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as a process that dies
	l.Close()
	if l, err = proxy.Listen("unix:" + path); err != nil {
		t.Fatal(err)
	}
	var hosts []string
	var mu sync.Mutex
	api := serve(t, "http", func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hosts = append(hosts, r.Host)
	})
	r := newRig(t, api, func(r *rig, _ *proxy.Proxy) { r.listens = l })
	r.caller.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "127.0.0.1": 200, "evil.example": 403,
	} {
		r.url = "http://" + host
		if resp, body := r.do(t, "GET", "/", nil, nil); resp.StatusCode != want {
			t.Errorf("%s: got %s %s", host, resp.Status, body)
		}
	}
	if got := r.raw(t, "GET / HTTP/1.0\r\n\r\n"); got != "HTTP/1.0 200 OK" {
		t.Errorf("without a host: got %s", got)
	}
	mu.Lock()
	for _, host := range hosts {
		if host != api.Listener.Addr().String() {
			t.Errorf("the API is called %q", host)
		}
	}
	mu.Unlock()
	r.stop()
	if err := <-r.served; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}
