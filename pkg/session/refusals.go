package session

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"okauth/pkg/store"
)

const (
	// maxKept bounds the record. More than maxRefused can be there if Okta accepted a password in between.
	maxKept = 16
	// "PBKDF2-HMAC-SHA256: 600,000 iterations"
	// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#pbkdf2
	// The number is not read from the record, where someone else could have chosen it.
	hashIterations = 600_000
	saltSize       = 16 // bytes
	recordVersion  = 1  // of refusals
)

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

// read returns the refusals that are not too old. A record that cannot be decoded counts as none, and the next refusal
// replaces it. The error is a *store.Error: the record cannot be read now, or others could have written it.
func (p *watchedPassword) read(ctx context.Context) (refusals, error) {
	data, err := p.Items.Get(ctx, p.name)
	none := errors.Is(err, store.ErrNotFound) || store.IsKind(err, store.Corrupt, store.WrongKey, store.UnsupportedVersion)
	if err != nil && !none {
		return refusals{}, err
	}
	var r refusals
	if none || json.Unmarshal(data, &r) != nil || r.Version != recordVersion || len(r.Salt) != saltSize {
		return refusals{}, nil
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

// now returns the time by the clock of Items.
func (p *watchedPassword) now() time.Time { return p.Now().Add(store.Ahead(p.Items)) }

// here returns the time of a refusal by this machine's clock.
func (p *watchedPassword) here(one refusal) time.Time {
	return time.Unix(one.Unix, 0).Add(-store.Ahead(p.Items))
}

// recordRefused adds the password to the record.
func (p *watchedPassword) recordRefused(ctx context.Context) error {
	r, err := p.read(ctx)
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
	r.Refused = append(p.others(r), refusal{Unix: p.now().Unix(), Hash: p.hash})
	return p.write(ctx, r)
}

// recordAccepted removes the password from the record, or deletes the record if a person typed it. Okta starts to count
// again.
func (p *watchedPassword) recordAccepted(ctx context.Context) error {
	r, err := p.read(ctx)
	if err != nil || len(r.Refused) == 0 {
		return err
	}
	if p.typed {
		return p.Items.Delete(ctx, p.name)
	}
	if err := p.hashWith(r.Salt); err != nil {
		return err
	}
	r.Refused = p.others(r)
	if len(r.Refused) == 0 {
		return p.Items.Delete(ctx, p.name)
	}
	for i := range r.Refused {
		r.Refused[i].Settled = true
	}
	return p.write(ctx, r)
}

// others returns the refusals of other passwords, of which the last maxKept-1 are kept.
func (p *watchedPassword) others(r refusals) []refusal {
	all := slices.DeleteFunc(r.Refused, func(one refusal) bool { return bytes.Equal(one.Hash, p.hash) })
	return all[max(0, len(all)-maxKept+1):]
}

func (p *watchedPassword) write(ctx context.Context, r refusals) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return p.Items.Set(ctx, p.name, data)
}

// hashWith computes the hash with salt, unless it is there. That takes some tenths of a second.
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
