package privatefile

import (
	"errors"
	"io/fs"
	"os"
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

// renameFile waits a moment for readers, which take no lock: Windows does not replace a file that is open.
func renameFile(from, to string) error {
	for tries := 50; ; tries-- {
		err := os.Rename(from, to)
		if tries == 0 || !errors.Is(err, windows.ERROR_SHARING_VIOLATION) &&
			!errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// SyncDir does nothing: Windows cannot flush a directory.
func SyncDir(string) error { return nil }
