package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
	"okauth/pkg/store/memory"
)

// mute hides that Items could list, as a keychain cannot, and counts what is asked for the index.
type mute struct {
	store.Backend
	index int
}

func (m *mute) Get(ctx context.Context, account string) ([]byte, error) {
	if strings.HasPrefix(account, store.IndexAccount) {
		m.index++
	}
	return m.Backend.Get(ctx, account)
}

// failing answers one operation on one account with an error of a kind.
type failing struct {
	store.Backend
	do, account string
	kind        store.ErrorKind
}

func (f failing) fail(do, account string) error {
	if do == f.do && account == f.account {
		return &store.Error{f.kind, do, errors.New("because")}
	}
	return nil
}

func (f failing) Get(ctx context.Context, account string) ([]byte, error) {
	if err := f.fail("Get", account); err != nil {
		return nil, err
	}
	return f.Backend.Get(ctx, account)
}

func (f failing) Set(ctx context.Context, account string, value []byte) error {
	if err := f.fail("Set", account); err != nil {
		return err
	}
	return f.Backend.Set(ctx, account, value)
}

func (f failing) Delete(ctx context.Context, account string) error {
	if err := f.fail("Delete", account); err != nil {
		return err
	}
	return f.Backend.Delete(ctx, account)
}

// sessionOf returns a session of its own for each profile.
func sessionOf(profile string, generation uint64) *store.Session {
	s := someSession()
	s.Identity.Profile, s.Revision = profile, generation
	return s
}

func wantList(t *testing.T, s store.Sessions, profiles ...string) {
	t.Helper()
	var want []string
	for _, p := range profiles {
		want = append(want, sessionOf(p, 1).Identity.Account())
	}
	slices.Sort(want)
	if got, err := s.List(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("List: got %q, %v; want %q", got, err, want)
	}
}

func TestListNamesEverySession(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	for name, items := range map[string]store.Backend{"with an index": &mute{Backend: m}, "by themselves": new(memory.Store)} {
		t.Run(name, func(t *testing.T) {
			s := store.Sessions{Items: items}
			wantList(t, s)
			// Neighbours that are no session.
			if err := (store.ClientSecrets{items}).Save(ctx, store.ClientSecretAccount("dev", "https://dev-1.okta.com", "0oa1"), someSession().Refresh.Value); err != nil {
				t.Fatal(err)
			}
			key := store.ClientKey{Current: okta.NewSecret("canary")}
			if err := (store.ClientKeys{Items: items}).Save(ctx, store.ClientKeyAccount("dev", "https://dev-1.okta.com", "0oa1"), key); err != nil {
				t.Fatal(err)
			}
			if err := items.Set(ctx, sessionOf("dev", 1).Identity.Account()+".0123abcd.0", []byte("chunk")); err != nil {
				t.Fatal(err)
			}
			for _, p := range []string{"work", "dev", "a-b_c", "dev"} {
				if err := s.Save(ctx, sessionOf(p, 1)); err != nil {
					t.Fatal(err)
				}
			}
			wantList(t, s, "a-b_c", "dev", "work")
			for _, p := range []string{"dev", "dev", "never was"} {
				if err := s.DeleteAccount(ctx, store.Identity{Profile: strings.ReplaceAll(p, " ", "-")}.Account()); err != nil {
					t.Fatal(err)
				}
				if err := s.DeleteAccount(ctx, sessionOf(strings.ReplaceAll(p, " ", "-"), 1).Identity.Account()); err != nil {
					t.Fatal(err)
				}
			}
			wantList(t, s, "a-b_c", "work")
			accounts, _ := s.List(ctx)
			for _, account := range accounts {
				got, err := s.LoadAccount(ctx, account)
				if err != nil || got.Identity.Account() != account {
					t.Errorf("LoadAccount(%q): %v", account, err)
				}
				if err := s.DeleteAccount(ctx, account); err != nil {
					t.Error(err)
				}
			}
			wantList(t, s)
		})
	}
	if left := m.Accounts(); slices.Contains(left, store.IndexAccount) || len(left) != 3 {
		t.Errorf("left %q, want the neighbours", left)
	}
}

