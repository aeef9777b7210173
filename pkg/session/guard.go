package session

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

const (
	// blockedFor is how long a refused password is not sent again. Okta unlocks an account after a time of the
	// administrator's choice; an hour stops a loop, and is short enough for a password that was reset elsewhere.
	blockedFor = time.Hour
	// maxRefused is how many different passwords may be refused within that time. Okta's default policy locks an
	// account after ten.
	maxRefused = 3
)

// LockoutGuard stops loops from locking an account: for an hour it does not let a password be sent again that no
// person typed and that Okta refused, nor any password after three different ones were refused. It holds for a user
// at an issuer, for all processes and profiles that have the same Items and Locks.
//
// A password that a person has just typed is sent and not recorded; if Okta accepts it, the record is cleared.
//
// [Manager] calls it for [Credentials] that have a Password.
type LockoutGuard struct {
	// Items keeps salted, slow hashes of the refused passwords, and with Locks one process at a time sends a password of
	// a user. Both are a [UserPlace], or a store that many machines share.
	Items store.Backend
	Locks store.Locker
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
	name       string     // of the record and of the lock
	held       store.Lock // nil: not locked
	salt, hash []byte     // the hash of password with salt; empty until there is something to compare
}

// watch returns a password under guard.
func (g LockoutGuard) watch(what, issuer, username string, password okta.Secret) *watchedPassword {
	// Okta ignores the case of user names.
	sum := sha256.Sum256(fmt.Appendf(nil, "okauth %s 1 %d %s %s", what, len(issuer), issuer, store.UserKey(username)))
	return &watchedPassword{
		LockoutGuard: g, what: what, username: username, password: password,
		name: strings.ReplaceAll(what, " ", "-") + "." + hex.EncodeToString(sum[:8]),
	}
}

// errNewSalt says that check must be called again without a lock.
var errNewSalt = errors.New("the record of refused passwords has a new salt")

// check returns a *PasswordBlockedError, a *store.Error or nil. Where a record was begun since the last call it
// computes the hash to compare, which takes some tenths of a second: with a lock held it returns errNewSalt instead.
func (p *watchedPassword) check(ctx context.Context, mayHash bool) error {
	if p == nil || p.typed {
		return nil
	}
	r, err := p.read(ctx)
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
			return &PasswordBlockedError{What: p.what, Username: p.username, RefusedAt: p.here(one)}
		}
		if !one.Settled {
			counted = append(counted, one)
		}
	}
	if len(counted) >= maxRefused {
		return &PasswordBlockedError{What: p.what, Username: p.username, RefusedAt: p.here(counted[0]), TooMany: true}
	}
	return nil
}

// lock waits until no other process sends a password of the user, and looks again whether the guard allows this one:
// its errors are those of check, and errDone if done, which it calls while it waits, returns true. A nil p is not
// watched.
func (p *watchedPassword) lock(ctx context.Context, done func() bool) error {
	if p == nil {
		return nil
	}
	if p.Rehearsal {
		if place, ok := p.Locks.(interface{ Check(string) error }); ok {
			return place.Check(p.name)
		}
		return nil
	}
	var checked error
	held, err := acquire(ctx, p.Locks, p.name, func() bool {
		checked = p.check(ctx, false)
		return checked != nil || done()
	})
	switch {
	case err != nil:
		return err
	case held == nil:
		return cmp.Or(checked, errDone)
	}
	p.held = held
	return p.check(ctx, false)
}

// unlock ends lock, after the password was sent or not: accepted and err say what Okta answered. A refusal is recorded
// before the next process may send the same password. The session is not locked meanwhile.
func (p *watchedPassword) unlock(ctx context.Context, accepted bool, err error) {
	if p == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	switch {
	case accepted:
		_ = p.recordAccepted(ctx) // what stays there blocks a password that is wrong now, for an hour
	case isInvalidGrant(err) && !p.typed:
		if err := p.recordRefused(ctx); err != nil {
			p.Warn(err)
		}
	}
	if p.held != nil {
		pause(p.held, err)
		p.held.Release()
		p.held = nil
	}
}
