package cmd_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// watched is a file that "okauth token --watch" keeps fresh, on a machine whose tokens live for some seconds. Each watch
// tells a socket, as it tells systemd, what it has done.
type watched struct {
	*machine
	path   string
	socket *net.UnixConn
	name   string
}

func newWatched(t *testing.T, storage string, life time.Duration) *watched {
	t.Helper()
	m := newMachine(t, storage, rotating())
	m.server.Change(func(o *oktatest.Options) { o.Lifetimes.Access = life })
	m.start("login").does()
	m.posts()
	// A busy machine may look at a token late: for Okta it lives a minute longer.
	m.server.Clock().Advance(-time.Minute)
	return &watched{machine: m, path: filepath.Join(t.TempDir(), "token")}
}

// watch starts a watch that tells the socket of a new name.
func (w *watched) watch(flags string, vars ...string) *process {
	w.t.Helper()
	w.listen()
	return w.start("token --watch --file "+w.path+" "+flags, append(vars, "NOTIFY_SOCKET="+w.name)...)
}

// listen makes a socket in the abstract namespace.
func (w *watched) listen() {
	w.t.Helper()
	w.name = "@okauth-test-" + rand.Text()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.name, Net: "unixgram"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	w.socket = conn
}

// hears waits for a notification that begins with text.
func (w *watched) hears(text string) {
	w.t.Helper()
	if err := w.socket.SetReadDeadline(time.Now().Add(longest / 3)); err != nil {
		w.t.Fatal(err)
	}
	for {
		buffer := make([]byte, 4096)
		n, err := w.socket.Read(buffer)
		if err != nil {
			w.t.Fatalf("waited for %q: %v", text, err)
		}
		if strings.HasPrefix(string(buffer[:n]), text) {
			return
		}
	}
}

// token returns what is in the file, which must be good at Okta.
func (w *watched) token() string {
	w.t.Helper()
	text, err := os.ReadFile(w.path)
	token, newline := strings.CutSuffix(string(text), "\n")
	if err != nil || !newline || !w.active(token) {
		w.t.Fatalf("the file has %d bytes and no token that is valid at Okta: %v", len(text), err)
	}
	return token
}

// empty wants the directory of the file to be empty.
func (w *watched) empty() {
	w.t.Helper()
	if left, err := os.ReadDir(filepath.Dir(w.path)); err != nil || len(left) > 0 {
		w.t.Errorf("left behind: %v, %v", left, err)
	}
}

func (p *process) signal(signal syscall.Signal) {
	p.m.t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		p.m.t.Fatal(err)
	}
}

const ready = "READY=1\nSTATUS=the token is valid until "

// A watch says that it is ready when the file is there, renews the token before it ends, and leaves nothing.
func TestWatch(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			w := newWatched(t, "file", 4*time.Second)
			p := w.watch("")
			w.hears(ready)
			first := w.token()
			info, err := os.Stat(w.path)
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("got %v, %v", info, err)
			}
			w.hears(ready)
			if w.token() == first {
				t.Error("the file has the first token still")
			}
			if err := os.Remove(w.path); err != nil {
				t.Fatal(err)
			}
			w.hears(ready)
			w.token()
			p.signal(signal)
			w.hears("STOPPING=1")
			p.does()
			w.empty()
			w.unspent()
		})
	}
}

// Two watches of one session, and an okauth token beside them, make one refresh for each token.
func TestWatchesShareASession(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		w := newWatched(t, storage, 6*time.Second)
		other := &watched{machine: w.machine, path: w.path + "-2"}
		began := time.Now()
		watches := []*process{w.watch(""), other.watch("")}
		w.hears(ready)
		other.hears(ready)
		before := w.posts()
		for range 3 {
			w.hears(ready)
			other.hears(ready)
		}
		w.token()
		other.token()
		lives := int(time.Since(began)/(2700*time.Millisecond)) + 1
		if n := w.posts(); n < 3 || n > lives || before != 0 {
			t.Errorf("%d requests at first, then %d; want none, then one for each token: at most %d", before, n, lives)
		}
		for _, p := range watches {
			p.signal(syscall.SIGTERM)
			p.does()
		}
		w.empty()
		w.alive()
	})
}

