package cmd_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/keyringtest"
)

// realKeyrings runs f with each real keyring, unlocked. Where one is not installed it is skipped, unless
// OKAUTH_TEST_SECRET_SERVICE=required.
func realKeyrings(t *testing.T, f func(t *testing.T, m *machine, k keyringtest.Keyring)) {
	for _, k := range keyringtest.Keyrings() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			m := newKeyringMachine(t, k.Program)
			if err := k.Start(m.keyring); err != nil {
				t.Fatal(err)
			}
			f(t, m, k)
		})
	}
}

// newKeyringMachine is a machine with a session bus, on which a keyring may start.
func newKeyringMachine(t *testing.T, program string) *machine {
	t.Helper()
	bus, err := keyringtest.NewBus()
	if err == nil {
		t.Cleanup(bus.Close)
		_, err = exec.LookPath(program)
	}
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("OKAUTH_TEST_SECRET_SERVICE") != "required" {
		t.Skipf("the real Secret Service is not tested: %v", err)
	}
	if err == nil {
		err = bus.Start(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, "keychain", oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway})
	m.keyring = bus
	return m
}

// items returns how many items of okauth's there are.
func (m *machine) items() int {
	m.t.Helper()
	items, err := m.keyring.Items()
	if err != nil {
		m.t.Fatal(err)
	}
	return len(items)
}

// Sign in, read, refresh, two processes at once, two profiles, a session that is larger than an item may be elsewhere,
// sign out: as a user has it, with each keyring.
func TestSecretServiceSessionOfAUser(t *testing.T) {
	t.Parallel()
	realKeyrings(t, func(t *testing.T, m *machine, _ keyringtest.Keyring) {
		m.start("login").does()
		m.start("login -p other").does()
		other := m.start("-p other token").token()
		m.posts()
		first := m.start("token").token()
		if m.start("token").token() != first || m.posts() != 0 {
			t.Error("the token was not stored")
		}
		size := 0
		for _, scopes := range []string{"openid", "openid profile", "openid email"} {
			size += len(m.start("token", "OKAUTH_SCOPES="+scopes).token())
		}
		if size < 2560 {
			t.Errorf("the session has only %d bytes", size)
		}
		m.later(2 * time.Hour)
		m.posts()
		var tokens []string
		for _, p := range m.atOnce(2, "token") {
			tokens = append(tokens, p.token())
		}
		if tokens[0] != tokens[1] || tokens[0] == first || m.posts() != 1 {
			t.Error("two processes at once did not share one refresh")
		}
		m.alive()
		if m.start("-p other token").token() == other {
			t.Error("the other profile was not refreshed")
		}
		status := m.start("status")
		if code := status.ends(); code != 0 || !strings.Contains(status.stdout.String(), "health  ok") {
			t.Errorf("status: %d: %s", code, &status.stdout)
		}
		m.start("logout").does()
		m.start("token").fails(4, "not signed in")
		m.start("-p other token").token()
		m.start("logout --all").does()
		if n := m.items(); n != 0 {
			t.Errorf("%d items are left", n)
		}
	})
}

// The keyring is locked between the read and the write of a refresh, as by a screen lock. The access token is printed,
// the error says what to do, and when the keyring is unlocked the next call presents the refresh token that is stored,
// which Okta accepts again for a while.
func TestSecretServiceLockedDuringRefresh(t *testing.T) {
	t.Parallel()
	realKeyrings(t, func(t *testing.T, m *machine, k keyringtest.Keyring) {
		m.start("login").does()
		m.later(2 * time.Hour)
		arrived, release := m.held(oktatest.HoldAnswer)
		p := m.start("token")
		m.await(arrived)
		if err := m.keyring.Lock(); err != nil {
			t.Fatal(err)
		}
		close(release)
		if code := p.ends(); code != 6 {
			t.Errorf("got exit code %d, want 6", code)
		}
		p.good()
		p.says("could not be stored", "the keychain is locked", "hint: unlock it")
		m.start("token").fails(6, "the keychain is locked", "hint: unlock it")
		if err := k.Unlock(m.keyring); err != nil {
			t.Fatal(err)
		}
		m.start("token").token()
		m.alive()
	})
}

// desktop are the variables of a process that may open the keyring's dialog, and waits no longer for it than a user's.
func desktop() []string { return []string{"DISPLAY=:99", "OKAUTH_NO_INPUT=", "TEST_WAIT="} }

