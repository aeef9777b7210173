// Package privatefile reads and writes files that only the current user may read or write.
//
// A lock that others can open is a lock that others can hold, and a directory that others can write to lets them choose
// what okauth reads. So a file or directory is checked before it is used, and a file once more when it is open and can
// no longer be exchanged: its type, its owner, its mode, and that it has one name.
//
// [CheckWriters] is for files that the user keeps somewhere else, and that others may read.
package privatefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Error says which operation failed, and on which file or directory. Every error of this package is one, except where a
// function says otherwise.
type Error struct {
	Op     string // "open", "read", "write", "remove", "use directory", "write to", "flush"
	Path   string
	Unsafe bool // the file or directory is not private, or of the wrong type; it has not been used
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Path, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// WritersError says who else can change a file.
type WritersError struct {
	Path  string      // the file, link or directory
	Owner int         // the user ID of the owner who is neither the user nor root; -1: the mode is the fault
	Mode  fs.FileMode // of the file or directory
}

func (e *WritersError) Error() string {
	if e.Owner >= 0 {
		return fmt.Sprintf("%q belongs to uid %d, neither to you nor to root", e.Path, e.Owner)
	}
	return fmt.Sprintf("the mode of %q is %04o: others can write to it", e.Path, e.Mode)
}

// othersOn returns the last file or directory on the way to path that can be looked at, if it is another user's.
func othersOn(path string) (last string, owner int, ok bool) {
	for at := path; ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil {
			owner, ok = ownerOf(info)
			return at, owner, ok && owner != os.Geteuid()
		}
		if at == filepath.Dir(at) {
			return "", 0, false
		}
	}
}

// fail returns an *Error without the path that package os puts into its own.
func fail(op, path string, err error) error { return &Error{Op: op, Path: path, Err: Cause(err)} }

func refuse(op, path string, err error) error {
	return &Error{Op: op, Path: path, Unsafe: true, Err: err}
}

const useDirectory = "use directory" // the Op of errors about one

// MakeDir creates a directory, mode 0700, and its missing parents. One that exists must be a directory, not a symbolic
// link, belong to the current user and grant no rights to others; otherwise MakeDir fails and changes nothing.
func MakeDir(path string) error {
	err := checkDir(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(path, 0o700); err != nil { // names the parent that it failed at
		if e, ok := errors.AsType[*OwnerError](Cause(err)); ok { // names the parent, too
			err = e
		}
		return &Error{Op: useDirectory, Path: path, Err: fmt.Errorf("make it: %w", err)}
	}
	return checkDir(path)
}

// DirExists reports whether a directory exists. It is an error if it exists and is not private.
func DirExists(path string) (bool, error) {
	err := checkDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// checkDir returns nil for a private directory. The error wraps fs.ErrNotExist if there is none.
func checkDir(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fail(useDirectory, path, err)
	}
	if !info.IsDir() {
		return refuse(useDirectory, path, fmt.Errorf("it is %s, not a directory", TypeName(info.Mode())))
	}
	if err := CheckOwner(path, info); err != nil {
		return refuse(useDirectory, path, err)
	}
	return nil
}

// CanCreate returns nil if files can be created in a private directory. If the directory does not exist, its nearest
// existing parent must be writable. CanCreate changes nothing.
func CanCreate(path string) error {
	exists, err := DirExists(path)
	if err != nil {
		return err
	}
	dir := path
	for !exists && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		_, err := os.Lstat(dir)
		exists = !errors.Is(err, fs.ErrNotExist)
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err == nil {
		if err = checkWritable(dir); err != nil {
			err = &fs.PathError{Op: "write to", Path: dir, Err: err}
		}
	}
	if err != nil {
		return fail("write to", dir, err)
	}
	return nil
}

// CheckTarget returns nil if [ReplaceVia] may write to path, which may be anywhere: the directory exists, belongs to
// the current user, and no one else can write to it; at path is nothing, or a file. CheckTarget changes nothing.
func CheckTarget(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return fail(useDirectory, dir, err)
	}
	if owner, ok := ownerOf(info); ok && owner != os.Geteuid() {
		return refuse(useDirectory, dir, &OwnerError{Path: dir, Owner: owner})
	}
	// A sticky bit is not enough: as long as there is no file, others can put theirs there.
	if mode := Permissions(info); mode&0o002 != 0 || checkWriters(dir, info) != nil {
		return refuse(useDirectory, dir, fmt.Errorf("its mode is %04o: others can write to it", mode))
	}
	if err := checkWritable(dir); err != nil {
		return fail("write to", dir, err)
	}
	info, err = os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fail("write", path, err)
	case !info.Mode().IsRegular():
		return refuse("write", path, fmt.Errorf("it is %s, not a file", TypeName(info.Mode())))
	}
	return nil
}

