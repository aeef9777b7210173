package okauth

import (
	"context"
	"math"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
	"okauth/pkg/store/redis"
)

const (
	// forever stands for no deadline: a person may take any time to answer, and Ctrl-C ends the wait.
	forever = math.MaxInt64
	// glance is long enough to lock what is free. It may pass while the session is locked.
	glance = 20 * time.Millisecond
)

// turn is the turn to ask a person to sign in to a session, by a question, on a page or on a phone. One process at a
// time has it, and one asks on a terminal, where the answer to one question could go to another. The session is not
// locked meanwhile.
type turn struct {
	client  *Client
	storage Storage
	id      store.Identity
	longest time.Duration // how long the process that has it is waited for

	ofSession, ofTerminal func() // give back what is taken; nil: it is not
}

// take takes the turn. With wait it waits for the processes that have it, for longest that of the session, and then
// goes on; else it returns false where another has that of the session. The error is the cause of the end of ctx.
func (t *turn) take(ctx context.Context, wait bool) (mine bool, err error) {
	c := t.client
	longest, waiting := glance, (func() func())(nil)
	if wait {
		longest, waiting = t.longest, c.o.Events.OtherAsks
	}
	if t.ofSession == nil {
		release, taken, err := lockQuestion(ctx, t.storage.questions(longest, waiting), "ask-"+t.id.Account())
		if err != nil || taken && t.longest == forever && !wait {
			return false, err
		}
		t.ofSession = release
	}
	if wait && t.ofTerminal == nil && c.o.Terminal != "" {
		locks := filelock.Locks{Dir: c.questionDir(), Wait: forever, Waiting: waiting}
		t.ofTerminal, _, err = lockQuestion(ctx, locks, "ask-on-terminal-"+c.o.Terminal)
	}
	return err == nil, err
}

// questions returns the locks of the turns to ask about a session: those who share its store wait for each other.
func (s Storage) questions(wait time.Duration, waiting func() (done func())) store.Locker {
	if shared, ok := s.Items.(*redis.Store); ok {
		return shared.WithWait(wait, waiting)
	}
	locks := filelock.Locks{Dir: s.LockDir, Wait: wait, Waiting: waiting}
	if s.Backend != StorageFile {
		locks.Dir = s.client.questionDir()
	}
	return locks
}

// questionDir returns the directory of the locks that need not last. Without a place, "", there is no lock, see
// lockQuestion.
func (c *Client) questionDir() string {
	if c.o.LockDir != "" {
		return c.o.LockDir
	}
	dir, _ := filelock.Place(false)
	return dir
}

// end lets others ask, except after an error if Options.HoldOnError is set.
func (t *turn) end(failed error) {
	if failed != nil && t.client.o.HoldOnError {
		return
	}
	for _, release := range []func(){t.ofTerminal, t.ofSession} {
		if release != nil {
			release()
		}
	}
}

// lockQuestion acquires a lock for a question; taken says that another process has it. Where there can be no lock it
// does without: two questions at once are better than none.
func lockQuestion(ctx context.Context, locks store.Locker, name string) (release func(), taken bool, err error) {
	lock, err := locks.Acquire(ctx, name)
	switch {
	case err == nil:
		return lock.Release, false, nil
	case ctx.Err() != nil:
		return nil, false, context.Cause(ctx)
	}
	return func() {}, store.IsKind(err, store.LockTimeout), nil
}

// lastFactor returns the factor of the sign-in that made the stored session; "" where none is known.
func (s Storage) lastFactor(ctx context.Context, id store.Identity) grant.Factor {
	stored, err := s.Manager().Store.Load(ctx, id)
	if err != nil {
		return ""
	}
	return grant.Factor(stored.Factor)
}
