package session

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/privatefile"
	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
)

const (
	// blockedFor is how long a refused password is not sent again. Okta unlocks an account after a time of the
	// administrator's choice; an hour stops a loop, and is short enough for a password that was reset elsewhere.
	blockedFor = time.Hour
	// maxRefused is how many different passwords may be refused within that time. Okta's default policy locks an
	// account after ten.
	maxRefused = 3
	// maxKept bounds the record. More than maxRefused can be there if Okta accepted a password in between.
	maxKept = 16
	// "PBKDF2-HMAC-SHA256: 600,000 iterations"
	// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
	// The number is not read from the record, where someone else could have chosen it.
	hashIterations = 600_000
	saltSize       = 16   // bytes
	recordVersion  = 1    // of refusalsJSON
	maxRecord      = 4096 // bytes
)

// LockoutGuard stops loops from locking an account: for an hour it does not let a password be sent again that no
// person typed and that Okta refused, nor any password after three different ones were refused. It holds for a user
// at an issuer, for all processes, profiles and stores of the current OS user.
//
// A password that a person has just typed is sent and not recorded; if Okta accepts it, the record is cleared.
//
// It keeps salted, slow hashes of the refused passwords in the directory of Locks, else where [filelock.Place] finds
// one, in files of the current user alone.
// [Manager] calls it for [Credentials] that have a Password.
type LockoutGuard struct {
	Locks filelock.Locks
	Now   func() time.Time
	// Warn is called with a *store.Error when a refusal could not be recorded, so that the guard will not
	// stop a loop from sending it again.
	Warn func(error)
	// Rehearsal: nothing is locked and nothing recorded, for a caller that sends nothing.
	Rehearsal bool

	derive func(password string, salt []byte) ([]byte, error) // nil: the slow hash; tests have a fast one
}

// PasswordBlockedError says that the [LockoutGuard] did not let a password or a one-time code be sent. A person who
// types it can send it.
type PasswordBlockedError struct {
	What      string // "password" or "one-time code"
	Username  string
	RefusedAt time.Time // when Okta refused it; with TooMany, when it refused the first of them
	TooMany   bool      // this password was not refused, but too many different ones were
}

func (e *PasswordBlockedError) Error() string {
	at := "at " + e.RefusedAt.Local().Format("15:04:05")
	if time.Since(e.RefusedAt) < time.Minute {
		at = "just now"
	}
	refused := "this " + e.What + " " + at
	if e.TooMany {
		who := okta.Sanitize(e.Username, 200)
		refused = fmt.Sprintf("%d different %ss of %s, the first %s", maxRefused, e.What, who, at)
	}
	return "not sent: Okta refused " + refused + ", and another try could lock the account"
}

// watchedPassword is a password that is sent only if the guard allows it or a person has typed it.
type watchedPassword struct {
	LockoutGuard
	what       string // "password" or "one-time code"
	username   string
	password   okta.Secret
	typed      bool       // a person has just typed it
	name, path string     // of the lock and of the record
	noPlace    error      // why there is no place for them; nil: there is one
	held       store.Lock // nil: not locked
	salt, hash []byte     // the hash of password with salt; empty until there is something to compare
}

// refusals is the record of a user at an issuer.
type refusals struct {
	Version int       `json:"v"`
	Salt    []byte    `json:"salt"`
	Refused []refusal `json:"refused"` // oldest first
}

type refusal struct {
	Unix int64  `json:"at"` // seconds
	Hash []byte `json:"hash"`
	// Settled: Okta has accepted another password since, so this one no longer counts for the lock-out.
	Settled bool `json:"settled,omitempty"`
}

// watch returns a password under guard. The record is kept where it outlives a sign-out, since a loop may sign in to
// the machine each time. The lock need not last, so it touches no disk where it can.
func (g LockoutGuard) watch(what, issuer, username string, password okta.Secret) *watchedPassword {
	// Okta ignores the case of user names.
	sum := sha256.Sum256(fmt.Appendf(nil, "okauth %s 1 %d %s %s", what, len(issuer), issuer, store.UserKey(username)))
	p := &watchedPassword{
		LockoutGuard: g, what: what, username: username, password: password,
		name: strings.ReplaceAll(what, " ", "-") + "." + hex.EncodeToString(sum[:8]),
	}
	dir := g.Locks.Dir
	if dir == "" {
		if dir, p.noPlace = filelock.Place(true); p.noPlace == nil {
			p.Locks.Dir, p.noPlace = filelock.Place(false)
		}
	}
	p.path = filepath.Join(dir, p.name+".refused")
	return p
}

// read returns the refusals that are not too old. The error says that others could have written the record.
func (p *watchedPassword) read() (refusals, error) {
	if p.noPlace != nil {
		return refusals{}, nil
	}
	data, err := privatefile.Read(p.path, maxRecord)
	if err = store.WithOp("read", err); store.IsKind(err, store.Unsafe) {
		return refusals{}, err
	}
	var r refusals
	if err != nil || json.Unmarshal(data, &r) != nil || r.Version != recordVersion || len(r.Salt) != saltSize {
		return refusals{}, nil // there is none, or the next refusal replaces it
	}
	now := p.Now()
	r.Refused = slices.DeleteFunc(r.Refused, func(one refusal) bool {
		age := now.Sub(time.Unix(one.Unix, 0))
		return age >= blockedFor || age < -clockTolerance
	})
	if len(r.Refused) == 0 {
		return refusals{}, nil
	}
	return r, nil
}

