package redis

import (
	"errors"
	"testing"
	"time"

	"okauth/pkg/store"
)

// A lease that ended and that no one took is good enough to write: the value may be the only one.
func TestWriteAfterLease(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	a, b := newStore(t, "redis://"+server.Addr), newStore(t, "redis://"+server.Addr)
	first := acquire(t, a)
	if _, err := server.Do("DEL", leaseKey(account)); err != nil { // as when it ends
		t.Fatal(err)
	}
	set(t, a, "canary-a")
	second := acquire(t, b)
	if err := a.Set(t.Context(), account, []byte("canary-late")); !store.IsKind(err, store.LostLock) {
		t.Errorf("got %v", err)
	}
	if err := a.Delete(t.Context(), account); !store.IsKind(err, store.LostLock) {
		t.Errorf("got %v", err)
	}
	first.Release() // not the other's
	c := newStore(t, "redis://"+server.Addr)
	c.wait = 100 * time.Millisecond
	if _, err := c.Acquire(t.Context(), account); !store.IsKind(err, store.LockTimeout) {
		t.Errorf("got %v", err)
	}
	want(t, c, "canary-a", nil)
	if second.Revoked() {
		t.Error("it was not revoked")
	}
}

// A replica that did not know of the last lease gives out its number again. A process that writes with another ID is refused.
func TestSameNumberOfAnotherHolder(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	a, b := newStore(t, "redis://"+server.Addr), newStore(t, "redis://"+server.Addr)
	acquire(t, a)
	for _, key := range []string{leaseKey(account), fenceKey(account)} { // as it was before
		if _, err := server.Do("DEL", key); err != nil {
			t.Fatal(err)
		}
	}
	acquire(t, b)
	if err := a.Set(t.Context(), account, []byte("canary-a")); !store.IsKind(err, store.LostLock) {
		t.Errorf("got %v", err)
	}
	set(t, b, "canary-b")
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	a, b := newStore(t, "redis://"+server.Addr), newStore(t, "redis://"+server.Addr)
	lock := acquire(t, a)
	set(t, a, "canary-a")
	if lock.Revoked() {
		t.Error("revoked too early")
	}
	if err := b.Revoke(account); err != nil {
		t.Fatal(err)
	}
	if !lock.Revoked() {
		t.Error("not revoked")
	}
	if err := b.Delete(t.Context(), account); err != nil {
		t.Error(err)
	}
	if err := a.Set(t.Context(), account, []byte("canary-late")); !store.IsKind(err, store.LostLock) {
		t.Errorf("got %v", err)
	}
	want(t, b, "", store.ErrNotFound)
	lock.Release()
	next := acquire(t, b)
	set(t, b, "canary-b")
	if next.Revoked() {
		t.Error("the next holder is not concerned")
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	a, b := newStore(t, "redis://"+server.Addr), newStore(t, "redis://"+server.Addr)
	if err := acquire(t, a).(store.PausableLock).Pause(time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err := b.Acquire(t.Context(), account)
	if paused, ok := errors.AsType[*store.PausedError](err); !ok || paused.Left < 50*time.Second || paused.Left > time.Minute {
		t.Errorf("got %v", err)
	}
	if _, err := server.Do("PEXPIRE", leaseKey(account), "300"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	acquire(t, b)
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("acquired after %s", took)
	}
}

// All who wait look at the same time when the lock is released, and none of them queues for it.
func TestAcquireUnless(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	url := "redis://" + server.Addr
	holder := newStore(t, url)
	lock := acquire(t, holder)
	done := make(chan error)
	const waiters = 20
	for range waiters {
		go func() {
			s := newStore(t, url)
			lock, err := s.AcquireUnless(t.Context(), account, func() bool {
				_, err := s.Get(t.Context(), account)
				return err == nil
			})
			if err == nil && lock != nil {
				err = errors.New("it got the lock")
			}
			done <- err
		}()
	}
	time.Sleep(200 * time.Millisecond)
	set(t, holder, "canary")
	began := time.Now()
	lock.Release()
	for range waiters {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Logf("all %d knew after %s", waiters, time.Since(began))
	got, err := newStore(t, url).AcquireUnless(t.Context(), account, func() bool { t.Error("no one held it"); return true })
	if err != nil || got == nil {
		t.Fatalf("got %v, %v", got, err)
	}
	got.Release()
}
