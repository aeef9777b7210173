package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

// What is there when a writer was killed, gave up, ran out of room or met a reader.

// brittle is Items that stop working after some writes, as if the process had been killed there.
type brittle struct {
	store.Backend
	left int // writes and deletes that still happen
}

var errKilled = errors.New("killed")

func (b *brittle) step() error {
	if b.left--; b.left < 0 {
		return errKilled
	}
	return nil
}

func (b *brittle) Set(ctx context.Context, account string, value []byte) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.Backend.Set(ctx, account, value)
}

func (b *brittle) Delete(ctx context.Context, account string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.Backend.Delete(ctx, account)
}

// A reader sees the old value or the new one wherever the writer was killed, also when the next one is killed too,
// and nothing is left in the end.
func TestAT92_KilledAtEveryItem(t *testing.T) {
	t.Parallel()
	values := map[string][]byte{"none": nil, "whole": text("w", 50), "split": text("s", 250), "longer": text("l", 550), "as long": text("o", 250)}
	for oldName, old := range values {
		for newName, fresh := range values {
			t.Run(oldName+" to "+newName, func(t *testing.T) {
				for n, finished := 0, false; !finished; n++ {
					finished = killAfter(t, n, old, fresh)
				}
			})
		}
	}
}

// write sets value, or deletes it when it is nil.
func write(ctx context.Context, s chunked, value []byte) error {
	if value == nil {
		return s.Delete(ctx, "a")
	}
	return s.Set(ctx, "a", value)
}

// killAfter replaces old by fresh with n writes allowed, checks what is there then, and reports whether n were
// enough. What was left is repaired in every way: by a Set and a Delete, by a Delete at once, and after a second death
// at each item.
func killAfter(t *testing.T, n int, old, fresh []byte) (finished bool) {
	t.Helper()
	ctx := t.Context()
	again := text("again", 350)
	m := new(memory.Store)
	if err := write(ctx, chunked{m, budget(100)}, old); err != nil {
		t.Fatal(err)
	}
	b := &brittle{m, n}
	err := write(ctx, chunked{b, budget(100)}, fresh)
	finished = b.left >= 0
	seen := wantOneOf(t, m, n, old, fresh)
	if err == nil && !bytes.Equal(seen, fresh) {
		t.Errorf("killed after %d: success was reported, but the new value is not there", n)
	}
	for _, second := range [][]byte{again, nil} {
		for k, done := 0, false; !done; k++ {
			crashed := copyOf(m)
			b := &brittle{crashed, k}
			_ = write(ctx, chunked{b, budget(100)}, second)
			done = b.left >= 0
			wantOneOf(t, crashed, n, seen, second)
			wantRepaired(t, crashed, n, again)
		}
	}
	return finished
}

// wantOneOf reads what is there, which must be one of the values, and returns it. nil is nothing.
func wantOneOf(t *testing.T, m *memory.Store, n int, values ...[]byte) []byte {
	t.Helper()
	got, err := chunked{m, budget(100)}.Get(t.Context(), "a")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Errorf("killed after %d: read: %v", n, err)
	}
	if !slices.ContainsFunc(values, func(v []byte) bool { return bytes.Equal(v, got) && (v == nil) == (err != nil) }) {
		t.Errorf("killed after %d: neither the old value nor the new: %d bytes", n, len(got))
	}
	return got
}

// wantRepaired checks that the next Set leaves itself and the next Delete nothing.
func wantRepaired(t *testing.T, m *memory.Store, n int, again []byte) {
	t.Helper()
	ctx := t.Context()
	s := chunked{m, budget(100)}
	onlyDelete := copyOf(m)
	if err := s.Set(ctx, "a", again); err != nil {
		t.Errorf("killed after %d: next Set: %v", n, err)
	}
	if got, err := s.Get(ctx, "a"); err != nil || !bytes.Equal(got, again) {
		t.Errorf("killed after %d: next Get: %v", n, err)
	}
	if got := len(m.Accounts()); got != 6 { // manifest, four chunks, journal

		t.Errorf("killed after %d: the next Set left %q", n, m.Accounts())
	}
	for _, m := range []*memory.Store{m, onlyDelete} {
		if err := (chunked{m, budget(100)}).Delete(ctx, "a"); err != nil || len(m.Accounts()) != 0 {
			t.Errorf("killed after %d: Delete: %v, left %q", n, err, m.Accounts())
		}
	}
}

func copyOf(m *memory.Store) *memory.Store {
	c := new(memory.Store)
	for _, account := range m.Accounts() {
		value, _ := m.Get(context.Background(), account)
		_ = c.Set(context.Background(), account, value)
	}
	return c
}

// late is Items whose process gives up at one write, which the keychain performs later.
type late struct {
	store.Backend
	left  int
	lands func()
	on    string // account of that write
}

func (l *late) give(account string, write func()) (up bool, err error) {
	l.left--
	if l.left == -1 {
		l.on, l.lands = account, write
	}
	if l.left < 0 {
		return true, store.NewError(store.TimedOut, "write", context.DeadlineExceeded)
	}
	return false, nil
}

func (l *late) Set(ctx context.Context, account string, value []byte) error {
	if up, err := l.give(account, func() { _ = l.Backend.Set(context.Background(), account, value) }); up {
		return err
	}
	return l.Backend.Set(ctx, account, value)
}

