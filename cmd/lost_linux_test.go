package cmd_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// AT-82: an answer that is lost on the way is asked for again, once and at once.
func TestAT82_LostAnswer(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, oktatest.Rotation{Rotate: true, Leeway: oktatest.DefaultLeeway})
		m.posts()
		m.server.Fail("/v1/token", oktatest.HangUp())
		m.start("token").token()
		if n := m.posts(); n != 2 {
			t.Errorf("%d requests after one lost answer, want 2", n)
		}
		m.alive()

		m.later(2 * time.Hour)
		before := m.stored()
		m.server.Fail("/v1/token", oktatest.HangUp(), oktatest.HangUp())
		m.start("token").fails(3)
		if n := m.posts(); n != 2 {
			t.Errorf("%d requests after two lost answers, want 2", n)
		}
		m.unchanged(before)
		m.start("token").token()
		m.alive()
	})
}

// AT-82: after a lost answer, a password at hand brings a new session, also where the server has no introspection.
func TestAT82_LostAnswerThenPassword(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		m.server.FailAlways("/v1/introspect", oktatest.HTML(404))
		m.server.Fail("/v1/token", oktatest.HangUp(), oktatest.HTML(502))
		m.start("token").fails(3)
		p := m.start("token", "OKAUTH_PASSWORD="+oktatest.DefaultPassword)
		m.reuses = 1
		if code := p.ends(); code != 0 || p.stderr.Len() > 0 || p.stdout.Len() == 0 {
			t.Fatalf("got exit code %d, want 0 and a token: %s", code, &p.stderr)
		}
		m.server.ClearFaults()
		p.good()
		m.alive()
	})
}

