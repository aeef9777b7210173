package store

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"syscall"

	"okauth/pkg/internal/privatefile"
)

// ErrorKind says what is wrong with a store, as far as a caller has to act on it.
type ErrorKind int

// The kinds of an [*Error].
const (
	Failed             ErrorKind = iota // anything else
	Unavailable                         // there is no keychain: nothing is stored, and nothing can be
	Locked                              // there is one, and it wants its password first
	TimedOut                            // it did not answer in time; the secret may well be there, a write may still happen
	Denied                              // the user, or the system for the user, said no to a prompt
	TooBig                              // the value does not fit
	Corrupt                             // what is stored is not what okauth wrote; it has not been returned
	UnsupportedVersion                  // a later okauth wrote it; it has been left untouched
	NotPersisted                        // the keychain said that it stored the value, but did not
	LockTimeout                         // another process has had its turn for longer than the caller waits
	Unsafe                              // a file or directory is not the user's alone, or is not what it should be; it has not been used
	WrongKey                            // the sealed file was sealed with another key; it has been left untouched
)

// String returns the kind's name in lower case, words joined by "_".
func (k ErrorKind) String() string {
	switch k {
	case Unavailable:
		return "absent"
	case Locked:
		return "locked"
	case TimedOut:
		return "timed_out"
	case Denied:
		return "declined"
	case TooBig:
		return "too_big"
	case Corrupt:
		return "corrupt"
	case UnsupportedVersion:
		return "newer"
	case NotPersisted:
		return "lost"
	case LockTimeout:
		return "busy"
	case Unsafe:
		return "unsafe"
	case WrongKey:
		return "wrong_key"
	default:
		return "failed"
	}
}

// Error is a store that cannot do what it was asked. Callers branch on Kind: Absent may mean "keep nothing", Corrupt and Newer
// concern one item only; all other kinds end the command. Err is never nil and never holds a secret.
type Error struct {
	Kind ErrorKind
	Op   string // what was being done: `read "dev-0123abcd" from the keychain`
	Err  error  // why it did not work
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// FileError returns the *Error for an error of package privatefile. nil stays nil.
func FileError(err error) error {
	e, ok := errors.AsType[*privatefile.Error](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return &Error{Failed, "use a file", err}
	case e.Unsafe:
		return &Error{Unsafe, e.Op + " " + strconv.Quote(e.Path), e.Err}
	}
	return &Error{Failed, e.Op + " " + strconv.Quote(e.Path), e.Err}
}

// Hint says what the user can do about it; it is empty where there is nothing to advise.
func (e *Error) Hint() string {
	switch e.Kind {
	case Unavailable:
		return absentHint(runtime.GOOS)
	case Locked:
		return lockedHint(runtime.GOOS)
	case TimedOut:
		return "look for a prompt of the keychain behind other windows, answer it or restart the keychain service, then try again"
	case Denied:
		return "run the command again and allow the access when the keychain asks"
	case TooBig:
		return "ask for fewer scopes or claims: every group in a token makes it longer"
	case Corrupt:
		return "`okauth login` writes a new session; `okauth config set client_secret` a new client secret"
	case UnsupportedVersion:
		return "upgrade okauth to the version that wrote it"
	case NotPersisted:
		return "run the command again and allow the access when the keychain asks; what it held before is unchanged"
	case LockTimeout:
		return "another okauth is at work on this session: wait for it, or end it if it hangs, then try again"
	case Unsafe:
		return "look who made it so, then give it to you alone (chown, chmod go=), remove it, or choose another place"
	case WrongKey:
		return "give the key that it was sealed with (OKAUTH_STORAGE_KEY, or the client secret of then), or run `okauth login`, which writes a new session"
	default:
		return failedHint(e.Err)
	}
}

// failedHint knows what can be done about a file system.
func failedHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space there, then try again"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "make it writable for you, or keep sessions elsewhere: --storage file, with OKAUTH_STORAGE_DIR"
	default:
		return ""
	}
}

func absentHint(goos string) string {
	switch goos {
	case "darwin":
		return "create a default keychain with Keychain Access"
	case "windows":
		return "run okauth in a session that a person signed in to: Credential Manager keeps nothing for network logons such as SSH"
	default:
		return "start a keyring that has a default collection: gnome-keyring, KWallet or KeePassXC; without a desktop, `dbus-run-session` and in it `gnome-keyring-daemon --unlock` make one"
	}
}

func lockedHint(goos string) string {
	switch goos {
	case "darwin":
		return "unlock it with `security unlock-keychain`, also over SSH"
	case "windows":
		return "sign in to the desktop once, then try again"
	default:
		return "unlock it by signing in to the desktop; over SSH, with `gnome-keyring-daemon --replace --unlock --components=secrets`, which reads the password from stdin"
	}
}
