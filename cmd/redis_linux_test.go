package cmd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/store"
	"okauth/pkg/store/redis"
	"okauth/pkg/store/redistest"
	"okauth/pkg/store/sealed"
)

// startRedis starts a server for the test. Where none is installed the test is skipped, but not with
// OKAUTH_TEST_REDIS=required.
func startRedis(t *testing.T) *redistest.Server {
	t.Helper()
	server, err := redistest.Start(t.TempDir(), "--appendonly", "yes")
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("OKAUTH_TEST_REDIS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

func (m *machine) redisDo(args ...string) string {
	m.t.Helper()
	text, err := m.redis.Do(args...)
	if err != nil {
		m.t.Fatal(err, text)
	}
	return text
}

// values returns the values on the server, by their keys.
func (m *machine) values() map[string]string {
	m.t.Helper()
	values := make(map[string]string)
	for account := range strings.FieldsSeq(m.redisDo("--raw", "SMEMBERS", "{okauth}::accounts")) {
		key := "{okauth}:" + account
		values[key] = m.redisDo("--raw", "GET", key)
	}
	return values
}

// age makes the stored sessions older.
func (m *machine) age(d time.Duration) {
	m.t.Helper()
	items := redis.New(redis.Options{URL: "redis://" + m.redis.Addr,
		Seal: func(context.Context) (sealed.Key, error) {
			return sealed.ChooseKey(okta.Secret{}, okta.NewSecret(oktatest.DefaultClientSecret))
		}}).Store(time.Second, nil)
	sessions := store.Sessions{Items: items}
	accounts, err := sessions.List(m.t.Context())
	for _, account := range accounts {
		var s *store.Session
		if s, err = sessions.LoadAccount(m.t.Context(), account); err == nil {
			for i := range s.Sets {
				s.Sets[i].ObtainedAt = s.Sets[i].ObtainedAt.Add(-d)
			}
			err = sessions.Save(m.t.Context(), s)
		}
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// A server that disappears while Okta answers a refresh costs the session, but not the token: that is printed, with the
// error. One that comes back in time costs nothing.
func TestServerDiesDuringRefresh(t *testing.T) {
	t.Parallel()
	for name, comesBack := range map[string]bool{"for good": false, "for a moment": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "redis", rotating())
			m.start("login").does()
			m.later(2 * time.Hour)
			arrived, release := m.held(oktatest.HoldAnswer)
			p := m.start("token --timeout 3s")
			m.await(arrived)
			m.redis.Kill()
			close(release)
			if !comesBack {
				if code := p.ends(); code != 6 || !strings.HasPrefix(p.stdout.String(), "eyJ") {
					t.Errorf("got exit code %d, and %d bytes on stdout: %s", code, p.stdout.Len(), &p.stderr)
				}
				p.says("could not be stored", "connection refused")
				return
			}
			if err := m.redis.Restart(); err != nil {
				t.Fatal(err)
			}
			token := p.token()
			m.posts()
			if m.start("token").token() != token || m.posts() != 0 {
				t.Error("the token was not stored")
			}
			m.alive()
		})
	}
}
