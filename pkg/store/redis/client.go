package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"

	"okauth/pkg/okta"
	"okauth/pkg/store/sealed"
)

const (
	// connectTime bounds the connection to one address, and again its TLS handshake and its first commands.
	connectTime = 5 * time.Second
	// A call that failed is repeated after these times, with jitter.
	firstRetry, longestRetry = 50 * time.Millisecond, time.Second
	// acknowledgeTime is how long a write waits for a replica to confirm it.
	acknowledgeTime = time.Second
)

// Options say where a server is and how to talk to it.
type Options struct {
	// URL names the server, without a password:
	//
	//	redis://[user@]host[:port][/db]            rediss:// for TLS; valkey:// and valkeys:// mean the same
	//	unix://[user@]/path/to/socket[?db=number]
	//
	// ?addr=host:port, which may be repeated, names more nodes of a cluster. With ?master_set=name the hosts are those of
	// Sentinels, which know the address of the master of that name.
	URL string
	// Password returns the password of the user, zero for none. nil: there is none.
	Password func(context.Context) (okta.Secret, error)
	// Roots returns the certificate authorities to trust with TLS. nil: those of the system.
	Roots func() (*x509.CertPool, error)
	// Timeout limits each call, what is tried again included; 0 is 30 s.
	Timeout time.Duration
	Seal    sealed.Sealer    // seals and opens the values
	Now     func() time.Time // nil: time.Now
	// Waiting is called when the server has to be tried again, and the function it returns when that ends. nil: nothing
	// is called.
	Waiting func(what string) (done func())

	leaseLength time.Duration // 0: leaseLength; for tests
}

// Client connects to a server when it is first used, and again when the connection fails. Goroutines may share it.
type Client struct {
	o Options

	mu         sync.Mutex
	connected  valkey.Client // nil: not connected
	cluster    bool          // a node has said that the key is another node's
	nodes      []string      // of the cluster
	toSentinel bool          // Sentinels ask for the password, too

	ahead atomic.Int64 // how far the server's clock is ahead, in nanoseconds, see [Store.Ahead]
}

// New returns a client. It accesses nothing; a URL that cannot be used is the error of each call.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Waiting == nil {
		o.Waiting = func(string) func() { return func() {} }
	}
	return &Client{o: o}
}

func (c *Client) lease() time.Duration {
	if c.o.leaseLength > 0 {
		return c.o.leaseLength
	}
	return leaseLength
}

