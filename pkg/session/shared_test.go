package session_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// share makes o's sessions and its guard's records those of many machines.
func (o *org) share(wait time.Duration) *sharedLocks {
	locks := newSharedLocks(wait)
	o.manager.Store.Locks = locks
	o.manager.Guard.Items, o.manager.Guard.Locks = o.items, locks
	return locks
}

// Those who wait for another's refresh read it at once, and do not take the lock one after the other.
func TestSharedLockIsAcquiredOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	locks := o.share(time.Minute)
	o.login(t)
	o.clock.Advance(2 * time.Hour)
	const n = 64
	locks.waiter, locks.given = make(chan error, n), 0
	o.server.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		for range n - 1 {
			<-locks.waiter
		}
		next.ServeHTTP(w, r)
	})
	tokens := make([]string, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { tokens[i] = o.mustRenew(t) })
	}
	all.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Fatal("they got different tokens")
		}
	}
	if posts := o.posts(t); len(posts) != 1 || locks.given != 1 {
		t.Errorf("%d requests and %d locks, want 1 and 1", len(posts), locks.given)
	}
}

// The same for sign-ins with a password, which need the guard's lock first.
func TestSharedLocksOfManySignIns(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	locks := o.share(time.Minute)
	const n = 64
	locks.waiter = make(chan error, 2*n)
	o.server.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		for range n - 1 {
			<-locks.waiter
		}
		next.ServeHTTP(w, r)
	})
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := o.signIn(t, oktatest.DefaultPassword); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if posts := len(o.forms()); posts != 1 || locks.given > 2 { // the guard's and the session's
		t.Errorf("%d requests and %d locks, want 1 and 2", posts, locks.given)
	}
}

// A password that Okta refused on one machine is not sent from another.
func TestGuardIsShared(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.share(time.Minute)
	const n = 64
	var all sync.WaitGroup
	var blocked atomic.Int32
	for range n {
		all.Go(func() {
			if is[*session.PasswordBlockedError](o.signIn(t, "wrong-horse")) {
				blocked.Add(1)
			}
		})
	}
	all.Wait()
	if posts := len(o.forms()); posts != 1 || blocked.Load() != n-1 {
		t.Errorf("%d passwords were sent and %d blocked, want 1 and %d", posts, blocked.Load(), n-1)
	}
}

// Where the shared place cannot be read, no password is sent: another machine may have sent it in vain.
func TestGuardThatCannotBeReadSendsNothing(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.share(time.Minute)
	o.manager.Store = store.Sessions{Items: store.None{}}
	o.items.onGet = func(string) error { return store.NewError(store.TimedOut, "read", errors.New("no answer")) }
	if err := o.signIn(t, "wrong-horse"); !store.IsKind(err, store.TimedOut) || len(o.forms()) != 0 {
		t.Errorf("got %v after %d posts", err, len(o.forms()))
	}
}

// After a 429 no one who shares the lock sends anything before Okta's time is over: those who can wait do, and one of
// them refreshes; the others are told how long.
func TestTooManyRequestsPauseEveryone(t *testing.T) {
	t.Parallel()
	refresh := func(o *org) error { _, err := o.renew(t); return err }
	signIn := func(o *org) error { return o.signIn(t, oktatest.DefaultPassword) }
	shared := func(o *org, wait time.Duration) {
		locks, ok := o.manager.Store.Locks.(*sharedLocks)
		if !ok {
			locks = newSharedLocks(wait)
		}
		locks.wait = wait
		o.manager.Store.Locks, o.manager.Guard.Locks = locks, locks
	}
	files := func(o *org, wait time.Duration) {
		o.locks.Wait = wait
		o.manager.Guard.Locks = session.UserPlace{Locks: *o.locks}
	}
	for what, c := range map[string]struct {
		ask    func(*org) error
		setUp  func(*org, time.Duration)
		signIn bool
	}{
		"refresh, many machines": {refresh, shared, false}, "sign-in, many machines": {signIn, shared, true},
		"refresh, many processes": {refresh, files, false}, "sign-in, many processes": {signIn, files, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ask := c.ask
			o := newOrg(t, oktatest.Rotation{})
			c.setUp(o, 2*time.Second)
			if !c.signIn {
				o.login(t)
				o.clock.Advance(2 * time.Hour)
			}
			patient := *o.client.HTTP
			hasty := patient
			hasty.Timeout = 5 * time.Second // Okta asks for more
			o.client.HTTP = &hasty
			o.server.Fail("/token", oktatest.Respond(429, http.Header{"Retry-After": {"6"}, "Content-Type": {"application/json"}},
				`{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`))
			began := time.Now()
			if e, ok := errors.AsType[*okta.Error](ask(o)); !ok || e.Status != 429 || len(o.forms()) != 1 {
				t.Fatalf("got %v after %d posts", e, len(o.forms()))
			}
			limited, ok := errors.AsType[*session.RateLimitedError](ask(o))
			if !ok || limited.Left <= 0 || limited.Left > 6*time.Second || len(o.forms()) != 1 {
				t.Fatalf("got %v after %d posts", limited, len(o.forms()))
			}
			o.client.HTTP = &patient
			c.setUp(o, time.Minute)
			const n = 16
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if err := ask(o); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if took := time.Since(began); len(o.forms()) != 2 || took < 6*time.Second {
				t.Errorf("%d posts in %v, want 2 in 6 s at least", len(o.forms()), took)
			}
		})
	}
}

