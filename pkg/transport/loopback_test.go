package transport

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// listenEverywhere serves at all addresses of this machine and returns the port.
func listenEverywhere(t *testing.T) (port string, asked chan string) {
	t.Helper()
	asked = make(chan string, 16)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Host
	}))
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, asked
}

// away is an address of this machine that is not its loopback, or one that no machine has.
func away(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && !network.IP.IsLoopback() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	return "192.0.2.1"
}

// Plain http reaches loopback addresses, however they are written, and no other: by any client of this package, and
// whatever proxy is set.
func TestAT02_PlainHTTPStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	port, asked := listenEverywhere(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a proxy was asked for %s", r.URL)
	}))
	t.Cleanup(proxy.Close)
	at := away(t)
	hosts := []string{at, "[::ffff:" + at + "]"}
	if runtime.GOOS != "windows" { // where package net connects to the loopback address instead
		hosts = append(hosts, "0.0.0.0", "[::]")
	}
	for name, c := range map[string]*http.Client{
		"client":  client(t, Config{}),
		"proxied": client(t, Config{Proxy: http.ProxyURL(mustURL(t, proxy.URL))}),
		"tunnel":  client(t, Config{Proxy: http.ProxyURL(mustURL(t, strings.Replace(proxy.URL, "http", "socks5", 1)))}),
		"bearer":  {Transport: Loopback()},
	} {
		for _, host := range []string{"127.0.0.1", "127.1.2.3", "[::ffff:127.0.0.1]", "localhost"} {
			if _, err := get(c, "http://"+host+":"+port); err != nil || <-asked != host+":"+port {
				t.Errorf("%s, %s: %v", name, host, err)
			}
		}
		for _, host := range hosts {
			_, err := get(c, "http://"+host+":"+port)
			if away, ok := errors.AsType[*NotLoopbackError](err); !ok || !strings.HasSuffix(away.Address, ":"+port) {
				t.Errorf("%s, %s: got %v, want no connection", name, host, err)
			}
		}
	}
	if len(asked) > 0 {
		t.Errorf("a request was sent to %s", <-asked)
	}
}

// An address of plain http is asked for directly, whatever the environment says: a proxy is another machine.
func TestAT06_HTTPGoesRoundTheProxy(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI
		io.WriteString(w, "from the proxy")
	}))
	t.Cleanup(proxy.Close)
	out := runChild(t, proxyVariables(childVar+"=http://okta..example.test/path", "http_proxy="+proxy.URL)...)
	if len(asked) > 0 || !strings.Contains(out, "no such host") {
		t.Errorf("got %s", out)
	}
}
