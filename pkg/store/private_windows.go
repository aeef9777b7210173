package store

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// privateFlags: a link or junction in the place of the file is opened itself, and then seen to be no ordinary file.
const privateFlags = windows.FILE_FLAG_OPEN_REPARSE_POINT

// ours is content: okauth's directories lie below the user's local application data, whose access list they inherit, and the mode
// that Go shows is made up from the read-only attribute.
func ours(fs.FileInfo) error { return nil }
