package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// What okauth keeps in files of its own is for its user alone: a lock that others may open is a lock that others may hold, and a
// directory that others may write to is one where they choose what okauth reads. So nothing is used for being there: it is
// looked at first, and again once it is open, when it can no longer be exchanged.

// privateDir makes the directory, mode 0700, and its parents where they are missing. One that is there must be a directory and
// no link to one, belong to this process's user, and give no rights to anybody else. Otherwise it returns an *Error, Unsafe or
// Failed, and has changed nothing.
func privateDir(path string) error {
	op := "use directory " + strconv.Quote(path)
	if path == "" {
		return &Error{Failed, op, errors.New("it has no name")}
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return &Error{Failed, op, fmt.Errorf("make it: %w", err)} // with the path of the parent that it failed at
		}
		info, err = os.Lstat(path)
	}
	if err != nil {
		return &Error{Failed, op, bare(err)}
	}
	if !info.IsDir() {
		return &Error{Unsafe, op, fmt.Errorf("it is %s, not a directory", fileKind(info.Mode()))}
	}
	if err := ours(info); err != nil {
		return &Error{Unsafe, op, err}
	}
	return nil
}

// privateDirExists reports whether the directory is there, and makes none. One that may not be used is an error.
func privateDirExists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, bare(err)
	}
	return true, privateDir(path)
}

// mayMake returns nil when files can be made in the directory, which need not be there: then the nearest one above it that is
// there must take an entry. It changes nothing.
func mayMake(path string) error {
	there, err := privateDirExists(path)
	if err != nil {
		return err
	}
	dir := path
	for !there && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		_, err := os.Lstat(dir)
		there = !errors.Is(err, fs.ErrNotExist)
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err == nil {
		err = mayWrite(dir)
	}
	if err != nil {
		return fmt.Errorf("write to %q: %w", dir, bare(err))
	}
	return nil
}

// openPrivate opens a file as os.OpenFile does, mode 0600 where flag has it made, but follows no link and waits for no other end
// of a pipe. The open file is an ordinary one with one name, belongs to this process's user and gives no rights to anybody else.
// Otherwise it returns an *Error, Unsafe or Failed; that of a file that is not there is Failed and wraps fs.ErrNotExist.
func openPrivate(path string, flag int) (*os.File, error) {
	op := "open " + strconv.Quote(path)
	f, err := os.OpenFile(path, flag|privateFlags, 0o600)
	if err != nil {
		// The system's word for a link, a directory or a socket in the place of a file differs; what it is does not.
		if info, lerr := os.Lstat(path); lerr == nil && checkPrivate(info) != nil {
			return nil, &Error{Unsafe, op, checkPrivate(info)}
		}
		return nil, &Error{Failed, op, bare(err)}
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, &Error{Failed, op, bare(err)}
	}
	if err := checkPrivate(info); err != nil {
		_ = f.Close()
		return nil, &Error{Unsafe, op, err}
	}
	return f, nil
}

// readPrivate returns the first limit bytes of a file that openPrivate would open.
func readPrivate(path string, limit int64) ([]byte, error) {
	f, err := openPrivate(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, &Error{Failed, "read " + strconv.Quote(path), bare(err)}
	}
	return data, nil
}

// replacePrivate gives the file new content, mode 0600: whoever reads it, and whoever comes after a crash, finds the old or the
// new. What stood under that name is not opened, so it may be anything but a directory. The directory must be private, and one
// process at a time writes the file: the new content is in path.new first, which a killed writer leaves and the next one removes.
func replacePrivate(path string, data []byte) error {
	fresh := path + freshSuffix
	if err := removePrivate(fresh); err != nil {
		return err
	}
	return replaceBy(fresh, path, data, (*os.File).Sync) // a full disk may be noticed only when it is flushed
}

// replaceBy writes data to the file fresh, which must not be there, lets settle do what is to be done before it is closed, and puts it in
// the place of path. Of a failure nothing is left.
func replaceBy(fresh, path string, data []byte, settle func(*os.File) error) error {
	f, err := openPrivate(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = settle(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = rename(fresh, path)
	}
	if err != nil {
		_ = os.Remove(fresh)
		return &Error{Failed, "write " + strconv.Quote(path), bare(err)}
	}
	return nil
}

// freshSuffix names what is to take a file's place.
const freshSuffix = ".new"

// removePrivate removes the name, whatever it stands for; one that is not there is no error.
func removePrivate(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{Failed, "remove " + strconv.Quote(path), bare(err)}
	}
	return nil
}

// clearPrivate removes a file and what a killed writer of it has left.
func clearPrivate(path string) error {
	if err := removePrivate(path + freshSuffix); err != nil {
		return err
	}
	return removePrivate(path)
}

// checkPrivate says why a file is not an ordinary one that is this process's user's alone.
func checkPrivate(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("it is %s, not a file", fileKind(info.Mode()))
	}
	return ours(info)
}

func fileKind(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "a file"
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	default:
		return "a device or something else"
	}
}

// bare takes the operation and the path off an error of package os, whose caller names both.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	default:
		return err
	}
}
