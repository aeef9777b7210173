package session

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// Credentials are what a sign-in needs.
type Credentials struct {
	Grant    grant.Grant // nil: there are none
	Username string      // who signs in, if that is known before; "" for a client
	// Password is what Grant sends, where Okta counts wrong values. The [LockoutGuard] watches it. The zero Secret is
	// not watched.
	Password okta.Secret
	Typed    bool // a person has just typed Password, so it is sent in any case
	// Code is where Grant reads one-time codes that no person types; nil: nowhere.
	Code *GuardedCode
	// Interaction asks the user for what Grant lacks; nil: no one is asked. The session is not locked meanwhile.
	Interaction grant.Interaction
	// Turn takes the turn to ask the user, which one process at a time has. Without wait it returns false where another
	// has it. The caller gives the turn back after the sign-in. nil: no one else asks.
	Turn func(ctx context.Context, wait bool) (mine bool, err error)
}

// Login signs in at client with c and stores the session under r.Identity. It replaces a session that is there, but
// keeps the tokens for other scopes if they are the same user's.
//
// No other process changes the session meanwhile, except while the user is asked. The error is a *store.Error of kind
// LockTimeout if another process does not release the session; then nothing was sent. If the sign-in succeeded and the
// session could not be stored, Login returns the tokens and the store's error.
func (m Manager) Login(
	ctx context.Context, client *okta.Client, c Credentials, r TokenRequest,
) (*okta.TokenResponse, error) {
	c.Username = cmp.Or(c.Username, r.Username)
	_, tokens, err := m.signIn(ctx, signIn{Credentials: c, request: r, client: client, login: true})
	return tokens, err
}

// signIn is one sign-in.
type signIn struct {
	Credentials
	request TokenRequest
	client  *okta.Client
	login   bool // a valid token and a session that cannot be read are replaced

	old *store.Session // what is stored, as settled has found it
	err error          // why no sign-in is possible; nil, and settled: none is needed
}

// signIn signs in and returns the new session. With tokens, the error is that of storing them. Without tokens and
// without an error, the session is one that another process has just stored.
func (m Manager) signIn(ctx context.Context, s signIn) (*store.Session, *okta.TokenResponse, error) {
	var password *watchedPassword
	if !s.Password.IsZero() {
		password = m.Guard.watch("password", s.request.Identity.Issuer, s.Username, s.Password)
		password.typed = s.Typed
	}
	s.Code.guard(m.Guard, s.request.Identity.Issuer, s.Username)
	var session *store.Session
	var tokens *okta.TokenResponse
	err := errNewSalt
	for errors.Is(err, errNewSalt) || errors.Is(err, errOthersTurn) {
		if errors.Is(err, errOthersTurn) {
			if _, err := s.Turn(ctx, true); err != nil {
				return nil, nil, err
			}
		}
		if err := password.check(ctx, true); err != nil {
			return nil, nil, err
		}
		if err = password.lock(ctx, func() bool { return m.settled(ctx, &s) }); err == nil {
			session, tokens, err = m.signInLocked(ctx, &s)
		} else if errors.Is(err, errDone) {
			return s.old, nil, s.err
		}
		s.Code.settle(ctx, tokens != nil, err)
		required, _ := errors.AsType[*grant.InteractionRequiredError](err)
		if required != nil && required.Resume != nil {
			s.Grant = required.Resume // the password was right, and is not sent again
		}
		password.unlock(ctx, tokens != nil || isAfterPassword(err), err)
	}
	if is[*grant.InteractionRequiredError](err) && s.Interaction != nil {
		return m.signInAsking(ctx, s)
	}
	return session, tokens, err
}

