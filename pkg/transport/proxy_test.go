package transport

import (
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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
	for _, status := range []int{407, 502} {
		at := mustURL(t, startProxy(t, &connectProxy{status: status}))
		host := at.Host
		at = mustURL(t, "http://someone:canary-proxy-password@"+host)
		_, err := get(client(t, Config{Proxy: http.ProxyURL(at)}), "https://okta.example.test/")
		refused, ok := errors.AsType[*ProxyError](err)
		if !ok || refused.Status != status || refused.Host != host {
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
	c := client(t, Config{
		CAFile: os.Getenv("TRANSPORT_TEST_CHILD_CA"), Timeout: 5 * time.Second,
		Trace: func(line string) { t.Log(line) }, Detail: true,
	})
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader("password=canary-password"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic canary-basic")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.Do(req)
	if setting, ok := errors.AsType[*ProxySettingError](err); ok {
		t.Fatalf("child: setting: %v", setting)
	}
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

func TestAT07_DebugSwitchLeaksNothing(t *testing.T) {
	t.Parallel()
	server, caFile := startTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	proxy := &connectProxy{target: server.Listener.Addr().String(), status: http.StatusOK}
	at := "http://someone:canary-proxy-password@" + strings.TrimPrefix(startProxy(t, proxy), "http://")
	keys := filepath.Join(t.TempDir(), "keys.log")
	base := []string{
		"GODEBUG=http2debug=2,netdns=9", "SSLKEYLOGFILE=" + keys, "DEBUG=1",
		"TRANSPORT_TEST_CHILD_CA=" + caFile, "NO_PROXY=", "no_proxy=", "https_proxy=", "HTTPS_PROXY=" + at,
	}
	for _, target := range []string{server.URL, "https://example.com/"} { // directly, and through the proxy
		out := runChild(t, append(base, childVar+"="+target)...)
		if !strings.Contains(out, "child: HTTP/1.1") || !strings.Contains(out, "> POST") {
			t.Errorf("%s: got %s", target, out)
		}
		if strings.Contains(out, "canary") || strings.Contains(out, "http2:") {
			t.Errorf("%s: leaked %s", target, out)
		}
	}
	if _, err := os.Stat(keys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the keys of the connection were written down (%v)", err)
	}
}

func TestAT10_BytesBehindAnAnswerAreNotPrinted(t *testing.T) {
	t.Parallel()
	address := listenOn(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellocanary-token")
		conn.Read(make([]byte, 4096))
	})
	out := runChild(t, childVar+"=http://"+address)
	if !strings.Contains(out, "child: hello") || strings.Contains(out, "canary") {
		t.Errorf("got %s", out)
	}
}
