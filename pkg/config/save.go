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
)

// Save writes the edits. The file is replaced as a whole, by a rename, and is
// its owner's alone (0600); a missing directory is made with 0700; a symbolic
// link is followed, so that what it points to changes and the link stays. If
// somebody else changed the file since it was read, the edits are made again on
// what is there now; two that save at once take turns. The error is an *Error,
// and the file is then as it was.
func (f *File) Save() error {
	target, err := writeTarget(f.path)
	if err != nil {
		return f.unwritten("follow the path", err)
	}
	unlock, err := exclusive(target)
	if err != nil {
		return f.unwritten("wait for another okauth that writes it", err)
	}
	defer unlock()
	if err := f.refresh(); err != nil {
		return err
	}
	if f.original != nil && bytes.Equal(f.data, f.original) {
		return nil
	}
	if err := replace(target, f.data); err != nil {
		return f.unwritten("write", err)
	}
	f.original, f.edits = f.data, nil
	return nil
}

// refresh makes the edits again if the file has changed under us.
func (f *File) refresh() error {
	now, err := readConfig(f.path)
	if err != nil && !isMissing(err) {
		return err
	}
	if bytes.Equal(now, f.original) {
		return nil
	}
	data := now
	for _, e := range f.edits {
		if data, f.doc, err = apply(data, e); err != nil {
			return at(err, Source{FromFile, f.path})
		}
	}
	f.original, f.data = now, data
	return nil
}

func (f *File) unwritten(doing string, err error) error {
	e := &Error{Source: Source{FromFile, f.path}, Reason: doing, Err: cause(err)}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		e.Next = "make the directory writable for you, or name another file with --config or OKAUTH_CONFIG"
	}
	return e
}

// writeTarget follows symbolic links, also one to a file that is yet to be.
func writeTarget(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return target, err
	}
	if link, linkErr := os.Readlink(path); linkErr == nil {
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		return link, nil
	}
	return path, nil
}

// lockWait is how long a save waits for another one, which takes milliseconds.
const lockWait = 5 * time.Second

// exclusive waits until no other process saves to target. The lock is a file of
// its own, since target is replaced, and is never deleted: whoever waits for it
// has it open.
func exclusive(target string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(target+".lock", flock.SetFlag(os.O_CREATE|os.O_RDONLY|noFollow), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

// replace writes a file beside the target and renames it over the target: a
// reader sees the old file or the new one, whole, also after a power failure.
func replace(target string, data []byte) error {
	dir := filepath.Dir(target)
	sweep(dir)
	tmp, err := os.CreateTemp(dir, tempPattern) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // does nothing once renamed
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), target)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// tempPattern names the files that become configuration files.
const tempPattern = ".config-*.tmp"

// sweep removes what a process left that was killed while it wrote: a secret may
// be in it. Writing takes no minute, so younger files belong to somebody.
func sweep(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, tempPattern)) // fails for bad patterns only
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(name)
		}
	}
}
