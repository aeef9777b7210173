//go:build !windows

package filelock

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/store"
)

// Dir returns the directory of the current user's locks. It depends on the user and on which directories exist, not on
// the environment: processes with different HOME or XDG_RUNTIME_DIR must agree on it. Dir does not create it. The error
// says that the user has no home directory.
func Dir() (string, error) {
	uid := os.Geteuid()
	return chooseDir(uid, "/run/user", func() (string, error) {
		if runtime.GOOS == "darwin" {
			u, err := user.LookupId(strconv.Itoa(uid)) // asks Directory Services; /etc/passwd has no people
			if err != nil {
				return "", err
			}
			return u.HomeDir, nil
		}
		f, err := os.Open("/etc/passwd")
		if err != nil {
			return "", err
		}
		defer f.Close()
		return passwdHome(f, uid)
	})
}

// chooseDir chooses the user's home directory, else the one that the system makes for their processes while they are
// signed in. The home comes first because it stays. Whether a directory is writable does not count, because that may
// change between two processes.
func chooseDir(uid int, runtimeDirs string, home func() (string, error)) (string, error) {
	dir, err := home()
	if err == nil {
		err = ownDir(dir, uid)
	}
	if err == nil && runtime.GOOS == "darwin" {
		return filepath.Join(dir, "Library", "Application Support", "okauth"), nil
	}
	if err == nil {
		return filepath.Join(dir, ".local", "state", "okauth"), nil
	}
	// "$XDG_RUNTIME_DIR ... MUST be owned by the user, and they MUST be the only one having read and write access to
	// it. Its Unix access mode MUST be 0700."
	// https://specifications.freedesktop.org/basedir-spec/latest/
	// systemd makes it at this path (pam_systemd(8)).
	mine := filepath.Join(runtimeDirs, strconv.Itoa(uid))
	info, statErr := os.Lstat(mine)
	if statErr == nil && info.IsDir() && info.Mode().Perm() == 0o700 && privatefile.CheckOwner(info) == nil {
		return filepath.Join(mine, "okauth"), nil
	}
	err = fmt.Errorf("there is no %s, and no home directory: %w", mine, err)
	return "", store.NewError(store.Failed, "find a directory for locks", err)
}

// ownDir returns nil for a directory that belongs to the user.
func ownDir(dir string, uid int) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(stat.Uid) != uid {
		return fmt.Errorf("%s is no directory of uid %d", dir, uid)
	}
	return nil
}

// passwdHome returns the home directory of a user in passwd(5). Package os/user would return $HOME where there is no
// entry and no cgo, and then processes do not agree.
func passwdHome(passwd io.Reader, uid int) (string, error) {
	for lines := bufio.NewScanner(passwd); lines.Scan(); {
		// name:password:UID:GID:GECOS:directory:shell
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 7 && fields[2] == strconv.Itoa(uid) {
			if !filepath.IsAbs(fields[5]) {
				return "", fmt.Errorf("that of uid %d in /etc/passwd is %q", uid, fields[5])
			}
			return fields[5], nil
		}
	}
	return "", errors.New("uid " + strconv.Itoa(uid) + " has no entry in /etc/passwd")
}
