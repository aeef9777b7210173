package oktatest

import (
	"sync"
	"time"
)

// Clock is a clock that can be set. The zero Clock runs with the system's.
type Clock struct {
	mu     sync.Mutex
	frozen bool
	at     time.Time     // the time shown while frozen
	ahead  time.Duration // ahead of the system's clock while running
}

// NewClock is a clock that stands still at t.
func NewClock(t time.Time) *Clock { return &Clock{frozen: true, at: t} }

// Now is the time the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen {
		return c.at
	}
	return time.Now().Add(c.ahead)
}

// Set stops the clock at t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.at = true, t
}

// Advance moves the clock by d, forwards or (negative) backwards; one that runs goes on running.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.ahead = c.at.Add(d), c.ahead+d
}
