package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"okauth/pkg/okta"
)

// Identity says whose session it is. Two identities that differ in any field never share an item, so that a changed setting
// cannot bring up a token that was issued for the old one.
type Identity struct {
	Profile  string // name of the profile, [a-z0-9][a-z0-9_-]*
	Issuer   string // issuer of the authorization server
	ClientID string
	User     string // user as configured or asked; empty where the grant has none
	Grant    string // name of the grant: "password"
}

// Account returns the name of the item: "<profile>-<8 hex digits>". The digits are the start of a SHA-256 over the other
// fields, each preceded by its length, so that no two lists of fields hash the same text.
func (id Identity) Account() string {
	return id.Profile + "-" + digest("okauth session 1", id.Issuer, id.ClientID, id.User, id.Grant)
}

// digest returns 8 hex digits over a domain and fields. The domain separates kinds of items and versions of the list.
func digest(domain string, fields ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, f := range append([]string{domain}, fields...) {
		binary.BigEndian.PutUint64(length[:], uint64(len(f)))
		h.Write(length[:])
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// TokenSet is what one sign-in or refresh brought for one set of scopes.
type TokenSet struct {
	Requested, Granted []string // scopes
	AccessToken        okta.Secret
	IDToken            okta.Secret // zero without "openid"
	TokenType          string
	ObtainedAt         time.Time // this machine's clock
	ExpiresIn          time.Duration
}

// Rotation says what the server does with a refresh token that was used.
type Rotation int

// Okta calls them "rotate token after every use" and "use persistent token".
// https://developer.okta.com/docs/guides/refresh-tokens/main/
const (
	RotationUnknown Rotation = iota // it has not been used yet
	Rotating                        // its use brought another one
	Persistent                      // its use brought none: it stays good
)

// String returns the name under which the rotation is stored, "" for RotationUnknown.
func (r Rotation) String() string {
	switch r {
	case Rotating:
		return "rotating"
	case Persistent:
		return "persistent"
	default:
		return ""
	}
}

// RefreshToken is what gets new tokens without asking. The zero RefreshToken is none.
type RefreshToken struct {
	Value              okta.Secret
	Requested, Granted []string  // scopes of the sign-in: a refresh may ask for these and no others
	ObtainedAt         time.Time // this machine's clock
	Rotation           Rotation
}

// Session is everything that is kept of a sign-in.
type Session struct {
	Identity Identity
	Username string       // who signed in
	Refresh  RefreshToken // zero without "offline_access"
	Revision uint64       // counts the writes, from 1; whoever writes adds one
	Sets     []TokenSet
}

// Sessions keeps sessions as Items, one value per identity. Those who write one session take turns by a lock of their own.
type Sessions struct {
	Items Backend
	Locks *Locks // for the index; nil = no other process writes
}

// Load returns the session of id. That is one Get and nothing else.
//
// It returns [ErrNotFound] where there is none; an [*Error] of kind Corrupt where the value is not a session of exactly that
// identity, of kind Newer where a later okauth wrote it; and whatever the Items returned.
func (s Sessions) Load(ctx context.Context, id Identity) (*Session, error) {
	session, err := s.LoadAccount(ctx, id.Account())
	if err == nil && session.Identity != id {
		return nil, foreign(id.Account())
	}
	return session, err
}

// LoadAccount is Load for an account that [Sessions.List] named.
func (s Sessions) LoadAccount(ctx context.Context, account string) (*Session, error) {
	value, err := s.Items.Get(ctx, account)
	if err != nil {
		return nil, err
	}
	session, err := decodeSession(value)
	if err != nil {
		return nil, itemError("read the session "+strconv.Quote(account), err)
	}
	if session.Identity.Account() != account {
		return nil, foreign(account)
	}
	return session, nil
}

// foreign says that a session was found in the place of another one.
func foreign(account string) error {
	return itemError("read the session "+strconv.Quote(account), corrupt("it belongs to another identity"))
}

// Save keeps session in the place of what was there, whatever it was: a caller that must not overwrite a later okauth's session
// loads first. A session that Load would not believe is refused with an [*Error].
//
// Generation 1, or 0, says that there was no session: it is listed first (see [Sessions.AddToIndex]). A later one is written and
// nothing else is touched.
func (s Sessions) Save(ctx context.Context, session *Session) error {
	account := session.Identity.Account()
	value, err := encodeSession(session)
	if err != nil {
		return itemError("write the session "+strconv.Quote(account), err)
	}
	if session.Revision <= 1 {
		if err := s.AddToIndex(ctx, session.Identity); err != nil {
			return err
		}
	}
	return s.Items.Set(ctx, account, value)
}

// DeleteAccount forgets the session stored under an account that [Sessions.List] named. It succeeds where there is none.
//
// A session that cannot be believed or unsealed is deleted like any other. One that a later okauth wrote is left untouched, with an
// [*Error] of kind Newer: its chunks may lie where this okauth would not find them. After any other error it is unknown
// whether the session is gone; it is still listed then, and the next Delete goes on from there.
func (s Sessions) DeleteAccount(ctx context.Context, account string) error {
	value, err := s.Items.Get(ctx, account)
	if err == nil {
		if _, err = decodeSession(value); err != nil {
			err = itemError("delete the session "+strconv.Quote(account), err)
		}
	}
	if err != nil && !errors.Is(err, ErrNotFound) && !isKind(err, Corrupt) && !isKind(err, WrongKey) {
		return err
	}
	// Also where nothing was found: an interrupted write may have left chunks.
	if err := s.Items.Delete(ctx, account); err != nil {
		return err
	}
	return s.delist(ctx, account)
}

func isKind(err error, kind ErrorKind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}
