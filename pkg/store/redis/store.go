// Package redis stores values on a Redis or Valkey server, for machines that share a session.
//
// A [Client] connects when it is first used; a [Store] is what one caller does with it. Values are sealed as package
// sealed does it, so the server, its replicas and its backups show the names of the accounts and the length of the
// values.
//
// A lock is a lease with a fencing number (lease.go): the process that holds it renews the lease, and one that
// stalled for longer than the lease cannot overwrite what a later holder has written.
package redis

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valkey-io/valkey-go"

	"okauth/pkg/store"
)

// Store is a [store.Backend] and a [store.Locker] on a server. It knows the locks that it gave: one caller uses it at a
// time, and two callers that may wait for each other each have their own.
//
// The errors are *store.Errors: of kind Unreachable if the server was away until the time limit of the call, Denied if
// it refused the user, the password or a command, LostLock for a write whose lock another process has taken since.
// [*ServerError] is in their chain where the server answered with an error.
type Store struct {
	client  *Client
	wait    time.Duration
	waiting func() (done func())

	mu     sync.Mutex
	leases map[string]*lease
}

// Store returns a store that waits for a lock for so long at most. waiting is called when Acquire begins to wait, and
// the function it returns when that ends; nil: nothing is called.
func (c *Client) Store(wait time.Duration, waiting func() (done func())) *Store {
	return &Store{client: c, wait: wait, waiting: waiting, leases: make(map[string]*lease)}
}

// ACL is what the user of a server needs, as ACL SETUSER takes it. Without WAIT, a replica that becomes the master
// may not know the last write. ROLE is for replicas and Sentinels, INFO for okauth doctor, CLUSTER for a cluster.
const ACL = "~{okauth}:* +eval +time +get +set +del +hget +hmget +hset +pttl +pexpire +sadd +srem +smembers +scard " +
	"+hello +select +role +wait +info +cluster|slots +cluster|shards"

// WithWait returns another Store of the same client, with another time to wait.
func (s *Store) WithWait(wait time.Duration, waiting func() (done func())) *Store {
	return s.client.Store(wait, waiting)
}

// All keys have one hash tag, so that a cluster keeps them on one node: a script changes several of them at once. No
// account has a colon.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
const (
	keyPrefix = "{okauth}:"
	indexKey  = keyPrefix + ":accounts" // a set of the accounts that have a value
)

func valueKey(account string) string { return keyPrefix + account }

// readScript returns the server's time, in seconds, and the value.
const readScript = `return {redis.call('TIME')[1], redis.call('GET', KEYS[1])}`

// Get implements [store.Backend]. It costs one command.
func (s *Store) Get(ctx context.Context, account string) (value []byte, err error) {
	defer s.client.addOp(&err, "read", account)
	if err := store.CheckAccount(account); err != nil {
		return nil, err
	}
	reply, err := do(ctx, s.client, func(ctx context.Context, client valkey.Client) ([]valkey.ValkeyMessage, error) {
		return client.Do(ctx, client.B().Eval().Script(readScript).Numkeys(1).Key(valueKey(account)).Build()).ToArray()
	})
	switch {
	case isCode(err, "WRONGTYPE"):
		return nil, store.CorruptError("it is not a sealed value")
	case err != nil:
		return nil, err
	case len(reply) != 2:
		return nil, errShape
	}
	if seconds, err := reply[0].AsInt64(); err == nil {
		s.client.setClock(seconds)
	}
	line, err := reply[1].AsBytes()
	if valkey.IsValkeyNil(err) {
		return nil, store.ErrNotFound
	} else if err != nil {
		return nil, err
	}
	return s.client.o.Seal.Open(ctx, account, line)
}

// Ahead implements [store.ClockedBackend].
func (s *Store) Ahead() time.Duration { return time.Duration(s.client.ahead.Load()) }