// kwallet starts KWallet. It opens a wallet without a dialog if the sign-in to the desktop has opened it already, as
// [keyringtest.Bus.OpenWallet] does: a prompt that succeeds.
func kwallet(t *testing.T) *machine {
	t.Helper()
	k := keyringtest.Keyrings()[2]
	m := newKeyringMachine(t, k.Program)
	if err := k.Start(m.keyring); err != nil {
		t.Fatal(err)
	}
	return m
}

// relock leaves the keyring as it is after a sign-in to the desktop.
func (m *machine) relock() {
	m.t.Helper()
	if err := errors.Join(m.keyring.Lock(), m.keyring.OpenWallet()); err != nil {
		m.t.Fatal(err)
	}
}

// On a desktop the keyring asks for its password rather than that a new refresh token is lost.
func TestSecretServiceUnlockedDuringRefresh(t *testing.T) {
	t.Parallel()
	m := kwallet(t)
	m.start("login").does()
	m.later(2 * time.Hour)
	arrived, release := m.held(oktatest.HoldAnswer)
	p := m.start("token", desktop()...)
	m.await(arrived)
	m.relock()
	close(release)
	token := p.token()
	m.posts()
	if m.start("token").token() != token || m.posts() != 0 {
		t.Error("the token was not stored")
	}
}

// A keyring that is locked asks the person at the terminal of a desktop, and no one else.
func TestSecretServiceAsksAPerson(t *testing.T) {
	t.Parallel()
	m := kwallet(t)
	m.start("login").does()
	m.relock()
	m.start("token", desktop()...).fails(6, "the keychain is locked", "hint: unlock it: run `okauth token` in a terminal")
	at := func(vars ...string) *person {
		command := m.command(t.Context(), "token", append(desktop(), vars...)...)
		u := &user{vars: make(map[string]string)}
		for _, entry := range command.Env {
			name, value, _ := strings.Cut(entry, "=")
			u.vars[name] = value
		}
		return atTerminal(t, u, "token")
	}
	for _, vars := range []string{"OKAUTH_NO_INPUT=true", "DISPLAY="} {
		p := at(vars)
		if code := p.ends(); code != 6 || !strings.Contains(p.stderr.String(), "the keychain is locked") {
			t.Errorf("%s: %d: %s", vars, code, p.stderr.String())
		}
	}
	p := at()
	if code := p.ends(); code != 0 || !m.active(strings.TrimSpace(p.stdout.String())) {
		t.Errorf("got exit code %d: %s", code, p.stderr.String())
	}
}

// A desktop has the keyring's dialog, and the user presses Cancel: login sends no password.
func TestSecretServicePromptIsDismissed(t *testing.T) {
	t.Parallel()
	realKeyrings(t, func(t *testing.T, m *machine, k keyringtest.Keyring) {
		if err := m.keyring.Lock(); err != nil {
			t.Fatal(err)
		}
		dismiss, err := m.keyring.DismissNext()
		if err != nil {
			t.Fatal(err)
		}
		m.posts()
		p := m.start("login", desktop()...)
		if k.Program != "gnome-keyring-daemon" { // whose dialog is another program, which is not there: it gives up
			if err := dismiss(); err != nil {
				t.Fatal(err)
			}
		}
		p.fails(6, "the prompt of the keychain was dismissed", "hint: run the command again and allow the access")
		if m.posts() != 0 {
			t.Error("the password was sent")
		}
	})
}

// A fresh account has the collection "session" alone, which keeps nothing: login sends no password, and token signs in
// each time where it can.
func TestSecretServiceOfAFreshAccount(t *testing.T) {
	t.Parallel()
	m := newKeyringMachine(t, "gnome-keyring-daemon")
	if err := m.keyring.StartGnomeKeyring(); err != nil {
		t.Fatal(err)
	}
	m.posts()
	m.start("login", "OKAUTH_STORAGE=auto").fails(6, "no login or default collection", "hint: start a keyring that has")
	if m.posts() != 0 {
		t.Error("the password was sent")
	}
	m.start("token").fails(6, "no login or default collection")
	p := m.start("token", "OKAUTH_STORAGE=auto", "OKAUTH_PASSWORD="+oktatest.DefaultPassword)
	p.token()
	if n := m.items(); n != 0 {
		t.Errorf("%d items were made", n)
	}
}
