package cmd_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hurdle is something that keeps a refresh from being made.
type hurdle struct {
	storage string // "" is the keychain; the locks are the same
	env     []string
	put     func(m *machine, lock string) // in the way; lock is the path of the session's lock file
	code    int
	says    []string
}

// instead puts something in the place of the lock file.
func instead(f func(m *machine, lock string) error) func(*machine, string) {
	return func(m *machine, lock string) {
		m.t.Helper()
		if err := os.Remove(lock); err != nil {
			m.t.Fatal(err)
		}
		if err := f(m, lock); err != nil {
			m.t.Fatal(err)
		}
	}
}

func hurdles() map[string]hurdle {
	symlink := func(m *machine, lock string) error {
		victim := filepath.Join(m.home, "victim")
		if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
			return err
		}
		return os.Symlink(victim, lock)
	}
	all := map[string]hurdle{
		"lock is a symbolic link": {storage: "file", put: instead(symlink), code: 6, says: []string{".lock", "symbolic link"}},
		"lock dangles": {put: instead(func(m *machine, lock string) error { return os.Symlink(filepath.Join(m.home, "nowhere"), lock) }),
			code: 6, says: []string{".lock", "symbolic link"}},
		"lock is a directory": {put: instead(func(_ *machine, lock string) error { return os.Mkdir(lock, 0o700) }),
			code: 6, says: []string{".lock", "a directory"}},
		"lock is a pipe": {put: instead(func(_ *machine, lock string) error { return unix.Mkfifo(lock, 0o600) }),
			code: 6, says: []string{".lock", "named pipe"}},
		"lock is open to all": {put: func(m *machine, lock string) {
			if err := os.Chmod(lock, 0o666); err != nil {
				m.t.Fatal(err)
			}
		}, code: 6, says: []string{".lock", "0666"}},
		"directory is open to all": {storage: "file", put: func(m *machine, _ string) {
			if err := os.Chmod(m.locks, 0o777); err != nil {
				m.t.Fatal(err)
			}
		}, code: 6, says: []string{"0777"}},
		"no place for locks":     {env: []string{"TEST_LOCKS=/dev/null/locks"}, code: 6, says: []string{"/dev/null/locks"}},
		"unwritable locks":       {env: []string{"TEST_LOCKS=/proc/okauth"}, code: 6, says: []string{"/proc/okauth"}},
		"storage key too short":  {storage: "file", env: []string{"OKAUTH_STORAGE_KEY=c2hvcnQ="}, code: 2, says: []string{"OKAUTH_STORAGE_KEY", "5 bytes", "expected 32"}},
		"storage key too long":   {storage: "file", env: []string{"OKAUTH_STORAGE_KEY=" + strings.Repeat("00", 33)}, code: 2, says: []string{"OKAUTH_STORAGE_KEY", "33 bytes"}},
		"another storage key":    {storage: "file", env: []string{"OKAUTH_STORAGE_KEY=" + strings.Repeat("00", 32)}, code: 6, says: []string{"the client secret"}},
		"storage key is no text": {storage: "file", env: []string{"OKAUTH_STORAGE_KEY=wrong-horse!"}, code: 2, says: []string{"OKAUTH_STORAGE_KEY", "neither base64 nor hex"}},
	}
	if os.Geteuid() == 0 {
		all["lock is another user's"] = hurdle{put: func(m *machine, lock string) {
			if err := os.Chown(lock, 4242, 4242); err != nil {
				m.t.Fatal(err)
			}
		}, code: 6, says: []string{".lock", "uid 4242"}}
	}
	return all
}

// AT-86: what is in the way of a refresh is named, on standard error alone, and
// costs nothing: nothing is sent, and the session is good when it is gone.
func TestAT86_Hurdles(t *testing.T) {
	t.Parallel()
	for name, h := range hurdles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h.meet(newMachine(t, cmp.Or(h.storage, "keychain"), rotating()))
		})
	}
}

func (h hurdle) meet(m *machine) {
	m.t.Helper()
	m.start("login").does()
	locks, err := filepath.Glob(filepath.Join(m.locks, "default-*.lock"))
	if err != nil || len(locks) != 1 {
		m.t.Fatalf("found the locks %q, %v", locks, err)
	}
	before := m.stored()
	m.posts()
	undo := func() {}
	if h.put != nil {
		h.put(m, locks[0])
		undo = func() {
			if err := os.Chmod(m.locks, 0o700); err != nil {
				m.t.Fatal(err)
			}
			if err := os.RemoveAll(locks[0]); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	m.later(2 * time.Hour)
	m.start("token --timeout 5s", h.env...).fails(h.code, h.says...)
	if n := m.posts(); n != 0 {
		m.t.Errorf("%d requests, want none", n)
	}
	m.unchanged(before)
	undo()
	if text, err := os.ReadFile(filepath.Join(m.home, "victim")); err == nil && string(text) != "precious" {
		m.t.Error("the file behind the symbolic link was written to")
	}
	m.start("token").token()
	m.unspent()
}

// A token that is valid needs no lock, no mark, and no place to write to.
func TestAT86_CachedNeedsNothing(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.start("login").does()
		token := m.start("token").token()
		if m.startCramped("token", "TEST_LOCKS=/dev/null/locks").token() != token {
			t.Error("got another token")
		}
		m.start("token --refresh").token()
	})
}

// A sign-in that could not be kept is refused before the password is sent.
func TestAT86_LoginNeedsAPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		storage string
		env     []string
		code    int
		says    string
	}{
		"no place for locks":    {"keychain", []string{"TEST_LOCKS=/dev/null/locks"}, 6, "/dev/null/locks"},
		"home is a device":      {"file", []string{"HOME=/dev/null"}, 6, "/dev/null"},
		"home is read-only":     {"file", []string{"HOME=/proc"}, 6, "/proc"},
		"home is missing":       {"file", []string{"HOME="}, 2, "storage_dir"},
		"storage key too short": {"file", []string{"OKAUTH_STORAGE_KEY=c2hvcnQ="}, 2, "OKAUTH_STORAGE_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, c.storage, rotating())
			m.start("login", c.env...).fails(c.code, c.says)
			if n := m.posts(); n != 0 {
				t.Errorf("%d requests, want none", n)
			}
			if left := m.stored(); len(left) > 0 {
				t.Errorf("%d items are stored", len(left))
			}
		})
	}
}

// A clock that has jumped back makes what is stored stale: with a refresh token
// that costs a request, without one a sign-in, and never the session.
func TestAT80_ClockJumpsBack(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.start("login").does()
		first := m.start("token").token()
		if m.start("token", "TEST_CLOCK=-2h").token() == first {
			t.Error("a token from the future was handed out")
		}
		m.start("token").token()
		m.alive()

		m.scopes = "openid profile" // no refresh token
		m.signOut()
		m.start("login").does()
		first = m.start("token").token()
		m.start("token", "TEST_CLOCK=-2h").fails(4, "the clock of this machine has run backwards")
		if m.start("token").token() != first {
			t.Error("the session is gone")
		}
	})
}
