package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"okauth/pkg/okta"
)

// Identity says whose session it is. Two identities that differ in any field never share an item, so that a changed
// setting cannot return a token that was issued for the old one. User is compared without case.
type Identity struct {
	Profile  string `json:"profile"` // name of the profile, [A-Za-z0-9][A-Za-z0-9._-]*
	Issuer   string `json:"issuer"`  // issuer of the authorization server
	ClientID string `json:"client_id"`
	User     string `json:"user,omitempty"` // user as configured or asked, in any case; "" where the grant has none
	Grant    string `json:"grant"`          // name of the grant: "password"
}

// Account returns the name of the item: "<profile>-<8 hex digits>". The digits are the start of a SHA-256 over the
// other fields, each preceded by its length, so that no two lists of fields hash the same text.
func (id Identity) Account() string {
	return account(id.Profile, "", "okauth session 1", id.Issuer, id.ClientID, UserKey(id.User), id.Grant)
}

// account returns the name of an item of a profile. A file system may ignore the case of letters, and a dot separates
// the parts of an item. So capitals and dots of the profile go, and the digest tells it from others.
func account(profile, kind, domain string, fields ...string) string {
	plain := strings.ReplaceAll(strings.ToLower(profile), ".", "_")
	if plain != profile {
		fields = append(fields, profile)
	}
	return plain + kind + "-" + digest(domain, fields...)
}

// is reports whether two identities are of one session.
func (id Identity) is(other Identity) bool {
	id.User, other.User = UserKey(id.User), UserKey(other.User)
	return id == other
}

// UserKey returns the same text for two spellings of a user name that Okta takes for one: it ignores the case.
func UserKey(username string) string { return strings.ToLower(username) }

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

// TokenSet is the result of a sign-in, a refresh or a token exchange for one set of scopes.
type TokenSet struct {
	Requested, Granted []string // scopes
	// Exchange says what was exchanged for what, and where, so that no other token is taken for this one; "" for the
	// result of a sign-in or a refresh.
	Exchange        string
	IssuedTokenType string // what AccessToken is, after an exchange: a URI
	// DPoPKey is that of the result of an exchange, which another client may have made; the others have the session's.
	DPoPKey     okta.Secret
	AccessToken okta.Secret
	IDToken     okta.Secret // zero without "openid"
	TokenType   string      // "Bearer", as the server spells it
	ObtainedAt  time.Time   // this machine's clock
	ExpiresIn   time.Duration
}

// Rotation says whether the server replaces a refresh token that was used.
type Rotation string

// Okta calls them "rotate token after every use" and "use persistent token".
// https://developer.okta.com/docs/guides/refresh-tokens/main/
const (
	RotationUnknown Rotation = ""           // it has not been used yet
	Rotating        Rotation = "rotating"   // the last use returned another one
	Persistent      Rotation = "persistent" // the last use returned none: it stays valid
)

// RefreshToken gets new tokens without asking. The zero RefreshToken is none.
type RefreshToken struct {
	Value              okta.Secret
	Requested, Granted []string  // scopes of the sign-in: a refresh may ask for these and no others
	ObtainedAt         time.Time // this machine's clock
	Rotation           Rotation
}

// Session is the stored result of a sign-in.
type Session struct {
	Identity Identity
	Username string       // who signed in
	Factor   string       // the second or only factor of the sign-in; "" where there was none
	Refresh  RefreshToken // zero without "offline_access"
	// DPoPKey is the private key that the tokens are bound to, in the form of okta.TokenResponse; zero for bearer tokens.
	// DPoPNonce is the authorization server's last nonce.
	DPoPKey   okta.Secret
	DPoPNonce string
	Revision  uint64 // counts the writes, from 1; every writer adds one
	Sets      []TokenSet
	// DeviceSecret is for token exchanges of other applications on this device; zero without "device_sso".
	DeviceSecret okta.Secret
}

// Sessions stores sessions in Items, one value per identity. Processes that write one session take turns with a lock of
// their own.
type Sessions struct {
	Items Backend
	Locks Locker // for the index; nil: no other process writes
}

// Load returns the session of id. It costs one Get.
//
// It returns [ErrNotFound] if there is none, an [*Error] of kind Corrupt if the value is not a session of exactly that
// identity, of kind UnsupportedVersion if a later okauth wrote it, or an error of Items.
func (s Sessions) Load(ctx context.Context, id Identity) (*Session, error) {
	session, err := s.LoadAccount(ctx, id.Account())
	if err == nil && !session.Identity.is(id) {
		return nil, wrongIdentity(id.Account())
	}
	return session, err
}

// LoadAccount is Load for an account that [Sessions.List] returned.
func (s Sessions) LoadAccount(ctx context.Context, account string) (*Session, error) {
	value, err := s.Items.Get(ctx, account)
	if err != nil {
		return nil, err
	}
	session, err := decodeSession(value)
	if err != nil {
		return nil, WithOp("read the session "+strconv.Quote(account), err)
	}
	if session.Identity.Account() != account {
		return nil, wrongIdentity(account)
	}
	return session.byClock(-Ahead(s.Items)), nil
}

func wrongIdentity(account string) error {
	return WithOp("read the session "+strconv.Quote(account), CorruptError("it belongs to another identity"))
}

// Save stores session in place of what was there, whatever it was: a caller that must not overwrite a later okauth's
// session loads first. The error is an [*Error]; a session that Load would not accept is refused.
//
// Revision 1, or 0, means a new session, which is added to the index first (see [Sessions.AddToIndex]). Later ones are
// written without touching anything else.
func (s Sessions) Save(ctx context.Context, session *Session) error {
	account := session.Identity.Account()
	value, err := encodeSession(session.byClock(Ahead(s.Items)))
	if err != nil {
		return WithOp("write the session "+strconv.Quote(account), err)
	}
	if session.Revision <= 1 {
		if err := s.AddToIndex(ctx, session.Identity); err != nil {
			return err
		}
	}
	return s.Items.Set(ctx, account, value)
}

// DeleteAccount deletes the session of an account that [Sessions.List] returned. It succeeds if there is none.
//
// It also deletes a session that is corrupt or cannot be unsealed, but not one that a later okauth wrote, whose chunks
// this okauth might not find: that is an [*Error] of kind UnsupportedVersion. After any other error it is unknown
// whether the session is deleted; it is still listed then, and the next call continues.
func (s Sessions) DeleteAccount(ctx context.Context, account string) error {
	value, err := s.Items.Get(ctx, account)
	if err == nil {
		_, err = decodeSession(value)
		err = WithOp("delete the session "+strconv.Quote(account), err)
	}
	if err != nil && !errors.Is(err, ErrNotFound) && !IsKind(err, Corrupt) && !IsKind(err, WrongKey) {
		return err
	}
	// Also if nothing was found: an interrupted write may have left chunks.
	if err := s.Items.Delete(ctx, account); err != nil {
		return err
	}
	return s.removeFromIndex(ctx, account)
}
