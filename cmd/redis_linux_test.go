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
	server, err := redistest.Start(t.TempDir())
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
