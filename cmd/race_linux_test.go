package cmd_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// AT-80: of many at once, one refreshes and all are served, time and again.
func TestAT80_OneRefresh(t *testing.T) { // by itself: so many keep a machine busy
	for _, storage := range []string{"keychain", "file", "redis"} {
		m := newMachine(t, storage, rotating())
		m.start("login").does()
		for _, n := range []int{64, 8} {
			m.later(2 * time.Hour)
			m.posts()
			var token string
			for i, p := range m.atOnce(n, "token") {
				got := p.token()
				if i > 0 && got != token {
					t.Fatalf("of %d, one got another token", n)
				}
				token = got
			}
			if posts := m.posts(); posts != 1 {
				t.Errorf("%d at once made %d requests, want 1", n, posts)
			}
			m.alive()
		}
		m.signOut()
	}
}

// AT-80: each of many that insist on a new token gets one, in turn.
func TestAT80_RefreshAll(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.start("login").does()
		old := m.start("token").token()
		m.posts()
		const n = 12
		for _, p := range m.atOnce(n, "token --refresh") {
			if p.token() == old {
				t.Error("one got the token from before")
			}
		}
		if posts := m.posts(); posts < 1 || posts > n {
			t.Errorf("%d at once made %d requests", n, posts)
		}
		m.alive()
	})
}

// AT-80: tokens for different scopes come from the same refresh token, in turn.
func TestAT80_ScopeSets(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		m.posts()
		sets := make(map[string][]*process)
		names := []string{
			"openid", "profile", "email", "openid profile", "openid email", "profile email", "openid profile email", m.scopes,
		}
		for range 2 {
			for _, scopes := range names {
				sets[scopes] = append(sets[scopes], m.start("token", "OKAUTH_SCOPES="+scopes))
			}
		}
		seen := make(map[string]string)
		for scopes, processes := range sets {
			first := processes[0].token()
			for _, p := range processes[1:] {
				if p.token() != first {
					t.Errorf("two tokens for the scopes %q", scopes)
				}
			}
			if other, ok := seen[first]; ok {
				t.Errorf("one token for the scopes %q and %q", scopes, other)
			}
			seen[first] = scopes
		}
		if posts := m.posts(); posts != len(names) {
			t.Errorf("%d requests for %d sets of scopes", posts, len(names))
		}
		m.alive()
	})
}

// AT-85: whatever the order in which many get tokens, sign in and sign out, no
// refresh token is spent twice, and what is left in the end can be used, and
// signed out of.
func TestAT85_EverybodyAtOnce(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		processes := m.atOnce(6, "token")
		var others []*process
		for _, line := range []string{"login", "logout", "login", "login", "login"} {
			others = append(others, m.start(line))
			processes = append(processes, m.atOnce(2, "token")...)
		}
		for _, p := range others {
			p.does()
		}
		for _, p := range processes {
			switch code := p.ends(); {
			case code == 0 && p.stderr.Len() == 0: // a token, which a logout may have revoked meanwhile
			case code == 4 && p.stdout.Len() == 0:
			default:
				t.Errorf("token: got exit code %d: %s", code, &p.stderr)
			}
		}
		m.unspent()
		m.start("login").does()
		m.start("token").token()
		refresh := m.alive()
		m.signOut()
		if m.server.RefreshAlive(refresh) {
			t.Error("the refresh token works after logout")
		}
		m.start("token").fails(4, "not signed in")
	})
}

// held lets Okta answer the next token request and keep the answer until release
// is closed; arrived tells that it has.
func (m *machine) held(fault func(arrived chan<- struct{}, release <-chan struct{}) oktatest.Fault) (arrived, release chan struct{}) {
	arrived, release = make(chan struct{}), make(chan struct{})
	m.server.Fail("/v1/token", fault(arrived, release))
	return arrived, release
}

// await waits for the event, or for the test to be late.
func (m *machine) await(event <-chan struct{}) {
	m.t.Helper()
	select {
	case <-event:
	case <-time.After(longest):
		m.t.Fatal("the request has not arrived")
	}
}

// AT-86: a process that is stopped while it holds the lock keeps the others from
// refreshing, not from ending in time, and not from a token that is valid.
func TestAT86_HolderIsStopped(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		const other = "OKAUTH_SCOPES=openid"
		cached := m.start("token", other).token()
		arrived, release := m.held(oktatest.HoldAnswer)
		holder := m.start("token")
		m.await(arrived)
		holder.stop()

		waiting := m.atOnce(8, "token --timeout 1s")
		if m.start("token", other).token() != cached {
			t.Error("a valid token was not handed out")
		}
		for _, p := range waiting {
			where := []string{m.locks, ".lock"}
			if m.redis != nil {
				where = []string{"at redis://" + m.redis.Addr}
			}
			p.fails(6, append(where, "another process holds it")...)
			if took := time.Since(p.began); took < time.Second || took > 10*time.Second {
				t.Errorf("gave up after %v, want 1 s", took)
			}
		}
		close(release)
		holder.goOn()
		if holder.token() != m.start("token").token() {
			t.Error("the stopped process printed another token than it stored")
		}
		m.alive()
	})
}

// AT-80: a clock that is a day off makes a process refresh too often or too
// seldom, and harms nobody.
func TestAT80_ClocksDiffer(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.start("login").does()
		var all []*process
		for _, clock := range []string{"24h", "-24h", "0s"} {
			all = append(all, m.atOnce(2, "token", "TEST_CLOCK="+clock)...)
		}
		for _, p := range all {
			if code := p.ends(); code != 0 || p.stderr.Len() > 0 {
				t.Fatalf("got exit code %d: %s", code, &p.stderr)
			}
			p.good()
		}
		m.alive()
		m.signOut()
	})
}

// What lies about while a refresh token is on its way is the user's alone and
// tells nothing of it.
func TestAT80_LockFilesTellNothing(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		arrived, release := m.held(oktatest.HoldAnswer)
		p := m.start("token")
		m.await(arrived)
		requests := m.server.Requests()
		sent := requests[len(requests)-1].Form.Get("refresh_token")
		if sent == "" {
			t.Fatal("no refresh token was sent")
		}
		for name, text := range m.files() {
			info, err := os.Lstat(name)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case info.Mode().Perm() != 0o600:
				t.Errorf("%s: mode %v", name, info.Mode())
			case strings.HasSuffix(name, ".lock") && text != "":
				t.Errorf("%s: %d bytes", name, len(text))
			case strings.Contains(text, sent):
				t.Errorf("%s tells the refresh token", name)
			}
		}
		close(release)
		p.token()
	})
}