// errNewSalt says that check must be called again without a lock.
var errNewSalt = errors.New("the record of refused passwords has a new salt")

// check returns a *PasswordBlockedError, a *store.Error or nil. Where a record was begun since the last call it
// computes the hash to compare, which takes some tenths of a second: with a lock held it returns errNewSalt instead.
func (p *watchedPassword) check(mayHash bool) error {
	if p == nil || p.typed {
		return nil
	}
	r, err := p.read()
	if err != nil || len(r.Refused) == 0 {
		return err
	}
	if !mayHash && !bytes.Equal(r.Salt, p.salt) {
		return errNewSalt
	}
	if err := p.hashWith(r.Salt); err != nil {
		return err
	}
	var counted []refusal
	for _, one := range r.Refused {
		if subtle.ConstantTimeCompare(one.Hash, p.hash) == 1 {
			return &PasswordBlockedError{What: p.what, Username: p.username, RefusedAt: time.Unix(one.Unix, 0)}
		}
		if !one.Settled {
			counted = append(counted, one)
		}
	}
	if len(counted) >= maxRefused {
		first := time.Unix(counted[0].Unix, 0)
		return &PasswordBlockedError{What: p.what, Username: p.username, RefusedAt: first, TooMany: true}
	}
	return nil
}

// lock waits until no other process sends a password of the user, and looks again whether the guard allows this one:
// its errors are those of check. Where no lock is possible, it goes on without one. A nil p is not watched.
func (p *watchedPassword) lock(ctx context.Context) error {
	if p == nil || p.noPlace != nil {
		return nil
	}
	if p.Rehearsal {
		if err := p.Locks.Check(p.name); store.IsKind(err, store.Unsafe) {
			return err
		}
		return nil
	}
	held, err := p.Locks.Acquire(ctx, p.name)
	if err == nil {
		p.held = held
	} else if ctx.Err() != nil || !store.IsKind(err, store.Failed) {
		return err
	}
	return p.check(false)
}

// unlock ends lock, after the password was sent or not: accepted and err say what Okta answered. A refusal is recorded
// before the next process may send the same password. The session is not locked meanwhile.
func (p *watchedPassword) unlock(accepted bool, err error) {
	if p == nil {
		return
	}
	switch {
	case accepted:
		_ = p.recordAccepted() // what stays there blocks a password that is wrong now, for an hour
	case isInvalidGrant(err) && !p.typed:
		if err := p.recordRefused(); err != nil {
			p.Warn(err)
		}
	}
	if p.held != nil {
		p.held.Release()
		p.held = nil
	}
}

// recordRefused adds the password to the refused ones.
func (p *watchedPassword) recordRefused() error {
	if p.noPlace != nil {
		return p.noPlace
	}
	r, err := p.read()
	if err != nil {
		return err
	}
	if len(r.Salt) == 0 {
		r = refusals{Version: recordVersion, Salt: make([]byte, saltSize)}
		_, _ = rand.Read(r.Salt) // never fails
	}
	if err := p.hashWith(r.Salt); err != nil {
		return err
	}
	r.Refused = append(p.others(r), refusal{Unix: p.Now().Unix(), Hash: p.hash})
	return p.write(r)
}

// recordAccepted takes the password from the refused ones, and all of them if a person typed it. Okta counts from the
// beginning now.
func (p *watchedPassword) recordAccepted() error {
	r, err := p.read()
	if err != nil || len(r.Refused) == 0 {
		return err
	}
	if p.typed {
		return privatefile.Remove(p.path)
	}
	if err := p.hashWith(r.Salt); err != nil {
		return err
	}
	r.Refused = p.others(r)
	if len(r.Refused) == 0 {
		return privatefile.Remove(p.path)
	}
	for i := range r.Refused {
		r.Refused[i].Settled = true
	}
	return p.write(r)
}

// others returns the refusals of other passwords, of which the last maxKept-1 are kept.
func (p *watchedPassword) others(r refusals) []refusal {
	all := slices.DeleteFunc(r.Refused, func(one refusal) bool { return bytes.Equal(one.Hash, p.hash) })
	return all[max(0, len(all)-maxKept+1):]
}

func (p *watchedPassword) write(r refusals) error {
	data, err := json.Marshal(r)
	if err == nil {
		err = privatefile.MakeDir(filepath.Dir(p.path))
	}
	if err == nil {
		err = privatefile.Replace(p.path, data)
	}
	return store.WithOp("write", err)
}

// hashWith makes the hash one with salt.
func (p *watchedPassword) hashWith(salt []byte) (err error) {
	if bytes.Equal(salt, p.salt) {
		return nil
	}
	derive := p.derive
	if derive == nil {
		derive = func(password string, salt []byte) ([]byte, error) {
			return pbkdf2.Key(sha256.New, password, salt, hashIterations, sha256.Size)
		}
	}
	p.salt = salt
	p.hash, err = derive(p.password.Reveal(), salt)
	return err
}