// Location returns where the server is, without a user and without parameters: "redis://host:6379/0".
func (c *Client) Location() string {
	u, err := url.Parse(c.o.URL)
	if err != nil {
		return "redis"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// do calls call with a connected client until it succeeds, fails for good, or the time is over. So call must be fit to
// be repeated after it has succeeded unseen.
func do[T any](ctx context.Context, c *Client, call func(context.Context, valkey.Client) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	done := func() {}
	defer func() { done() }()
	var last error
	for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
		value, err := attempt(ctx, c, call)
		switch {
		case ctx.Err() != nil && err != nil:
			return value, awayError(ctx.Err(), last)
		case !mayPass(err):
			return value, err
		case pause == firstRetry:
			done = c.o.Waiting("waiting for " + c.Location())
		}
		last = err
		if err := okta.Sleep(ctx, pause/2+mathrand.N(pause)); err != nil {
			return value, awayError(err, last)
		}
	}
}

// attempt calls call once. When ctx ends it leaves the call behind, which ends by its own deadline.
func attempt[T any](ctx context.Context, c *Client, call func(context.Context, valkey.Client) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ended := make(chan result, 1)
	go func() {
		var r result
		var client valkey.Client
		if client, r.err = c.connect(ctx); r.err == nil {
			r.value, r.err = call(ctx, client)
			if mayPass(r.err) {
				c.drop(client, r.err)
			}
		}
		ended <- r
	}()
	select {
	case r := <-ended:
		return r.value, r.err
	case <-ctx.Done():
		return result{}.value, ctx.Err()
	}
}

// connect returns the connected client.
func (c *Client) connect(ctx context.Context) (valkey.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connected != nil || ctx.Err() != nil {
		return c.connected, ctx.Err()
	}
	o, err := c.options(ctx)
	if err != nil {
		return nil, err
	}
	client, err := valkey.NewClient(o)
	if err == nil {
		c.connected = client
		return client, nil
	}
	if client != nil {
		client.Close()
	}
	switch {
	case isCode(err, "NOAUTH") && o.Sentinel.MasterSet != "" && o.Password != "" && !c.toSentinel:
		c.toSentinel = true
		return nil, fmt.Errorf("a Sentinel asks for a password: %w", io.ErrUnexpectedEOF) // the next attempt sends it
	case valkey.IsValkeyNil(err), strings.Contains(err.Error(), "No such master"): // not a value that was not found
		err = &fatalError{fmt.Errorf("the Sentinels know no master called %q", o.Sentinel.MasterSet)}
	}
	return nil, err
}

// drop makes the next call connect anew, so that it asks again which node is the master.
func (c *Client) drop(client valkey.Client, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connected != client {
		return
	}
	c.cluster = c.cluster || isCode(err, "MOVED", "ASK")
	if client.Mode() == valkey.ClientModeCluster {
		c.nodes = nil
		for address := range client.Nodes() {
			c.nodes = append(c.nodes, address)
		}
	}
	c.connected = nil
	go client.Close() // it may wait for answers
}

// options returns what the library needs to connect: one connection that has nothing to do in the background.
func (c *Client) options(ctx context.Context) (valkey.ClientOption, error) {
	o, err := valkey.ParseURL(c.o.URL)
	if err != nil {
		return o, &fatalError{errors.New("the URL of the server cannot be used")}
	}
	if c.o.Password != nil {
		password, err := c.o.Password(ctx)
		if err != nil {
			return o, &fatalError{fmt.Errorf("get the password of the server: %w", err)}
		}
		o.Password = password.Reveal()
	}
	// A negative KeepAlive is what turns the library's pings off; the one that counts for TCP is the other.
	o.Dialer = net.Dialer{
		Timeout: connectTime, KeepAlive: -1,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	o.DialCtxFn = bounded(o.DialCtxFn)
	if o.TLSConfig != nil {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // each host has a certificate of its own
		if c.o.Roots != nil {
			if o.TLSConfig.RootCAs, err = c.o.Roots(); err != nil {
				return o, &fatalError{err}
			}
		}
	}
	o.Sentinel.Dialer, o.Sentinel.TLSConfig = o.Dialer, o.TLSConfig
	if c.toSentinel {
		o.Sentinel.Username, o.Sentinel.Password = o.Username, o.Password
	}
	o.InitAddress = append(o.InitAddress, slices.DeleteFunc(slices.Clone(c.nodes), func(node string) bool {
		return slices.Contains(o.InitAddress, node)
	})...)
	o.ForceSingleClient = len(o.InitAddress) == 1 && !c.cluster && o.Sentinel.MasterSet == ""
	o.ConnWriteTimeout = c.o.Timeout
	o.DisableCache, o.DisableRetry, o.ClientSetInfo = true, true, valkey.DisableClientSetInfo
	o.PipelineMultiplex, o.RingScaleEachConn = -1, 8
	o.ReadBufferEachConn, o.WriteBufferEachConn = 8<<10, 8<<10
	return o, nil
}

// eval runs a script that writes, and waits until a replica has what it wrote, if the server has replicas: one that
// becomes the master must know the lease and the refresh token. Where no replica confirms it in time the write counts
// even so, since a session is worth more now than after a failure that may not come.
func eval(ctx context.Context, client valkey.Client, script string, keys, args []string) (valkey.ValkeyResult, error) {
	var one valkey.CoreClient = client
	if client.Mode() == valkey.ClientModeCluster { // all commands go to the node that has the keys
		node, release := client.Dedicate()
		defer release()
		one = node
	}
	b := client.B()
	write := b.Eval().Script(script).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
	replies := one.DoMulti(ctx, write, b.Role().Build())
	if err := replies[0].Error(); err != nil || !hasReplicas(replies[1]) {
		return replies[0], err
	}
	limit := acknowledgeTime
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/2)
	}
	// The library would send its own WAIT over another connection, which has written nothing.
	wait := b.Arbitrary("WAIT", "1", strconv.FormatInt(max(limit.Milliseconds(), 1), 10)).Build()
	_ = one.Do(ctx, wait)
	return replies[0], nil
}

// hasReplicas reports whether the answer to ROLE names replicas; false where the user must not ask.
// https://redis.io/docs/latest/commands/role/
func hasReplicas(role valkey.ValkeyResult) bool {
	fields, err := role.ToArray()
	if err != nil || len(fields) < 3 {
		return false
	}
	replicas, err := fields[2].ToArray()
	return err == nil && len(replicas) > 0
}