// AT-83: nothing that the network or a failing server does costs the session.
func TestAT83_NetworkErrorsClearNothing(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		before := m.stored()
		for name, fault := range map[string]oktatest.Fault{
			"503 from a proxy": oktatest.HTML(503),
			"500 from Okta":    oktatest.Respond(500, http.Header{"Content-Type": {"application/json"}}, `{"errorCode":"E0000009","errorSummary":"Internal Server Error"}`),
			"captive portal":   oktatest.HTML(200),
			"rate limit":       oktatest.Respond(429, http.Header{"Content-Type": {"application/json"}}, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`),
		} {
			t.Run(name, func(t *testing.T) {
				m := m.on(t)
				m.server.FailAlways("/v1/token", fault)
				m.start("token --timeout 2s").fails(3)
				m.server.ClearFaults()
				m.unchanged(before)
				m.unspent()
			})
		}
		m.start("token").token()
		m.alive()
		before = m.stored()
		m.server.Close()
		m.start("token --refresh").fails(3, "connection refused")
		m.unchanged(before)
	})
}

// AT-83: what Okta no longer takes is forgotten, and Okta's words are shown.
func TestAT83_InvalidGrant(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		refresh := m.alive()
		m.server.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
		m.start("token").fails(4, "The refresh token is invalid or expired.", "okauth login")
		m.posts()
		m.start("token").fails(4, "okauth login")
		if n := m.posts(); n != 0 {
			t.Errorf("%d more requests, want none", n)
		}
		m.server.SetUserStatus(oktatest.DefaultUser, oktatest.Active)
		m.start("login").does()
		if m.alive() == refresh {
			t.Error("the refresh token has not changed")
		}
		m.signOut()
	})
}

// AT-83: a machine that shares the store, but not the locks, has been quicker.
func TestAT83_AnotherHostRotated(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		before := m.stored()
		token := m.start("token").token()
		after := m.stored()
		m.restore(before)

		arrived, release := make(chan struct{}), make(chan struct{})
		refusal := oktatest.Respond(400, http.Header{"Content-Type": {"application/json"}},
			`{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`)
		m.server.Fail("/v1/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			oktatest.HoldAnswer(arrived, release)(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { refusal(w, r, next) }))
		})
		m.posts()
		late := m.start("token")
		m.await(arrived)
		m.restore(after)
		close(release)
		if late.token() != token {
			t.Error("got another token than the quicker machine stored")
		}
		if n := m.posts(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		m.alive()
	})
}

// A session that comes back, out of a backup or with a write that was late, has a
// refresh token that is spent, and that is presented once.
func TestAT83_OldSessionReturns(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		before := m.stored()
		m.start("token").token()
		m.restore(before)
		m.refusedOnce()
		m.start("login").does()
		m.alive()
	})
}

// AT-84: when the new refresh token cannot be stored, the access token is printed
// nevertheless and loudly, the stored one is presented once more, and a sign-in recovers.
func TestAT84_NotStored(t *testing.T) {
	t.Parallel()
	keychain := func(change func(*fakesecretservice.Behavior)) func(*machine, *process) {
		return func(m *machine, _ *process) { m.keychain.Update(change) }
	}
	limit := func(what int, most uint64) func(*machine, *process) {
		return func(m *machine, p *process) {
			if err := unix.Prlimit(p.Process.Pid, what, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		storage string
		spoil   func(*machine, *process)
	}{
		"a full keychain":                {"keychain", keychain(func(b *fakesecretservice.Behavior) { b.Full = true })},
		"a keychain that keeps nothing":  {"keychain", keychain(func(b *fakesecretservice.Behavior) { b.Lose = true })},
		"a keychain that has locked":     {"keychain", keychain(func(b *fakesecretservice.Behavior) { b.Locked = true })},
		"a keychain that has gone":       {"keychain", keychain(func(b *fakesecretservice.Behavior) { b.NoOwner = true })},
		"a keychain that hangs":          {"keychain", keychain(func(b *fakesecretservice.Behavior) { b.Hang = true })},
		"a disk that is full in between": {"file", limit(unix.RLIMIT_FSIZE, 100)},
		"too many open files":            {"file", limit(unix.RLIMIT_NOFILE, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newExpired(t, c.storage, rotating())
			before := m.stored()
			arrived, release := m.held(oktatest.HoldAnswer)
			p := m.start("token", "TEST_WAIT=3s")
			m.await(arrived)
			c.spoil(m, p)
			close(release)
			if code := p.ends(); code != 6 {
				t.Errorf("got exit code %d, want 6", code)
			}
			p.good()
			p.says("could not be stored")
			m.unchanged(before)

			m.keychain.Update(func(b *fakesecretservice.Behavior) { *b = fakesecretservice.Behavior{} })
			m.refusedOnce()
			m.start("login").does()
			m.alive()
		})
	}
}

// A refresh that has begun is brought to its end, whatever the process is told.
func TestAT85_SignalDuringRefresh(t *testing.T) {
	t.Parallel()
	for signal, storage := range map[syscall.Signal]string{syscall.SIGINT: "keychain", syscall.SIGTERM: "file", syscall.SIGHUP: "file"} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			m := newExpired(t, storage, rotating())
			arrived, release := m.held(oktatest.HoldAnswer)
			p := m.start("token")
			m.await(arrived)
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			m.sees(p, signal)
			close(release)
			token := p.token()
			m.posts()
			if m.start("token").token() != token || m.posts() != 0 {
				t.Error("the token was not stored")
			}
			m.alive()
		})
	}
}

// A second signal, later than a slip of the finger, ends it all the same, and
// leaves what a kill leaves.
func TestAT85_SecondSignal(t *testing.T) {
	t.Parallel()
	m := newExpired(t, "file", rotating())
	arrived, _ := m.held(oktatest.HoldAnswer)
	p := m.start("token")
	m.await(arrived)
	began := time.Now()
	ended := make(chan int)
	go func() { ended <- p.ends() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := p.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				continue // it has ended, and ends says how
			}
		case code := <-ended:
			if took := time.Since(began); code != 130 || took < time.Second || took > 10*time.Second {
				t.Errorf("got exit code %d after %v, want 130 after 1 s", code, took)
			}
			if p.stdout.Len() > 0 {
				t.Errorf("%d bytes on stdout", p.stdout.Len())
			}
			m.refusedOnce()
			m.start("login").does()
			m.alive()
			return
		}
	}
}

// A response whose ID token is another issuer's is neither stored nor printed.
func TestIDTokenOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, storage string) {
		m := newExpired(t, storage, rotating())
		before := m.stored()
		part := base64.RawURLEncoding.EncodeToString
		token := part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(`{"iss":"https://attacker.example.com"}`)) + "." + part([]byte("x"))
		for _, line := range []string{"token", "login"} {
			m.server.Fail("/v1/token", oktatest.Override("id_token", strconv.Quote(token)))
			m.start(line).fails(3, `ID token has iss "https://attacker.example.com"`, "okauth: hint: set domain and server")
			m.unchanged(before)
		}
	})
}
