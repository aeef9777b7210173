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

// Options say where a [Store] keeps its files, and how it seals them.
type Options struct {
	Dir string // absolute; created, mode 0700, with the first value
	// Key returns the key of the files, see [ChooseKey]. Every Set and Probe calls it, and every Get that finds a file.
	Key func(context.Context) (Key, error)
}

// Store is a [store.Backend] in a directory of the current user: one sealed file per account. Without the key, the
// files show only the names of the accounts and the length of the values.
//
// A file is replaced as a whole: a reader finds the old value or the new one, even after a crash or on a full disk. The
// directory and its files must belong to the current user alone; otherwise the error is a *store.Error of kind Unsafe.
//
// Goroutines may share a Store. Processes that write the same account take turns with a lock; without one a Set or
// Delete may fail, because each removes what it takes for the remains of a killed process.
type Store struct {
	dir string
	key func(context.Context) (Key, error)

	writing sync.Mutex
}

// New returns the store. It accesses nothing yet.
func New(opts Options) *Store {
	// With a trailing slash, Lstat would follow a symbolic link.
	return &Store{dir: filepath.Clean(opts.Dir), key: opts.Key}
}

// Path returns the name of the account's file, whether it exists or not.
func (s *Store) Path(account string) string { return filepath.Join(s.dir, account+suffix) }

// Get returns the value, or [store.ErrNotFound], for which it needs no key. Otherwise the error is a *store.Error: of
// kind WrongKey if another key sealed the file, of kind Failed around a [*KeyError] if there is no key, Corrupt,
// UnsupportedVersion, Unsafe, or Failed.
func (s *Store) Get(ctx context.Context, account string) ([]byte, error) {
	value, err := s.read(ctx, account)
	return value, store.WithOp("read "+strconv.Quote(s.Path(account)), err)
}

func (s *Store) read(ctx context.Context, account string) ([]byte, error) {
	if err := s.check(ctx, account); err != nil {
		return nil, err
	}
	line, err := privatefile.Read(s.Path(account), maxLine+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, store.ErrNotFound
	}
	if err != nil {
		return nil, store.FileError(err)
	}
	if len(line) > maxLine {
		return nil, store.CorruptError("it is longer than anything okauth writes")
	}
	b, err := parse(line)
	if err != nil {
		return nil, err
	}
	key, err := s.getKey(ctx)
	if err != nil {
		return nil, err
	}
	return b.open(key, account)
}

// Set seals value and replaces the file of the account, whatever it holds. After an error the old value is unchanged,
// except if flushing the directory failed: then the new value may be there.
func (s *Store) Set(ctx context.Context, account string, value []byte) error {
	return store.WithOp("write "+strconv.Quote(s.Path(account)), s.write(ctx, account, value))
}

func (s *Store) write(ctx context.Context, account string, value []byte) error {
	if err := s.check(ctx, account); err != nil {
		return err
	}
	if err := store.CheckItem(account, value); err != nil {
		return err
	}
	if len(value) > store.MaxValue {
		return store.SizeError(len(value), store.MaxValue)
	}
	key, err := s.getKey(ctx)
	if err != nil {
		return err
	}
	line, err := seal(key, account, value)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err = privatefile.MakeDir(s.dir)
	if err == nil {
		err = s.checkFile(account)
	}
	if err == nil {
		err = privatefile.Replace(s.Path(account), line)
	}
	return store.FileError(err)
}

// Delete removes the file, and what a killed process left of it. It needs no key.
func (s *Store) Delete(ctx context.Context, account string) error {
	return store.WithOp("delete "+strconv.Quote(s.Path(account)), s.remove(ctx, account))
}

func (s *Store) remove(ctx context.Context, account string) error {
	if err := s.check(ctx, account); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	exists, err := privatefile.DirExists(s.dir)
	if err != nil || !exists {
		return store.FileError(err)
	}
	err = s.checkFile(account)
	if err == nil {
		err = privatefile.Remove(s.Path(account))
	}
	if err == nil {
		err = privatefile.SyncDir(s.dir)
	}
	return store.FileError(err)
}

// List returns the accounts that have a file, sorted, even those that Get would refuse. Without a directory there are
// none.
func (s *Store) List(ctx context.Context) ([]string, error) {
	accounts, err := s.list(ctx)
	return accounts, store.WithOp("list "+strconv.Quote(s.dir), err)
}

func (s *Store) list(ctx context.Context) ([]string, error) {
	if err := s.check(ctx, "-"); err != nil {
		return nil, err
	}
	exists, err := privatefile.DirExists(s.dir)
	if err != nil || !exists {
		return nil, store.FileError(err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, privatefile.Cause(err)
	}
	var accounts []string
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
func (s *Store) Probe(ctx context.Context) error {
	return store.WithOp("use "+strconv.Quote(s.dir), s.probe(ctx))
}

func (s *Store) probe(ctx context.Context) error {
	if err := s.check(ctx, "-"); err != nil {
		return err
	}
	if err := privatefile.CanCreate(s.dir); err != nil {
		return store.FileError(err)
	}
	_, err := s.getKey(ctx)
	return err
}

// check refuses calls that need not start.
func (s *Store) check(ctx context.Context, account string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !filepath.IsAbs(s.dir) {
		return fmt.Errorf("the directory %q is not absolute", s.dir)
	}
	return store.CheckItem(account, []byte("-"))
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

// errNoKey is the error where Key returns none.
var errNoKey = &KeyError{"there is no key to seal with"}

// getKey calls Key.
func (s *Store) getKey(ctx context.Context) (Key, error) {
	if s.key == nil {
		return Key{}, errNoKey
	}
	key, err := s.key(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound): // it is not the value that was not found
		return Key{}, fmt.Errorf("get the key: %v", err)
	case err != nil:
		// The store of the key may be unavailable, but this one is not.
		return Key{}, store.NewError(store.Failed, "", fmt.Errorf("get the key: %w", err))
	case key.secret.IsZero():
		return Key{}, errNoKey
	}
	return key, nil
}