// After kill -9 the file is there. The next watch goes on with the session, and cleans up as any other.
func TestWatchAfterAKill(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "keychain", time.Hour)
	p := w.watch("")
	w.hears(ready)
	p.signal(syscall.SIGKILL)
	p.fails(137)
	killed := w.token()
	p = w.watch("--keep-file")
	w.hears(ready)
	if w.token() != killed || w.posts() != 0 {
		t.Error("a token that is valid was renewed")
	}
	p.signal(syscall.SIGTERM)
	p.does()
	w.token()
	p = w.watch("-o header --refresh", "OKAUTH_KEEP_FILE=false")
	w.hears(ready)
	if n := w.posts(); n != 1 {
		t.Errorf("%d requests for a fresh token, want 1", n)
	}
	p.signal(syscall.SIGINT)
	p.does()
	w.empty()
}

// Okta is away for a moment: each failure is a line, and the watch goes on.
func TestWatchWhileOktaIsAway(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "file", 10*time.Second)
	p := w.watch("")
	w.hears(ready)
	first := w.token()
	w.server.FailAlways("/token", oktatest.HTML(503))
	w.hears("STATUS=")
	w.hears("STATUS=")
	if w.token() != first {
		t.Error("the file has changed")
	}
	w.server.ClearFaults()
	w.hears(ready)
	if w.token() == first {
		t.Error("the file has not changed")
	}
	w.server.FailAlways("/token", oktatest.HTML(503))
	w.hears("STATUS=")
	p.signal(syscall.SIGTERM)
	p.does()
	p.says("; the last token is valid for ", " seconds, next attempt in 1 second\n", `is fresh again`)
	w.server.ClearFaults()
	w.empty()
	w.alive()
}

// Someone signs out, or Okta ends the session: the file stays until its token ends, for the token works until then, and
// goes with it.
func TestWatchNeedsAPerson(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "keychain", 10*time.Second)
	p := w.watch("")
	w.hears(ready)
	w.start("logout").does()
	w.hears("STATUS=")
	if _, err := os.Stat(w.path); err != nil {
		t.Error(err)
	}
	p.fails(4, "okauth: warning: profile \"default\": not signed in; sign in with: okauth login; the last token is valid for ",
		"okauth: error: profile \"default\": not signed in\n", "hint: sign in with: okauth login")
	w.hears("STOPPING=1")
	w.empty()

	p = w.watch("")
	p.fails(4, "not signed in")
	w.start("login").does()
	p = w.watch("")
	w.hears(ready)
	w.start("logout").does()
	w.hears("STATUS=")
	w.start("login").does()
	w.hears(ready)
	w.token()
	p.signal(syscall.SIGTERM)
	p.does()
}

