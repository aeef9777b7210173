package store

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
)

// lockWait is how long Acquire waits where nothing else is said.
const lockWait = 30 * time.Second

// Locks are advisory file locks, one per name, between all processes of one user. A lock dies with the process that holds it,
// however that ends, because it belongs to the open file and not to what is in it. So its file, Dir/name.lock, stays for ever:
// to remove it is to let a second process lock a second file of that name.
type Locks struct {
	Dir  string        // made when missing; empty is [LockDir], the place that all processes agree on
	Wait time.Duration // how long Acquire waits; 0 is 30 seconds
	// Waiting is called when a wait begins, however short it may be, and the function it returns when that is over: a person
	// who waits wants to know for what. nil: nobody is told.
	Waiting func() (done func())
}

// Lock is a lock that is held. One goroutine uses it.
type Lock struct {
	file  *flock.Flock
	taken time.Time // when the file was last changed before; see [Locks.Revoke]
}

// Ready returns nil when locks can be taken in Dir, which it makes when missing. Otherwise the *Error that Acquire would return.
// It never waits for a lock, but as Acquire does for a file system that does not answer.
func (l Locks) Ready() error {
	_, err := l.wait(context.Background(), "ready", func(_ context.Context, file *flock.Flock) error {
		if _, err := file.TryLock(); err != nil { // either answer will do
			return err
		}
		return file.Unlock()
	})
	return err
}

// Acquire returns the lock of that name, at once when it becomes free. An *Error of kind Busy says that it did not within Wait,
// Unsafe that the file or directory is not the user's alone, Failed that there can be no lock. When ctx ends first the *Error
// wraps its error.
func (l Locks) Acquire(ctx context.Context, name string) (*Lock, error) {
	file, err := l.wait(ctx, name, acquire)
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

// Directory returns the directory of the locks, which need not exist; the error is that of [LockDir].
func (l Locks) Directory() (string, error) {
	if l.Dir != "" {
		return l.Dir, nil
	}
	return LockDir()
}

// file returns the path of the lock of that name.
func (l Locks) file(name string) (string, error) {
	dir, err := l.Directory()
	if err == nil && !isAccount(name) {
		err = &Error{Failed, "lock " + strconv.Quote(name), errors.New("a name of a lock has A-Z a-z 0-9 _ . - only")}
	}
	return filepath.Join(dir, name+".lock"), err
}

// wait calls take with the file of that name, and gives up on it when ctx ends or Wait is over. Any system call on a file may
// hang, on a network file system beyond the reach of a signal, so all of them run in a goroutine that may be left behind. What
// such a one still gets, it gives back at once.
func (l Locks) wait(ctx context.Context, name string, take func(context.Context, *flock.Flock) error) (*flock.Flock, error) {
	path, err := l.file(name)
	if err != nil {
		return nil, err
	}
	op, wait := "lock "+strconv.Quote(path), cmp.Or(l.Wait, lockWait)
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if l.Waiting != nil {
		defer l.Waiting()()
	}

	file := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|privateFlags), flock.SetPermissions(0o600))
	done := make(chan error)
	go func() {
		err := privateDir(filepath.Dir(path))
		if err == nil {
			err = take(waiting, file)
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
		switch err := ctx.Err(); {
		case err == nil:
			return nil, &Error{LockTimeout, op, fmt.Errorf("another process holds it, and did not let go in %v", wait)}
		case errors.Is(err, context.DeadlineExceeded):
			return nil, &Error{LockTimeout, op, fmt.Errorf("wait for another process: %w", err)}
		default:
			return nil, &Error{Failed, op, err}
		}
	}
}

// acquire locks the file, or returns why it cannot. The call blocks in the kernel, which wakes it the moment the lock is free.
// Polling was measured: 64 processes in line are through no sooner, and spend three to five times the CPU.
func acquire(ctx context.Context, file *flock.Flock) error {
	for ctx.Err() == nil {
		if info, err := os.Lstat(file.Path()); err == nil {
			if err := checkPrivate(info); err != nil {
				return &kindError{Unsafe, err}
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := file.Lock(); errors.Is(err, syscall.EINTR) {
			continue
		} else if err != nil {
			return err
		}
		locked, err := file.Stat()
		if err == nil {
			err = checkPrivate(locked)
		}
		if err != nil {
			_ = file.Unlock()
			return &kindError{Unsafe, err}
		}
		// Something may have swept the directory meanwhile. Then the next process locks another file.
		named, err := os.Lstat(file.Path())
		if err == nil && os.SameFile(locked, named) {
			return nil
		}
		_ = file.Unlock()
	}
	return ctx.Err()
}

// lockError gives an error of the file system its kind.
func lockError(op string, err error) error {
	var known *kindError
	var own *Error
	switch {
	case errors.As(err, &own): // the directory's, which names it
		return &Error{own.Kind, op, err}
	case errors.As(err, &known):
		return &Error{known.kind, op, known.err}
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, errors.ErrUnsupported):
		return &Error{Failed, op, fmt.Errorf("the file system keeps no locks there: %w", bare(err))}
	}
	return &Error{Failed, op, bare(err)}
}

// Release lets go of the lock. It may be called twice, and on nil.
func (l *Lock) Release() {
	if l != nil {
		_ = l.file.Unlock() // what is left of it ends with the process
	}
}

// Revoked reports whether [Locks.Revoke] was called since the lock was taken; on nil it is false.
func (l *Lock) Revoked() bool {
	if l == nil {
		return false
	}
	info, err := l.file.Stat()
	return err != nil || !info.ModTime().Equal(l.taken)
}

// Revoke tells the process that holds the lock of that name, and has not released it in time, that it must no longer
// change what the lock protects: its [Lock.Revoked] is true from now on. The next holder is not concerned.
func (l Locks) Revoke(name string) error {
	if err := l.Check(name); err != nil {
		return err
	}
	path, err := l.file(name)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err == nil {
		// The holder compares the time with the one it found. Two seconds are a difference on every file system.
		later := info.ModTime().Add(2 * time.Second)
		err = os.Chtimes(path, later, later)
	}
	if err != nil {
		return &Error{Failed, "revoke the lock " + strconv.Quote(path), bare(err)}
	}
	return nil
}

// Check returns nil when nothing that is there keeps a lock of that name from being taken. It makes nothing and waits for nothing,
// so it is less than [Locks.Ready].
func (l Locks) Check(name string) error {
	path, err := l.file(name)
	if err != nil {
		return err
	}
	op := "lock " + strconv.Quote(path)
	if err := mayMake(filepath.Dir(path)); err != nil {
		return lockError(op, err)
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = checkPrivate(info)
	}
	if err != nil {
		return &Error{Unsafe, op, bare(err)}
	}
	return nil
}
