package session_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/redis"
	"okauth/pkg/store/redistest"
	"okauth/pkg/store/sealed"
)

// Of a thousand runners with a wrong password one sends it. They are of two profiles, and each has a connection of its
// own.
func TestGuardOfAThousandRunners(t *testing.T) {
	t.Parallel()
	server, err := redistest.Start(t.TempDir())
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("OKAUTH_TEST_REDIS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	key, err := sealed.ChooseKey(okta.NewSecret(strings.Repeat("a", 64)), okta.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	o := newOrg(t, oktatest.Rotation{})
	n := 1000
	if raceDetector { // it knows at most 8,128 goroutines
		n = 200
	}
	var all sync.WaitGroup
	var blocked atomic.Int32
	for i := range n {
		client := redis.New(redis.Options{
			URL: "redis://" + server.Addr, Timeout: time.Minute, Now: o.clock.Now,
			Seal: func(context.Context) (sealed.Key, error) { return key, nil },
		})
		shared := client.Store(time.Minute, nil)
		runner := *o
		runner.manager.Store = store.Sessions{Items: shared, Locks: shared}
		runner.manager.Guard.Items, runner.manager.Guard.Locks = shared, shared
		all.Go(func() {
			err := runner.signIn(t, "wrong-horse", func(r *session.TokenRequest) { r.Identity.Profile = []string{"ci", "cd"}[i%2] })
			if is[*session.PasswordBlockedError](err) {
				blocked.Add(1)
			} else if !is[*okta.Error](err) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if posts := len(o.forms()); posts != 1 || int(blocked.Load()) != n-1 {
		t.Errorf("%d passwords were sent and %d blocked, want 1 and %d", posts, blocked.Load(), n-1)
	}
}
