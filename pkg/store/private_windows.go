package store

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// privateFlags: a link or junction in the place of the file is opened itself, and then seen to be no ordinary file.
const privateFlags = windows.FILE_FLAG_OPEN_REPARSE_POINT

// ours is content: okauth's directories lie below the user's local application data, whose access list they inherit, and the mode
// that Go shows is made up from the read-only attribute.
func ours(fs.FileInfo) error { return nil }

// rename waits a moment for a reader: Windows refuses to replace a file that somebody has open, and readers take no lock.
func rename(from, to string) error {
	for tries := 50; ; tries-- {
		err := os.Rename(from, to)
		if tries == 0 || !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
