package store

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
)

// sealedSuffix ends the name of every sealed file; the account is before it.
const sealedSuffix = ".sealed"

// FileOptions say where a [File] keeps its values, and how it seals them.
type FileOptions struct {
	Dir string // absolute; made, mode 0700, with the first value
	// Key returns what files are sealed with, see [ChooseKey]. It is asked by each Set, by each Probe, and by each Get
	// that finds a value.
	Key func(context.Context) (KeyMaterial, error)
}

// File is Items over a directory of the user's: one sealed file per account, for machines that have no keychain. Whoever has
// the files and not the key learns the names of the accounts and the length of the values.
//
// A file is replaced as a whole: a reader finds the old value or the new one, also after a crash or a full disk. The directory
// and its files are used only as long as they are the user's alone; anything else there is an [*Error] of kind Unsafe.
//
// It may be used by many goroutines. Processes that write to the same account take turns, see [Locks]: one that does not may
// find its Set or Delete fail, as each sweeps up what it believes a killed one left.
type File struct {
	dir string
	key func(context.Context) (KeyMaterial, error)

	writing sync.Mutex
}

// NewFile touches nothing yet.
func NewFile(opts FileOptions) *File {
	// A slash at the end would make the look at a symbolic link a look at what it points to.
	return &File{dir: filepath.Clean(opts.Dir), key: opts.Key}
}

// Path returns the name of the account's file, whether it exists or not.
func (f *File) Path(account string) string { return filepath.Join(f.dir, account+sealedSuffix) }

// Get returns the value, or [ErrNotFound], for which it needs no key; else an [*Error]: of kind WrongKey where another key sealed
// it, of kind Failed around a [*KeyError] where there is no key, Corrupt, Newer, Unsafe, or Failed.
func (f *File) Get(ctx context.Context, account string) ([]byte, error) {
	value, err := f.read(ctx, account)
	return value, fileError("read", f.Path(account), err)
}

func (f *File) read(ctx context.Context, account string) ([]byte, error) {
	if err := f.check(ctx, account); err != nil {
		return nil, err
	}
	if there, err := privateDirExists(f.dir); err != nil {
		return nil, err
	} else if !there {
		return nil, ErrNotFound
	}
	line, err := readPrivate(f.Path(account), maxSealed+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if len(line) > maxSealed {
		return nil, corrupt("it is longer than anything okauth writes")
	}
	s, err := parseSealed(line)
	if err != nil {
		return nil, err
	}
	key, err := f.material(ctx)
	if err != nil {
		return nil, err
	}
	return s.open(key, account)
}

// Set seals value and keeps it in the place of what was there, whatever that was, if the file is the user's alone. After an
// error the old value is what it was; but where the error is that of flushing the directory, the new one is there already.
func (f *File) Set(ctx context.Context, account string, value []byte) error {
	return fileError("write", f.Path(account), f.write(ctx, account, value))
}

func (f *File) write(ctx context.Context, account string, value []byte) error {
	if err := f.check(ctx, account); err != nil {
		return err
	}
	if err := checkItem(account, value); err != nil {
		return err
	}
	if len(value) > maxValue {
		return &kindError{TooBig, fmt.Errorf("the value has %d bytes, expected at most %d", len(value), maxValue)}
	}
	key, err := f.material(ctx)
	if err != nil {
		return err
	}
	line, err := seal(key, account, value)
	if err != nil {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	if err := privateDir(f.dir); err != nil {
		return err
	}
	if err := f.checkFile(account); err != nil {
		return err
	}
	if err := replacePrivate(f.Path(account), line); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// Delete removes the file, and what a killed writer left of it. It needs no key.
func (f *File) Delete(ctx context.Context, account string) error {
	return fileError("delete", f.Path(account), f.remove(ctx, account))
}

func (f *File) remove(ctx context.Context, account string) error {
	if err := f.check(ctx, account); err != nil {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	if there, err := privateDirExists(f.dir); err != nil || !there {
		return err
	}
	if err := f.checkFile(account); err != nil {
		return err
	}
	if err := clearPrivate(f.Path(account)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// List returns the accounts that have a file, sorted, also of one that Get would refuse. No directory is no accounts.
func (f *File) List(ctx context.Context) ([]string, error) {
	accounts, err := f.list(ctx)
	return accounts, fileError("list", f.dir, err)
}

func (f *File) list(ctx context.Context) ([]string, error) {
	if err := f.check(ctx, "-"); err != nil {
		return nil, err
	}
	if there, err := privateDirExists(f.dir); err != nil || !there {
		return nil, err
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, bare(err)
	}
	var accounts []string
	for _, entry := range entries {
		if account, ok := strings.CutSuffix(entry.Name(), sealedSuffix); ok && isAccount(account) {
			accounts = append(accounts, account)
		}
	}
	slices.Sort(accounts)
	return accounts, nil
}

// Probe returns nil if a value could be kept now, as far as that can be told without changing anything: the directory is the
// user's alone and can be written to, or could be made, and there is a key. Else it returns the [*Error] that Set would.
func (f *File) Probe(ctx context.Context) error {
	return fileError("use", f.dir, f.probe(ctx))
}

func (f *File) probe(ctx context.Context) error {
	if err := f.check(ctx, "-"); err != nil {
		return err
	}
	if err := mayMake(f.dir); err != nil {
		return err
	}
	_, err := f.material(ctx)
	return err
}

// check refuses what no call need start with.
func (f *File) check(ctx context.Context, account string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !filepath.IsAbs(f.dir) {
		return fmt.Errorf("the directory %q is not absolute", f.dir)
	}
	return checkItem(account, []byte("-"))
}

// checkFile refuses a file that is not the user's alone; one that is not there is fine.
func (f *File) checkFile(account string) error {
	file, err := openPrivate(f.Path(account), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// errNoKey is the error of a Key that gave none.
var errNoKey = &KeyError{"there is no key to seal with"}

// material asks for the key.
func (f *File) material(ctx context.Context) (KeyMaterial, error) {
	if f.key == nil {
		return KeyMaterial{}, errNoKey
	}
	key, err := f.key(ctx)
	if errors.Is(err, ErrNotFound) {
		// Whoever looks for ErrNotFound asks about the value.
		err = errors.New(err.Error())
	}
	if err != nil {
		// What is wrong with the place the key comes from is not wrong with this store: an absent keychain, say.
		return KeyMaterial{}, &kindError{Failed, fmt.Errorf("get the key: %w", err)}
	}
	if key.secret.IsZero() {
		return KeyMaterial{}, errNoKey
	}
	return key, nil
}

// fileError gives err its kind. nil and ErrNotFound stay what they are, and so does an *Error: it names its path.
func fileError(doing, path string, err error) error {
	op := doing + " " + strconv.Quote(path)
	var known *kindError
	var named *Error
	switch {
	case err == nil, err == ErrNotFound:
		return err
	case errors.As(err, &known):
		return &Error{known.kind, op, err}
	case errors.As(err, &named):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{TimedOut, op, err}
	}
	return itemError(op, err)
}
