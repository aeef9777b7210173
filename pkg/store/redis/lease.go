package redis

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// A lock is a key that expires, the lease, with the random ID of its holder. Who acquires it gets the next number; the
// last number and ID are kept in another key, the fence, which no write with an older number passes. All times are the
// server's, so clocks of machines may differ.
// https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html#making-the-lock-safe-with-fencing

const (
	// leaseLength is how long a process that died keeps others waiting. A holder renews its lease three times meanwhile.
	leaseLength = 10 * time.Second
	// A process that waits asks again after these times, and some jitter.
	firstPoll, longestPoll = 20 * time.Millisecond, 400 * time.Millisecond
	// releaseTime limits what Release and the calls without a context wait for the server.
	releaseTime = 2 * time.Second

	revokedID = "revoked" // the ID with the number that Revoke gives out
)

func leaseKey(name string) string { return keyPrefix + name + ":lease" }
func fenceKey(name string) string { return keyPrefix + name + ":fence" }

// acquireScript returns the number of the lease; 0 if another process has it, and -1 during a pause, with the
// milliseconds until that ends and who has it. The same ID may acquire it twice, as it does after an answer that was
// lost. With the last argument it only looks.
const acquireScript = `
local holder = redis.call('GET', KEYS[1])
if holder == 'paused' then return {'-1', tostring(redis.call('PTTL', KEYS[1])), holder} end
if holder and holder ~= ARGV[1] then return {'0', tostring(redis.call('PTTL', KEYS[1])), holder} end
if ARGV[3] == 'look' then return {'0', '0', ''} end
local last = redis.call('HMGET', KEYS[2], 'number', 'id')
local number = tonumber(last[1] or 0)
if last[2] ~= ARGV[1] then
	number = number + 1
	redis.call('HSET', KEYS[2], 'number', number, 'id', ARGV[1])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {tostring(number), '0', ARGV[1]}`

// renewScript extends the lease of its holder, and returns 0 for others.
const renewScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

// releaseScript ends the lease of its holder.
const releaseScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

