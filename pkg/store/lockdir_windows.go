package store

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// LockDir returns the directory of the locks of the user that this process runs as: okauth in the local application data, as the
// system knows it and not as %LOCALAPPDATA% says, so that all processes of the user agree. It is not made here.
func LockDir() (string, error) {
	// https://learn.microsoft.com/en-us/windows/win32/shell/knownfolderid: per user, does not roam.
	dir, err := windows.KnownFolderPath(windows.FOLDERID_LocalAppData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return "", &Error{Failed, "find a place for locks", err}
	}
	return filepath.Join(dir, "okauth"), nil
}
