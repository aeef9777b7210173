package session

import (
	"context"
	"errors"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Exchange says how to get a token for one of a session.
type Exchange struct {
	// Name says what is exchanged for what, and where: the Exchange of a store.TokenSet. "" keeps the result out of the
	// store, for what works once only, or is in part not the session's.
	Name   string
	Scopes []string      // of the new token
	MinTTL time.Duration // how long the new token must remain valid
	Fresh  bool          // a stored token of an earlier exchange will not do
	// Subject asks for the token to exchange. It is made valid first, as Renew does.
	Subject TokenRequest
	// Prepare returns what makes the request. It is called only where one is needed. It may ask a person: the session is
	// not locked.
	Prepare func(context.Context) (Exchanger, error)
}

// Exchanger sends a subject to a server and returns what came for it.
type Exchanger func(context.Context, Subject) (*okta.TokenResponse, error)

// Subject is what a session has for an exchange.
type Subject struct {
	Token        okta.Secret // an access token or an ID token
	DeviceSecret okta.Secret // zero where the sign-in brought none
	// DPoPKey is the key that the session is bound to, zero where it is to none, and DPoPNonce the server's last nonce.
	DPoPKey   okta.Secret
	DPoPNonce string
}

// Exchange returns the token of an earlier exchange, if the session has one that is valid for long enough. Otherwise it
// makes the subject valid, exchanges it and stores the result in the session. If many processes call it at once, one
// makes the request and the others return its result.
//
// The errors are those of Renew and of the Exchanger. With a *SaveError comes a token that is valid.
func (m Manager) Exchange(ctx context.Context, x Exchange, o Options) (CachedToken, error) {
	before, err := m.load(ctx, x.Subject.Identity)
	unstored := m.noStore(err) != "" || store.IsKind(err, store.UnsupportedVersion) // so nothing is locked
	if token, ok := m.earlier(before, x); ok {
		return token, nil
	}
	if err != nil && !unstored && !is[*LoginRequiredError](unusable(err)) {
		return CachedToken{}, err
	}
	subject, saveErr := m.Renew(ctx, x.Subject, o)
	if subject.Value.IsZero() {
		return CachedToken{}, saveErr
	}
	exchange, err := x.Prepare(ctx)
	if err != nil {
		return CachedToken{}, err
	}
	if !unstored && saveErr == nil {
		return m.exchangeLocked(ctx, x, exchange)
	}
	tokens, err := exchange(ctx, Subject{Token: subject.Value, DPoPKey: subject.DPoPKey})
	if err != nil {
		return CachedToken{}, err
	}
	return Exchanged(tokens, subject.Username, x.MinTTL), saveErr
}

// earlier returns the result of an earlier exchange, if s, which may be nil, has one that will do.
func (m Manager) earlier(s *store.Session, x Exchange) (token CachedToken, ok bool) {
	if x.Name == "" || x.Fresh {
		return CachedToken{}, false
	}
	token, err := m.choose(s, TokenRequest{
		Identity: x.Subject.Identity, Scopes: x.Scopes, MinTTL: x.MinTTL, Exchange: x.Name,
	})
	return token, err == nil
}

// exchangeLocked exchanges the token of a session that has just been made valid, while no other process changes it.
func (m Manager) exchangeLocked(ctx context.Context, x Exchange, exchange Exchanger) (CachedToken, error) {
	var s *store.Session
	var token CachedToken
	var err error
	done := func() (found bool) {
		if s, err = m.load(ctx, x.Subject.Identity); err == nil && s == nil {
			err = &LoginRequiredError{Reason: reasonSignedOut}
		}
		token, found = m.earlier(s, x)
		return found || err != nil
	}
	lock, lockErr := m.lockUnless(ctx, x.Subject.Identity.Account(), done)
	switch {
	case lockErr != nil:
		return CachedToken{}, lockErr
	case lock == nil:
		return token, err
	}
	defer lock.Release()
	valid := x.Subject
	valid.MinTTL = 0                   // Renew took care of that, before the wait for the lock
	subject, err := m.choose(s, valid) // as another process may have stored it meanwhile
	if err != nil {
		return CachedToken{}, err
	}
	tokens, err := exchange(ctx, Subject{subject.Value, s.DeviceSecret, s.DPoPKey, s.DPoPNonce})
	if err != nil {
		pause(lock, err)
		return CachedToken{}, err
	}
	token = Exchanged(tokens, s.Username, x.MinTTL)
	if x.Name == "" {
		return token, nil
	}
	err = m.saveExchanged(ctx, s, lock, exchangedSet(tokens, x))
	if is[*LoginRequiredError](err) {
		token = CachedToken{}
	}
	return token, err
}

// Exchanged returns the result of an exchange for a user, who may not be known. It should be valid for minTTL.
func Exchanged(tokens *okta.TokenResponse, username string, minTTL time.Duration) CachedToken {
	t := CachedToken{
		Value: tokens.AccessToken, Type: Access, TokenType: tokens.TokenType, Issued: tokens.IssuedTokenType,
		Scope: tokens.Scope, ExpiresAt: tokens.ObtainedAt.Add(tokens.ExpiresIn), Username: username,
		Notes: tokens.Warnings,
	}
	if tokens.ExpiresIn < minTTL {
		t.Notes = append(t.Notes, shortNote(tokens.ExpiresIn, minTTL))
	}
	if t.TokenType == okta.TypeDPoP {
		t.DPoPKey = tokens.DPoPKey
	}
	return t
}

// exchangedSet returns what is stored of the result of x: the token alone, for okauth cannot refresh what is another
// application's.
func exchangedSet(tokens *okta.TokenResponse, x Exchange) store.TokenSet {
	set := tokenSet(tokens, x.Scopes)
	set.Exchange, set.IDToken = x.Name, okta.Secret{}
	if set.TokenType == okta.TypeDPoP {
		set.DPoPKey = tokens.DPoPKey
	}
	return set
}

// saveExchanged adds set to the session that the subject was taken from. The error is a *SaveError, or a
// *LoginRequiredError where another process has signed out meanwhile without waiting for the lock: that wins.
func (m Manager) saveExchanged(ctx context.Context, s *store.Session, lock store.Lock, set store.TokenSet) error {
	ctx = context.WithoutCancel(ctx)
	now, err := m.Store.Load(ctx, s.Identity)
	switch {
	case lock.Revoked(), errors.Is(err, store.ErrNotFound):
		return &LoginRequiredError{Reason: reasonSignedOut}
	case err == nil && !sameRefresh(now, s):
		return nil // another machine has changed it, and the next call exchanges again
	}
	after := *s
	after.Revision++
	after.Sets = m.prune(append([]store.TokenSet{set}, s.Sets...))
	if err := m.Store.Save(ctx, &after); err != nil {
		return &SaveError{err}
	}
	return nil
}