// pauseScript ends the lease of its holder and keeps others from it.
const pauseScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'paused', 'PX', ARGV[2])
return 1`

// revokeScript gives out a number to no one, so that the holder's writes are refused.
const revokeScript = `
local number = tonumber(redis.call('HGET', KEYS[1], 'number') or 0)
return redis.call('HSET', KEYS[1], 'number', number + 1, 'id', ARGV[1])`

// lease implements [store.Lock].
type lease struct {
	store    *Store
	name, id string
	number   int64
	stop     context.CancelFunc // ends the renewal
	ended    chan struct{}      // closed when the renewal has ended
}

// Acquire implements [store.Locker]. The error is of kind LockTimeout if another process did not release the lock in
// time. If ctx ends first it wraps the error of ctx.
func (s *Store) Acquire(ctx context.Context, name string) (store.Lock, error) {
	return s.AcquireUnless(ctx, name, nil)
}

// AcquireUnless implements [store.SharedLocker].
func (s *Store) AcquireUnless(ctx context.Context, name string, done func() bool) (lock store.Lock, err error) {
	defer s.client.addOp(&err, "lock", name)
	if err := store.CheckAccount(name); err != nil {
		return nil, err
	}
	l := &lease{store: s, name: name, id: rand.Text(), ended: make(chan struct{})}
	w := waiter{end: time.Now().Add(s.wait), wait: s.wait, poll: firstPoll}
	if end, ok := ctx.Deadline(); ok && end.Before(w.end) {
		w.end = end
	}
	waited := func() {}
	defer func() { waited() }()
	for {
		now, err := l.acquire(ctx, w.holder != "" && done != nil)
		switch {
		case err != nil:
			return nil, err
		case l.number > 0:
			l.keep()
			return l, nil
		case w.holder != "" && now.holder != w.holder && done != nil && done():
			return nil, nil
		case now.holder == "": // free, and not what this caller waited for
			w.holder = ""
			continue
		case w.poll == firstPoll && s.waiting != nil:
			waited = s.waiting()
		}
		if err := w.pause(ctx, now); err != nil {
			return nil, err
		}
	}
}

// waiter waits for a lock that another process has.
type waiter struct {
	holder string // the ID of the lease when it was last seen
	end    time.Time
	wait   time.Duration // how long it waits in all, for the error
	poll   time.Duration
}

// pause waits until it is time to ask again.
func (w *waiter) pause(ctx context.Context, now leaseState) error {
	w.holder = now.holder
	pause := min(now.left, w.poll/2+mathrand.N(w.poll)) // two processes do not ask at the same moments again and again
	w.poll = min(2*w.poll, longestPoll)
	switch {
	case now.paused && time.Until(w.end) < now.left:
		return &store.PausedError{Left: now.left}
	case now.paused:
		pause = now.left + mathrand.N(longestPoll)
	case time.Until(w.end) < pause:
		return store.WaitError("", w.wait, nil)
	}
	if err := okta.Sleep(ctx, pause); err != nil {
		return store.WaitError("", w.wait, err)
	}
	return nil
}

// leaseState is what the server says of a lease that this process does not have.
type leaseState struct {
	holder string        // "": it is free
	left   time.Duration // until it ends, if it is not renewed
	paused bool
}

// acquire gives l its number, if the lease is free and look is not set. Otherwise it returns who has it.
func (l *lease) acquire(ctx context.Context, look bool) (leaseState, error) {
	args := []string{l.id, strconv.FormatInt(l.store.client.lease().Milliseconds(), 10)}
	if look {
		args = append(args, "look")
	}
	reply, err := do(ctx, l.store.client, func(ctx context.Context, client valkey.Client) ([]string, error) {
		reply, err := eval(ctx, client, acquireScript, l.keys(), args)
		if err != nil {
			return nil, err
		}
		return reply.AsStrSlice()
	})
	if err != nil {
		return leaseState{}, err
	}
	if len(reply) != 3 {
		return leaseState{}, errShape
	}
	number, err := strconv.ParseInt(reply[0], 10, 64)
	if err != nil {
		return leaseState{}, err
	}
	left, err := strconv.ParseInt(reply[1], 10, 64)
	l.number = max(number, 0)
	left = min(max(left, 1), time.Hour.Milliseconds()) // more is no lease and no pause of okauth
	return leaseState{reply[2], time.Duration(left) * time.Millisecond, number < 0}, err
}

func (l *lease) keys() []string { return []string{leaseKey(l.name), fenceKey(l.name)} }

// keep renews the lease until Release, or until another process has it.
func (l *lease) keep() {
	l.store.mu.Lock()
	l.store.leases[l.name] = l
	l.store.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go func() {
		defer close(l.ended)
		for okta.Sleep(ctx, l.store.client.lease()/3) == nil {
			if kept, err := l.run(ctx, renewScript, l.store.client.lease()); err == nil && kept == 0 {
				return
			}
		}
	}()
}

// run runs a script about the lease, for so long.
func (l *lease) run(ctx context.Context, script string, d time.Duration) (int64, error) {
	args := []string{l.id, strconv.FormatInt(d.Milliseconds(), 10)}
	return do(ctx, l.store.client, func(ctx context.Context, client valkey.Client) (int64, error) {
		return client.Do(ctx, client.B().Eval().Script(script).Numkeys(1).Key(leaseKey(l.name)).Arg(args...).Build()).
			AsInt64()
	})
}

// Release implements [store.Lock]. Where the server is away the lease ends by itself.
func (l *lease) Release() { _ = l.end(releaseScript, 0) }

// Pause implements [store.PausableLock].
func (l *lease) Pause(d time.Duration) error { return l.end(pauseScript, d) }

// end ends the renewal and runs the last script of the lease; the second time it does nothing.
func (l *lease) end(script string, d time.Duration) (err error) {
	defer l.store.client.addOp(&err, "unlock", l.name)
	l.store.mu.Lock()
	held := l.store.leases[l.name] == l
	if held {
		delete(l.store.leases, l.name)
	}
	l.store.mu.Unlock()
	if !held {
		return nil
	}
	l.stop()
	<-l.ended
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	_, err = l.run(ctx, script, d)
	return err
}

// Revoked implements [store.Lock]. It does not report that the lease was lost: a write does.
func (l *lease) Revoked() bool {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	last, err := do(ctx, l.store.client, func(ctx context.Context, client valkey.Client) (string, error) {
		return client.Do(ctx, client.B().Hget().Key(fenceKey(l.name)).Field("id").Build()).ToString()
	})
	return err == nil && last == revokedID
}

// Revoke implements [store.Locker]. The holder's writes are refused from now on, too.
func (s *Store) Revoke(name string) (err error) {
	defer s.client.addOp(&err, "revoke the lock of", name)
	if err := store.CheckAccount(name); err != nil {
		return err
	}
	_, err = do(context.Background(), s.client, func(ctx context.Context, client valkey.Client) (string, error) {
		_, err := eval(ctx, client, revokeScript, []string{fenceKey(name)}, []string{revokedID})
		return "", err
	})
	return err
}

func lostLock() error {
	return store.NewError(store.LostLock, "", errors.New("another process has taken the lock meanwhile"))
}