// Open opens a file as [os.OpenFile] does, and creates it with mode 0600 if flag says so. It follows no symbolic link
// and does not block on a named pipe. The file must be a regular file with one name, belong to the current user and
// grant no rights to others. The error wraps fs.ErrNotExist if there is no file.
func Open(path string, flag int) (*os.File, error) {
	const op = "open"
	f, err := openFile(path, flag)
	if err != nil {
		// Systems report a link, a directory or a socket in place of a file by different errors: look at what it is.
		if info, statErr := os.Lstat(path); statErr == nil {
			if err := Check(path, info); err != nil {
				return nil, refuse(op, path, err)
			}
		}
		return nil, fail(op, path, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fail(op, path, err)
	}
	if err := Check(path, info); err != nil {
		_ = f.Close()
		return nil, refuse(op, path, err)
	}
	return f, nil
}

// Read returns the first limit bytes of a file that [Open] accepts in a private directory.
func Read(path string, limit int64) ([]byte, error) {
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := Open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fail("read", path, err)
	}
	return data, nil
}

// tempSuffix ends the name of the file that [Replace] renames.
const tempSuffix = ".new"

// Replace writes data to a file, mode 0600. Readers see the old content or the new one, whole, also after a crash or a
// power failure. Whatever had that name is replaced, unless it is a directory. Only one process at a time may replace a
// file: the data is first written to path.new, which the next call removes if a process was killed before the rename.
func Replace(path string, data []byte) error {
	temp := path + tempSuffix
	if err := remove(temp); err != nil {
		return err
	}
	if err := ReplaceVia(temp, path, data); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// ReplaceVia is [Replace] for processes that do it at once: each names a temp of its own, which must not exist and does
// not exist afterwards. A power failure may bring the old content back.
func ReplaceVia(temp, path string, data []byte) error {
	f, err := Open(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync() // a full disk may show only now
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = renameFile(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return fail("write", path, err)
	}
	return nil
}

// Remove removes a file and what a killed [Replace] left. It is no error if there is neither.
func Remove(path string) error {
	if err := remove(path + tempSuffix); err != nil {
		return err
	}
	return remove(path)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("remove", path, err)
	}
	return nil
}

// Check returns an error, not an *Error, unless info describes a regular file of the current user that grants no
// rights to others. Path is its name.
func Check(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("it is %s, not a file", TypeName(info.Mode()))
	}
	return CheckOwner(path, info)
}

// TypeName returns the type of a file, with its article.
func TypeName(mode fs.FileMode) string {
	name, ok := map[fs.FileMode]string{
		0:                "a file",
		fs.ModeDir:       "a directory",
		fs.ModeSymlink:   "a symbolic link",
		fs.ModeNamedPipe: "a named pipe",
		fs.ModeSocket:    "a socket",
	}[mode.Type()]
	if !ok {
		return "a device or something else"
	}
	return name
}

// OwnerError says that a file or directory belongs to another user. sudo leaves such files where HOME stays the user's.
type OwnerError struct {
	Path  string // the file or directory
	Owner int    // its user ID
	Err   error  // the error of the system that it explains, or nil
}

func (e *OwnerError) Error() string {
	owner := "uid " + strconv.Itoa(e.Owner)
	if e.Owner == 0 {
		owner = "root"
	}
	belongs := fmt.Sprintf("belongs to %s, not to uid %d", owner, os.Geteuid())
	if e.Err == nil {
		return "it " + belongs
	}
	return fmt.Sprintf("%v: %q %s", e.Err, e.Path, belongs)
}

// Unwrap returns the error of the system.
func (e *OwnerError) Unwrap() error { return e.Err }

// Cause returns what is wrong without the operation and the path that package os adds, for callers that name both.
// Where that is a right the user lacks because a file or directory is another user's, it is an *OwnerError.
func Cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		if path, owner, ok := othersOn(e.Path); ok && errors.Is(e.Err, fs.ErrPermission) {
			return &OwnerError{path, owner, e.Err}
		}
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
