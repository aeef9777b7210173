package session

import (
	"bytes"
	"cmp"
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
// It keeps salted, slow hashes of the refused passwords in the directory of Locks, in files of the current user alone.
// [Manager] calls it for [Credentials] that have a Password.
type LockoutGuard struct {
	Locks filelock.Locks
	Now   func() time.Time
	// Warn is called with a *store.Error when a refused password could not be recorded, so that the guard will not
	// stop a loop from sending it again.
	Warn func(error)

	iterations int // of the hash; 0 is hashIterations, tests use fewer
}

// PasswordBlockedError says that the [LockoutGuard] did not let a password be sent. [Manager.Login] sends it.
type PasswordBlockedError struct {
	Username  string
	RefusedAt time.Time // when Okta refused it; with TooMany, when it refused the first of them
	TooMany   bool      // this password was not refused, but too many different ones were
}

func (e *PasswordBlockedError) Error() string {
	at := "at " + e.RefusedAt.Local().Format("15:04:05")
	if time.Since(e.RefusedAt) < time.Minute {
		at = "just now"
	}
	refused := "this password " + at
	if e.TooMany {
		refused = fmt.Sprintf("%d different passwords of %s, the first %s", maxRefused, okta.Sanitize(e.Username, 200), at)
	}
	return "not sent: Okta refused " + refused + ", and another try could lock the account"
}

// Check returns a *PasswordBlockedError if a password would not be sent, and a *store.Error if that cannot be found
// out. It takes some tenths of a second where passwords of the user were refused, and no time elsewhere.
func (g LockoutGuard) Check(issuer, username string, password okta.Secret) error {
	return g.watch(issuer, username, password).check(true)
}

// watchedPassword is a password that is sent only if the guard allows it.
type watchedPassword struct {
	LockoutGuard
	username   string
	password   okta.Secret
	insist     bool   // it is sent even so
	stored     bool   // the session is stored, so files may be written
	name, path string // of the lock and of the record
	salt, hash []byte // the hash of password with salt; empty until check needs it
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
}

// watch returns a password under guard. Where there is no place for a record, send finds that out.
func (g LockoutGuard) watch(issuer, username string, password okta.Secret) *watchedPassword {
	g.Locks.Dir, _ = g.Locks.Directory()
	// Okta ignores the case of user names.
	sum := sha256.Sum256(fmt.Appendf(nil, "okauth password 1 %d %s %s", len(issuer), issuer, strings.ToLower(username)))
	name := "password." + hex.EncodeToString(sum[:8])
	return &watchedPassword{
		LockoutGuard: g, username: username, password: password,
		name: name, path: filepath.Join(g.Locks.Dir, name+".refused"),
	}
}

// read returns the refusals that still count. The error says that others could have written the record.
func (p *watchedPassword) read() (refusals, error) {
	if p.Locks.Dir == "" {
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
	if p == nil {
		return nil
	}
	r, err := p.read()
	if err != nil || len(r.Refused) == 0 {
		return err
	}
	if !mayHash && !bytes.Equal(r.Salt, p.salt) {
		return errNewSalt
	}
	if err := p.hashWith(r.Salt); err != nil || p.insist {
		return err
	}
	for _, one := range r.Refused {
		if subtle.ConstantTimeCompare(one.Hash, p.hash) == 1 {
			return &PasswordBlockedError{Username: p.username, RefusedAt: time.Unix(one.Unix, 0)}
		}
	}
	if len(r.Refused) >= maxRefused {
		return &PasswordBlockedError{Username: p.username, RefusedAt: time.Unix(r.Refused[0].Unix, 0), TooMany: true}
	}
	return nil
}

// send signs in, one process at a time and only if the guard allows it. It records what Okta answers. A nil p is not
// watched.
func (p *watchedPassword) send(ctx context.Context, s signIn) (*okta.TokenResponse, error) {
	if p == nil {
		return s.exchange(ctx, nil)
	}
	var lock store.Lock
	var noRecord error
	if p.stored || len(p.salt) > 0 { // else nothing is written to the disk unless Okta refuses the password
		lock, noRecord = p.Locks.Acquire(ctx, p.name)
	}
	switch {
	case noRecord != nil && (ctx.Err() != nil || !store.IsKind(noRecord, store.Failed)):
		return nil, noRecord
	case lock != nil:
		defer lock.Release()
		if err := p.check(false); err != nil {
			return nil, err
		}
	}
	tokens, err := s.exchange(ctx, nil)
	switch {
	case err == nil && lock != nil:
		_ = privatefile.Remove(p.path) // what stays there blocks a password that is wrong now, for an hour
	case isInvalidGrant(err):
		if lock == nil && noRecord == nil { // now there is something to write
			if lock, noRecord = p.Locks.Acquire(context.WithoutCancel(ctx), p.name); lock != nil {
				defer lock.Release()
			}
		}
		if noRecord = cmp.Or(noRecord, p.record()); noRecord != nil {
			p.Warn(noRecord)
		}
	}
	return tokens, err
}

// record adds the password to the refused ones.
func (p *watchedPassword) record() error {
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
	r.Refused = slices.DeleteFunc(r.Refused, func(one refusal) bool { return bytes.Equal(one.Hash, p.hash) })
	r.Refused = append(r.Refused, refusal{p.Now().Unix(), p.hash})
	data, err := json.Marshal(r)
	if err == nil {
		err = privatefile.MakeDir(p.Locks.Dir)
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
	p.salt = salt
	iterations := cmp.Or(p.iterations, hashIterations)
	p.hash, err = pbkdf2.Key(sha256.New, p.password.Reveal(), salt, iterations, sha256.Size)
	return err
}
