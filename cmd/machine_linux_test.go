package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakekeychain"
)

// machine is where many okauth run, each in a process of its own: they share a
// home, a directory of locks, a store and an Okta.
type machine struct {
	t           *testing.T
	server      *oktatest.Server
	keychain    *fakekeychain.Fake
	inFile      bool // sessions are in sealed files, and the keychain stays empty
	home, locks string
	scopes      string
	ahead       time.Duration // of the clock on the wall
}

var sharedKeys = sync.OnceValue(oktatest.NewKeys)

// Refresh tokens that work once and not a moment longer, and such as stay.
func rotating() oktatest.Rotation   { return oktatest.Rotation{Rotate: true} }
func persistent() oktatest.Rotation { return oktatest.Rotation{} }

func newMachine(t *testing.T, storage string, rotation oktatest.Rotation) *machine {
	t.Helper()
	server, err := oktatest.Start(oktatest.WithKeys(sharedKeys()), oktatest.WithClock(new(oktatest.Clock)),
		oktatest.WithRotation(rotation), oktatest.WithLimits(oktatest.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	keychain, err := fakekeychain.Start(fakekeychain.Behaviour{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keychain.Close)
	home := t.TempDir()
	m := &machine{t: t, server: server, keychain: keychain, inFile: storage == "file", home: home, locks: filepath.Join(home, "locks"), scopes: "openid profile email offline_access"}
	if m.inFile {
		m.locks = m.state()
	}
	return m
}

// eachStore runs f for sessions in the keychain and for those in sealed files.
func eachStore(t *testing.T, f func(t *testing.T, storage string)) {
	for _, storage := range []string{"keychain", "file"} {
		t.Run(storage, func(t *testing.T) {
			t.Parallel()
			f(t, storage)
		})
	}
}

// on is newMachine for a test case, which reports as t.
func (m *machine) on(t *testing.T) *machine {
	other := *m
	other.t = t
	return &other
}

func (m *machine) state() string { return filepath.Join(m.home, ".local", "state", "okauth") }

// later lets time pass, on the machine and at Okta.
func (m *machine) later(d time.Duration) {
	m.ahead += d
	m.server.Clock().Advance(d)
}

// process is a running okauth.
type process struct {
	*exec.Cmd
	m              *machine
	stdout, stderr bytes.Buffer
	began          time.Time
	cancel         func()
}

// longest is how long any okauth may take before its test has failed.
const longest = 90 * time.Second

// command is okauth with these arguments, separated by spaces, and these
// variables besides those of the machine.
func (m *machine) command(ctx context.Context, line string, vars ...string) *exec.Cmd {
	m.t.Helper()
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	c := exec.CommandContext(ctx, self, strings.Fields(line)...)
	c.Args[0] = "okauth" // see TestMain
	storage := "keychain"
	if m.inFile {
		storage = "file"
	}
	c.Env = append([]string{
		"HOME=" + m.home, "TZ=UTC", "GORACE=atexit_sleep_ms=0", "DBUS_SESSION_BUS_ADDRESS=" + m.keychain.Address(),
		"TEST_LOCKS=" + m.locks, "TEST_CLOCK=" + m.ahead.String(), "TEST_WAIT=1m", "OKAUTH_NO_INPUT=true", "OKAUTH_STORAGE=" + storage,
		"OKAUTH_DOMAIN=" + m.server.URL(), "OKAUTH_CLIENT_ID=" + oktatest.DefaultClientID, "OKAUTH_CLIENT_SECRET=" + oktatest.DefaultClientSecret,
		"OKAUTH_USERNAME=" + oktatest.DefaultUser, "OKAUTH_SCOPES=" + m.scopes,
	}, vars...)
	if strings.HasPrefix(line, "login") {
		c.Env = append(c.Env, "OKAUTH_PASSWORD="+oktatest.DefaultPassword)
	}
	return c
}

func (m *machine) start(line string, vars ...string) *process {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	return m.run(m.command(ctx, line, vars...), cancel)
}

// startCramped is start for a process that can write nothing to any file, as on
// a full disk.
func (m *machine) startCramped(line string, vars ...string) *process {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	c := m.command(ctx, line, vars...)
	okauth := filepath.Join(m.t.TempDir(), "okauth") // see TestMain
	if err := os.Symlink(c.Path, okauth); err != nil {
		m.t.Fatal(err)
	}
	c.Args = append([]string{"sh", "-c", `ulimit -f 0; exec "$0" "$@"`, okauth}, c.Args[1:]...)
	c.Path = "/bin/sh"
	return m.run(c, cancel)
}

func (m *machine) run(c *exec.Cmd, cancel func()) *process {
	m.t.Helper()
	p := &process{Cmd: c, m: m, cancel: cancel, began: time.Now()}
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(cancel)
	return p
}

// atOnce starts n of them.
func (m *machine) atOnce(n int, line string, vars ...string) []*process {
	m.t.Helper()
	all := make([]*process, n)
	for i := range all {
		all[i] = m.start(line, vars...)
	}
	return all
}

// ends waits for the process, and returns its exit code: 137 after a SIGKILL, as
// a shell would say.
func (p *process) ends() int {
	p.m.t.Helper()
	_ = p.Wait()
	p.cancel()
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// token wants a token that is good at Okta, and nothing else.
func (p *process) token() string {
	p.m.t.Helper()
	code := p.ends()
	if code != 0 || p.stderr.Len() > 0 {
		p.m.t.Fatalf("%q: got exit code %d, want 0, and nothing on stderr: %s", p.Args, code, &p.stderr)
	}
	return p.good()
}

// good wants the token on standard output, whatever the exit code.
func (p *process) good() string {
	p.m.t.Helper()
	token, newline := strings.CutSuffix(p.stdout.String(), "\n")
	if !newline || !p.m.active(token) {
		p.m.t.Fatalf("%q: %d bytes on stdout are no token that is valid at Okta; stderr: %s", p.Args, p.stdout.Len(), &p.stderr)
	}
	return token
}

// fails wants an exit code, an empty standard output, and a message with all of these pieces.
func (p *process) fails(code int, pieces ...string) {
	p.m.t.Helper()
	if got := p.ends(); got != code || p.stdout.Len() > 0 {
		p.m.t.Fatalf("%q: got exit code %d, want %d, and %d bytes on stdout: %s", p.Args, got, code, p.stdout.Len(), &p.stderr)
	}
	p.says(pieces...)
}

// says wants all of these pieces on standard error.
func (p *process) says(pieces ...string) {
	p.m.t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(p.stderr.String(), piece) {
			p.m.t.Errorf("%q: the message lacks %q: %s", p.Args, piece, &p.stderr)
		}
	}
}

// does wants exit code 0 and nothing on standard output.
func (p *process) does() { p.m.t.Helper(); p.fails(0) }

// stop stops the process as Ctrl-Z does, and returns when it has stopped.
func (p *process) stop() {
	p.m.t.Helper()
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		p.m.t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, p.Process.Pid, nil, unix.WSTOPPED, nil); err != nil {
		p.m.t.Fatal(err)
	}
}

// sees waits until the process has taken a signal that was sent to it.
func (m *machine) sees(p *process, signal syscall.Signal) {
	m.t.Helper()
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
		if err != nil {
			m.t.Fatal(err)
		}
		pending := false
		for line := range strings.Lines(string(status)) {
			name, value, _ := strings.Cut(line, ":")
			if name == "SigPnd" || name == "ShdPnd" {
				mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
				pending = pending || err != nil || mask&(1<<(signal-1)) != 0
			}
		}
		if !pending {
			return
		}
	}
	m.t.Fatal("the signal is still pending")
}

func (p *process) goOn() { _ = p.Process.Signal(syscall.SIGCONT) }

// posts returns how many token requests there were since the last call.
func (m *machine) posts() int {
	n := 0
	for _, r := range m.server.Requests() {
		if strings.HasSuffix(r.Path, "/v1/token") {
			n++
		}
	}
	m.server.ResetRequests()
	return n
}

// active asks Okta whether an access token is good.
func (m *machine) active(token string) bool {
	m.t.Helper()
	r, err := http.NewRequest(http.MethodPost, m.server.URL()+"/oauth2/default/v1/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(oktatest.DefaultClientID, oktatest.DefaultClientSecret)
	res, err := m.server.Client().Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Active bool `json:"active"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		m.t.Fatal(err)
	}
	return answer.Active
}

// alive wants a session whose refresh token Okta would take, and returns that.
func (m *machine) alive() string {
	m.t.Helper()
	p := m.start("token --type refresh")
	if code := p.ends(); code != 0 {
		m.t.Fatalf("no refresh token is stored: exit code %d: %s", code, &p.stderr)
	}
	refresh := strings.TrimSpace(p.stdout.String())
	if !m.server.RefreshAlive(refresh) {
		m.t.Fatal("the refresh token in the store is dead at Okta")
	}
	m.unspent()
	return refresh
}

// unspent wants that Okta was never shown a spent refresh token.
func (m *machine) unspent() {
	m.t.Helper()
	if n := m.server.Reuses(); n != 0 {
		m.t.Fatalf("Okta was shown a spent refresh token %d times", n)
	}
}

// stored returns everything that is in the store, byte for byte.
func (m *machine) stored() map[string]string {
	m.t.Helper()
	if !m.inFile {
		return m.keychain.Items()
	}
	files := m.files()
	maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasSuffix(name, ".sealed") })
	return files
}

// restore puts things back into the store behind everybody's back.
func (m *machine) restore(stored map[string]string) {
	m.t.Helper()
	for name, value := range stored {
		if !m.inFile {
			m.keychain.Put(name, value)
		} else if err := os.WriteFile(name, []byte(value), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
}

// forgetMarks removes what tells that a refresh token has been sent: another
// machine does not know.
func (m *machine) forgetMarks() {
	m.t.Helper()
	for name := range m.files() {
		if strings.HasSuffix(name, ".sent") {
			if err := os.Remove(name); err != nil {
				m.t.Fatal(err)
			}
		}
	}
}

// unchanged wants the store to be what it was.
func (m *machine) unchanged(before map[string]string) {
	m.t.Helper()
	if !maps.Equal(m.stored(), before) {
		m.t.Error("the store has changed")
	}
}

// files returns every ordinary file in the home, by its path.
func (m *machine) files() map[string]string {
	m.t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(m.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return files
}

// signOut wants a logout to leave nothing but the files that are locked.
func (m *machine) signOut() {
	m.t.Helper()
	m.start("logout").does()
	for name := range m.keychain.Items() {
		m.t.Errorf("left in the keychain: %q", name)
	}
	for name := range m.files() {
		if !strings.HasSuffix(name, ".lock") {
			m.t.Errorf("left behind: %s", name)
		}
	}
}
