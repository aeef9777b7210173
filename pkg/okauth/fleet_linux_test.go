package okauth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store/redistest"
)

// fleet is an Okta whose refresh tokens work once, and many machines that share a session on a Redis server.
type fleet struct {
	*oktatest.Server
	env  map[string]string // of each machine
	dirs string            // what machines have to themselves
}

// newFleet signs the fleet in. storageURL names the server.
func newFleet(t *testing.T, storageURL string) *fleet {
	t.Helper()
	server := oktatest.ForTest(t, oktatest.Options{Rotation: oktatest.Rotation{Rotate: true}, Limits: &oktatest.Limits{}})
	home := t.TempDir()
	f := &fleet{server, map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "OKAUTH_NO_INPUT": "true", "OKAUTH_TIMEOUT": "60s",
		"OKAUTH_DOMAIN": server.URL(), "OKAUTH_CLIENT_ID": oktatest.DefaultClientID,
		"OKAUTH_CLIENT_SECRET": oktatest.DefaultClientSecret, "OKAUTH_USERNAME": oktatest.DefaultUser,
		"OKAUTH_SCOPES": "openid offline_access", "OKAUTH_STORAGE": "redis", "OKAUTH_STORAGE_URL": storageURL,
	}, t.TempDir()}
	options := f.machine()
	options.Password = secretFrom(oktatest.DefaultPassword)
	if _, err := f.open(t, options).Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.expire(t)
	return f
}

// machine returns the options of a client on a machine of its own.
func (f *fleet) machine() okauth.Options {
	return okauth.Options{
		LookupEnv: func(name string) (string, bool) { value, ok := f.env[name]; return value, ok },
		LockDir:   filepath.Join(f.dirs, rand.Text()),
	}
}

func (f *fleet) open(t *testing.T, o okauth.Options) *okauth.Client {
	t.Helper()
	client, err := okauth.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// expire makes the access token of the session one that has expired.
func (f *fleet) expire(t *testing.T) {
	t.Helper()
	storage, err := f.open(t, f.machine()).Storage(false)
	if err != nil {
		t.Fatal(err)
	}
	sessions := storage.Manager().Store
	accounts, err := sessions.List(t.Context())
	if err != nil || len(accounts) != 1 {
		t.Fatalf("got the sessions %q, %v", accounts, err)
	}
	s, err := sessions.LoadAccount(t.Context(), accounts[0])
	if err != nil {
		t.Fatal(err)
	}
	s.Sets[0].ObtainedAt = s.Sets[0].ObtainedAt.Add(-2 * time.Hour)
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.ResetRequests()
}

// clients asks for a token with so many clients at once, each with a connection of its own, and returns the tokens.
// change may change the options of one.
func (f *fleet) clients(t *testing.T, n int, change func(i int, o *okauth.Options)) (tokens []string) {
	t.Helper()
	all := make([]*okauth.Client, n)
	for i := range all {
		o := f.machine()
		if change != nil {
			change(i, &o)
		}
		all[i] = f.open(t, o)
	}
	tokens = make([]string, n)
	var wg sync.WaitGroup
	for i, client := range all {
		wg.Go(func() {
			token, err := client.Token(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = token.AccessToken
		})
	}
	wg.Wait()
	return tokens
}

// wantOneRefresh fails the test unless all tokens are the same, and came from one refresh.
func (f *fleet) wantOneRefresh(t *testing.T, tokens []string) {
	t.Helper()
	for _, token := range tokens {
		if token == "" || token != tokens[0] {
			t.Fatal("they did not all get the same token")
		}
	}
	if got := f.tokenRequests(); got != 1 || f.Reuses() != 0 {
		t.Errorf("got %d token requests and %d reuses, want 1 and 0", got, f.Reuses())
	}
}

func (f *fleet) tokenRequests() (n int) {
	for _, r := range f.Requests() {
		if strings.HasSuffix(r.Path, "/token") {
			n++
		}
	}
	return n
}

// atOnce is how many clients there are; the race detector knows at most 8,128 goroutines, and a client has several.
func atOnce() int {
	if raceDetector {
		return 200
	}
	return 1000
}

func TestFleetOf1000Clients(t *testing.T) {
	f := newFleet(t, "redis://"+startRedis(t).Addr)
	began := time.Now()
	f.wantOneRefresh(t, f.clients(t, atOnce(), nil))
	expired := time.Since(began)
	began = time.Now()
	f.wantOneRefresh(t, f.clients(t, atOnce(), nil))
	t.Logf("%v on an expired session, %v on a valid one", expired, time.Since(began))
}

// Half of the machines are five minutes ahead of the server, the others as much behind it.
func TestFleetWithClocksTenMinutesApart(t *testing.T) {
	f := newFleet(t, "redis://"+startRedis(t).Addr)
	by := func(off time.Duration) func(int, *okauth.Options) {
		return func(_ int, o *okauth.Options) { o.Now = func() time.Time { return time.Now().Add(off) } }
	}
	apart := func(i int, o *okauth.Options) { by([]time.Duration{-5 * time.Minute, 5 * time.Minute}[i%2])(i, o) }
	f.wantOneRefresh(t, f.clients(t, atOnce(), apart))
	for _, first := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		f.expire(t)
		f.wantOneRefresh(t, append(f.clients(t, 1, by(first)), f.clients(t, 100, apart)...))
	}
}

// Each answer of the server takes 200 ms.
func TestFleetFarFromItsServer(t *testing.T) {
	server := startRedis(t)
	f := newFleet(t, "redis://"+server.Addr)
	f.env["OKAUTH_STORAGE_URL"] = "redis://" + slowProxy(t, server.Addr, 200*time.Millisecond)
	f.wantOneRefresh(t, f.clients(t, atOnce(), nil))
}

func TestFleetSurvivesARestartOfItsServer(t *testing.T) {
	server := startRedis(t, "--appendonly", "yes")
	f := newFleet(t, "redis://"+server.Addr)
	f.wantOneRefresh(t, f.clientsDuring(t, func() {
		server.Kill()
		if err := server.Restart(); err != nil {
			t.Error(err)
		}
	}))
}

// clientsDuring is clients, while one of them waits for Okta's answer and something happens.
func (f *fleet) clientsDuring(t *testing.T, happens func()) []string {
	arrived, release := make(chan struct{}), make(chan struct{})
	f.Fail("/token", oktatest.HoldRequest(arrived, release))
	go func() {
		<-arrived
		happens()
		close(release)
	}()
	return f.clients(t, atOnce(), nil)
}

// A replica becomes the master while a machine waits for Okta: the lease and the new refresh token are there as well.
func TestFleetSurvivesAFailover(t *testing.T) {
	master := startRedis(t)
	replica := startRedis(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(master.Port))
	waitForRole(t, replica, "connected")
	sentinel, err := redistest.StartSentinel(t.TempDir(), "okauth", master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sentinel.Kill)
	f := newFleet(t, "redis://"+sentinel.Addr+"?master_set=okauth")
	f.wantOneRefresh(t, f.clientsDuring(t, func() {
		master.Kill()
		waitForRole(t, replica, "master")
	}))
}

// waitForRole waits until the answer of a server to ROLE has that word.
func waitForRole(t *testing.T, server *redistest.Server, word string) {
	for end := time.Now().Add(45 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		role, _ := server.Do("ROLE")
		if slices.Contains(strings.Fields(role), word) {
			return
		}
		if time.Now().After(end) {
			t.Errorf("the role is %q, want %q in it", role, word)
			return
		}
	}
}

// The process that refreshes is killed, before Okta has its request or before it has Okta's answer. Another takes over
// when the lease has ended. What is left of a lost answer is the spent refresh token, which works for a while.
func TestFleetOfProcessesSurvivesAKilledHolder(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "okauth")
	build(t, filepath.Join("..", ".."), "-o", program, ".")
	for what, c := range map[string]struct {
		hold      func(chan<- struct{}, <-chan struct{}) oktatest.Fault
		grace     time.Duration
		processes int
	}{
		"request": {oktatest.HoldRequest, 0, 200},
		"answer":  {oktatest.HoldAnswer, oktatest.DefaultLeeway, 20},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, "redis://"+startRedis(t).Addr)
			app, _ := f.App(oktatest.DefaultClientID)
			app.Rotation.Leeway = c.grace
			f.AddApp(app)
			environ := f.environ()
			arrived := make(chan struct{})
			f.Fail("/token", c.hold(arrived, nil))
			holder := exec.Command(program, "token")
			holder.Env = environ
			if err := holder.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			tokens := make([]string, c.processes)
			var all sync.WaitGroup
			for i := range tokens {
				all.Go(func() { tokens[i] = outputOf(t, environ, program, "token") })
			}
			if err := holder.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = holder.Wait()
			f.ResetRequests()
			all.Wait()
			f.wantOneRefresh(t, tokens)
		})
	}
}

