package okauth

import (
	"cmp"
	"context"
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
	Factor   string   // the second or only factor that was used: "otp", "push", "sms", "voice"; "" where there was none
	Scope    []string // as granted
	Expires  time.Time
	Lifetime time.Duration // of the access token
	Renews   bool          // there is a refresh token, so the session goes on when the access token has expired
	Warnings []string      // what the server did other than asked, a sentence each
}

// Login signs in with the grant of the settings and stores the session. It asks through Options.Interaction for what
// the settings lack.
//
// The error is a *StorageOffError or a *store.Error before anything is asked, or one of [grant.Grant]. With a Session
// it says that the sign-in succeeded and could not be stored: the tokens are lost.
func (c *Client) Login(ctx context.Context) (*Session, error) {
	s, request, err := c.open(session.Access, true)
	if err != nil {
		return nil, err
	}
	if s.Backend == StorageNone {
		return nil, &StorageOffError{Source: c.settings.Source(config.KeyStorage)}
	}
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	if err := s.LocksReady(); err != nil {
		return nil, err
	}
	client, err := c.OktaClient(ctx)
	if err != nil {
		return nil, err
	}
	// Other processes wait for this session. Login does not wait for theirs: the user runs it to be asked now.
	mine := &turn{client: c, storage: s, id: request.Identity, longest: 100 * time.Millisecond}
	if c.asksPerson() {
		if _, err := mine.take(ctx, true); err != nil {
			return nil, err
		}
	}
	signedIn, err := c.login(ctx, mine, client, request)
	mine.end(err)
	return signedIn, err
}

// login is Login when all is ready for it.
func (c *Client) login(
	ctx context.Context, mine *turn, client *okta.Client, request session.TokenRequest,
) (*Session, error) {
	credentials, err := c.credentials(ctx, mine)
	if err != nil {
		return nil, err
	}
	tokens, err := mine.storage.Manager().Login(ctx, client, credentials, request)
	c.logins.Add(1)
	if tokens == nil {
		return nil, err
	}
	if err != nil {
		who := okta.Sanitize(cmp.Or(credentials.Username, tokens.Username), 200)
		if who == "" {
			who = "client " + okta.Sanitize(client.ID, 100)
		}
		err = fmt.Errorf("signed in as %s, but the session could not be stored: %w", who, err)
	}
	return &Session{
		Profile: c.settings.ProfileName(), Username: cmp.Or(credentials.Username, tokens.Username), ClientID: client.ID,
		Issuer: client.Server.Issuer(), Factor: tokens.Factor,
		Scope: tokens.Scope, Expires: tokens.ObtainedAt.Add(tokens.ExpiresIn), Lifetime: tokens.ExpiresIn,
		Renews: !tokens.RefreshToken.IsZero(), Warnings: tokens.Warnings,
	}, err
}

// nonInteractive reports whether the settings have all that a sign-in needs, so that no person is asked.
func (c *Client) nonInteractive() bool {
	if c.o.Password != nil && c.grant.Secret == config.KeyPassword || c.o.OTP != nil && c.grant.Secret == config.KeyOTP {
		return true // only a missing name is asked for
	}
	return c.grant.NonInteractive(c.settings.Username() != "", !c.settings.Secret(c.grant.Secret).IsZero())
}

// asksPerson reports whether a sign-in asks a person, and there is one to ask.
func (c *Client) asksPerson() bool {
	return !c.nonInteractive() && c.o.Interaction != nil && c.o.Interaction.CanPrompt()
}

// credentials returns the grant that the settings name, complete, and the user who signs in with it. What is missing
// is asked for here and not by the grant, which runs while the session is locked. mine is the turn to ask.
func (c *Client) credentials(ctx context.Context, mine *turn) (session.Credentials, error) {
	params := grant.Params{
		Username: c.settings.Username(), Scopes: c.settings.Scopes(), Factor: grant.Factor(c.settings.Factor()),
		RedirectURI: c.settings.RedirectURI(), ACRValues: c.settings.ACRValues(), Prompt: c.o.Prompt,
		NoBrowser: c.o.NoBrowser,
	}
	if c.grant.Username { // else it has no factors
		params.Last = mine.storage.lastFactor(ctx, mine.id)
	}
	var err error
	if c.grant.Username && params.Username == "" {
		if c.o.Interaction == nil {
			return session.Credentials{}, &grant.InteractionRequiredError{Field: "username"}
		}
		if params.Username, err = c.o.Interaction.AskUsername(ctx); err != nil {
			return session.Credentials{}, err
		}
	}
	var code *session.GuardedCode
	if next := c.otp(); next != nil {
		code = &session.GuardedCode{Next: next}
		params.OTP = code.Read
	}
	typed := false
	if c.grant.Secret != "" {
		if params.Secret, typed, err = c.grantSecret(ctx, params.Username); err != nil {
			return session.Credentials{}, err
		}
	}
	credentials := session.Credentials{
		Grant: c.grant.New(params), Username: params.Username, Interaction: c.o.Interaction,
		Code: code, Turn: mine.take,
	}
	if c.grant.LimitsFailures {
		credentials.Password, credentials.Typed = params.Secret, typed
		if what := oddity(params.Secret); what != "" && !typed {
			credentials.Grant = oddGrant{credentials.Grant, what}
		}
	}
	return credentials, nil
}

// guard returns the lock-out guard of all who share the storage of many machines, else that of the OS user, whatever
// the storage: a password is the user's at Okta.
func (c *Client) guard(s Storage) session.LockoutGuard {
	g := session.LockoutGuard{Items: s.Items, Locks: s.Locks, Now: c.o.Now, Warn: func(err error) {
		c.o.Events.Warning("a refusal could not be recorded, so a loop would send the same again " +
			"and could lock the account: " + err.Error())
	}}
	if s.Backend != StorageRedis {
		place := session.UserPlace{Locks: c.locks()}
		g.Items, g.Locks = place, place
	}
	return g
}

// grantSecret returns the secret of the grant, and whether a person has just typed it.
func (c *Client) grantSecret(ctx context.Context, username string) (secret okta.Secret, typed bool, err error) {
	if c.grant.Secret == config.KeyOTP { // the grant reads a code when it sends it, or asks for it: Params.OTP
		return okta.Secret{}, false, nil
	}
	secret, err = c.secret(ctx, c.grant.Secret)
	if err != nil || !secret.IsZero() {
		return secret, false, err
	}
	if c.o.Interaction == nil || c.grant.Secret != config.KeyPassword { // a person can type a password, but no assertion
		return secret, false, &grant.InteractionRequiredError{Field: c.grant.Secret}
	}
	secret, err = c.o.Interaction.AskPassword(ctx, username)
	return secret, true, err
}
