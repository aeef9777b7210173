package store

import (
	"context"
	"fmt"
	"time"

	"okauth/pkg/internal/safetext"
)

// SharedLocker is a [Locker] for so many processes that they must not queue for a lock, one after the other.
type SharedLocker interface {
	Locker
	// AcquireUnless is Acquire for callers who wait for what the holder of the lock does, and need no lock once it is
	// done. Whenever a lock that was held when the call began has been released or lost, it calls done before it takes
	// the lock. If done returns true, it returns no Lock and no error. So all who wait look at the same time.
	AcquireUnless(ctx context.Context, name string, done func() bool) (Lock, error)
}

// PausableLock is a [Lock] that can be kept from everyone for a while.
type PausableLock interface {
	Lock
	// Pause releases the lock, and no process can acquire it before d is over, by the clock of the place that keeps
	// locks. Acquire and AcquireUnless wait for that if they can wait as long, and else return a [*PausedError] at once.
	// Where this process has lost the lock, Pause does nothing.
	Pause(d time.Duration) error
}

// PausedError says that a lock cannot be acquired in time, because its last holder called [PausableLock.Pause].
type PausedError struct {
	Left time.Duration // how long the pause still lasts
}

func (e *PausedError) Error() string {
	return fmt.Sprintf("another process said that no one should go on for %s", safetext.Duration(e.Left))
}
