package store

import (
	"context"
	"fmt"
	"slices"
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
	return fmt.Sprintf("another process paused the lock for %s", safetext.Duration(e.Left))
}

// ClockedBackend is a [Backend] of many machines, whose clocks may differ. [Sessions] stores times by its clock, and
// returns them by that of this machine.
type ClockedBackend interface {
	Backend
	// Ahead returns how far its clock is ahead of this machine's, in seconds, as the last Get of this process has found;
	// 0 where they agree within a few seconds.
	Ahead() time.Duration
}

// Ahead returns how far the clock of b is ahead of this machine's; 0 where b has none of its own.
func Ahead(b Backend) time.Duration {
	if clocked, ok := b.(ClockedBackend); ok {
		return clocked.Ahead()
	}
	return 0
}

// byClock returns s with its times by a clock that is ahead by d.
func (s *Session) byClock(d time.Duration) *Session {
	if d == 0 {
		return s
	}
	moved := *s
	moved.Sets = slices.Clone(s.Sets)
	moved.Refresh.ObtainedAt = s.Refresh.ObtainedAt.Add(d)
	for i := range moved.Sets {
		moved.Sets[i].ObtainedAt = s.Sets[i].ObtainedAt.Add(d)
	}
	return &moved
}
