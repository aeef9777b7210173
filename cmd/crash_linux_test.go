package cmd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// AT-81: okauth is killed at every step that can be seen from outside. For
// sealed files these are system calls, for the keychain the calls to the store.
// After each, what comes next works or asks for a sign-in, the stored refresh token
// is presented once more at most, a sign-in recovers, and a sign-out leaves nothing.

// killed runs a command and kills it at its nth step; false: it had fewer.
func (m *machine) killed(n int, line string) bool {
	m.t.Helper()
	if m.inFile {
		return killedAt(m.t, m.command(context.Background(), line), n)
	}
	switch code := m.start(line, fmt.Sprint("TEST_KILL=", n)).ends(); code {
	case 137:
		return true
	case 0:
		return false
	default:
		m.t.Fatalf("%q: got exit code %d before step %d", line, code, n)
		return false
	}
}

// mayAsk runs okauth token, which prints a token or asks for a sign-in.
func (m *machine) mayAsk() {
	m.t.Helper()
	p := m.start("token")
	if code := p.ends(); code == 0 && p.stderr.Len() == 0 {
		p.good()
	} else if code != 4 || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), "okauth login") {
		m.t.Errorf("token: got exit code %d, want 0 or 4: %s", code, &p.stderr)
	} else {
		m.posts()
		m.start("token").fails(4, "okauth login")
		if n := m.posts(); n != 0 {
			m.t.Errorf("%d requests after Okta has refused the refresh token", n)
		}
	}
	if n := m.server.Reuses(); n > m.reuses+1 {
		m.t.Errorf("Okta was shown a spent refresh token %d times after one kill", n-m.reuses)
	}
	m.reuses = m.server.Reuses()
}

// steps calls try with 1, 2, … until it returns false: no step was left to be killed at.
// There are a few calls to a keychain, and more system calls than that.
func (m *machine) steps(try func(n int) bool) {
	m.t.Helper()
	n := 1
	for try(n) && n < 100 {
		n++
	}
	if n < 5 || m.inFile && n < 6 || n == 100 {
		m.t.Errorf("killed at %d steps", n-1)
	}
}

func TestAT81_KilledRefresh(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.steps(func(n int) bool {
			m.start("login").does()
			m.later(2 * time.Hour)
			killed := m.killed(n, "token")
			m.mayAsk()
			return killed
		})
		m.start("login").does()
		m.alive()
		m.signOut()
	})
}

// A refresh token that is known to stay the same is never in doubt.
func TestAT81_KilledRefreshPersistent(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, persistent())
		m.start("login").does()
		m.start("token --refresh").token() // makes it known
		m.steps(func(n int) bool {
			m.later(2 * time.Hour)
			killed := m.killed(n, "token")
			m.start("token").token()
			return killed
		})
		m.alive()
		m.signOut()
	})
}

func TestAT81_KilledLogin(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.steps(func(n int) bool {
			killed := m.killed(n, "login") // on top of what the one before has left
			m.mayAsk()
			if len(m.stored()) > 0 {
				m.start("login").does()
				m.signOut()
			}
			return killed
		})
		m.start("login").does()
		m.alive()
	})
}

// What a killed logout leaves, the next one removes, whether or not it finds a
// session. Until then a cached token may be printed that Okta no longer knows.
func TestAT81_KilledLogout(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.steps(func(n int) bool {
			m.start("login").does()
			m.later(2 * time.Hour)
			killed := m.killed(n, "logout")
			m.mayAsk()
			m.signOut()
			return killed
		})
	})
}

// AT-81, seen from Okta: the process dies while its request is on the way, or
// while the answer is. What comes next presents the stored token, which is all that is left.
func TestAT81_KilledRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    func(chan<- struct{}, <-chan struct{}) oktatest.Fault
		rotation oktatest.Rotation
		spent    bool
	}{
		"on its way":             {oktatest.HoldRequest, rotating(), false},
		"handled":                {oktatest.HoldAnswer, rotating(), true},
		"handled, persistent":    {oktatest.HoldAnswer, persistent(), false},
		"on its way, persistent": {oktatest.HoldRequest, persistent(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachStore(t, func(t *testing.T, storage string) {
				m := newExpired(t, storage, c.rotation)
				m.kill(c.fault)
				if c.spent {
					m.refusedOnce()
					m.start("login").does()
				}
				m.start("token").token()
				m.alive()
				m.signOut()
			})
		})
	}
}

// kill starts okauth token and kills it at the fault.
func (m *machine) kill(fault func(chan<- struct{}, <-chan struct{}) oktatest.Fault) {
	m.t.Helper()
	arrived, _ := m.held(fault)
	p := m.start("token")
	m.await(arrived)
	if err := p.Process.Kill(); err != nil {
		m.t.Fatal(err)
	}
	if code := p.ends(); code != 137 {
		m.t.Fatalf("got exit code %d after SIGKILL", code)
	}
}
