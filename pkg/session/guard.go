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
// [Manager] calls it for [Credentials] that have a Password; the zero LockoutGuard is ready.
type LockoutGuard struct {
	Locks filelock.Locks
	Now   func() time.Time // nil is time.Now

	iterations int // of the hash; 0 is hashIterations, tests use fewer
}

// PasswordBlockedError says that the [LockoutGuard] did not let a password be sent. [Manager.Login] sends it.
type PasswordBlockedError struct {
	Username  string
	RefusedAt time.Time // when Okta refused it; with TooMany, when it refused the first of them
	TooMany   bool      // this password was not refused, but too many different ones were
}

func (e *PasswordBlockedError) Error() string {
	user, at := okta.Sanitize(e.Username, 200), e.RefusedAt.Local().Format("15:04:05")
	if e.TooMany {
		return fmt.Sprintf("the password was not sent: Okta refused %d different passwords of %s since %s, "+
			"and another try could lock the account", maxRefused, user, at)
	}
	return fmt.Sprintf("the password was not sent again: Okta refused it for %s at %s, "+
		"and another try could lock the account", user, at)
}

// Check returns a *PasswordBlockedError if a password would not be sent, and a *store.Error if that cannot be found
// out. It takes some tenths of a second where passwords of the user were refused, and no time elsewhere.
func (g LockoutGuard) Check(issuer, username string, password okta.Secret) error {
	p := g.protect(issuer, username, password)
	err := p.derive()
	if err == nil {
		err = p.check()
	}
	if errors.Is(err, errNewSalt) {
		return nil // the record was written anew this moment
	}
	return err
}

// protectedPassword is a password that is sent only if the guard allows it.
type protectedPassword struct {
	username   string
	password   okta.Secret
	now        func() time.Time
	iterations int
	locks      filelock.Locks
	name       string      // of the lock
	path       string      // of the record
	stored     bool        // the session is stored, so files may be written
	warn       func(error) // called where a refusal cannot be recorded
	salt, hash []byte      // the hash of password with salt; empty until derive needs it
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

// protect returns a password under guard. Where there is no place for a record, send finds that out.
func (g LockoutGuard) protect(issuer, username string, password okta.Secret) *protectedPassword {
	g.Locks.Dir, _ = g.Locks.Directory()
	// Okta ignores the case of user names.
	sum := sha256.Sum256(fmt.Appendf(nil, "okauth password 1 %d %s %s", len(issuer), issuer, strings.ToLower(username)))
	name := "password." + hex.EncodeToString(sum[:8])
	p := &protectedPassword{
		username: username, password: password, now: g.Now, locks: g.Locks, name: name,
		iterations: cmp.Or(g.iterations, hashIterations),
		path:       filepath.Join(g.Locks.Dir, name+".refused"),
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// protect returns the password of a sign-in, nil where there is none to protect.
func (m Manager) protect(s signIn) *protectedPassword {
	if s.Password.IsZero() {
		return nil
	}
	guard, warn := m.Guard, m.Warn
	if guard.Now == nil {
		guard.Now = m.Now
	}
	if warn == nil {
		warn = func(error) {}
	}
	p := guard.protect(s.request.Identity.Issuer, s.Username, s.Password)
	p.warn = warn
	p.stored = m.Store.Locks != nil
	return p
}

// read returns the refusals that still count. The error says that others could have written the record.
func (p *protectedPassword) read() (refusals, error) {
	if p.locks.Dir == "" {
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
	now := p.now()
	r.Refused = slices.DeleteFunc(r.Refused, func(one refusal) bool {
		age := now.Sub(time.Unix(one.Unix, 0))
		return age >= blockedFor || age < -clockTolerance
	})
	if len(r.Refused) == 0 {
		return refusals{}, nil
	}
	return r, nil
}

// derive computes the hash that check compares, which takes some tenths of a second: call it without a lock.
func (p *protectedPassword) derive() error {
	if p == nil {
		return nil
	}
	r, err := p.read()
	if err != nil || bytes.Equal(r.Salt, p.salt) {
		return err
	}
	return p.hashWith(r.Salt)
}

// errNewSalt says that derive must be called again: another process has begun a record meanwhile.
var errNewSalt = errors.New("the record of refused passwords has a new salt")

// check returns a *PasswordBlockedError, errNewSalt, a *store.Error or nil.
func (p *protectedPassword) check() error {
	r, err := p.read()
	if err != nil || len(r.Refused) == 0 {
		return err
	}
	if !bytes.Equal(r.Salt, p.salt) {
		return errNewSalt
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

// send calls exchange, which sends the password, one process at a time and only if the guard allows it or insist is
// set. It records what Okta answers. A nil p does not protect.
func (p *protectedPassword) send(ctx context.Context, insist bool, exchange exchangeFunc) (*okta.TokenResponse, error) {
	if p == nil {
		return exchange()
	}
	var lock store.Lock
	var noRecord error
	if p.stored || len(p.salt) > 0 { // else nothing is written to the disk unless Okta refuses the password
		lock, noRecord = p.locks.Acquire(ctx, p.name)
	}
	switch {
	case noRecord != nil && (ctx.Err() != nil || !store.IsKind(noRecord, store.Failed)):
		return nil, noRecord
	case lock != nil:
		defer lock.Release()
		if err := p.check(); err != nil && !insist {
			return nil, err
		}
	}
	tokens, err := exchange()
	switch {
	case err == nil && lock != nil:
		_ = privatefile.Remove(p.path) // what stays there blocks a password that is wrong now, for an hour
	case isInvalidGrant(err):
		if lock == nil && noRecord == nil { // now there is something to write
			if lock, noRecord = p.locks.Acquire(context.WithoutCancel(ctx), p.name); lock != nil {
				defer lock.Release()
			}
		}
		if noRecord = cmp.Or(noRecord, p.record()); noRecord != nil {
			p.warn(noRecord)
		}
	}
	return tokens, err
}

// record adds the password to the refused ones.
func (p *protectedPassword) record() error {
	r, err := p.read()
	if err != nil {
		return err
	}
	if len(r.Salt) == 0 {
		r = refusals{Version: recordVersion, Salt: make([]byte, saltSize)}
		_, _ = rand.Read(r.Salt) // never fails
	}
	if !bytes.Equal(r.Salt, p.salt) {
		if err := p.hashWith(r.Salt); err != nil {
			return err
		}
	}
	r.Refused = slices.DeleteFunc(r.Refused, func(one refusal) bool { return bytes.Equal(one.Hash, p.hash) })
	if err := privatefile.MakeDir(p.locks.Dir); err != nil {
		return store.WithOp("write", err)
	}
	r.Refused = append(r.Refused, refusal{p.now().Unix(), p.hash})
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return store.WithOp("write", privatefile.Replace(p.path, data))
}

func (p *protectedPassword) hashWith(salt []byte) (err error) {
	p.salt = salt
	p.hash, err = pbkdf2.Key(sha256.New, p.password.Reveal(), salt, p.iterations, sha256.Size)
	return err
}
