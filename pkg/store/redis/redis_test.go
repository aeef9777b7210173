package redis

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/redistest"
	"okauth/pkg/store/sealed"
)

// startServer starts a server for the test. Where none is installed the test is skipped, but not with
// OKAUTH_TEST_REDIS=required.
func startServer(t testing.TB, args ...string) *redistest.Server {
	t.Helper()
	return started(t)(redistest.Start(t.TempDir(), args...))
}

func started(t testing.TB) func(*redistest.Server, error) *redistest.Server {
	return func(s *redistest.Server, err error) *redistest.Server {
		t.Helper()
		if errors.Is(err, exec.ErrNotFound) && os.Getenv("OKAUTH_TEST_REDIS") != "required" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Kill)
		return s
	}
}

// sealer seals with a key that differs with text.
func sealer(t testing.TB, text string) sealed.Sealer {
	t.Helper()
	key, err := sealed.ChooseKey(okta.NewSecret(strings.Repeat(text, 64)), okta.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	return func(context.Context) (sealed.Key, error) { return key, nil }
}

// newStore returns a store of a client of its own, as another process has it.
func newStore(t testing.TB, url string, change ...func(*Options)) *Store {
	t.Helper()
	o := Options{URL: url, Timeout: 10 * time.Second, Seal: sealer(t, "a"), leaseLength: 600 * time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	return New(o).Store(5*time.Second, nil)
}

const account = "dev-0123abcd"

func TestStoreKeepsItems(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := newStore(t, "redis://"+server.Addr)
	want(t, s, "", store.ErrNotFound)
	if err := s.Delete(t.Context(), account); err != nil {
		t.Error(err)
	}
	set(t, s, "canary-1")
	set(t, s, "canary-2")
	want(t, s, "canary-2", nil)
	if got, err := s.List(t.Context()); err != nil || len(got) != 1 || got[0] != account {
		t.Errorf("got %q, %v", got, err)
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	line, _ := server.Do("--raw", "GET", valueKey(account))
	if !strings.HasPrefix(line, "okauth-sealed 1 storage-key ") || strings.Contains(line, "canary") {
		t.Errorf("stored: %.60s", line)
	}
	if err := s.Delete(t.Context(), account); err != nil {
		t.Error(err)
	}
	want(t, s, "", store.ErrNotFound)
	if got, err := s.List(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func set(t testing.TB, s store.Backend, value string) {
	t.Helper()
	if err := s.Set(t.Context(), account, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, s store.Backend, value string, err error) {
	t.Helper()
	got, gotErr := s.Get(t.Context(), account)
	if !bytes.Equal(got, []byte(value)) || !errors.Is(gotErr, err) {
		t.Errorf("got %q, %v; want %q, %v", got, gotErr, value, err)
	}
}

func acquire(t testing.TB, s *Store) store.Lock {
	t.Helper()
	lock, err := s.Acquire(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lock.Release)
	return lock
}

func TestLeaseIsHeldByOne(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	a, b := newStore(t, "redis://"+server.Addr), newStore(t, "redis://"+server.Addr)
	first := acquire(t, a)
	b.wait = 1500 * time.Millisecond // more than two leases
	if _, err := b.Acquire(t.Context(), account); !store.IsKind(err, store.LockTimeout) {
		t.Fatalf("got %v", err)
	}
	set(t, a, "canary-a")
	time.AfterFunc(100*time.Millisecond, first.Release)
	second := acquire(t, b)
	set(t, b, "canary-b")
	first.Release() // a second time
	second.Release()
	acquire(t, a).Release()
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port, listener.Close()
}

func readFile(path string) ([]byte, error) { return os.ReadFile(path) }

// A read costs one command, after the first two of the connection: HELLO, and SELECT for another database than 0.
func TestReadCostsOneCommand(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := newStore(t, "redis://"+server.Addr+"/3")
	set(t, s, "canary")
	monitor := exec.Command("redis-cli", "-p", strconv.Itoa(server.Port), "MONITOR")
	out, err := monitor.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := monitor.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = monitor.Process.Kill(); _ = monitor.Wait() })
	lines := bufio.NewScanner(out)
	lines.Scan() // OK
	other := newStore(t, "redis://"+server.Addr+"/3")
	want(t, other, "canary", nil)
	want(t, other, "canary", nil)
	if _, err := server.Do("PING", "end"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for lines.Scan() && !strings.Contains(lines.Text(), `"end"`) {
		if _, command, ok := strings.Cut(lines.Text(), "] "); ok && !strings.Contains(lines.Text(), " lua] ") {
			got = append(got, strings.Fields(command)[0])
		}
	}
	if want := []string{`"HELLO"`, `"SELECT"`, `"EVAL"`, `"EVAL"`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The times of sessions are by the server's clock, so a machine whose clock is wrong understands them.
func TestServerClock(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for off, ahead := range map[time.Duration]time.Duration{
		0: 0, 2 * time.Second: 0, -10 * time.Minute: 10 * time.Minute, time.Hour: -time.Hour,
	} {
		s := newStore(t, "redis://"+server.Addr, func(o *Options) {
			o.Now = func() time.Time { return time.Now().Add(off) }
		})
		want(t, s, "", store.ErrNotFound)
		if got := s.Ahead(); (got - ahead).Abs() > 2*time.Second {
			t.Errorf("a clock that is off by %s: got %s, want %s", off, got, ahead)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "okauth") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	startServer(t, "--unixsocket", dir+"/redis.sock")
	s := newStore(t, "unix://"+dir+"/redis.sock?db=2")
	acquire(t, s)
	set(t, s, "canary")
	want(t, newStore(t, "unix://"+dir+"/redis.sock?db=2"), "canary", nil)
	want(t, newStore(t, "unix://"+dir+"/redis.sock"), "", store.ErrNotFound)
}
