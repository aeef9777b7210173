package cmd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// proxied is an "okauth proxy" that serves.
type proxied struct {
	*process
	address string
	rest    *bufio.Reader // of standard output
}

// proxy starts "okauth proxy" and waits for its address.
func (m *machine) proxy(line string, vars ...string) *proxied {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	m.t.Cleanup(cancel)
	p := &proxied{process: &process{Cmd: m.command(ctx, "proxy "+line, vars...), m: m, cancel: cancel}}
	p.Stderr = &p.stderr
	stdout, err := p.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		m.t.Fatal(err)
	}
	p.rest = bufio.NewReader(stdout)
	address, err := p.rest.ReadString('\n')
	if err != nil {
		m.t.Fatalf("no address: exit code %d: %s", p.ends(), &p.stderr)
	}
	p.address = strings.TrimSpace(address)
	return p
}

// terminates stops it as systemd does: it ends with 0, and has printed its address only.
func (p *proxied) terminates() {
	p.m.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		p.m.t.Fatal(err)
	}
	more, _ := io.ReadAll(p.rest)
	if code := p.ends(); code != 0 || len(more) > 0 {
		p.m.t.Errorf("exit code %d, and %q after the address: %s", code, more, &p.stderr)
	}
}

// curl returns what the real one prints: the body, and the status behind it.
func (m *machine) curl(args ...string) string {
	m.t.Helper()
	c := exec.Command("curl", append([]string{"-q", "-sS", "--noproxy", "*", "-w", " %{http_code}"}, args...)...)
	text, err := c.CombinedOutput()
	if err != nil {
		m.t.Fatalf("curl %q: %v: %s", args, err, text)
	}
	return string(text)
}

func needsCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
}

