package config

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"okauth/pkg/internal/privatefile"
)

// Save writes the file, mode 0600, and its directory, mode 0700, if there is none. It replaces the file as a whole; a
// symbolic link stays, and the file it leads to is replaced. Another process may have changed it, so Save makes the
// edits again on what is there now. The error is an *Error, and the file is then as it was.
func (f *File) Save() error {
	target, err := followLinks(f.path)
	if err != nil {
		return f.saveError("follow the path", err)
	}
	unlock, err := lockFile(target)
	if err != nil {
		return f.saveError("wait for another okauth that writes it", err)
	}
	defer unlock()
	saved, err := OpenFile(f.path, f.home)
	if err != nil {
		return err
	}
	before := saved.data
	for _, e := range f.edits {
		if err := saved.edit(e); err != nil {
			return err
		}
	}
	if !bytes.Equal(saved.data, before) {
		if err := privatefile.Replace(target, saved.data); err != nil {
			return f.saveError("write", err)
		}
	}
	saved.edits = nil
	*f = *saved
	return nil
}

func (f *File) saveError(op string, err error) error {
	if e, ok := errors.AsType[*privatefile.Error](err); ok {
		err = e.Err
	}
	return &Error{Kind: WriteFailed, Source: Source{FromFile, f.path}, Reason: op, Err: privatefile.Cause(err)}
}

// followLinks follows symbolic links, also to a file that does not exist yet.
func followLinks(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return target, err
	}
	link, err := os.Readlink(path)
	if err != nil {
		return path, nil
	}
	if !filepath.IsAbs(link) {
		link = filepath.Join(filepath.Dir(path), link)
	}
	return followLinks(link) // links that form a circle are not fs.ErrNotExist
}

// lockWait is how long Save waits for another process, which takes milliseconds.
const lockWait = 5 * time.Second

// lockFile waits until no other process saves target. The lock is another file, because target is replaced, and is
// never deleted, because other processes may have it open.
func lockFile(target string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(target+".lock", flock.SetFlag(os.O_CREATE|os.O_RDONLY|privatefile.OpenFlags),
		flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}
