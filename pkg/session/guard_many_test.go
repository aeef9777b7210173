package session_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// absent is a keychain that is not there.
type absent struct{ store.None }

func (absent) Get(context.Context, string) ([]byte, error) {
	return nil, store.NewError(store.Unavailable, "read", errors.New("there is none"))
}

// whereKept are the places for sessions.
func whereKept() map[string]func(*session.Manager) {
	return map[string]func(*session.Manager){
		"stored":      func(*session.Manager) {},
		"off":         func(m *session.Manager) { m.Store = store.Sessions{Items: store.None{}} },
		"no keychain": func(m *session.Manager) { m.Store.Items, m.Optional = absent{}, true },
	}
}

// Of many at once, whatever their profile and store, one sends a refused password, and three send three. Each hashes
// its own once at most, and no session is locked meanwhile.
func TestGuardOfManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what      string
		passwords []string
		posts     int
	}{
		{"one", []string{"wrong-horse"}, 1},
		{"two in turn", []string{"wrong-horse", "wrong-mule"}, 2},
		{"five", []string{"wrong-1", "wrong-2", "wrong-3", "wrong-4", "wrong-5"}, 3},
	} {
		for where, keep := range whereKept() {
			t.Run(c.what+"/"+where, func(t *testing.T) {
				t.Parallel()
				o := newOrg(t, oktatest.Rotation{})
				var hashes atomic.Int32
				o.manager.Guard = o.manager.Guard.WithFastHash(func() {
					hashes.Add(1)
					for i := range 4 {
						r := o.want
						r.Identity.Profile = fmt.Sprintf("dev%d", i)
						lock, err := o.locks.Acquire(t.Context(), r.Identity.Account()) // would wait forever on our own
						if err != nil {
							t.Errorf("a session is locked while a hash is made: %v", err)
							return
						}
						lock.Release()
					}
				})
				const n = 16
				keep(&o.manager)
				var all sync.WaitGroup
				for i := range n {
					all.Go(func() {
						_ = o.signIn(t, c.passwords[i%len(c.passwords)], func(r *session.TokenRequest) {
							r.Identity.Profile = fmt.Sprintf("dev%d", i%4)
						})
					})
				}
				all.Wait()
				if got := len(o.forms()); got != c.posts {
					t.Errorf("%d passwords were sent, want %d", got, c.posts)
				}
				if got := hashes.Load(); got > n {
					t.Errorf("%d calls made %d hashes", n, got)
				}
			})
		}
	}
}

// Of many logins at once, one sends a refused password, and a later one sends none.
func TestGuardOfManyLogins(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	const n = 16
	var all sync.WaitGroup
	var blocked atomic.Int32
	for range n {
		all.Go(func() {
			if is[*session.PasswordBlockedError](o.loginWith(t, "wrong-horse", false)) {
				blocked.Add(1)
			}
		})
	}
	all.Wait()
	if got := len(o.forms()); got != 1 || blocked.Load() != n-1 {
		t.Errorf("%d passwords were sent and %d logins blocked, want 1 and %d", got, blocked.Load(), n-1)
	}
	o.clock.Advance(time.Minute)
	o.wantBlocked(t, o.loginWith(t, "wrong-horse", false), 1)
}

// Whatever was sent in between, a refused password is sent once an hour.
func TestGuardInAnyOrder(t *testing.T) {
	t.Parallel()
	for where, keep := range whereKept() {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{})
			keep(&o.manager)
			sent := make(map[string]int)
			for i, password := range strings.Fields(strings.Repeat("wrong-1 wrong-2 right wrong-1 wrong-3 right ", 4) +
				"wrong-4 wrong-5 wrong-6 wrong-7 wrong-7") {
				text := password
				if text == "right" {
					text = oktatest.DefaultPassword
				}
				before := len(o.forms())
				err := o.signIn(t, text, func(r *session.TokenRequest) { r.Identity.Profile = fmt.Sprintf("dev%d", i) })
				sent[password] += len(o.forms()) - before
				if password == "right" && err != nil {
					t.Errorf("the right password: %v", err)
				}
			}
			want := map[string]int{
				"right": 8, "wrong-1": 1, "wrong-2": 1, "wrong-3": 1, "wrong-4": 1, "wrong-5": 1, "wrong-6": 1, "wrong-7": 0,
			}
			if !maps.Equal(sent, want) {
				t.Errorf("got %v, want %v", sent, want)
			}
			if info, err := os.Stat(o.record(t)); err != nil || info.Size() > 4096 {
				t.Errorf("got %v, %v", info.Size(), err)
			}
		})
	}
}

// However many passwords are refused and accepted in turn, the record stays one that can be read.
func TestGuardRecordIsBounded(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.manager.Store = store.Sessions{Items: store.None{}}
	for i := range 40 {
		o.wantRefused(t, o.signIn(t, fmt.Sprintf("wrong-%d", i)), 1)
		o.wantBlocked(t, o.signIn(t, fmt.Sprintf("wrong-%d", i)), 1)
		if err := o.signIn(t, oktatest.DefaultPassword); err != nil {
			t.Fatal(err)
		}
		o.server.ResetRequests()
	}
}

// Nobody waits for the slow hash of another: all who need one make it at the same time, so that many at once take as
// long as one, as far as there are processors. That holds for those who waited for the first answer, and for those who
// come later.
func TestGuardHashesAtOnce(t *testing.T) {
	t.Parallel()
	for where, keep := range whereKept() {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{})
			keep(&o.manager)
			const n = 32
			burst := func(together int) {
				var left atomic.Int32
				left.Store(int32(together))
				allAreHere := make(chan struct{})
				alone := int32(n - together) // these hash before anyone else can
				var hashes atomic.Int32
				o.manager.Guard = o.manager.Guard.WithFastHash(func() {
					if hashes.Add(1) > alone {
						if left.Add(-1) == 0 {
							close(allAreHere)
						}
						select {
						case <-allAreHere:
						case <-time.After(time.Minute):
							t.Error("one hash waits for another")
						}
					}
				})
				var all sync.WaitGroup
				for range n {
					all.Go(func() { _ = o.signIn(t, "wrong-horse") })
				}
				all.Wait()
				if got := hashes.Load(); got != n {
					t.Errorf("%d calls made %d hashes", n, got)
				}
			}
			burst(n - 1) // the first one sends the password
			burst(n)
			if got := len(o.forms()); got != 1 {
				t.Errorf("%d passwords were sent, want 1", got)
			}
		})
	}
}
