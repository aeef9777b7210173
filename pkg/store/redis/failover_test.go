package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/store"
	"okauth/pkg/store/redistest"
)

// The server is killed and started again while a lock is held: with a file that each write is flushed to, nothing is
// lost, and the calls meanwhile wait.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--appendonly", "yes")
	url := "redis://" + server.Addr
	s, other := newStore(t, url), newStore(t, url)
	lock := acquire(t, s)
	set(t, s, "canary-1")
	want(t, other, "canary-1", nil)
	server.Kill()
	restarted := make(chan error)
	go func() {
		time.Sleep(300 * time.Millisecond)
		restarted <- server.Restart()
	}()
	want(t, other, "canary-1", nil)
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	set(t, s, "canary-2")
	lock.Release()
	acquire(t, other)
	want(t, other, "canary-2", nil)
}

// A master that is gone is replaced by its replica, which knows the lease and what was written. A writer without the
// lease is refused there, too.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	master := startServer(t)
	replica := startServer(t, "--replicaof", "127.0.0.1", strconv.Itoa(master.Port))
	waitFor(t, func() bool {
		text, _ := master.Do("INFO", "replication")
		return strings.Contains(text, "state=online")
	})
	sentinel := started(t)(redistest.StartSentinel(t.TempDir(), "main", master.Addr))
	url := fmt.Sprintf("redis://%s?master_set=main&addr=127.0.0.1:1", sentinel.Addr)
	waitFor(t, func() bool {
		text, _ := sentinel.Do("SENTINEL", "REPLICAS", "main")
		return strings.Contains(text, strconv.Itoa(replica.Port))
	})

	long := func(o *Options) { o.leaseLength, o.Timeout = 20*time.Second, 20*time.Second }
	holder, stale := newStore(t, url, long), newStore(t, url, long)
	acquire(t, stale)
	if _, err := master.Do("DEL", leaseKey(account)); err != nil { // as when it ends
		t.Fatal(err)
	}
	acquire(t, holder)
	set(t, holder, "canary-1")
	if text, err := master.Do("INFO", "commandstats"); err != nil || !strings.Contains(text, "cmdstat_wait:") {
		t.Errorf("no write was waited for: %v", err)
	}
	began := time.Now()
	master.Kill()
	set(t, holder, "canary-2")
	t.Logf("written %s after the master was killed", time.Since(began))
	if err := stale.Set(t.Context(), account, []byte("canary-stale")); !store.IsKind(err, store.LostLock) {
		t.Errorf("got %v", err)
	}
	want(t, newStore(t, url), "canary-2", nil)
	if role, _ := replica.Do("ROLE"); !strings.HasPrefix(role, "master") {
		t.Errorf("the replica is %s", role)
	}
	other := newStore(t, url)
	other.wait = 100 * time.Millisecond
	if _, err := other.Acquire(t.Context(), account); !store.IsKind(err, store.LockTimeout) {
		t.Errorf("the lease is lost: %v", err)
	}
	_, err := newStore(t, fmt.Sprintf("redis://%s?master_set=other", sentinel.Addr)).Get(t.Context(), account)
	wantError(t, err, store.Failed, `no master called "other"`)
}

// A master that is demoted and still answers says READONLY: okauth asks the Sentinels again.
func TestDemotedMaster(t *testing.T) {
	t.Parallel()
	master := startServer(t)
	replica := startServer(t, "--replicaof", "127.0.0.1", strconv.Itoa(master.Port))
	sentinel := started(t)(redistest.StartSentinel(t.TempDir(), "main", master.Addr))
	waitFor(t, func() bool {
		text, _ := sentinel.Do("SENTINEL", "REPLICAS", "main")
		return strings.Contains(text, strconv.Itoa(replica.Port)) && strings.Contains(text, "master-link-status\nok")
	})
	s := newStore(t, fmt.Sprintf("redis://%s?master_set=main", sentinel.Addr))
	set(t, s, "canary-1")
	if text, err := sentinel.Do("SENTINEL", "FAILOVER", "main"); err != nil || text != "OK" {
		t.Fatal(text, err)
	}
	waitFor(t, func() bool { text, _ := replica.Do("ROLE"); return strings.HasPrefix(text, "master") })
	// The Sentinel would do this after a while, and break the connections.
	if _, err := master.Do("REPLICAOF", "127.0.0.1", strconv.Itoa(replica.Port)); err != nil {
		t.Fatal(err)
	}
	set(t, s, "canary-2")
	want(t, s, "canary-2", nil)
}