// signInAsking asks the user while the session is not locked.
func (m Manager) signInAsking(ctx context.Context, s signIn) (*store.Session, *okta.TokenResponse, error) {
	if s.Turn != nil {
		if _, err := s.Turn(ctx, true); err != nil {
			return nil, nil, err
		}
	}
	tokens, err := s.exchange(ctx, s.Interaction)
	s.Code.settle(ctx, tokens != nil, err)
	if err != nil {
		return nil, nil, err
	}
	lock, err := m.lock(ctx, s.request.Identity.Account())
	defer lock.Release()
	var old *store.Session
	if err == nil {
		old, err = m.loadOld(ctx, s)
	}
	session := m.afterSignIn(old, tokens, s)
	if err == nil {
		err = m.saveSignIn(ctx, session)
	}
	return session, tokens, err
}

// isAfterPassword reports whether err is about the second factor: Okta has accepted the password.
func isAfterPassword(err error) bool {
	if e, ok := errors.AsType[*okta.Error](err); ok {
		return e.Operation == okta.OperationChallenge || slices.Contains(grant.MFAGrantTypes(), e.GrantType)
	}
	e, ok := errors.AsType[*grant.InteractionRequiredError](err)
	return ok && e.Resume != nil
}

// exchange sends the credentials and checks the ID token of the response.
func (s signIn) exchange(ctx context.Context, i grant.Interaction) (*okta.TokenResponse, error) {
	tokens, err := s.Grant.Token(ctx, s.client, i)
	if err == nil {
		err = checkIDToken(tokens, s.request.Identity)
	}
	if err == nil {
		err = identify(tokens, s.Username)
	}
	if err != nil {
		return nil, err
	}
	return tokens, nil
}

// errOthersTurn says that another process asks the user, whose session the caller then waits for without a lock.
var errOthersTurn = errors.New("another process asks the user")

// takeTurn takes the turn before anything is sent: a sign-in that begins with a password may end on the user's phone,
// and the other processes then wait for its session in place of sending the password, too.
func (m Manager) takeTurn(ctx context.Context, s signIn) error {
	if s.Turn == nil || s.Interaction == nil || m.storesNothing() {
		return nil
	}
	mine, err := s.Turn(ctx, false)
	if err == nil && !mine {
		err = errOthersTurn
	}
	return err
}

// signInLocked signs in without asking anyone, while no other process changes the session. It gives s the client for
// what comes after.
func (m Manager) signInLocked(ctx context.Context, s *signIn) (*store.Session, *okta.TokenResponse, error) {
	lock, err := m.lockUnless(ctx, s.request.Identity.Account(), func() bool { return m.settled(ctx, s) })
	if err != nil {
		return nil, nil, err
	}
	if lock == nil {
		return s.old, nil, s.err
	}
	defer lock.Release()
	if err := m.takeTurn(ctx, *s); err != nil {
		return nil, nil, err
	}
	if err := s.bind(s.old); err != nil {
		return nil, nil, err
	}
	if err := m.addToIndex(ctx, s.request.Identity); err != nil {
		return nil, nil, err
	}
	tokens, err := s.exchange(ctx, nil)
	if err != nil {
		pause(lock, err)
		if s.old == nil {
			m.removeFromIndex(ctx, s.request.Identity.Account())
		}
		return nil, nil, err
	}
	session := m.afterSignIn(s.old, tokens, *s)
	return session, tokens, m.saveSignIn(ctx, session)
}

// bind makes the client prove a key, where the request asks for that: the key of the session before, unless that is
// another user's or damaged, else a new one.
func (s *signIn) bind(old *store.Session) (err error) {
	if !s.request.DPoP {
		return nil
	}
	client := s.client
	if old != nil && (s.Username == "" || sameUser(s.Username, old.Username)) {
		if s.client, err = client.Bound(old.DPoPKey, old.DPoPNonce); err == nil {
			return nil
		}
	}
	s.client, err = client.Bound(okta.Secret{}, "")
	return err
}

func sameUser(a, b string) bool { return store.UserKey(a) == store.UserKey(b) }