func (f *fleet) environ() (all []string) {
	for name, value := range f.env {
		all = append(all, name+"="+value)
	}
	return all
}

// Machines with a wrong password send it once. The hash of the password, slow on purpose, is the real one here.
func TestFleetSendsAWrongPasswordOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "redis://"+startRedis(t).Addr)
	f.env["OKAUTH_USERNAME"], f.env["OKAUTH_PASSWORD"] = "bob@example.com", "wrong-horse"
	var refused, blocked atomic.Int32
	var all sync.WaitGroup
	for range atOnce() / 40 {
		client := f.open(t, f.machine())
		all.Go(func() {
			_, err := client.Token(t.Context())
			if _, ok := errors.AsType[*okta.Error](err); ok {
				refused.Add(1)
			} else if _, ok := errors.AsType[*session.PasswordBlockedError](err); ok {
				blocked.Add(1)
			} else {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if got := f.tokenRequests(); got != 1 || refused.Load() != 1 {
		t.Errorf("the password was sent %d times, and Okta refused %d", got, refused.Load())
	}
}

// startRedis starts a server for the test. Where none is installed the test is skipped, but not in the gate.
func startRedis(t *testing.T, args ...string) *redistest.Server {
	t.Helper()
	server, err := redistest.Start(t.TempDir(), args...)
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("OKAUTH_TEST_REDIS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// slowProxy passes connections on to addr, and each answer after a delay. It returns its address.
func slowProxy(t *testing.T, addr string, delay time.Duration) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", addr)
				if err != nil {
					return
				}
				defer server.Close()
				go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
				buffer := make([]byte, 64<<10)
				for {
					n, err := server.Read(buffer)
					if err != nil {
						return
					}
					time.Sleep(delay)
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func secretFrom(text string) func(context.Context) (okta.Secret, error) {
	return func(context.Context) (okta.Secret, error) { return okta.NewSecret(text), nil }
}