// Sentinels that ask for a password get that of the server.
func TestSentinelWithPassword(t *testing.T) {
	t.Parallel()
	master := startServer(t, "--requirepass", "wrong-horse")
	sentinel := started(t)(redistest.StartSentinel(t.TempDir(), "main", master.Addr,
		"sentinel auth-pass main wrong-horse", "requirepass wrong-horse"))
	url := fmt.Sprintf("redis://%s?master_set=main", sentinel.Addr)
	s := newStore(t, url, password("wrong-horse"))
	set(t, s, "canary")
	want(t, s, "canary", nil)
	_, err := newStore(t, url).Get(t.Context(), account)
	wantError(t, err, store.Denied, "NOAUTH")
	_, err = newStore(t, url, password("battery-horse")).Get(t.Context(), account)
	wantError(t, err, store.Denied, "WRONGPASS")
}

// Of a cluster one node is enough to begin with. A session moves to another node with its lock.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 0)
	for _, node := range nodes {
		s := newStore(t, "redis://"+node.Addr)
		lock := acquire(t, s)
		set(t, s, "canary-of-"+strconv.Itoa(node.Port))
		want(t, newStore(t, "redis://"+node.Addr), "canary-of-"+strconv.Itoa(node.Port), nil)
		if got, err := s.List(t.Context()); err != nil || len(got) != 1 {
			t.Errorf("got %q, %v", got, err)
		}
		lock.Release()
	}
	s := newStore(t, fmt.Sprintf("redis://%s?addr=%s", nodes[0].Addr, nodes[1].Addr))
	acquire(t, s)
	set(t, s, "canary-all")
}

func startCluster(t *testing.T, replicas int) []*redistest.Server {
	t.Helper()
	nodes, err := redistest.StartCluster(t.TempDir(), replicas)
	for _, node := range nodes {
		started(t)(node, err)
	}
	if len(nodes) == 0 {
		started(t)(nil, err)
	}
	return nodes
}

// The node of a cluster that has the session dies, and its replica takes its place. A process that knew one node only
// knows the others by now, if it was sent on to them.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 1)
	long := func(o *Options) { o.leaseLength, o.Timeout = 30*time.Second, 30*time.Second }
	var owner *redistest.Server
	var others []*redistest.Server
	for _, node := range nodes {
		role, _ := node.Do("ROLE")
		text, _ := node.Do("SET", keyPrefix+"test", "canary") // the others answer MOVED
		if strings.HasPrefix(role, "master") && text == "OK" {
			owner = node
			waitFor(t, func() bool { role, _ := node.Do("INFO", "replication"); return strings.Contains(role, "state=online") })
		} else if strings.HasPrefix(role, "master") {
			others = append(others, node)
		}
	}
	if owner == nil || len(others) != 2 {
		t.Fatalf("of %d nodes, one had to be the owner and two other masters", len(nodes))
	}
	s := newStore(t, fmt.Sprintf("redis://%s?addr=%s", owner.Addr, others[0].Addr), long)
	sentOn := newStore(t, "redis://"+others[1].Addr, long)
	acquire(t, s)
	set(t, s, "canary-1")
	want(t, sentOn, "canary-1", nil)
	owner.Kill()
	set(t, s, "canary-2")
	want(t, s, "canary-2", nil)
	want(t, sentOn, "canary-2", nil)
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for range 200 {
		if done() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("it did not happen in 10 s")
}
