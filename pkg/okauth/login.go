package okauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/session"
)

// Session describes a session that [Client.Login] has stored. It holds no secret.
type Session struct {
	Profile  string
	Username string // "" where the client itself signed in
	ClientID string
	Issuer   string
	Scope    []string // as granted
	Expires  time.Time
	Lifetime time.Duration // of the access token
	Warnings []string      // what the server did other than asked, a sentence each
}

// NotStoredError says that a sign-in succeeded and its session could not be stored: the tokens are lost. Err is the
// store's error.
type NotStoredError struct {
	Username string // "" where the client itself signed in
	ClientID string
	Err      error
}

func (e *NotStoredError) Error() string {
	who := "client " + okta.Sanitize(e.ClientID, 100)
	if e.Username != "" {
		who = okta.Sanitize(e.Username, 200)
	}
	return fmt.Sprintf("signed in as %s, but the session could not be stored: %v", who, e.Err)
}

// Unwrap returns the store's error.
func (e *NotStoredError) Unwrap() error { return e.Err }

// Login signs in with the grant of the settings and stores the session. It asks through Options.Interaction for what
// the settings lack. It sends a password even if Okta refused it recently; Token does not.
//
// The error is a *StorageOffError or a *store.Error before anything is asked, a *NotStoredError after the sign-in, or
// one of [grant.Grant].
func (c *Client) Login(ctx context.Context) (*Session, error) {
	request, err := c.Request(session.Access)
	if err != nil {
		return nil, err
	}
	s, err := c.Storage(true)
	if err != nil {
		return nil, err
	}
	if err := s.CanStore(ctx); err != nil {
		return nil, err
	}
	client, err := c.OktaClient(ctx)
	if err != nil {
		return nil, err
	}
	credentials, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	username := credentials.Username
	tokens, err := s.Manager().Login(ctx, client, credentials, request)
	if tokens != nil && err != nil {
		return nil, &NotStoredError{Username: username, ClientID: client.ID, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return &Session{
		Profile: c.settings.ProfileName(), Username: username, ClientID: client.ID, Issuer: client.Server.Issuer(),
		Scope: tokens.Scope, Expires: tokens.ObtainedAt.Add(tokens.ExpiresIn), Lifetime: tokens.ExpiresIn,
		Warnings: tokens.Warnings,
	}, nil
}

// NonInteractive reports whether the settings have all that a sign-in needs, so that no person is asked.
func (c *Client) NonInteractive() bool {
	if c.o.Password != nil && c.grant.Secret == config.KeyPassword {
		return !c.grant.Interactive // a name that is missing is asked for even so
	}
	return c.grant.NonInteractive(c.settings.Username() != "", !c.settings.Secret(c.grant.Secret).IsZero())
}

// credentials returns the grant that the settings name, complete, and the user who signs in with it. What is missing
// is asked for here and not by the grant, which runs while the session is locked.
func (c *Client) credentials(ctx context.Context) (session.Credentials, error) {
	params := grant.Params{Username: c.settings.Username(), Scopes: c.settings.Scopes()}
	var err error
	if c.grant.Username && params.Username == "" {
		if params.Username, err = c.askUsername(ctx); err != nil {
			return session.Credentials{}, err
		}
	}
	typed := false
	if c.grant.Secret != "" {
		if params.Secret, typed, err = c.grantSecret(ctx, params.Username); err != nil {
			return session.Credentials{}, err
		}
	}
	credentials := session.Credentials{Grant: c.grant.New(params), Username: params.Username}
	if c.grant.LimitsFailures && !typed {
		credentials.Password = params.Secret
	}
	if c.o.Interaction != nil {
		credentials.Interaction = c.o.Interaction
	}
	return credentials, nil
}

// passwordBlocked reports whether the password of the settings would not be sent. One that a command prints is not
// looked at: the command may ask a person.
func (c *Client) passwordBlocked(ctx context.Context, request session.TokenRequest) bool {
	ref := c.settings.Secret(c.grant.Secret)
	if !c.grant.LimitsFailures || ref.IsZero() || ref.FromCommand() {
		return false
	}
	password, err := readSecret(ctx, ref)
	if err != nil {
		return false
	}
	err = c.guard().Check(request.Identity.Issuer, c.settings.Username(), password)
	_, blocked := errors.AsType[*session.PasswordBlockedError](err)
	return blocked
}

func (c *Client) guard() session.LockoutGuard {
	return session.LockoutGuard{Locks: c.locks(), Now: c.now, Warn: func(err error) {
		c.warn("the refusal of this password could not be recorded, so a loop would send it again " +
			"and could lock the account: " + err.Error())
	}}
}

func (c *Client) askUsername(ctx context.Context) (string, error) {
	if c.o.Interaction == nil {
		return "", &grant.InteractionRequiredError{Field: "username"}
	}
	return c.o.Interaction.AskUsername(ctx)
}

// grantSecret returns the secret of the grant, and whether a person has just typed it.
func (c *Client) grantSecret(ctx context.Context, username string) (secret okta.Secret, typed bool, err error) {
	ref := c.settings.Secret(c.grant.Secret)
	switch {
	case c.o.Password != nil && c.grant.Secret == config.KeyPassword:
		secret, err = c.o.Password(ctx)
	case !ref.IsZero():
		secret, err = readSecret(ctx, ref)
	case c.o.Interaction == nil || c.grant.Secret != config.KeyPassword: // a person can type a password, but no assertion
		err = &grant.InteractionRequiredError{Field: c.grant.Secret}
	default:
		typed = true
		secret, err = c.o.Interaction.AskPassword(ctx, username)
	}
	return secret, typed, err
}
