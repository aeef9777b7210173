package store

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"okauth/pkg/okta"
)

const (
	// refusedFor is how long a refusal is remembered. Okta unlocks an account by itself after a time of the administrator's
	// choice; an hour of silence is enough to end a loop, and short enough for a password that was set right elsewhere.
	refusedFor = time.Hour
	// clockSlack is how far into the future a record may lie before its time is not believed.
	clockSlack = time.Minute
	// "PBKDF2-HMAC-SHA256: 600,000 iterations"
	// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
	// Not kept in the record: a number that is read from a file is one that somebody else may choose.
	refusedIterations = 600_000
	refusedVersion    = 1
	refusedSalt       = 16   // bytes
	maxRefusal        = 4096 // bytes
)

// LockoutGuard remembers, per name, the last password that the server refused, so that no loop sends it again until the account is
// locked. What is kept is a salted, slow hash in Dir/name.refused: it serves to recognise a password, and is a poor place to
// guess one. A refusal is forgotten after an hour.
//
// Errors are of type *Error. Unsafe means that the directory or file is not the user's alone; it has not been read.
type LockoutGuard struct {
	Dir string           // made by Remember when missing
	Now func() time.Time // nil is time.Now
}

// refusal is the record as it is stored.
type refusal struct {
	Version int    `json:"v"`
	Unix    int64  `json:"refused_at"` // seconds
	Salt    []byte `json:"salt"`
	Hash    []byte `json:"hash"`
}

// Remember notes that password was refused for name now, in place of what was noted for that name before. It takes some tenths
// of a second.
func (r LockoutGuard) Remember(name string, password okta.Secret) error {
	path, err := r.path("remember the refusal of ", name)
	if err != nil {
		return err
	}
	if err := privateDir(r.Dir); err != nil {
		return err
	}
	salt := make([]byte, refusedSalt)
	_, _ = rand.Read(salt) // never fails
	hash, err := slowHash(password, salt)
	if err != nil {
		return &Error{Failed, "hash the refused password", err}
	}
	record, err := json.Marshal(refusal{refusedVersion, r.now().Unix(), salt, hash})
	if err != nil {
		return &Error{Failed, "write " + strconv.Quote(path), err}
	}
	return replacePrivate(path, record)
}

// Refused reports whether password is the one that was last refused for name, and when that was. It takes some tenths of a second
// where something is noted for name, and next to nothing otherwise. A record that is older than an hour, lies more than a minute in
// the future or cannot be understood counts as none, and is removed.
func (r LockoutGuard) Refused(name string, password okta.Secret) (since time.Time, refused bool, err error) {
	path, err := r.path("look for refusals of ", name)
	if err != nil {
		return time.Time{}, false, err
	}
	if _, err := os.Lstat(r.Dir); errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, false, nil
	}
	if err := privateDir(r.Dir); err != nil {
		return time.Time{}, false, err
	}
	data, err := readPrivate(path, maxRefusal)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, err
	}
	var record refusal
	err = json.Unmarshal(data, &record)
	known := err == nil && record.Version == refusedVersion && len(record.Salt) == refusedSalt
	since = time.Unix(record.Unix, 0)
	if age := r.now().Sub(since); !known || age >= refusedFor || age < -clockSlack {
		return time.Time{}, false, clearPrivate(path)
	}
	hash, err := slowHash(password, record.Salt)
	if err != nil {
		return time.Time{}, false, &Error{Failed, "hash the password", err}
	}
	if subtle.ConstantTimeCompare(hash, record.Hash) != 1 {
		return time.Time{}, false, nil
	}
	return since, true, nil
}

// Forget removes what is noted for name; there need not be anything.
func (r LockoutGuard) Forget(name string) error {
	path, err := r.path("forget refusals of ", name)
	if err != nil {
		return err
	}
	return clearPrivate(path)
}

func (r LockoutGuard) path(op, name string) (string, error) {
	if !isAccount(name) || r.Dir == "" {
		return "", &Error{Failed, op + strconv.Quote(name), errors.New("it takes a directory, and a name of A-Z a-z 0-9 _ . - only")}
	}
	return filepath.Join(r.Dir, name+".refused"), nil
}

func (r LockoutGuard) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

func slowHash(password okta.Secret, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password.Reveal(), salt, refusedIterations, sha256.Size)
}