// loadOld returns the session before the sign-in, nil where there is none or a corrupt one. A login replaces any that
// cannot be read.
func (m Manager) loadOld(ctx context.Context, s signIn) (*store.Session, error) {
	old, err := m.load(ctx, s.request.Identity)
	if store.IsKind(err, store.Corrupt) || s.login && store.IsKind(err, store.WrongKey, store.UnsupportedVersion) {
		return nil, nil
	}
	return old, err
}

// addToIndex lists the session before it is stored, so that no session is unlisted, and before the credentials are
// sent, so that a store that cannot be written costs no sign-in.
func (m Manager) addToIndex(ctx context.Context, id store.Identity) error {
	if m.storesNothing() {
		return nil
	}
	return m.Store.AddToIndex(ctx, id)
}

// removeFromIndex undoes that after a sign-in that failed.
func (m Manager) removeFromIndex(ctx context.Context, account string) {
	if _, err := m.Store.LoadAccount(ctx, account); errors.Is(err, store.ErrNotFound) {
		_ = m.Store.DeleteAccount(context.WithoutCancel(ctx), account) // an entry without a session does no harm
	}
}

// saveSignIn stores a session that a sign-in made, where there is a store.
func (m Manager) saveSignIn(ctx context.Context, s *store.Session) error {
	if m.storesNothing() {
		return nil
	}
	return m.Store.Save(context.WithoutCancel(ctx), s)
}

func (m Manager) storesNothing() bool {
	_, none := m.Store.Items.(store.None)
	return none
}

// afterSignIn returns the session that a sign-in makes of old, which may be nil.
func (m Manager) afterSignIn(old *store.Session, tokens *okta.TokenResponse, in signIn) *store.Session {
	s := &store.Session{
		Identity: in.request.Identity, Username: cmp.Or(in.Username, tokens.Username), Revision: 1,
		DPoPKey: tokens.DPoPKey, DPoPNonce: tokens.DPoPNonce,
	}
	if old != nil {
		s.Revision = old.Revision + 1
		if sameUser(old.Username, s.Username) && old.DPoPKey.Equal(s.DPoPKey) { // with its key a token is lost
			s.Sets, s.Refresh, s.DeviceSecret = old.Sets, old.Refresh, old.DeviceSecret
		}
	}
	s.Factor = tokens.Factor
	if !tokens.DeviceSecret.IsZero() {
		s.DeviceSecret = tokens.DeviceSecret
	}
	set := tokenSet(tokens, in.request.Scopes)
	// A sign-in without offline_access brings no refresh token, and the one from before still works.
	if !tokens.RefreshToken.IsZero() {
		s.Refresh = store.RefreshToken{
			Value: tokens.RefreshToken, Requested: set.Requested, Granted: set.Granted, ObtainedAt: tokens.ObtainedAt,
		}
	}
	s.Sets = m.prune(append([]store.TokenSet{set}, s.Sets...))
	return s
}

// tokenSet returns what is stored of a response to a request for scopes.
func tokenSet(tokens *okta.TokenResponse, scopes []string) store.TokenSet {
	return store.TokenSet{
		Requested: canonical(scopes), Granted: tokens.Scope,
		AccessToken: tokens.AccessToken, IDToken: tokens.IDToken, TokenType: tokens.TokenType,
		IssuedTokenType: tokens.IssuedTokenType,
		ObtainedAt:      tokens.ObtainedAt, ExpiresIn: tokens.ExpiresIn,
	}
}

// prune drops the sets that the first one replaces and those that have expired.
func (m Manager) prune(sets []store.TokenSet) []store.TokenSet {
	kept := sets[:1]
	for _, t := range sets[1:] {
		left, ok := remaining(t.ObtainedAt, t.ExpiresIn, m.Now())
		replaced := t.Exchange == sets[0].Exchange && slices.Equal(t.Requested, sets[0].Requested)
		if ok && left > 0 && !replaced {
			kept = append(kept, t)
		}
	}
	return kept
}
