package filelock

import (
	"path/filepath"

	"golang.org/x/sys/windows"

	"okauth/pkg/store"
)

// Dir returns the directory of the current user's locks: okauth in the local application data, as the system knows it
// and not as %LOCALAPPDATA% says, so that all processes of the user agree. Dir does not create it.
func Dir() (string, error) {
	// https://learn.microsoft.com/en-us/windows/win32/shell/knownfolderid: per user, does not roam.
	dir, err := windows.KnownFolderPath(windows.FOLDERID_LocalAppData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return "", store.NewError(store.Failed, "find a directory for locks", err)
	}
	return filepath.Join(dir, "okauth"), nil
}

// Place returns a directory that processes of the current user can agree on and that this one can write to: that of
// [Dir], whether it is for what must last or not.
func Place(bool) (string, error) { return Dir() }