func TestItemsThatListHaveNoIndex(t *testing.T) {
	t.Parallel()
	m := new(memory.Store)
	if err := (store.Sessions{Items: m}).Save(t.Context(), sessionOf("dev", 1)); err != nil {
		t.Fatal(err)
	}
	if got := m.Accounts(); len(got) != 1 {
		t.Errorf("stored %q, want the session alone", got)
	}
	if got, err := (store.Sessions{Items: store.None{}}).List(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("None lists %q, %v", got, err)
	}
}

// Hot paths: a token reads its session, a refresh reads and writes it, and neither looks at the index.
func TestLoadAndLaterSavesDoNotReadTheIndex(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := &mute{Backend: new(memory.Store)}
	s := store.Sessions{Items: m}
	if err := s.Save(ctx, sessionOf("dev", 1)); err != nil || m.index == 0 {
		t.Fatalf("first Save: %v, %d reads of the index", err, m.index)
	}
	m.index = 0
	_, loadErr := s.Load(ctx, sessionOf("dev", 1).Identity)
	if err := errors.Join(loadErr, s.Save(ctx, sessionOf("dev", 2))); err != nil || m.index != 0 {
		t.Errorf("Load and Save: %v, %d reads of the index, want 0", err, m.index)
	}
}

func TestKR10_IndexThatCannotBeBelieved(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tests := []struct{ name, value, want string }{
		{"another application", "canary-password", "corrupt"},
		{"session", `{"okauth":1,"session":{},"revision":1,"sets":[]}`, "corrupt"},
		{"empty list", `{"okauth":1,"sessions":[]}`, "corrupt"},
		{"no session", `{"okauth":1,"sessions":["canary.secret-0123abcd"]}`, "corrupt"},
		{"escape sequence", `{"okauth":1,"sessions":["\u001b[2Jcanary-0123abcd"]}`, "corrupt"},
		{"not sorted", `{"okauth":1,"sessions":["b-0123abcd","a-0123abcd"]}`, "corrupt"},
		{"unknown member", `{"okauth":1,"canary":1,"sessions":["a-0123abcd"]}`, "corrupt"},
		{"unsupported_version", `{"okauth":2,"sessions":{}}`, "unsupported_version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := new(memory.Store)
			s := store.Sessions{Items: &mute{Backend: m}}
			if err := m.Set(ctx, store.IndexAccount, []byte(tt.value)); err != nil {
				t.Fatal(err)
			}
			got, err := s.List(ctx)
			if kindOf(err) != tt.want || got != nil || strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("List: got %q, %v; want %s", got, err, tt.want)
			}
			err = s.Save(ctx, sessionOf("dev", 1))
			if tt.want == "unsupported_version" {
				value, _ := m.Get(ctx, store.IndexAccount)
				if kindOf(err) != "unsupported_version" || string(value) != tt.value || len(m.Accounts()) != 1 {
					t.Errorf("Save: %v, index %s, items %q", err, value, m.Accounts())
				}
				return
			}
			if err != nil {
				t.Errorf("Save: %v", err)
			}
			wantList(t, s, "dev")
			// Signing in again makes good what the index has lost.
			if err := errors.Join(m.Set(ctx, store.IndexAccount, []byte(tt.value)), s.AddToIndex(ctx, sessionOf("dev", 1).Identity)); err != nil {
				t.Errorf("Enlist: %v", err)
			}
			wantList(t, s, "dev")
			if err := errors.Join(m.Set(ctx, store.IndexAccount, []byte(tt.value)), s.DeleteAccount(ctx, sessionOf("dev", 1).Identity.Account())); err != nil || len(m.Accounts()) != 0 {
				t.Errorf("Delete: %v, left %q", err, m.Accounts())
			}
		})
	}
}

