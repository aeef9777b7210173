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
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lockWait is how long Acquire waits where nothing else is said.
const lockWait = 30 * time.Second

// maxMark is the longest mark in bytes.
const maxMark = 4096

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
type Lock struct{ file *flock.Flock }

// The files of a name: the lock, and what lies beside it.
const (
	lockSuffix = ".lock"
	markSuffix = ".sent"
	outSuffix  = ".out"
)

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
	return &Lock{file}, nil
}

// Directory returns the directory of the locks, which need not exist; the error is that of [LockDir].
func (l Locks) Directory() (string, error) {
	if l.Dir != "" {
		return l.Dir, nil
	}
	return LockDir()
}

// file returns the path of what belongs to the lock of that name.
func (l Locks) file(name, suffix string) (string, error) {
	dir, err := l.Directory()
	if err == nil && !isAccount(name) {
		err = &Error{Failed, "lock " + strconv.Quote(name), errors.New("a name of a lock has A-Z a-z 0-9 _ . - only")}
	}
	return filepath.Join(dir, name+suffix), err
}

// wait calls take with the file of that name, and gives up on it when ctx ends or Wait is over. Any system call on a file may
// hang, on a network file system beyond the reach of a signal, so all of them run in a goroutine that may be left behind. What
// such a one still gets, it gives back at once.
func (l Locks) wait(ctx context.Context, name string, take func(context.Context, *flock.Flock) error) (*flock.Flock, error) {
	path, err := l.file(name, lockSuffix)
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

// Mark leaves text, one line of at most 4096 bytes, for whoever holds the lock next. It survives the death of this process and
// replaces an earlier mark. Once Mark has returned nil, the mark is on the disk.
func (l *Lock) Mark(text string) error {
	op := "write " + strconv.Quote(l.path(markSuffix))
	if text == "" || len(text) > maxMark || strings.Contains(text, "\n") {
		return &Error{Failed, op, errors.New("a mark is one line")}
	}
	if err := l.held(op); err != nil {
		return err
	}
	if err := replacePrivate(l.path(markSuffix), []byte(text+"\n")); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(l.file.Path())); err != nil {
		return &Error{Failed, op, err}
	}
	return nil
}

// Unmark removes the mark; there need not be one.
func (l *Lock) Unmark() error { return l.clear(markSuffix) }

// SignedOut reports whether [Locks.SignOut] has left its note, and nobody has removed it.
func (l *Lock) SignedOut() bool {
	_, err := os.Lstat(l.path(outSuffix))
	return err == nil
}

// SignIn removes the note of [Locks.SignOut]; there need not be one.
func (l *Lock) SignIn() error { return l.clear(outSuffix) }

func (l *Lock) clear(suffix string) error {
	if err := l.held("remove " + strconv.Quote(l.path(suffix))); err != nil {
		return err
	}
	return clearPrivate(l.path(suffix))
}

func (l *Lock) held(op string) error {
	if l.file.Locked() {
		return nil
	}
	return &Error{Failed, op, errors.New("the lock is no longer held")}
}

func (l *Lock) path(suffix string) string {
	return strings.TrimSuffix(l.file.Path(), lockSuffix) + suffix
}

// Marked returns what Mark has left, "" where nothing is.
func (l *Lock) Marked() (string, error) { return readMark(l.path(markSuffix)) }

// Marked returns the mark of that name without taking the lock, so it may be gone already; "" where there is none.
func (l Locks) Marked(name string) (string, error) {
	path, err := l.file(name, markSuffix)
	if err != nil {
		return "", err
	}
	return readMark(path)
}

// SignOut leaves a note for the process that holds the lock of that name and would not let go of it: what it is about to keep must
// not be kept.
func (l Locks) SignOut(name string) error {
	path, err := l.file(name, outSuffix)
	if err != nil {
		return err
	}
	return replacePrivate(path, []byte("signed out\n"))
}

// Check returns nil when nothing that is there keeps a lock of that name from being taken. It makes nothing and waits for nothing,
// so it is less than [Locks.Ready].
func (l Locks) Check(name string) error {
	path, err := l.file(name, lockSuffix)
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

// readMark returns "" only where there is no mark: that something was left is known even if no longer what, and then the text
// begins with "?", which no reader will take for what it left itself.
func readMark(path string) (string, error) {
	data, err := readPrivate(path, maxMark+1)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text, whole := strings.CutSuffix(string(data), "\n")
	if !whole || text == "" || strings.Contains(text, "\n") {
		return "?" + text, nil
	}
	return text, nil
}
