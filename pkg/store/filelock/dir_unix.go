//go:build !windows

package filelock

import (
	"bufio"
	"cmp"
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
// the environment: processes with different HOME or XDG_RUNTIME_DIR must agree on it. Whether it is writable does not
// count, because that may change between two processes. Dir does not create it. The error says that the user has no
// home directory, and that there is no other place.
func Dir() (string, error) { return userPlaces().first() }

// Place returns a directory that processes of the current user can agree on and that this one can write to. lasting
// prefers one that outlives a sign-out, as the home does; otherwise one in memory is preferred. Place does not create
// it.
func Place(lasting bool) (string, error) { return userPlaces().usable(lasting) }

// places are the directories in question; "" is one that is not there.
type places struct {
	home    string // in the user's home directory; it outlives a sign-out
	runtime string // in /run/user, in memory: the system makes it while the user is signed in
	temp    string // in /tmp
	ours    string // in $XDG_RUNTIME_DIR, which other processes of the user may not have, so it comes last
	why     error  // why there is no home; nil where there is one
}

// system says where this machine has the places.
type system struct {
	uid           int
	home          func() (string, error)
	runtimes      string // "/run/user", with a directory for each user
	temp          string
	ourRuntimeDir string
}

func userPlaces() places {
	uid := os.Geteuid()
	return system{
		uid: uid, home: func() (string, error) { return userHome(uid) },
		runtimes: "/run/user", temp: "/tmp", ourRuntimeDir: os.Getenv("XDG_RUNTIME_DIR"),
	}.places()
}

func (s system) places() (p places) {
	home, err := s.home()
	if err == nil {
		err = ownDir(home, s.uid)
	}
	switch {
	case err != nil:
		p.why = err
	case runtime.GOOS == "darwin":
		p.home = filepath.Join(home, "Library", "Application Support", "okauth")
	default:
		p.home = filepath.Join(home, ".local", "state", "okauth")
	}
	// systemd makes it at this path (pam_systemd(8)).
	p.runtime = runtimeDir(filepath.Join(s.runtimes, strconv.Itoa(s.uid)))
	p.ours = runtimeDir(s.ourRuntimeDir)
	// In a directory that others write to, a sticky bit keeps them from exchanging what is there.
	if info, err := os.Stat(s.temp); err == nil && info.IsDir() && privatefile.CheckWriters(s.temp, "") == nil {
		p.temp = filepath.Join(s.temp, "okauth-"+strconv.Itoa(s.uid))
	}
	return p
}

func (p places) first() (string, error) {
	if dir := cmp.Or(p.home, p.runtime, p.temp); dir != "" {
		return dir, nil
	}
	return "", p.err()
}

func (p places) usable(lasting bool) (string, error) {
	all := []string{p.runtime, p.home, p.temp, p.ours}
	if lasting {
		all = []string{p.home, p.temp, p.runtime, p.ours}
	}
	var taken error // someone has put something else where okauth's directory belongs
	for _, dir := range all {
		if dir == "" {
			continue
		}
		err := privatefile.CanCreate(dir)
		if err == nil {
			return dir, nil
		}
		if e, ok := errors.AsType[*privatefile.Error](err); ok && e.Unsafe {
			taken = e
		}
	}
	if taken != nil {
		return "", store.NewError(store.Failed, "find a directory for locks", taken)
	}
	return "", p.err()
}

// err says that there is no place at all.
func (p places) err() error {
	err := errors.New("no directory can be written to: not the home, not /run/user, not /tmp")
	if p.why != nil {
		err = fmt.Errorf("%w (there is no home directory: %w)", err, p.why)
	}
	return store.NewError(store.Failed, "find a directory for locks", err)
}

// runtimeDir returns the directory in a runtime directory: "$XDG_RUNTIME_DIR ... MUST be owned by the user, and they
// MUST be the only one having read and write access to it. Its Unix access mode MUST be 0700."
// https://specifications.freedesktop.org/basedir-spec/latest/
func runtimeDir(path string) string {
	info, err := os.Lstat(path)
	if err != nil || !filepath.IsAbs(path) || !info.IsDir() || info.Mode().Perm() != 0o700 ||
		privatefile.CheckOwner(path, info) != nil {
		return ""
	}
	return filepath.Join(path, "okauth")
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

// userHome returns the home directory of a user as the system knows it.
func userHome(uid int) (string, error) {
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