func (l *late) Delete(ctx context.Context, account string) error {
	if up, err := l.give(account, func() { _ = l.Backend.Delete(context.Background(), account) }); up {
		return err
	}
	return l.Backend.Delete(ctx, account)
}

// AT-91: a write that was given up lands after a later one. The reader sees a whole value that was written, or
// an error that it is corrupt where a manifest came back whose chunks were deleted; the next write repairs that, and nothing
// is left but what landed itself.
func TestAT91_WriteLandsLate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	values := map[string][]byte{"none": nil, "whole": text("w", 50), "split": text("s", 450), "longer": text("l", 950)}
	third := text("t", 350)
	for oldName, old := range values {
		for newName, fresh := range values {
			for n, finished := 0, false; !finished; n++ {
				m := new(memory.Store)
				s := chunked{m, budget(100)}
				l := &late{Backend: m, left: n}
				_, _ = write(ctx, s, old), write(ctx, chunked{l, budget(100)}, fresh)
				finished = l.lands == nil
				if err := s.Set(ctx, "a", third); err != nil {
					t.Fatal(err)
				}
				if !finished {
					l.lands()
				}
				what := fmt.Sprintf("%s to %s, write %d, of %q", oldName, newName, n, l.on)
				got, err := s.Get(ctx, "a")
				torn := kindOf(err) == "corrupt" && got == nil && l.on == "a" && len(fresh) > 100
				gone := errors.Is(err, store.ErrNotFound) && l.on == "a" && fresh == nil
				if !torn && !gone && (err != nil || !bytes.Equal(got, third) && !(l.on == "a" && bytes.Equal(got, fresh))) {
					t.Errorf("%s: got %d bytes, %v", what, len(got), err)
				}
				if err := s.Set(ctx, "a", third); err != nil {
					t.Errorf("%s: next Set: %v", what, err)
				}
				wantOneOf(t, m, n, third)
				err = s.Delete(ctx, "a")
				orphans := slices.DeleteFunc(m.Accounts(), func(a string) bool { return a == l.on })
				if err != nil || len(orphans) > 0 {
					t.Errorf("%s: Delete: %v, left %q", what, err, orphans)
				}
			}
		}
	}
}

// Readers that meet a writer at any moment, for as long as it writes.
func TestAT92_ReadersDuringWrites(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	s := chunked{m, budget(100)}
	values := [][]byte{text("w", 50), text("s", 450), text("l", 950), text("o", 450), nil, text("x", 100)}
	if err := write(ctx, s, values[0]); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for reading := true; reading; {
				select {
				case <-done:
					reading = false // after one more look
				default:
				}
				got, err := s.Get(ctx, "a")
				known := slices.ContainsFunc(values, func(v []byte) bool { return bytes.Equal(v, got) })
				if !known || err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Errorf("got %d bytes and %v", len(got), err)
				}
			}
		})
	}
	for i := range 600 {
		if err := write(ctx, s, values[i%len(values)]); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// swapping is Items that another process changes, once after each of the first reads of a head.
type swapping struct {
	store.Backend
	swaps []func()
}

func (s *swapping) Get(ctx context.Context, account string) ([]byte, error) {
	value, err := s.Backend.Get(ctx, account)
	if account == "a" && len(s.swaps) > 0 {
		s.swaps[0]()
		s.swaps = s.swaps[1:]
	}
	return value, err
}

func TestAT92_ReaderMeetsWriters(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	s := chunked{m, budget(100)}
	if err := s.Set(ctx, "a", text("old", 300)); err != nil {
		t.Fatal(err)
	}
	swap := func(value []byte) func() {
		return func() {
			if err := s.Set(ctx, "a", value); err != nil {
				t.Error(err)
			}
		}
	}
	fresh := text("new", 400)
	reader := chunked{&swapping{m, []func(){swap(text("one", 300)), swap(text("two", 500)), swap(fresh)}}, s.limit}
	if got, err := reader.Get(ctx, "a"); err != nil || !bytes.Equal(got, fresh) {
		t.Errorf("got %d bytes, %v; want the new value", len(got), err)
	}
}

// full is Items that take no more than so many.
type full struct {
	*memory.Store
	room int
}

func (f full) Set(ctx context.Context, account string, value []byte) error {
	if _, err := f.Get(ctx, account); err != nil && len(f.Accounts()) >= f.room {
		return store.NewError(store.Failed, "write", errors.New("no space left"))
	}
	return f.Store.Set(ctx, account, value)
}

// However often a write fails for want of room: the old value stays, and what the attempts leave does not grow.
func TestAT84_FullKeychain(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := new(memory.Store)
	s := chunked{full{m, 12}, budget(100)}
	old := text("old", 450)
	if err := s.Set(ctx, "a", old); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if err := s.Set(ctx, "a", text("new", 950)); kindOf(err) != "failed" {
			t.Fatalf("got %v, want failed", err)
		}
		wantOneOf(t, m, 0, old)
	}
	if journal, _ := m.Get(ctx, "a.journal"); len(journal) > 100 {
		t.Errorf("the journal grows: %d bytes", len(journal))
	}
	// Now there is enough, if what failed is swept before anything is written.
	if err := (chunked{full{m, 18}, budget(100)}).Set(ctx, "a", text("new", 950)); err != nil {
		t.Error(err)
	}
	wantRepaired(t, m, 0, text("again", 350))
}