// A logout does not wait for what Okta said to others, and it is no reason to doubt it.
func TestLogoutWhilePaused(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	locks := o.share(50 * time.Millisecond)
	o.login(t)
	lock, err := locks.Acquire(t.Context(), o.want.Identity.Account())
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.(store.PausableLock).Pause(time.Hour); err != nil {
		t.Fatal(err)
	}
	if result, found := o.logout(t); !found || result.LockErr != nil || result.Revoked == 0 {
		t.Errorf("got %+v, %v", result, found)
	}
}

// clocked is a shared store with a clock that is ahead of a machine's.
type clocked struct {
	store.Backend
	ahead time.Duration
}

func (c clocked) Ahead() time.Duration { return c.ahead }

// Machines whose clocks are ten minutes apart agree on how long a token lives, and when a password was refused.
func TestClocksOfMachinesMayDiffer(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.share(time.Minute)
	machine := func(behind time.Duration) *org {
		m := *o
		now := func() time.Time { return o.clock.Now().Add(-behind) }
		client := *o.client
		client.Now, m.client = now, &client
		shared := clocked{o.items, behind}
		m.manager.Now, m.manager.Guard.Now = now, now
		m.manager.Store.Items, m.manager.Guard.Items = shared, shared
		return &m
	}
	slow, fast := machine(5*time.Minute), machine(-5*time.Minute)
	fast.login(t)
	for age, posts := range map[time.Duration]int{time.Second: 0, time.Hour - 2*time.Minute: 0, time.Hour + time.Second: 1} {
		t.Run(age.String(), func(t *testing.T) {
			fast.login(t)
			o.clock.Advance(age)
			token := slow.mustRenew(t)
			if again := fast.mustRenew(t); len(o.posts(t)) != posts || again != token {
				t.Errorf("got %d requests, want %d; one token: %v", len(o.posts(t)), posts, token == again)
			}
			got, _ := fast.renew(t)
			if left := got.ExpiresAt.Sub(fast.manager.Now()); left > time.Hour || posts == 1 && left < time.Hour {
				t.Errorf("the token of %v is said to live for %v by the machine's own clock", age, left)
			}
			o.server.ResetRequests()
		})
	}
	fast.wantRefused(t, fast.loginWith(t, "wrong-horse", false), 1)
	o.clock.Advance(time.Minute)
	if blocked := slow.wantBlocked(t, slow.loginWith(t, "wrong-horse", false), 1); !blocked.RefusedAt.Equal(slow.manager.Now().Add(-time.Minute)) {
		t.Errorf("refused at %v, now it is %v", blocked.RefusedAt, slow.manager.Now())
	}
}

// A process that stalled for so long that another took its lock and refreshed overwrites nothing, and returns the
// other's token.
func TestLostLockLeavesTheOthersSession(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	locks := o.share(time.Minute)
	o.login(t)
	o.clock.Advance(2 * time.Hour)
	other := *o.session(t)
	other.Revision++
	other.Refresh.Value = okta.NewSecret("canary-refresh-of-the-other")
	other.Sets = append([]store.TokenSet(nil), other.Sets...)
	other.Sets[0].AccessToken, other.Sets[0].ObtainedAt = okta.NewSecret("canary-access-of-the-other"), o.clock.Now()
	o.items.onSet = func(string) error {
		o.items.onSet = nil
		if err := o.manager.Store.Save(t.Context(), &other); err != nil {
			t.Error(err)
		}
		locks.locks[o.want.Identity.Account()].Release()
		return store.NewError(store.LostLock, "write", errors.New("another process has it"))
	}
	if token := o.mustRenew(t); token != "canary-access-of-the-other" {
		t.Errorf("got the token %q", token)
	}
	if got := o.session(t); got.Revision != other.Revision || !got.Refresh.Value.Equal(other.Refresh.Value) {
		t.Error("the other's session was overwritten")
	}
}

// A 429 that names no time, or is the page of something before Okta, holds for a second.
func TestTooManyRequestsWithoutATime(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]oktatest.Fault{
		"page": oktatest.HTML(429), "JSON": oktatest.Respond(429, http.Header{"Content-Type": {"application/json"}},
			`{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{})
			locks := o.share(time.Minute)
			o.login(t)
			o.clock.Advance(2 * time.Hour)
			o.server.Fail("/token", fault)
			began := time.Now()
			if token, err := o.renew(t); err == nil {
				t.Fatalf("got a token of type %v", token.Type)
			}
			if until := locks.locks[o.want.Identity.Account()].until; until.Before(began.Add(time.Second)) {
				t.Errorf("the pause ends %v after the request began", until.Sub(began))
			}
		})
	}
}
