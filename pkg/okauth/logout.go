package okauth

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// Logout revokes the tokens of the session at Okta and deletes it. It deletes the session even if Okta cannot be
// reached; the error then says that the tokens were not revoked. Where there is no session it returns nil.
func (c *Client) Logout(ctx context.Context) error {
	results, err := c.LogoutEach(ctx, false)
	for _, r := range results {
		err = errors.Join(err, r.DeleteErr, r.LockErr, r.RevokeErr)
	}
	return err
}

// LogoutEach signs out of the session, or of all sessions of the store, and returns what it did for each that was
// there. An error of one does not stop the others. The error says that the list of sessions could not be read; those
// of the profiles are signed out even so.
func (c *Client) LogoutEach(ctx context.Context, all bool) ([]session.LogoutResult, error) {
	c.unstored.Clear()
	defer c.logins.Add(1)
	s, err := c.Storage(true)
	if err != nil {
		return nil, err
	}
	if s.Backend == StorageKeychain {
		if err := s.Ready(ctx); s.NotNeeded(err) {
			return nil, nil // without a keychain no session is kept
		} else if err != nil {
			return nil, err
		}
	}
	accounts, unlisted, err := c.accounts(ctx, s, all)
	if err != nil {
		return nil, err
	}
	var results []session.LogoutResult
	for _, account := range accounts {
		if r, found := s.Manager().Logout(ctx, account, c.clientFor); found {
			results = append(results, r)
		}
	}
	return results, unlisted
}

// accounts returns the names of the sessions to sign out of. unlisted says why there may be more of them.
func (c *Client) accounts(ctx context.Context, s Storage, all bool) (accounts []string, unlisted, err error) {
	if !all {
		request, err := c.request(session.Access)
		return []string{request.Identity.Account()}, nil, err
	}
	accounts, err = s.Manager().Store.List(ctx)
	if err == nil {
		return accounts, nil, nil
	}
	if !store.IsKind(err, store.Corrupt, store.UnsupportedVersion) {
		return nil, nil, err
	}
	for _, name := range c.settings.Profiles() {
		other, err := c.forProfile(ctx, name)
		if err != nil {
			continue
		}
		if request, err := other.request(session.Access); err == nil {
			accounts = append(accounts, request.Identity.Account())
		}
	}
	return accounts, fmt.Errorf("there may be more sessions than those of the profiles: %w", err), nil
}

// forProfile returns a client for another profile, without the settings that Options have for this one.
func (c *Client) forProfile(ctx context.Context, name string) (*Client, error) {
	o := c.o
	o.Profile, o.Settings, o.Scopes, o.ClientSecret, o.Password = name, nil, nil, nil, nil
	return Open(ctx, o)
}

// clientFor returns the client of a session's identity, with the settings of the profile it belongs to.
func (c *Client) clientFor(ctx context.Context, id store.Identity) (*okta.Client, error) {
	owner := c
	if id.Profile != c.settings.ProfileName() {
		var err error
		if owner, err = c.forProfile(ctx, id.Profile); err != nil {
			return nil, err
		}
	}
	issuer, err := config.ParseDomain(id.Issuer)
	if err != nil {
		return nil, err
	}
	server, err := okta.NewAuthorizationServer(issuer.BaseURL, issuer.Server)
	if err != nil {
		return nil, err
	}
	return owner.oktaClient(ctx, server, id.ClientID)
}
