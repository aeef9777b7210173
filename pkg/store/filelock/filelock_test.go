package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/store"
)

// privateTemp is a directory that does not exist yet, in one that is removed after the test.
func privateTemp(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "okauth")
}

func mustAcquire(t *testing.T, l Locks, name string) store.Lock {
	t.Helper()
	held, err := l.Acquire(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(held.Release)
	return held
}

// wantError checks kind and message, and that no path and no reason is missing from it.
func wantError(t *testing.T, err error, kind string, pieces ...string) {
	t.Helper()
	if got := kindOf(err); got != kind {
		t.Fatalf("got %s: %v; want %s", got, err, kind)
	}
	for _, piece := range pieces {
		if !strings.Contains(err.Error(), piece) {
			t.Errorf("got %q; want %q in it", err, piece)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("the message is not one harmless line: %q", err)
	}
}

func TestAT86_OneAtATime(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t)}
	var inside atomic.Int32
	count := 0 // the race detector watches it
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				held, err := l.Acquire(t.Context(), "dev-0123abcd")
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				count++
				inside.Add(-1)
				held.Release()
			}
		})
	}
	wg.Wait()
	if count != 200 {
		t.Errorf("got %d turns, want 200", count)
	}
	if _, err := os.Lstat(filepath.Join(l.Dir, "dev-0123abcd.lock")); err != nil {
		t.Errorf("the lock file must stay: %v", err)
	}
}

func TestAT86_NamesAreIndependent(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: 50 * time.Millisecond}
	mustAcquire(t, l, "a")
	mustAcquire(t, l, "b")
	_, err := l.Acquire(t.Context(), "a")
	wantError(t, err, "lock_timeout", strconv.Quote(filepath.Join(l.Dir, "a.lock")), "50ms")
	if err := l.Ready(); err != nil {
		t.Errorf("a lock that is held makes no other one impossible: %v", err)
	}
	mustAcquire(t, l, "ready") // Ready keeps nothing
}

func TestAT86_BusyLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: 10 * time.Millisecond}
	held := mustAcquire(t, l, "a")
	for range 5 {
		_, err := l.Acquire(t.Context(), "a")
		wantError(t, err, "lock_timeout", "another process holds it")
	}
	// The five are still in line for the lock; what they get they must give back.
	held.Release()
	l.Wait = time.Minute
	for range 3 {
		mustAcquire(t, l, "a").Release()
	}
}

func TestAT86_CancelEndsTheWait(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: time.Hour}
	mustAcquire(t, l, "a")
	stop := errors.New("a signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	_, err := l.Acquire(ctx, "a")
	wantError(t, err, "failed", "a.lock")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the error of the context in it", err)
	}
	ctx, done := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer done()
	_, err = l.Acquire(ctx, "a")
	wantError(t, err, "lock_timeout", "a.lock")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the error of the context in it", err)
	}
	if _, err = l.Acquire(ctx, "free"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a context that has ended: got %v", err)
	}
}

func TestLockReleaseIsIdempotent(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: 50 * time.Millisecond}
	first := mustAcquire(t, l, "a")
	first.Release()
	second := mustAcquire(t, l, "a")
	first.Release()
	if _, err := l.Acquire(t.Context(), "a"); kindOf(err) != "lock_timeout" {
		t.Errorf("the second release of one lock let go of another: %v", err)
	}
	second.Release()
}

func TestLockNames(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t)}
	for _, name := range []string{"", "../a", "a/b", `a\b`, "a b", "a\x00", "ä", strings.Repeat("a", 257)} {
		_, err := l.Acquire(t.Context(), name)
		wantError(t, err, "failed", "A-Z a-z 0-9")
		wantError(t, l.Revoke(name), "failed", "A-Z a-z 0-9")
	}
	if _, err := os.Lstat(l.Dir); err == nil {
		t.Error("a bad name made the directory")
	}
}

func TestLocksWithoutADirectory(t *testing.T) {
	t.Parallel()
	want, werr := Dir()
	if got, err := (Locks{}).Directory(); got != want || (err == nil) != (werr == nil) {
		t.Errorf("got %q, %v; want that of the user, %q, %v", got, err, want, werr)
	}
}

func TestAT86_FileSystemWithoutLocks(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.ENOLCK, errors.ErrUnsupported, fmt.Errorf("flock: %w", syscall.ENOLCK)} {
		err := lockError(`lock "/net/home/a.lock"`, err)
		wantError(t, err, "failed", "/net/home/a.lock", "the file system does not support locks")
	}
}

// AT-85: the holder of a lock learns that it was revoked, and the next holder is not concerned.
func TestAT85_Revoke(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t)}
	wantError(t, l.Revoke("a"), "failed", "a.lock")
	for range 2 {
		held, other := mustAcquire(t, l, "a"), mustAcquire(t, l, "b")
		if held.Revoked() {
			t.Error("a fresh lock is revoked")
		}
		if err := l.Revoke("a"); err != nil {
			t.Fatal(err)
		}
		if !held.Revoked() || other.Revoked() {
			t.Errorf("revoked: %v, and the other %v", held.Revoked(), other.Revoked())
		}
		held.Release()
		other.Release()
	}
	entries, err := os.ReadDir(l.Dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v; want a.lock and b.lock alone", entries, err)
	}
}

func kindOf(err error) string {
	var e *store.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrNotFound):
		return "not found"
	case errors.As(err, &e):
		return string(e.Kind)
	default:
		return "untyped: " + err.Error()
	}
}

// A paused lock is no one's until the pause is over: who can wait as long does, others learn how long it lasts.
func TestPause(t *testing.T) {
	t.Parallel()
	locks := Locks{Dir: filepath.Join(t.TempDir(), "locks"), Wait: 2 * time.Second}
	lock, err := locks.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	const pause = 4 * time.Second
	end := time.Now().Add(pause)
	if err := lock.(store.PausableLock).Pause(pause); err != nil {
		t.Fatal(err)
	}
	_, err = locks.Acquire(t.Context(), "a")
	if e, ok := errors.AsType[*store.PausedError](err); !ok || e.Left > pause || e.Left <= 0 {
		t.Errorf("got %v, want a PausedError", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	locks.Wait = time.Minute
	if _, err := locks.Acquire(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if lock, err = locks.Acquire(t.Context(), "a"); err != nil || time.Now().Before(end) {
		t.Fatalf("got %v, %v before the end", err, time.Until(end))
	}
	defer lock.Release()
	if lock.Revoked() {
		t.Error("the next holder's lock is revoked")
	}
	if err := locks.Revoke("a"); err != nil || !lock.Revoked() {
		t.Errorf("got %v, revoked: %v", err, lock.Revoked())
	}
	lock.Release()
	locks.Wait = time.Second
	if lock, err = locks.Acquire(t.Context(), "a"); err != nil {
		t.Fatalf("a revoked lock: got %v", err)
	}
	late := time.Now().Add(24 * time.Hour)
	if err := os.Chtimes(filepath.Join(locks.Dir, "a.lock"), late, late); err != nil {
		t.Fatal(err)
	}
	lock.Release()
	if lock, err = locks.Acquire(t.Context(), "a"); err != nil {
		t.Errorf("after the clock was set back: got %v", err)
	} else {
		lock.Release()
	}
}
