package transport

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// notifyListener tells of each connection it accepts.
type notifyListener struct {
	net.Listener
	accepted func()
}

func (l *notifyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted()
	}
	return conn, err
}

// connectProxy is a real CONNECT proxy. It leads to target, whatever host is asked for.
type connectProxy struct {
	target string
	status int // what it answers, 200 to connect

	connects atomic.Int32
	mu       sync.Mutex
	auth     string // the last Proxy-Authorization
	asked    string // the last host
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.connects.Add(1)
	p.mu.Lock()
	p.auth, p.asked = r.Header.Get("Proxy-Authorization"), r.Host
	p.mu.Unlock()
	if p.status != http.StatusOK || r.Method != http.MethodConnect {
		w.WriteHeader(p.status)
		io.WriteString(w, "<html>canary-proxy-page</html>")
		return
	}
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer out.Close()
	in, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer in.Close()
	io.WriteString(in, "HTTP/1.1 200 Connected\r\n\r\n")
	go func() { io.Copy(out, in); out.Close() }()
	io.Copy(in, out)
}

func startProxy(t *testing.T, p *connectProxy) string {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAT06_HTTPSThroughProxyKeepsCAFile(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	proxy := &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
	at := mustURL(t, startProxy(t, proxy))

	c := client(t, Config{CAFile: caFile, Proxy: http.ProxyURL(at)})
	var wg sync.WaitGroup
	for range 4 { // at once, for the race detector: the roots arrive on first use
		wg.Go(func() {
			if body, err := get(c, server.URL); err != nil || body != "hello" {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
	wg.Wait()
	if proxy.connects.Load() == 0 {
		t.Error("the proxy was not used")
	}
	if _, err := get(client(t, Config{Proxy: http.ProxyURL(at)}), server.URL); err == nil {
		t.Error("through a proxy an unknown authority was believed")
	}
}

func TestAT06_ProxyRefuses(t *testing.T) {
	t.Parallel()
	for status, hint := range map[int]string{407: "HTTPS_PROXY", 502: "NO_PROXY"} {
		at := mustURL(t, startProxy(t, &connectProxy{status: status}))
		host := at.Host
		at = mustURL(t, "http://someone:canary-proxy-password@"+host)
		_, err := get(client(t, Config{Proxy: http.ProxyURL(at)}), "https://okta.example.test/")
		refused, ok := errors.AsType[*ProxyError](err)
		if !ok || refused.Status != status || refused.Host != host || !strings.Contains(refused.Hint(), hint) {
			t.Errorf("%d: got %v", status, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%d: error shows a secret or the proxy's page: %v", status, err)
		}
	}
}

const childVar = "TRANSPORT_TEST_CHILD_URL"

// TestChild is not a test of its own: the tests below run it in a process with another environment. It prints what it gets.
func TestChild(t *testing.T) {
	target := os.Getenv(childVar)
	if target == "" {
		return
	}
	c := client(t, Config{CAFile: os.Getenv("TRANSPORT_TEST_CHILD_CA"), Timeout: 5 * time.Second})
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader("password=canary-password"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic canary-basic")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	t.Logf("child: %s", body)
}

func runChild(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	out, _ := cmd.CombinedOutput()
	return string(out)
}

func TestAT06_ProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	// example.com is in the certificate of httptest, and is not a loopback name, which would go round the proxy.
	server, caFile := startTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	proxy := &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
	at := strings.TrimPrefix(startProxy(t, proxy), "http://")
	base := []string{childVar + "=https://example.com/", "TRANSPORT_TEST_CHILD_CA=" + caFile, "NO_PROXY=", "no_proxy=", "https_proxy="}

	out := runChild(t, append(base, "HTTPS_PROXY=http://someone:canary-proxy-password@"+at)...)
	if !strings.Contains(out, "child: HTTP/1.1") || strings.Contains(out, "canary") {
		t.Errorf("through the proxy: got %s", out)
	}
	proxy.mu.Lock()
	if proxy.asked != "example.com:443" || !strings.HasPrefix(proxy.auth, "Basic ") {
		t.Errorf("proxy was asked for %q with authorization %q", proxy.asked, proxy.auth)
	}
	proxy.mu.Unlock()

	before := proxy.connects.Load()
	out = runChild(t, append(base, childVar+"="+server.URL, "HTTPS_PROXY=http://"+at)...)
	if !strings.Contains(out, "child: HTTP/1.1") || proxy.connects.Load() != before {
		t.Errorf("loopback went through the proxy: %s", out)
	}
}

func TestAT07_DebugSwitchLeaksNothing(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	proxy := &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
	at := startProxy(t, proxy)
	base := []string{"GODEBUG=http2debug=2", "TRANSPORT_TEST_CHILD_CA=" + caFile, "NO_PROXY=", "no_proxy=", "https_proxy=", "HTTPS_PROXY=" + at}
	for _, target := range []string{server.URL, "https://example.com/"} { // directly, and through the proxy
		out := runChild(t, append(base, childVar+"="+target)...)
		if !strings.Contains(out, "child: HTTP/1.1") || strings.Contains(out, "canary") || strings.Contains(out, "http2:") {
			t.Errorf("%s: got %s", target, out)
		}
	}
}

func TestAT10_BytesBehindAnAnswerAreNotPrinted(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellocanary-token")
		conn.Read(make([]byte, 4096))
	}()
	out := runChild(t, childVar+"=http://"+listener.Addr().String())
	if !strings.Contains(out, "child: hello") || strings.Contains(out, "canary") {
		t.Errorf("got %s", out)
	}
}
