package privatefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// OpenFlags open a symbolic link or junction itself, which is then seen not to be a regular file.
const OpenFlags = windows.FILE_FLAG_OPEN_REPARSE_POINT

// Permissions returns no bits: Windows has access lists instead, and Go derives a mode from the read-only attribute.
func Permissions(fs.FileInfo) fs.FileMode { return 0 }

// CheckOwner returns nil: okauth's directories are in the user's local application data and inherit its access list.
func CheckOwner(string, fs.FileInfo) error { return nil }

// CheckWriters returns nil: the access list decides, see [CheckOwner].
func CheckWriters(string, string) error { return nil }

func checkWriters(string, fs.FileInfo) error { return nil }

// CheckOpen returns nil, as [CheckWriters] does.
func CheckOpen(*os.File) error { return nil }

// OthersCanRead returns false, as [CheckWriters] returns nil.
func OthersCanRead(string) bool { return false }

// ownerOf names no owner: an access list gives the rights.
func ownerOf(fs.FileInfo) (int, bool) { return 0, false }

// checkWritable returns nil: only writing itself asks the access lists.
func checkWritable(string) error { return nil }

func openFile(path string, flag int) (*os.File, error) {
	if flag != os.O_RDONLY {
		return os.OpenFile(path, flag|OpenFlags, 0o600)
	}
	return share(path, OpenFlags)
}

// OpenShared opens a file for reading, which others can replace meanwhile. It follows links.
func OpenShared(path string) (*os.File, error) { return share(path, 0) }

// share opens a file for reading without the lock that os.Open puts on its name.
func share(path string, flags uint32) (*os.File, error) {
	var file windows.Handle
	name, err := windows.UTF16PtrFromString(path)
	if err == nil {
		err = whileInUse(func() error {
			file, err = windows.CreateFile(name, windows.GENERIC_READ,
				windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
				windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|flags, 0)
			return err
		})
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(file), path), nil
}

// renameFile replaces a file in the same directory, also one that is open for reading. os.Root does that where the file
// system can, os.Rename does not.
func renameFile(from, to string) error {
	dir, err := os.OpenRoot(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	return whileInUse(func() error { return dir.Rename(filepath.Base(from), filepath.Base(to)) })
}

// whileInUse repeats what fails because another process has the file open, such as a virus scanner.
func whileInUse(do func() error) error {
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := do()
		if time.Now().After(end) || !errors.Is(err, windows.ERROR_SHARING_VIOLATION) &&
			!errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
	}
}

// SyncDir does nothing: Windows cannot flush a directory.
func SyncDir(string) error { return nil }
