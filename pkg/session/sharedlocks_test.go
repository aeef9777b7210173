package session_test

import (
	"context"
	"sync"
	"time"

	"okauth/pkg/store"
)

// sharedLocks are the locks of many machines, in memory.
type sharedLocks struct {
	wait time.Duration

	mu     sync.Mutex
	locks  map[string]*sharedLock
	given  int        // locks that were acquired
	waiter chan error // if not nil, gets a value when a caller begins to wait
}

// sharedLock is not copied; its fields belong to the mutex of its sharedLocks.
type sharedLock struct {
	all      *sharedLocks
	released chan struct{} // closed when the holder releases it; nil: no one holds it
	until    time.Time     // the end of the pause
	revoked  bool
}

func newSharedLocks(wait time.Duration) *sharedLocks {
	return &sharedLocks{wait: wait, locks: make(map[string]*sharedLock)}
}

// try acquires the lock, or returns what to wait for, and how long at least.
func (s *sharedLocks) try(name string, may bool) (lock *sharedLock, released <-chan struct{}, left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locks[name]
	if l == nil {
		l = &sharedLock{all: s}
		s.locks[name] = l
	}
	left = time.Until(l.until)
	if l.released != nil || left > 0 {
		return nil, l.released, left
	}
	if !may {
		return nil, nil, 0
	}
	l.released, l.revoked = make(chan struct{}), false
	s.given++
	return l, nil, 0
}

func (s *sharedLocks) Acquire(ctx context.Context, name string) (store.Lock, error) {
	return s.AcquireUnless(ctx, name, func() bool { return false })
}

func (s *sharedLocks) AcquireUnless(ctx context.Context, name string, done func() bool) (store.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	for waited := false; ; {
		lock, released, left := s.try(name, !waited)
		end, _ := ctx.Deadline()
		switch {
		case lock != nil:
			return lock, nil
		case left > time.Until(end):
			return nil, &store.PausedError{Left: left}
		case released == nil && left <= 0: // free again
			if done() {
				return nil, nil
			}
			waited = false
			continue
		case released == nil:
			time.Sleep(left)
		default:
			if s.waiter != nil {
				s.waiter <- nil
			}
			select {
			case <-released:
			case <-ctx.Done():
				return nil, store.NewError(store.LockTimeout, "", ctx.Err())
			}
		}
		waited = true
	}
}

func (s *sharedLocks) Revoke(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.locks[name]; l != nil {
		l.revoked = true
	}
	return nil
}

func (l *sharedLock) Release() {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	if l.released != nil {
		close(l.released)
		l.released = nil
	}
}

func (l *sharedLock) Pause(d time.Duration) error {
	l.all.mu.Lock()
	l.until = time.Now().Add(d)
	l.all.mu.Unlock()
	l.Release()
	return nil
}

func (l *sharedLock) Revoked() bool {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	return l.revoked
}