// A full disk, which is a small file system where root can mount one: the file keeps its token, the session the new one.
func TestWatchOnAFullDisk(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "keychain", 8*time.Second)
	p := w.watch("")
	w.hears(ready)
	first := w.token()
	limit := func(most uint64) {
		if err := unix.Prlimit(p.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(10)
	w.hears("STATUS=write ")
	w.hears("STATUS=write ")
	if w.token() != first || w.posts() != 1 {
		t.Error("the file has changed, or the token was asked for again and again")
	}
	limit(unix.RLIM_INFINITY)
	w.hears(ready)
	if w.token() == first {
		t.Error("the file has the first token still")
	}
	p.signal(syscall.SIGTERM)
	p.does()
	p.says(`okauth: warning: write "`+w.path+`": file too large; the last token is valid for `, "is fresh again")
	w.empty()
}

func TestTokenFileOnASmallDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	w := newWatched(t, "keychain", time.Hour)
	dir := filepath.Dir(w.path)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k,mode=700"); err != nil {
		t.Skip("mount: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	w.start("token --file " + w.path).does()
	first := w.token()
	p := w.start("token --refresh --file " + w.path)
	p.fails(6, `okauth: error: write "`+w.path+`": no space left on device`, "hint: free some space there, then try again")
	if w.token() != first || w.posts() != 1 {
		t.Error("the file has changed, or nothing was sent")
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	w.start("token --refresh --file "+w.path).fails(6, `okauth: error: write to "`+dir+`": read-only file system`, "hint: name a file in a directory of yours")
	if w.token() != first || w.posts() != 0 {
		t.Error("the file has changed, or something was sent")
	}
	w.alive()
}

// A token that could not be stored goes to the file; the watch says so and goes on.
func TestTokenFileOfASessionThatIsNotStored(t *testing.T) {
	t.Parallel()
	for _, watch := range []bool{false, true} {
		w := newWatched(t, "keychain", time.Hour)
		w.later(2 * time.Hour)
		arrived, release := w.held(oktatest.HoldAnswer)
		var p *process
		if watch {
			p = w.watch("", "TEST_WAIT=3s")
		} else {
			p = w.start("token --file "+w.path, "TEST_WAIT=3s")
		}
		w.await(arrived)
		w.keychain.Update(func(b *fakesecretservice.Behavior) { b.Full = true })
		close(release)
		if watch {
			w.hears(ready)
			w.token()
			p.signal(syscall.SIGTERM)
			p.does()
		} else {
			p.fails(6)
			w.token()
		}
		p.says("could not be stored")
	}
}

// The first token may be one that a person signs in for; no later one asks.
func TestWatchAsksOnce(t *testing.T) {
	t.Parallel()
	u := newUser(t, oktatest.Options{Lifetimes: oktatest.Lifetimes{Access: 8 * time.Second}})
	delete(u.vars, "OKAUTH_PASSWORD")
	path := filepath.Join(t.TempDir(), "token")
	p := atTerminal(t, u, "token", "--watch", "--file", path)
	p.waitFor("Password")
	p.types(oktatest.DefaultPassword + "\n")
	p.waitForTimes(&p.stderr, "next attempt", 1) // the session has no refresh token
	if err := p.command.Wait(); exitCode(p.command.ProcessState) != 4 {
		t.Errorf("got %v: %s", err, &p.stderr)
	}
	if n := strings.Count(p.screen(), "Password"); n != 1 || p.stdout.Len() > 0 {
		t.Errorf("it asked %d times, and standard output has %d bytes", n, p.stdout.Len())
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

// A signal while there is no token yet ends a watch as it ends okauth token.
func TestWatchIsStoppedBeforeItIsReady(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "keychain", time.Hour)
	w.later(2 * time.Hour)
	arrived, release := w.held(oktatest.HoldRequest)
	p := w.watch("")
	w.await(arrived)
	p.signal(syscall.SIGTERM)
	p.fails(143)
	close(release)
	w.empty()
}

// One that is stopped while it renews the token brings that to its end, and says nothing.
func TestWatchIsStoppedInARenewal(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "keychain", 4*time.Second)
	p := w.watch("")
	w.hears(ready)
	arrived, release := w.held(oktatest.HoldRequest)
	w.await(arrived)
	p.signal(syscall.SIGTERM)
	p.does()
	close(release)
	if strings.Contains(p.stderr.String(), "next attempt") {
		t.Errorf("got %s", &p.stderr)
	}
	w.empty()
}

// A socket from which no one reads any more does not keep a watch from its end.
func TestWatchIsNotHeard(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "file", time.Hour)
	p := w.watch("")
	w.hears(ready)
	for sent := true; sent; { // the queue is full when even a new socket can send nothing
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		for sent = false; err == nil; sent = sent || err == nil {
			err = unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: w.name})
		}
		if !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
	}
	p.signal(syscall.SIGTERM)
	p.does()
	p.says("okauth: warning: NOTIFY_SOCKET: ")
	w.empty()
}