func TestAT93_LoadAccountIsThatAccountsSession(t *testing.T) {
	t.Parallel()
	m := new(memory.Store)
	s := store.Sessions{Items: m}
	value, err := store.EncodeSession(sessionOf("dev", 1))
	if err != nil {
		t.Fatal(err)
	}
	other := sessionOf("prod", 1).Identity.Account()
	if err := m.Set(t.Context(), other, value); err != nil {
		t.Fatal(err)
	}
	if got, err := s.LoadAccount(t.Context(), other); got != nil || kindOf(err) != "corrupt" {
		t.Errorf("got %v, %v; want corrupt", got, err)
	}
}

// KR-05: what is unknown stays listed, and an index that cannot be read or written stops a Save before the session is
// written.
func TestKR05_TroubleWithTheIndexIsNotAbsence(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dev := sessionOf("dev", 1).Identity.Account()
	for _, trouble := range []failing{
		{do: "Get", account: store.IndexAccount, kind: store.TimedOut}, {do: "Set", account: store.IndexAccount, kind: store.NotPersisted}, {do: "Get", account: store.IndexAccount, kind: store.Failed},
	} {
		m := new(memory.Store)
		trouble.Backend = m
		if err := (store.Sessions{Items: trouble}).Save(ctx, sessionOf("dev", 1)); kindOf(err) != string(trouble.kind) {
			t.Errorf("Save: got %v, want %s", err, trouble.kind)
		}
		if slices.Contains(m.Accounts(), dev) {
			t.Errorf("%s at the index: a session was written that is not listed", trouble.kind)
		}
	}
	for _, trouble := range []failing{{do: "Get", account: dev, kind: store.TimedOut}, {do: "Delete", account: dev, kind: store.Denied}, {do: "Get", account: dev, kind: store.Failed}} {
		m := new(memory.Store)
		trouble.Backend = m
		s := store.Sessions{Items: trouble}
		if err := s.Save(ctx, sessionOf("dev", 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteAccount(ctx, sessionOf("dev", 1).Identity.Account()); kindOf(err) != string(trouble.kind) {
			t.Errorf("Delete: got %v, want %s", err, trouble.kind)
		}
		wantList(t, s, "dev")
	}
}

// yielding is Items without a list that let others go first, so that those who do not take turns get in each other's
// way.
type yielding struct{ m *memory.Store }

func (y yielding) Get(ctx context.Context, account string) ([]byte, error) {
	value, err := y.m.Get(ctx, account)
	runtime.Gosched()
	return value, err
}

func (y yielding) Set(ctx context.Context, account string, value []byte) error {
	runtime.Gosched()
	return y.m.Set(ctx, account, value)
}

func (y yielding) Delete(ctx context.Context, account string) error { return y.m.Delete(ctx, account) }

// Processes that change the index at once take turns: no session is forgotten.
func TestIndexTakesTurns(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	locks := &filelock.Locks{Dir: t.TempDir() + "/locks", Wait: time.Minute}
	var kept []string
	var running sync.WaitGroup
	for i := range 16 {
		session := sessionOf(fmt.Sprintf("p%d", i), 1)
		if i%2 == 1 {
			kept = append(kept, session.Identity.Profile)
		}
		running.Go(func() {
			s := store.Sessions{Items: yielding{m}, Locks: locks}
			if err := s.Save(ctx, session); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				if err := s.DeleteAccount(ctx, session.Identity.Account()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	wantList(t, store.Sessions{Items: yielding{m}}, kept...)
}

// An index that another process does not let go of: nothing is written, and the kind says so.
func TestKR12_IndexIsBusy(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir() + "/locks"
	held, err := filelock.Locks{Dir: dir}.Acquire(ctx, store.IndexAccount)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	m := new(memory.Store)
	s := store.Sessions{Items: &mute{Backend: m}, Locks: &filelock.Locks{Dir: dir, Wait: time.Millisecond}}
	if err := s.Save(ctx, sessionOf("dev", 1)); kindOf(err) != "lock_timeout" || len(m.Accounts()) != 0 {
		t.Errorf("Save: %v, stored %q", err, m.Accounts())
	}
}