// curl needs no token. Requests read the keychain once, together; an access token that has expired is refreshed before
// the proxy serves.
func TestProxy_Curl(t *testing.T) {
	t.Parallel()
	needsCurl(t)
	m := newExpired(t, "keychain", rotating())
	m.posts()
	p := m.proxy("-v --upstream " + m.server.URL() + "/api")
	if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+$`).MatchString(p.address) {
		t.Errorf("got the address %q", p.address)
	}
	hello := func(want string, args ...string) {
		t.Helper()
		if got := m.curl(append(args, p.address+"/hello?canary=1")...); !strings.HasSuffix(got, want) {
			t.Errorf("%q: got %s, want %s", args, got, want)
		}
	}
	hello(" 200")
	m.keychain.ResetCalls()
	for range 5 {
		hello(" 200", "-H", "Authorization: Bearer canary")
	}
	hello(" 403", "-H", "Origin: http://evil.example")
	hello(" 403", "-H", "Host: evil.example")
	if reads := m.keychain.Calls()["GetSecret"]; reads > 0 || m.posts() != 1 {
		t.Errorf("%d reads of the keychain", reads)
	}
	p.terminates()
	p.says("> GET "+m.server.URL()+"/api/hello?canary=••••", "< 200 after", `a web page of "http://evil.example"`)
	if text := p.stderr.String(); strings.Contains(text, "eyJ") || strings.Contains(text, "canary=1") {
		t.Errorf("a secret on standard error: %s", text)
	}
}

// The session has ended: each request says what to do, and standard error says it once. After a sign-in it goes on.
func TestProxy_SessionEnds(t *testing.T) {
	t.Parallel()
	needsCurl(t)
	m := newMachine(t, "keychain", rotating())
	m.start("login").does()
	p := m.proxy("--upstream " + m.server.URL())
	if got := m.curl(p.address + "/api/hello"); !strings.HasSuffix(got, " 200") {
		t.Fatalf("got %s", got)
	}
	m.start("logout").does()
	for range 20 {
		got := m.curl(p.address + "/api/hello")
		if !strings.HasSuffix(got, "\n 502") || !strings.Contains(got, "not signed in") ||
			!strings.Contains(got, `"hint":"sign in with: okauth login"`) || strings.Contains(got, "eyJ") {
			t.Fatalf("got %s", got)
		}
	}
	m.start("login").does()
	for began := time.Now(); !strings.HasSuffix(m.curl(p.address+"/api/hello"), " 200"); {
		if time.Since(began) > longest {
			t.Fatal("the new session is not used")
		}
	}
	p.terminates()
	lines := strings.Count(p.stderr.String(), "\n")
	p.says("okauth: warning: get an access token: ", "sign in with: okauth login")
	if lines > 3 {
		t.Errorf("%d lines: %s", lines, &p.stderr)
	}
}

// A session that cannot be stored is good for the requests: no one signs in again.
func TestProxy_SessionNotStored(t *testing.T) {
	t.Parallel()
	needsCurl(t)
	m := newMachine(t, "keychain", rotating())
	m.start("login").does()
	m.later(2 * time.Hour)
	arrived, release := m.held(oktatest.HoldAnswer)
	go func() {
		<-arrived
		m.keychain.Update(func(b *fakesecretservice.Behavior) { b.Full = true })
		close(release)
	}()
	p := m.proxy("--upstream " + m.server.URL())
	for range 2 {
		if got := m.curl(p.address + "/api/hello"); !strings.HasSuffix(got, " 200") {
			t.Errorf("got %s", got)
		}
	}
	p.terminates()
	p.says("could not be stored")
}

// A proxy that cannot work does not start.
func TestProxy_DoesNotStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", rotating())
	m.start("proxy --upstream http://127.0.0.1:1").fails(4, "not signed in", "sign in with: okauth login")
	m.start("login").does()
	socket := filepath.Join(t.TempDir(), "s")
	p := m.proxy("--upstream http://127.0.0.1:1 --listen unix:" + socket)
	m.start("proxy --upstream http://127.0.0.1:1 --listen unix:"+socket).fails(1, "address already in use")
	// Killed, it leaves a socket that the next one replaces.
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.ends()
	p = m.proxy("--upstream http://127.0.0.1:1 --listen unix:" + socket)
	info, err := os.Lstat(socket)
	if err != nil || info.Mode() != os.ModeSocket|0o600 || p.address != "unix:"+socket {
		t.Errorf("got %v, %v, %q", info, err, p.address)
	}
	needsCurl(t)
	got := m.curl("--unix-socket", socket, "http://localhost/x")
	if !strings.HasSuffix(got, " 502") || !strings.Contains(got, "connection refused") ||
		!strings.Contains(got, "check that --upstream is the address of the API") {
		t.Errorf("got %s", got)
	}
	p.terminates()
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

// A request that runs when the signal comes gets its answer. Ctrl-C is no failure either.
func TestProxy_Stops(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", rotating())
	m.start("login").does()
	begun, goOn := make(chan bool), make(chan bool)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun <- true
		<-goOn
		fmt.Fprint(w, "done")
	}))
	defer api.Close()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := m.proxy("--upstream " + api.URL)
		answer := make(chan string, 1)
		go func() {
			resp, err := http.Get(p.address)
			if err != nil {
				answer <- err.Error()
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			answer <- string(text)
		}()
		<-begun
		if err := p.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		m.sees(p.process, signal)
		goOn <- true
		if got := <-answer; got != "done" {
			t.Errorf("%v: the open request got %q", signal, got)
		}
		if code := p.ends(); code != 0 || p.stderr.Len() > 0 {
			t.Errorf("%v: exit code %d: %s", signal, code, &p.stderr)
		}
	}
}

// A gigabyte up and a gigabyte down take no more memory than a small body.
func TestProxy_ConstantMemory(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", rotating())
	m.start("login").does()
	const gigabyte = 1 << 30
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			fmt.Fprint(w, n)
			return
		}
		_, _ = io.CopyN(w, zeros{}, gigabyte)
	}))
	defer api.Close()
	p := m.proxy("--upstream " + api.URL)
	resp, err := http.Post(p.address, "application/octet-stream", io.LimitReader(zeros{}, gigabyte))
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(resp.Body); string(text) != strconv.Itoa(gigabyte) {
		t.Errorf("up: %s bytes arrived", text)
	}
	resp.Body.Close()
	if resp, err = http.Get(p.address); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != gigabyte || err != nil {
		t.Errorf("down: %d bytes arrived, %v", n, err)
	}
	resp.Body.Close()
	if peak := peakMemory(t, p.Process.Pid); peak > 40<<10 {
		t.Errorf("the peak of memory was %d KiB", peak)
	}
	p.terminates()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// peakMemory returns the largest resident set of a process, in KiB.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no peak in %s", status)
	}
	peak, _ := strconv.Atoi(string(found[1]))
	return peak
}

// A page in a real browser, at another port of this machine, cannot use the proxy: neither by a request that it may send
// without asking first, nor by an image, a form or a websocket.
func TestChromium_CannotUseTheProxy(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	m := newMachine(t, "keychain", rotating())
	m.start("login").does()
	reached := make(chan string, 100)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.URL.Path }))
	defer api.Close()
	p := m.proxy("--upstream " + api.URL)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<title>x</title><body><script>
			const at = %q, tries = [];
			const ends = (o, ok, no) => tries.push(new Promise(done => { o[ok] = o[no] = done; }));
			tries.push(fetch(at + "/post", {method: "POST", mode: "no-cors", body: "x"}).catch(() => 0));
			tries.push(fetch(at + "/get", {mode: "no-cors"}).catch(() => 0));
			tries.push(fetch(at + "/put", {method: "PUT"}).catch(() => 0));
			const image = new Image(); ends(image, "onload", "onerror"); image.src = at + "/image";
			const socket = new WebSocket(at.replace("http", "ws") + "/socket"); ends(socket, "onopen", "onerror");
			const frame = document.createElement("iframe"); ends(frame, "onload", "onerror");
			frame.src = at + "/frame"; document.body.append(frame);
			Promise.all(tries).then(() => document.body.append(document.createElement("hr")));
		</script>`, p.address)
	}))
	defer page.Close()
	c.open(page.URL)
	c.element("//hr")
	p.terminates()
	if len(reached) > 0 {
		t.Errorf("the page has reached %s", <-reached)
	}
	p.says("a web page")
}

// Web pages and other programs aside, a proxy with DPoP signs each request.
func TestProxy_DPoP(t *testing.T) {
	t.Parallel()
	needsCurl(t)
	m := newMachine(t, "keychain", rotating())
	vars := []string{"OKAUTH_CLIENT_ID=" + oktatest.DPoPClientID, "OKAUTH_DPOP=true"}
	m.start("login", vars...).does()
	p := m.proxy("--upstream "+m.server.URL(), vars...)
	for range 3 {
		if got := m.curl(p.address + "/api/hello"); !strings.HasSuffix(got, " 200") {
			t.Errorf("got %s", got)
		}
	}
	p.terminates()
}