// setClock keeps how far the server's clock is ahead. Clocks that are set by NTP differ by less than the tolerance, in
// which an answer arrives as well.
func (c *Client) setClock(seconds int64) {
	const tolerance = 5 * time.Second
	ahead := time.Unix(seconds, 0).Sub(c.o.Now()).Round(time.Second)
	if ahead.Abs() < tolerance {
		ahead = 0
	}
	c.ahead.Store(int64(ahead))
}

// Set implements [store.Backend]. A Store that acquired the lock of the account writes nothing if another process has
// it by now; the error is of kind LostLock then.
func (s *Store) Set(ctx context.Context, account string, value []byte) (err error) {
	defer s.client.addOp(&err, "write", account)
	line, err := s.client.o.Seal.Seal(ctx, account, value)
	if err != nil {
		return err
	}
	return s.write(ctx, account, string(line))
}

// Delete implements [store.Backend], with the same condition as Set.
func (s *Store) Delete(ctx context.Context, account string) (err error) {
	defer s.client.addOp(&err, "delete", account)
	if err := store.CheckAccount(account); err != nil {
		return err
	}
	return s.write(ctx, account, "")
}

// writeScript sets or, without a value, deletes a value, unless the number of the writer's lease is not the last one
// that was given out. The same number with another ID was given out by a replica that did not know of it.
//
// A lease that has ended and that no one took is good enough: the value may be the only refresh token that works.
const writeScript = `
if ARGV[1] ~= '' then
	local last = redis.call('HMGET', KEYS[2], 'number', 'id')
	local number, own = tonumber(last[1] or 0), tonumber(ARGV[1])
	if number > own or number == own and last[2] ~= ARGV[2] then return 0 end
	if number < own then redis.call('HSET', KEYS[2], 'number', ARGV[1], 'id', ARGV[2]) end
end
if ARGV[4] == '' then
	redis.call('DEL', KEYS[1])
	redis.call('SREM', KEYS[3], ARGV[3])
else
	redis.call('SET', KEYS[1], ARGV[4])
	redis.call('SADD', KEYS[3], ARGV[3])
end
return 1`

func (s *Store) write(ctx context.Context, account, line string) error {
	s.mu.Lock()
	held := s.leases[account]
	s.mu.Unlock()
	number, id := "", ""
	if held != nil {
		number, id = strconv.FormatInt(held.number, 10), held.id
	}
	written, err := do(ctx, s.client, func(ctx context.Context, client valkey.Client) (int64, error) {
		reply, err := eval(ctx, client, writeScript,
			[]string{valueKey(account), fenceKey(account), indexKey}, []string{number, id, account, line})
		if err != nil {
			return 0, err
		}
		return reply.AsInt64()
	})
	if err == nil && written == 0 {
		return lostLock()
	}
	return err
}

// List returns the accounts that have a value.
func (s *Store) List(ctx context.Context) (accounts []string, err error) {
	defer s.client.addOp(&err, "list", "")
	return do(ctx, s.client, func(ctx context.Context, client valkey.Client) ([]string, error) {
		return client.Do(ctx, client.B().Smembers().Key(indexKey).Build()).AsStrSlice()
	})
}

// Probe returns nil if the server answers this user and there is a key to seal with. It changes nothing.
func (s *Store) Probe(ctx context.Context) (err error) {
	defer s.client.addOp(&err, "use", "")
	_, err = do(ctx, s.client, func(ctx context.Context, client valkey.Client) (int64, error) {
		return client.Do(ctx, client.B().Scard().Key(indexKey).Build()).AsInt64()
	})
	if err == nil {
		_, err = s.client.o.Seal.Key(ctx)
	}
	return err
}

// Info returns what INFO says of the server, such as "maxmemory_policy". The error is of kind Denied where the user
// must not ask.
// https://redis.io/docs/latest/commands/info/
func (s *Store) Info(ctx context.Context) (info map[string]string, err error) {
	defer s.client.addOp(&err, "ask", "")
	text, err := do(ctx, s.client, func(ctx context.Context, client valkey.Client) (string, error) {
		return client.Do(ctx, client.B().Info().Build()).ToString()
	})
	info = make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, err
}
