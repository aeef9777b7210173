// Package filelock has locks between the processes of one user.
package filelock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/store"
)

const (
	defaultWait = 30 * time.Second // how long Acquire waits
	// maxPause is longer than any pause. A file whose time is later was paused before the clock was set back.
	maxPause = 10 * time.Minute
)

// Locks are advisory file locks, one per name, between all processes of the current user. A lock ends with the process
// that holds it, because it belongs to the open file and not to its content. So its file, Dir/name.lock, is never
// removed: another process could then lock a second file of that name.
type Locks struct {
	Dir  string        // created if missing; "" is [Dir], the directory that all processes agree on
	Wait time.Duration // how long Acquire waits; 0 is 30 s
	// Waiting is called when Acquire begins to wait, even if only for a moment, and the function it returns when that
	// ends. nil: nothing is called.
	Waiting func() (done func())
}

// Lock implements [store.Lock]. One goroutine uses it.
type Lock struct {
	file     *flock.Flock
	modified time.Time // the file's, when it was locked; see [Locks.Revoke]
}

// Ready returns nil if locks can be acquired in Dir, which it creates if missing, and otherwise the error of Acquire.
// It never waits for a lock, only for the file system.
func (l Locks) Ready() error {
	_, err := l.withDeadline(context.Background(), "ready", func(_ context.Context, file *flock.Flock) error {
		if _, err := file.TryLock(); err != nil { // locked or not, both will do
			return err
		}
		return file.Unlock()
	})
	return err
}

// Acquire implements [store.Locker]. The error is a *store.Error: of kind LockTimeout if another process did not
// release the lock within Wait, Unsafe if the file or directory is not the current user's alone, Failed if there can
// be no lock. If ctx ends first it wraps the error of ctx. If a pause lasts longer than Wait it is a
// *store.PausedError.
func (l Locks) Acquire(ctx context.Context, name string) (store.Lock, error) {
	end := time.Now().Add(cmp.Or(l.Wait, defaultWait))
	for {
		lock, err := l.acquire(ctx, name)
		if err != nil {
			return nil, err
		}
		left := time.Until(lock.modified)
		if left <= 0 || left > maxPause {
			return lock, nil
		}
		lock.Release()
		if l.Wait = time.Until(end); l.Wait <= left {
			return nil, &store.PausedError{Left: left}
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return nil, store.WaitError("lock "+strconv.Quote(lock.file.Path()), l.Wait, ctx.Err())
		}
	}
}

func (l Locks) acquire(ctx context.Context, name string) (*Lock, error) {
	file, err := l.withDeadline(ctx, name, acquire)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Unlock()
		return nil, lockError("lock "+strconv.Quote(file.Path()), err)
	}
	return &Lock{file, info.ModTime()}, nil
}

// Directory returns the directory of the locks, which need not exist; the error is that of [Dir].
func (l Locks) Directory() (string, error) {
	if l.Dir != "" {
		return l.Dir, nil
	}
	return Dir()
}

// path returns the path of the lock of that name.
func (l Locks) path(name string) (string, error) {
	dir, err := l.Directory()
	if err == nil && !store.IsAccount(name) {
		err = errors.New("the name has characters other than A-Z a-z 0-9 _ . -")
		err = store.NewError(store.Failed, "lock "+strconv.Quote(name), err)
	}
	return filepath.Join(dir, name+".lock"), err
}

type lockFunc func(context.Context, *flock.Flock) error

