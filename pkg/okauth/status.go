package okauth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"okauth/pkg/session"
	"okauth/pkg/store"
)

// NextAction names the step that [Client.Token] would take now.
type NextAction string

// The actions.
const (
	UseCached NextAction = "cached"
	Refresh   NextAction = "refresh"
	SignIn    NextAction = "sign_in" // without a person
	Ask       NextAction = "ask"
	Fail      NextAction = "fail"
)

// Status is the state of a profile's session and store.
type Status struct {
	StoreErr error // why the store cannot be used; nil: it can
	// Sessions are those of the store, that of the profile first.
	Sessions []StoredSession

	Next   NextAction
	Until  time.Time // with UseCached: when the access token expires; zero where it is not known
	Reason string    // with Ask and Fail: why
}

// StoredSession is one session of the store.
type StoredSession struct {
	Account string // its name in the store
	Current bool   // it is the profile's
	store.Session
	Thumbprint string // of the key that the tokens are bound to (DPoP); "" for bearer tokens
	Err        error  // why it could not be read; nil: the Session is there
}

// Status reports what is stored and what Token would do. It makes no request and asks no one. The error is a
// *config.Error that leaves the store unknown; a setting that only Token needs ends up in Reason.
func (c *Client) Status(ctx context.Context) (Status, error) {
	s, err := c.Storage(false)
	if err != nil {
		return Status{}, err
	}
	request, unset := c.request(session.Access)
	current := request.Identity.Account()
	var st Status
	unusable := s.Ready(ctx)
	if unusable == nil || s.Backend == StorageFile { // a file that cannot be written may be readable
		st.Sessions, st.StoreErr = s.sessions(ctx, current)
	}
	if unusable == nil {
		unusable = s.checkLock(current)
	}
	st.StoreErr = cmp.Or(unusable, st.StoreErr)
	if unset != nil {
		st.Next, st.Reason = Fail, unset.Error()
		return st, nil
	}
	c.nextAction(ctx, s, request, &st)
	if (st.Next == Refresh || st.Next == SignIn) && unusable != nil && !s.NotNeeded(unusable) {
		st.Next, st.Reason = Fail, unusable.Error()
	}
	return st, nil
}

// nextAction finds out what Token would do, and why it would ask or fail.
func (c *Client) nextAction(ctx context.Context, s Storage, request session.TokenRequest, st *Status) {
	token, err := s.Manager().Token(ctx, request)
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	switch {
	case err == nil:
		st.Next, st.Until = UseCached, token.ExpiresAt
	case !ok:
		st.Next, st.Reason = Fail, err.Error()
	default:
		st.Next, err = c.rehearse(ctx, s, request)
		if st.Next == Ask {
			err = required // without the profile
		}
		if err != nil {
			st.Reason = err.Error()
		}
	}
}

// sessions returns the sessions of the store, the current one first.
func (s Storage) sessions(ctx context.Context, current string) ([]StoredSession, error) {
	stored := s.Manager().Store
	accounts, err := stored.List(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.Index(accounts, current); i > 0 {
		accounts = slices.Insert(slices.Delete(accounts, i, i+1), 0, current)
	}
	var all []StoredSession
	for _, account := range accounts {
		one := StoredSession{Account: account, Current: account == current}
		found, err := stored.LoadAccount(ctx, account)
		if errors.Is(err, store.ErrNotFound) {
			continue // an interrupted write or delete
		}
		if err == nil {
			one.Session = *found
			one.Thumbprint, err = thumbprint(found)
		}
		one.Err = err
		all = append(all, one)
	}
	return all, nil
}

// thumbprint returns that of the session's key. The error is that of a corrupt session.
func thumbprint(s *store.Session) (string, error) {
	prover, err := session.CachedToken{DPoPKey: s.DPoPKey}.Prover()
	if prover == nil {
		return "", err
	}
	return prover.Key.Thumbprint(), nil
}
