// Package sealed stores values in encrypted files, for machines that have no keychain.
package sealed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/store"
)

// suffix ends the name of every sealed file; the account precedes it.
const suffix = ".sealed"

// Store is a [store.Backend] in a directory of the current user: one sealed file per account. Without the key, the
// files show only the names of the accounts and the length of the values.
//
// A file is replaced as a whole: a reader finds the old value or the new one, even after a crash or on a full disk. The
// directory and its files must belong to the current user alone; otherwise the error is a *store.Error of kind Unsafe.
//
// Goroutines may share a Store. Processes that write the same account take turns with a lock; without one a Set or
// Delete may fail, because each removes what it takes for the remains of a killed process.
type Store struct {
	dir    string
	sealer Sealer

	writing sync.Mutex
}

// New returns the store in dir, an absolute path, which is created, mode 0700, with the first value. key returns the
// key of the files, see [ChooseKey]. Every Set and Probe calls it, and every Get that finds a file. New accesses
// nothing.
func New(dir string, key func(context.Context) (Key, error)) *Store {
	// With a trailing slash, Lstat would follow a symbolic link.
	return &Store{dir: filepath.Clean(dir), sealer: key}
}

// Path returns the name of the account's file, whether it exists or not.
func (s *Store) Path(account string) string { return filepath.Join(s.dir, account+suffix) }

// addOp makes the error of a method a *store.Error that says what failed.
func addOp(err *error, op, path string) { *err = store.WithOp(op+" "+strconv.Quote(path), *err) }

// Get returns the value, or [store.ErrNotFound], for which it needs no key. Otherwise the error is a *store.Error: of
// kind WrongKey if another key sealed the file, of kind Failed around a [*KeyError] if there is no key, Corrupt,
// UnsupportedVersion, Unsafe, or Failed.
func (s *Store) Get(ctx context.Context, account string) (value []byte, err error) {
	defer addOp(&err, "read", s.Path(account))
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	line, err := privatefile.Read(s.Path(account), maxLine+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, store.ErrNotFound
	case err != nil:
		return nil, err
	}
	return s.sealer.Open(ctx, account, line)
}

// Set seals value and replaces the file of the account, whatever it holds. After an error the old value is unchanged,
// except if flushing the directory failed: then the new value may be there.
func (s *Store) Set(ctx context.Context, account string, value []byte) (err error) {
	defer addOp(&err, "write", s.Path(account))
	if err := s.check(ctx, account); err != nil {
		return err
	}
	line, err := s.sealer.Seal(ctx, account, value)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := privatefile.MakeDir(s.dir); err != nil {
		return err
	}
	if err := s.checkFile(account); err != nil {
		return err
	}
	return privatefile.Replace(s.Path(account), line)
}

// Delete removes the file, and what a killed process left of it. It needs no key.
func (s *Store) Delete(ctx context.Context, account string) (err error) {
	defer addOp(&err, "delete", s.Path(account))
	if err := s.check(ctx, account); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	exists, err := privatefile.DirExists(s.dir)
	if err != nil || !exists {
		return err
	}
	if err := s.checkFile(account); err != nil {
		return err
	}
	if err := privatefile.Remove(s.Path(account)); err != nil {
		return err
	}
	return privatefile.SyncDir(s.dir)
}

// List returns the accounts that have a file, sorted, even those that Get would refuse. Without a directory there are
// none.
func (s *Store) List(ctx context.Context) (accounts []string, err error) {
	defer addOp(&err, "list", s.dir)
	if err := s.checkCall(ctx); err != nil {
		return nil, err
	}
	exists, err := privatefile.DirExists(s.dir)
	if err != nil || !exists {
		return nil, err
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, privatefile.Cause(err)
	}
	for _, entry := range entries {
		if account, ok := strings.CutSuffix(entry.Name(), suffix); ok && store.IsAccount(account) {
			accounts = append(accounts, account)
		}
	}
	slices.Sort(accounts)
	return accounts, nil
}

// Probe returns nil if a value could be stored now, as far as that can be told without a change: the directory is the
// current user's alone and writable, or could be created, and there is a key. Otherwise it returns the error of Set.
func (s *Store) Probe(ctx context.Context) (err error) {
	defer addOp(&err, "use", s.dir)
	if err := s.checkCall(ctx); err != nil {
		return err
	}
	if err := privatefile.CanCreate(s.dir); err != nil {
		return err
	}
	_, err = s.sealer.Key(ctx)
	return err
}

// check refuses a call for an account that need not start.
func (s *Store) check(ctx context.Context, account string) error {
	if err := s.checkCall(ctx); err != nil {
		return err
	}
	return store.CheckAccount(account)
}

// checkCall refuses a call that need not start, whatever the account.
func (s *Store) checkCall(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !filepath.IsAbs(s.dir) {
		return fmt.Errorf("the directory %q is not absolute", s.dir)
	}
	return nil
}

// checkFile returns an error for a file that is not the current user's alone. None at all is fine.
func (s *Store) checkFile(account string) error {
	file, err := privatefile.Open(s.Path(account), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}
