//go:build !windows

package store

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
)

// LockDir returns the directory of the locks of the user that this process runs as. It depends on that user and on what is there,
// never on the environment: processes that disagree about HOME or XDG_RUNTIME_DIR must not disagree about who may refresh.
// It is not made here. The error says that the user has no home directory.
func LockDir() (string, error) {
	uid := os.Geteuid()
	return lockDir(uid, "/run/user", func() (string, error) {
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

// lockDir chooses: the user's home directory, else the one that the system makes for their processes while they are signed in. The
// home comes first because it stays: what a crashed process has left there is found after the next boot too. Whether a directory
// can be written to has no say, because it may change between two processes.
func lockDir(uid int, runtimes string, home func() (string, error)) (string, error) {
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
	// "$XDG_RUNTIME_DIR ... MUST be owned by the user, and they MUST be the only one having read and write access to it. Its Unix
	// access mode MUST be 0700." https://specifications.freedesktop.org/basedir-spec/latest/
	// systemd makes it at this path (pam_systemd(8)).
	mine := filepath.Join(runtimes, strconv.Itoa(uid))
	if info, err := os.Lstat(mine); err == nil && info.IsDir() && info.Mode().Perm() == 0o700 && ours(info) == nil {
		return filepath.Join(mine, "okauth"), nil
	}
	return "", &Error{Failed, "find a place for locks", fmt.Errorf("there is no %s, and no home directory: %w", mine, err)}
}

// ownDir returns nil for a directory of the user's.
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

// passwdHome returns the home directory of a user in passwd(5). os/user would do, but that it takes $HOME and $USER for the answer
// when there is no entry and no cgo, and then nothing is agreed on.
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
