package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"okauth/pkg/okta"
)

// maxLife is the longest life of a token that is believed when a session is read back.
const maxLife = 10 * 365 * 24 * time.Hour

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

// Session is everything that is kept of a sign-in.
type Session struct {
	Identity     Identity
	Username     string      // who signed in
	RefreshToken okta.Secret // zero without "offline_access"
	Generation   uint64      // counts the writes; whoever writes adds one
	Sets         []TokenSet
}

// Sessions keeps sessions as Items, one value per identity.
type Sessions struct {
	Items Items
}

// Load returns the session of id.
//
// It returns [ErrNotFound] where there is none; an [*Error] of kind Corrupt where the value is not a session of exactly that
// identity, of kind Newer where a later okauth wrote it; and whatever the Items returned.
func (s Sessions) Load(ctx context.Context, id Identity) (*Session, error) {
	account := id.Account()
	value, err := s.Items.Get(ctx, account)
	if err != nil {
		return nil, err
	}
	session, err := decodeSession(value)
	if err == nil && session.Identity != id {
		err = corrupt("it belongs to another identity")
	}
	if err != nil {
		return nil, itemError("read the session "+strconv.Quote(account), err)
	}
	return session, nil
}

// Save keeps session in the place of what was there, whatever it was: a caller that must not overwrite a later okauth's session
// loads first. A session that Load would not believe is refused with an [*Error].
func (s Sessions) Save(ctx context.Context, session *Session) error {
	account := session.Identity.Account()
	value, err := encodeSession(session)
	if err != nil {
		return itemError("write the session "+strconv.Quote(account), err)
	}
	return s.Items.Set(ctx, account, value)
}

// Delete forgets the session of id. It succeeds where there is none.
func (s Sessions) Delete(ctx context.Context, id Identity) error {
	return s.Items.Delete(ctx, id.Account())
}

// sessionJSON is the session as it is stored. Every change of it needs a new envelopeVersion.
type sessionJSON struct {
	Version      int            `json:"okauth"`
	Session      *identityJSON  `json:"session"`
	Username     string         `json:"username,omitempty"`
	RefreshToken string         `json:"refresh_token,omitempty"`
	Generation   uint64         `json:"generation"`
	Sets         []tokenSetJSON `json:"sets"`
}

type identityJSON struct {
	Profile  string `json:"profile"`
	Issuer   string `json:"issuer"`
	ClientID string `json:"client_id"`
	User     string `json:"user,omitempty"`
	Grant    string `json:"grant"`
}

type tokenSetJSON struct {
	Requested   []string  `json:"requested,omitempty"`
	Granted     []string  `json:"granted,omitempty"`
	AccessToken string    `json:"access_token,omitempty"`
	IDToken     string    `json:"id_token,omitempty"`
	TokenType   string    `json:"token_type,omitempty"`
	ObtainedAt  time.Time `json:"obtained_at"` // RFC 3339 with nanoseconds, UTC
	ExpiresIn   int64     `json:"expires_in"`  // seconds
}

func encodeSession(s *Session) ([]byte, error) {
	id := identityJSON(s.Identity)
	out := sessionJSON{
		Version: envelopeVersion, Session: &id, Username: s.Username,
		RefreshToken: s.RefreshToken.Reveal(), Generation: s.Generation, Sets: []tokenSetJSON{},
	}
	for _, set := range s.Sets {
		out.Sets = append(out.Sets, tokenSetJSON{
			Requested: set.Requested, Granted: set.Granted,
			AccessToken: set.AccessToken.Reveal(), IDToken: set.IDToken.Reveal(), TokenType: set.TokenType,
			ObtainedAt: set.ObtainedAt.UTC().Round(0), ExpiresIn: int64(set.ExpiresIn / time.Second),
		})
	}
	if !utf8.ValidString(s.Username + "\n" + s.Identity.Profile + "\n" + s.Identity.Issuer + "\n" + s.Identity.ClientID + "\n" + s.Identity.User) {
		return nil, errors.New("a name in it is not UTF-8")
	}
	if err := out.check(); err != nil {
		return nil, err
	}
	return encodeEnvelope(out)
}

// decodeSession is strict: what okauth did not write is not believed. Its errors never quote the value.
func decodeSession(value []byte) (*Session, error) {
	var in sessionJSON
	if err := decodeEnvelope(value, &in, &in.Version); err != nil {
		return nil, err
	}
	if in.Session == nil {
		return nil, corrupt("it holds no session")
	}
	if err := in.check(); err != nil {
		return nil, corrupt(err.Error())
	}
	s := &Session{
		Identity: Identity(*in.Session), Username: in.Username,
		RefreshToken: okta.NewSecret(in.RefreshToken), Generation: in.Generation,
	}
	for _, set := range in.Sets {
		s.Sets = append(s.Sets, TokenSet{
			Requested: set.Requested, Granted: set.Granted,
			AccessToken: okta.NewSecret(set.AccessToken), IDToken: okta.NewSecret(set.IDToken), TokenType: set.TokenType,
			ObtainedAt: set.ObtainedAt, ExpiresIn: time.Duration(set.ExpiresIn) * time.Second,
		})
	}
	return s, nil
}

// check is the same on the way in and on the way out, so that nothing is stored that could not be read again.
func (s *sessionJSON) check() error {
	if !isTokenOrEmpty(s.RefreshToken) {
		return errors.New("the refresh token has characters that no token has")
	}
	for _, set := range s.Sets {
		if !isTokenOrEmpty(set.AccessToken) || !isTokenOrEmpty(set.IDToken) {
			return errors.New("a token has characters that no token has")
		}
		if set.ExpiresIn < 0 || set.ExpiresIn > int64(maxLife/time.Second) {
			return fmt.Errorf("expires_in is %d, expected 0 to %d seconds", set.ExpiresIn, int64(maxLife/time.Second))
		}
		if year := set.ObtainedAt.UTC().Year(); year < 1 || year > 9999 {
			return fmt.Errorf("obtained_at is in the year %d, expected 1 to 9999", year)
		}
	}
	return nil
}

// isTokenOrEmpty holds what is stored to the grammar that what is received is held to.
func isTokenOrEmpty(s string) bool { return s == "" || okta.ValidToken(s) }
