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
