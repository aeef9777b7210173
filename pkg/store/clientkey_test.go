package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

func TestST36_ClientKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	c := store.ClientKeys{Items: m}
	account := store.ClientKeyAccount("dev", "https://dev-1.okta.com", "0oa1")
	if _, err := c.Load(ctx, account); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	for _, key := range [][2]string{{"{\"kty\":\"EC\"}", ""}, {"-----BEGIN X-----\nwrong-horse\n", "next"}} {
		if err := c.Save(ctx, account, store.ClientKey{okta.NewSecret(key[0]), okta.NewSecret(key[1])}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Load(ctx, account)
		if err != nil || got.Current.Reveal() != key[0] || got.Next.Reveal() != key[1] {
			t.Errorf("got %q and %q, %v; want %q", got.Current.Reveal(), got.Next.Reveal(), err, key)
		}
	}
	for _, key := range [][2]string{{"", ""}, {"", "canary"}, {"canary\xff", ""}, {"canary", "canary\xff"}} {
		err := c.Save(ctx, account, store.ClientKey{okta.NewSecret(key[0]), okta.NewSecret(key[1])})
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("Save of %q: %v", key, err)
		}
	}
	for value, want := range map[string]string{
		"canary-plain": "corrupt", `{"okauth":1}`: "corrupt", `{"okauth":2,"private_key":"canary"}`: "unsupported_version",
	} {
		_, err := store.ClientKeys{Items: &fixed{[]byte(value)}}.Load(ctx, account)
		if kindOf(err) != want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
	if err := c.Delete(ctx, account); err != nil || len(m.Accounts()) != 0 {
		t.Errorf("Delete: %v, left %q", err, m.Accounts())
	}
}

// Change sees what is stored, and stores what it is given while it has the lock; it does not touch what cannot be read.
func TestST36_ChangeClientKey(t *testing.T) {
	t.Parallel()
	ctx, account := t.Context(), store.ClientKeyAccount("dev", "https://dev-1.okta.com", "0oa1")
	m, locks := new(memory.Store), new(oneLock)
	c := store.ClientKeys{Items: m, Locks: locks}
	refusal := errors.New("no")
	for i, step := range []struct {
		sees, gives string
		err         error
	}{{"", "one", nil}, {"one", "two", refusal}, {"one", "one", nil}, {"one", "two", nil}, {"two", "", nil}, {"", "", nil}} {
		err := c.Change(ctx, account, func(old store.ClientKey) (store.ClientKey, error) {
			if old.Current.Reveal() != step.sees || locks.held != account {
				t.Errorf("step %d: sees %q with the lock %q, want %q", i, old.Current.Reveal(), locks.held, step.sees)
			}
			return store.ClientKey{Current: okta.NewSecret(step.gives)}, step.err
		})
		if err != step.err || locks.held != "" {
			t.Errorf("step %d: got %v and the lock %q, want %v", i, err, locks.held, step.err)
		}
	}
	if left := m.Accounts(); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	unreadable := store.ClientKeys{Items: &fixed{[]byte("canary-plain")}}
	err := unreadable.Change(ctx, account, func(store.ClientKey) (store.ClientKey, error) {
		t.Error("change was called")
		return store.ClientKey{}, nil
	})
	if kindOf(err) != "corrupt" {
		t.Errorf("a key that cannot be read: %v", err)
	}
	locks.err = refusal
	if err := c.Delete(ctx, account); !errors.Is(err, refusal) {
		t.Errorf("Delete without the lock: %v", err)
	}
}

// oneLock is a lock of one goroutine.
type oneLock struct {
	held string
	err  error
}

func (l *oneLock) Acquire(_ context.Context, name string) (store.Lock, error) {
	l.held = name
	return l, l.err
}

func (l *oneLock) Revoke(string) error { return nil }
func (l *oneLock) Release()            { l.held = "" }
func (l *oneLock) Revoked() bool       { return false }