// withDeadline calls lock with the file of that name, and gives up when ctx or Wait ends. Any system call on a file
// may hang, and on a network file system no signal ends it, so all of them run in a goroutine that may be abandoned.
// If that still acquires the lock it releases it at once.
func (l Locks) withDeadline(ctx context.Context, name string, lock lockFunc) (*flock.Flock, error) {
	path, err := l.path(name)
	if err != nil {
		return nil, err
	}
	op, wait := "lock "+strconv.Quote(path), cmp.Or(l.Wait, defaultWait)
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if l.Waiting != nil {
		defer l.Waiting()()
	}

	flags := os.O_CREATE | os.O_RDWR | privatefile.OpenFlags
	file := flock.New(path, flock.SetFlag(flags), flock.SetPermissions(0o600))
	done := make(chan error)
	go func() {
		err := privatefile.MakeDir(filepath.Dir(path))
		if err == nil {
			err = lock(waiting, file)
		}
		if waiting.Err() == nil {
			select {
			case done <- err:
				return
			case <-waiting.Done():
			}
		}
		_ = file.Unlock()
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, lockError(op, err)
		}
		return file, nil
	case <-waiting.Done():
		return nil, store.WaitError(op, wait, ctx.Err())
	}
}

// acquire locks the file. It waits in the kernel, which wakes it as soon as the lock is free. Polling was measured: 64
// waiting processes are not done sooner, and use three to five times the CPU.
func acquire(ctx context.Context, file *flock.Flock) error {
	for ctx.Err() == nil {
		if err := checkPath(file.Path()); err != nil {
			return err
		}
		if err := file.Lock(); errors.Is(err, syscall.EINTR) {
			continue
		} else if err != nil {
			return err
		}
		locked, err := file.Stat()
		if err == nil {
			err = privatefile.Check(file.Path(), locked)
		}
		if err != nil {
			_ = file.Unlock()
			return store.NewError(store.Unsafe, "", err)
		}
		// If the directory was cleaned up meanwhile, the next process locks another file.
		named, err := os.Lstat(file.Path())
		if err == nil && os.SameFile(locked, named) {
			return nil
		}
		_ = file.Unlock()
	}
	return ctx.Err()
}

// checkPath returns an error unless the file is private or does not exist.
func checkPath(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := privatefile.Check(path, info); err != nil {
		return store.NewError(store.Unsafe, "", err)
	}
	return nil
}

// lockError returns an error of the file system as a *store.Error that names the lock.
func lockError(op string, err error) error {
	e, ok := errors.AsType[*privatefile.Error](err) // the directory's, which it names
	switch {
	case ok && e.Unsafe:
		return store.NewError(store.Unsafe, op, err)
	case ok:
		return store.NewError(store.Failed, op, err)
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, errors.ErrUnsupported):
		err = fmt.Errorf("the file system does not support locks: %w", privatefile.Cause(err))
	}
	return store.WithOp(op, privatefile.Cause(err))
}

// Release implements [store.Lock].
func (l *Lock) Release() {
	_ = l.file.Unlock() // if that fails, the lock ends with the process
}

// Pause implements [store.PausableLock]: the file has the time at which the pause ends.
func (l *Lock) Pause(d time.Duration) error {
	end := time.Now().Add(d)
	err := os.Chtimes(l.file.Path(), end, end)
	l.Release()
	return err
}

// Revoked implements [store.Lock].
func (l *Lock) Revoked() bool {
	info, err := l.file.Stat()
	return err != nil || !info.ModTime().Equal(l.modified)
}

// Revoke implements [store.Locker]: [Lock.Revoked] of the process that holds the lock becomes true. It does not concern
// the next holder.
func (l Locks) Revoke(name string) error {
	if err := l.Check(name); err != nil {
		return err
	}
	path, err := l.path(name)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err == nil {
		// The holder compares the time with the one that it found. Every file system can tell two seconds apart.
		other := info.ModTime().Add(-2 * time.Second) // a later one would be a pause
		err = os.Chtimes(path, other, other)
	}
	if err != nil {
		return store.NewError(store.Failed, "revoke the lock "+strconv.Quote(path), privatefile.Cause(err))
	}
	return nil
}

// Check returns nil if nothing that exists prevents a lock of that name. It creates nothing and waits for nothing, so
// it finds out less than [Locks.Ready].
func (l Locks) Check(name string) error {
	path, err := l.path(name)
	if err != nil {
		return err
	}
	if err = privatefile.CanCreate(filepath.Dir(path)); err == nil {
		err = checkPath(path)
	}
	if err != nil {
		return lockError("lock "+strconv.Quote(path), err)
	}
	return nil
}
