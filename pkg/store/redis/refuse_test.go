package redis

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

func password(text string) func(*Options) {
	return func(o *Options) {
		o.Password = func(context.Context) (okta.Secret, error) { return okta.NewSecret(text), nil }
	}
}

func timeout(d time.Duration) func(*Options) { return func(o *Options) { o.Timeout = d } }

// wantError checks the kind and the text of an error, and that it shows no secret.
func wantError(t *testing.T, err error, kind store.ErrorKind, texts ...string) {
	t.Helper()
	if !store.IsKind(err, kind) {
		t.Errorf("got %v, want the kind %s", err, kind)
		return
	}
	for _, text := range append(texts, "at redis", account) {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %q in it", err, text)
		}
	}
	if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "horse") {
		t.Errorf("it shows a secret: %v", err)
	}
}

// The commands and keys that docs/storage.md gives to a user are enough, and without one the error says so.
func TestUserOfServer(t *testing.T) {
	t.Parallel()
	if docs, err := readFile("../../../docs/storage.md"); err != nil || !strings.Contains(string(docs), ACL) {
		t.Errorf("docs/storage.md does not have what ACL says: %v", err)
	}
	user := append([]string{"--user", "okauth", "on", ">wrong-horse", "resetchannels", "-@all"}, strings.Fields(ACL)...)
	server := startServer(t, append([]string{"--user", "default", "on", "nopass", "~*", "&*", "+@all"}, user...)...)
	url := "redis://okauth@" + server.Addr
	s := newStore(t, url, password("wrong-horse"))
	lock := acquire(t, s)
	set(t, s, "canary")
	want(t, s, "canary", nil)
	if lock.Revoked() {
		t.Error("revoked")
	}
	time.Sleep(s.client.lease()) // it is renewed
	if left, err := server.Do("PTTL", leaseKey(account)); left == "-2" || err != nil {
		t.Errorf("the lease has ended: %s, %v", left, err)
	}
	lock.Release()
	if _, err := s.List(t.Context()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.Probe(t.Context()), s.Revoke(account), s.Delete(t.Context(), account)); err != nil {
		t.Error(err)
	}

	_, err := newStore(t, url, password("battery-horse")).Get(t.Context(), account)
	wantError(t, err, store.Denied, "WRONGPASS")
	if _, err := server.Do("ACL", "SETUSER", "okauth", "-set"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Acquire(t.Context(), account)
	wantError(t, err, store.Denied, "can't run this command")
	if _, err := server.Do("CONFIG", "SET", "requirepass", "wrong-horse"); err != nil {
		t.Fatal(err)
	}
	_, err = newStore(t, "redis://"+server.Addr).Get(t.Context(), account)
	wantError(t, err, store.Denied, "NOAUTH")
}

func TestValuesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := newStore(t, "redis://"+server.Addr)
	other := newStore(t, "redis://"+server.Addr, func(o *Options) { o.Seal = sealer(t, "b") })
	set(t, other, "canary")
	_, err := s.Get(t.Context(), account)
	wantError(t, err, store.WrongKey, "another storage key")
	line, _ := server.Do("--raw", "GET", valueKey(account))
	for text, kind := range map[string]store.ErrorKind{
		strings.Replace(line, "okauth-sealed 1", "okauth-sealed 2", 1): store.UnsupportedVersion,
		"canary": store.Corrupt, line[:len(line)/2]: store.Corrupt,
	} {
		if _, err := server.Do("SET", valueKey(account), text+"\n"); err != nil {
			t.Fatal(err)
		}
		_, err = s.Get(t.Context(), account)
		wantError(t, err, kind)
	}
	if _, err := server.Do("DEL", valueKey(account)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Do("HSET", valueKey(account), "canary", "canary"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Get(t.Context(), account)
	wantError(t, err, store.Corrupt, "not a sealed value")
	set(t, s, "canary") // a new session takes its place
	want(t, s, "canary", nil)
	if _, err := server.Do("CONFIG", "SET", "maxmemory", "1"); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Set(t.Context(), account, []byte("canary-2")), store.Failed, "OOM")
	want(t, s, "canary", nil)
	wantError(t, s.Set(t.Context(), account, []byte(strings.Repeat("canary", 200_000))), store.TooBig)
}

// A server that is away is not a store without values, and the error comes when the time is over.
func TestServerAway(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, tt := range map[string]struct{ addr, text string }{
		"silent": {silent.Addr().String(), "does not answer"}, "closed": {closed.Addr().String(), "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, "redis://"+tt.addr, timeout(700*time.Millisecond))
			began := time.Now()
			_, err := s.Get(t.Context(), account)
			wantError(t, err, store.Unreachable, tt.text)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			_, err = s.Acquire(t.Context(), account)
			wantError(t, err, store.Unreachable)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			if _, err := s.Get(ctx, account); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
	began := time.Now()
	_, err = newStore(t, "redis://no-such-host.invalid").Get(t.Context(), account)
	wantError(t, err, store.Unreachable, "no-such-host.invalid")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a name that does not exist was tried for %s", took)
	}
}

func TestReplicaRefusesWrites(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	replica := startServer(t, "--replicaof", "127.0.0.1", server.Addr[strings.LastIndex(server.Addr, ":")+1:])
	s := newStore(t, "redis://"+replica.Addr, timeout(time.Second))
	_, err := s.Acquire(t.Context(), account)
	wantError(t, err, store.Unreachable, "READONLY")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	made, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
		"-keyout", file("key.pem"), "-out", file("cert.pem")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, made)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	startServer(t, "--tls-port", port, "--tls-cert-file", file("cert.pem"), "--tls-key-file", file("key.pem"),
		"--tls-ca-cert-file", file("cert.pem"), "--tls-auth-clients", "no")
	roots := func(o *Options) {
		o.Roots = func() (*x509.CertPool, error) {
			pool := x509.NewCertPool()
			text, err := readFile(file("cert.pem"))
			pool.AppendCertsFromPEM(text)
			return pool, err
		}
	}
	s := newStore(t, "rediss://localhost:"+port, roots)
	set(t, s, "canary")
	want(t, s, "canary", nil)
	_, err = newStore(t, "rediss://localhost:"+port).Get(t.Context(), account)
	wantError(t, err, store.Unreachable, "certificate")
	_, err = newStore(t, "rediss://127.0.0.1:"+port, roots).Get(t.Context(), account)
	wantError(t, err, store.Unreachable, "certificate")
}
