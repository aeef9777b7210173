package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// RateLimitedError says that Okta has told another process that shares the lock to wait, and that this one has sent
// nothing. The caller tries again when Left is over.
type RateLimitedError struct {
	Left time.Duration
}

func (e *RateLimitedError) Error() string {
	return "nothing was sent: Okta answered another process that there were too many requests; retry after " +
		safetext.Duration(e.Left.Round(time.Second))
}

// errDone says that no lock was acquired, because another process has done the work.
var errDone = errors.New("another process has done it")

// acquire waits for a lock. While it waits for one that many machines share, it calls done, which looks whether the
// lock is needed at all: it returns no lock and no error after done has returned true.
func acquire(ctx context.Context, locks store.Locker, name string, done func() bool) (lock store.Lock, err error) {
	if shared, ok := locks.(store.SharedLocker); ok {
		lock, err = shared.AcquireUnless(ctx, name, done)
	} else {
		lock, err = locks.Acquire(ctx, name)
	}
	if paused, ok := errors.AsType[*store.PausedError](err); ok {
		err = &RateLimitedError{paused.Left}
	}
	return lock, err
}

// pause keeps the others who share a lock from asking Okta before the time that it named, if err is its answer to too
// many requests. Without a time it is a second, so that they do not ask at once, one after the other.
func pause(lock store.Lock, err error) {
	pausable, ok := lock.(store.PausableLock)
	refused, _ := errors.AsType[*okta.Error](err)
	page, _ := errors.AsType[*okta.ResponseError](err)
	wait := time.Second
	switch {
	case !ok:
		return
	case refused != nil && refused.Status == http.StatusTooManyRequests:
		wait = max(wait, refused.RetryAfter)
	case page == nil || page.Status != http.StatusTooManyRequests:
		return
	}
	_ = pausable.Pause(wait) // if that fails, the next process asks Okta itself
}

// lockUnless waits until no other process changes the session of an account, to get something from Okta. While it
// waits, and again with the lock, it calls done: it returns no lock and no error after that has returned true.
func (m Manager) lockUnless(ctx context.Context, account string, done func() bool) (lock store.Lock, err error) {
	lock = noLock{}
	if m.Store.Locks != nil {
		lock, err = acquire(ctx, m.Store.Locks, account, done)
	}
	if err != nil || lock == nil {
		return nil, err
	}
	if done() {
		lock.Release()
		return nil, nil
	}
	return lock, nil
}

// lock waits until no other process changes the session of an account. The lock can be released even after an error.
func (m Manager) lock(ctx context.Context, account string) (store.Lock, error) {
	lock, err := m.lockUnless(ctx, account, func() bool { return false })
	if err != nil {
		lock = noLock{}
	}
	if is[*RateLimitedError](err) { // no one holds it, and the caller sends Okta no such request
		err = nil
	}
	return lock, err
}

// settled looks at what is stored and reports whether there is nothing to do: a session that will do, which another
// process may have stored meanwhile, or one that cannot be read.
func (m Manager) settled(ctx context.Context, s *signIn) bool {
	if s.old, s.err = m.loadOld(ctx, *s); s.err != nil || s.login {
		return s.err != nil
	}
	if _, s.err = m.choose(s.old, s.request); is[*LoginRequiredError](s.err) {
		s.err = nil
		return false
	}
	return true
}

// noLock is the lock of a session that is not stored, or that could not be locked.
type noLock struct{}

func (noLock) Release()      {}
func (noLock) Revoked() bool { return false }
