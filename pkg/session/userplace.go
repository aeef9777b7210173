package session

import (
	"context"
	"path/filepath"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
)

// maxRecord is more than any record of the guard has, in bytes.
const maxRecord = 4096

// UserPlace is where a [LockoutGuard] keeps its records for one OS user: a [store.Backend] of files that only this user
// can read, and the [store.Locker] of the user's processes. The records outlive a logout from the machine, since a loop
// may log in each time. The locks need not last, so they are in memory where the system has a place for that.
//
// A user without any place for them has no records and no locks: every Set fails, the rest does nothing.
type UserPlace struct {
	Locks filelock.Locks // with a Dir, the records are there as well; without, each is where [filelock.Place] says
}

// path returns where the record of that name is.
func (u UserPlace) path(name string) (string, error) {
	dir, err := u.Locks.Dir, error(nil)
	if dir == "" {
		dir, err = filelock.Place(true)
	}
	return filepath.Join(dir, name+".refused"), err
}

// Get returns [store.ErrNotFound] also for what cannot be read, and an error of kind Unsafe for what others could have
// written.
func (u UserPlace) Get(_ context.Context, name string) ([]byte, error) {
	path, err := u.path(name)
	if err != nil {
		return nil, store.ErrNotFound
	}
	data, err := privatefile.Read(path, maxRecord)
	if err = store.WithOp("read", err); err != nil && !store.IsKind(err, store.Unsafe) {
		return nil, store.ErrNotFound
	}
	return data, err
}

// Set replaces the record whole.
func (u UserPlace) Set(_ context.Context, name string, value []byte) error {
	path, err := u.path(name)
	if err == nil {
		err = privatefile.MakeDir(filepath.Dir(path))
	}
	if err == nil {
		err = privatefile.Replace(path, value)
	}
	return store.WithOp("write", err)
}

// Delete removes the record.
func (u UserPlace) Delete(_ context.Context, name string) error {
	path, err := u.path(name)
	if err != nil {
		return nil
	}
	return store.WithOp("remove", privatefile.Remove(path))
}

// fileLocks returns the locks in their directory.
func (u UserPlace) fileLocks() (filelock.Locks, error) {
	locks, err := u.Locks, error(nil)
	if locks.Dir == "" {
		locks.Dir, err = filelock.Place(false)
	}
	return locks, err
}

// Acquire returns a lock that locks nothing where no lock is possible. Its other errors are those of [filelock.Locks].
func (u UserPlace) Acquire(ctx context.Context, name string) (store.Lock, error) {
	locks, err := u.fileLocks()
	if err != nil {
		return noLock{}, nil
	}
	lock, err := locks.Acquire(ctx, name)
	if ctx.Err() == nil && store.IsKind(err, store.Failed) {
		return noLock{}, nil
	}
	return lock, err
}

// Revoke is that of [filelock.Locks].
func (u UserPlace) Revoke(name string) error {
	locks, err := u.fileLocks()
	if err != nil {
		return err
	}
	return locks.Revoke(name)
}

// Check returns the error of Acquire as far as it can be told without a lock.
func (u UserPlace) Check(name string) error {
	locks, err := u.fileLocks()
	if err != nil {
		return nil
	}
	if err = locks.Check(name); !store.IsKind(err, store.Unsafe) {
		return nil
	}
	return err
}
