package output

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"okauth/pkg/internal/privatefile"
)

// FileError says which file or directory cannot be used, and why. Unsafe is set where the file system would allow it:
// the directory is another user's or others can write to it, or what has the file's name is no file.
type FileError = privatefile.Error

// CheckFile returns the error that [WriteFile] would return now, a *FileError; only the disk may still be full. A
// caller can check before it signs in.
func CheckFile(path string) error { return privatefile.CheckTarget(path) }

// WriteFile writes text to a file, mode 0600, in a directory of the current user to which no one else can write. A
// reader finds the old text or the new, complete; several processes may write the same file. After an
// error, a *FileError, the file is unchanged.
func WriteFile(path string, text []byte) error {
	if err := CheckFile(path); err != nil {
		return err
	}
	dir, name := filepath.Split(path)
	prefix := dir + "." + name + "."
	err := privatefile.ReplaceVia(prefix+rand.Text()+tempSuffix, path, text)
	if e, ok := errors.AsType[*FileError](err); ok {
		e.Path = path // and not the temporary file
	}
	sweep(prefix)
	return err
}

const tempSuffix = ".new"

// sweep removes the temporary files of processes that were killed. One that is alive needs its file for a moment.
func sweep(prefix string) {
	entries, _ := os.ReadDir(filepath.Dir(prefix)) // those before an error
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(prefix), entry.Name())
		if !strings.HasPrefix(entry.Name(), filepath.Base(prefix)) || !strings.HasSuffix(path, tempSuffix) {
			continue
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(path)
		}
	}
}

// RemoveFile removes what [WriteFile] has written. It is no error if it is gone; a link or directory that has its name
// stays, and is a *FileError.
func RemoveFile(path string) error {
	err := CheckFile(path)
	if err == nil {
		if err = os.Remove(path); err != nil {
			err = &FileError{Op: "remove", Path: path, Err: privatefile.Cause(err)}
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
