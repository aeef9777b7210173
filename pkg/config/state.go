package config

import "path/filepath"

// stateDir returns where an operating system keeps what a program stores for
// one user: $XDG_STATE_HOME/okauth everywhere, as the configuration honours
// XDG_CONFIG_HOME everywhere; else, on Linux and the BSDs,
// $HOME/.local/state/okauth, on macOS $HOME/Library/Application Support/okauth,
// on Windows %LocalAppData%\okauth, which does not roam to other machines. A
// needed variable that is missing or relative is an *Error: a guess, or a place
// that depends on where okauth was started, would lose sessions.
func stateDir(goos string, env func(string) (string, bool)) (string, error) {
	variable, below := "HOME", filepath.Join(".local", "state", "okauth")
	switch goos {
	case "darwin":
		below = filepath.Join("Library", "Application Support", "okauth")
	case "windows":
		variable, below = "LocalAppData", "okauth"
	}
	// https://specifications.freedesktop.org/basedir-spec/latest/: "All paths
	// set in these environment variables must be absolute."
	if _, ok := env("XDG_STATE_HOME"); ok {
		variable, below = "XDG_STATE_HOME", "okauth"
	}
	dir, ok := env(variable)
	if ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, below), nil
	}
	fault := " is not set either"
	if ok {
		fault = " is not an absolute path"
	}
	return "", &Error{Key: KeyStorageDir, Reason: "it is not set, and the usual place is unknown: " + variable + fault,
		Next: "set storage_dir or OKAUTH_STORAGE_DIR to a directory of yours, or mend " + variable}
}
