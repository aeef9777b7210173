package okauth

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
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
	if err := s.Locks.Ready(); err != nil {
		return nil, err
	}
	client, err := c.OktaClient(ctx)
	if err != nil {
		return nil, err
	}
	if !c.asksPerson() {
		return c.login(ctx, s, client, request)
	}
	// Other processes wait for this session. Login does not wait for theirs: the user runs it to be asked now.
	done, err := c.waitToAsk(ctx, s, request.Identity, 100*time.Millisecond)
	if err != nil {
		return nil, err
	}
	signedIn, err := c.login(ctx, s, client, request)
	done(err)
	return signedIn, err
}

// login is Login when all is ready for it.
func (c *Client) login(
	ctx context.Context, s Storage, client *okta.Client, request session.TokenRequest,
) (*Session, error) {
	credentials, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := s.Manager().Login(ctx, client, credentials, request)
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
	if c.o.Password != nil && c.grant.Secret == config.KeyPassword {
		return true // only a missing name is asked for
	}
	return c.grant.NonInteractive(c.settings.Username() != "", !c.settings.Secret(c.grant.Secret).IsZero())
}

// asksPerson reports whether a sign-in asks a person, and there is one to ask.
func (c *Client) asksPerson() bool {
	return !c.nonInteractive() && c.o.Interaction != nil && c.o.Interaction.CanPrompt()
}

// forever stands for no deadline: a person may take any time to answer, and Ctrl-C ends the wait.
const forever = math.MaxInt64

// waitToAsk waits until no other process asks a person to sign in to the session, for longest at most, and then until
// none asks on the same terminal, where the answer to one question could go to another. done lets others ask, except
// after an error if Options.HoldOnError is set. The session is not locked. The error is the cause of the end of ctx.
func (c *Client) waitToAsk(
	ctx context.Context, s Storage, id store.Identity, longest time.Duration,
) (done func(error), err error) {
	locks := filelock.Locks{Dir: c.o.LockDir}
	if locks.Dir == "" {
		locks.Dir, _ = filelock.Place(false) // without a place there is no lock, see lockQuestion
	}
	ofSession, ofTerminal := locks, locks
	if s.Backend == StorageFile { // those who share the file wait for each other
		ofSession.Dir = s.Locks.Dir
	}
	ofSession.Wait, ofTerminal.Wait = longest, forever
	signedIn, err := c.lockQuestion(ctx, ofSession, "ask-"+id.Account())
	answered := func() {}
	if err == nil && c.o.Terminal != "" {
		if answered, err = c.lockQuestion(ctx, ofTerminal, "ask-on-terminal-"+c.o.Terminal); err != nil {
			signedIn()
		}
	}
	return func(failed error) {
		if failed == nil || !c.o.HoldOnError {
			answered()
			signedIn()
		}
	}, err
}

// lockQuestion acquires a lock for a question. Where there can be no lock it does without: two questions at once are
// better than none.
func (c *Client) lockQuestion(ctx context.Context, locks filelock.Locks, name string) (release func(), err error) {
	locks.Waiting = c.o.Events.OtherAsks
	lock, err := locks.Acquire(ctx, name)
	switch {
	case err == nil:
		return lock.Release, nil
	case ctx.Err() != nil:
		return func() {}, context.Cause(ctx)
	}
	return func() {}, nil
}

// credentials returns the grant that the settings name, complete, and the user who signs in with it. What is missing
// is asked for here and not by the grant, which runs while the session is locked.
func (c *Client) credentials(ctx context.Context) (session.Credentials, error) {
	params := grant.Params{
		Username: c.settings.Username(), Scopes: c.settings.Scopes(), Factor: grant.Factor(c.settings.Factor()),
		RedirectURI: c.settings.RedirectURI(), ACRValues: c.settings.ACRValues(), Prompt: c.o.Prompt,
		NoBrowser: c.o.NoBrowser, OTP: c.otp(),
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
	typed := false
	if c.grant.Secret != "" {
		if params.Secret, typed, err = c.grantSecret(ctx, params.Username); err != nil {
			return session.Credentials{}, err
		}
	}
	credentials := session.Credentials{
		Grant: c.grant.New(params), Username: params.Username, Interaction: c.o.Interaction,
	}
	if c.grant.LimitsFailures {
		credentials.Password, credentials.Typed = params.Secret, typed
		if what := oddity(params.Secret); what != "" && !typed {
			credentials.Grant = oddGrant{credentials.Grant, what}
		}
	}
	return credentials, nil
}

func (c *Client) guard() session.LockoutGuard {
	return session.LockoutGuard{Locks: c.locks(), Now: c.o.Now, Warn: func(err error) {
		c.o.Events.Warning("the refusal of this password could not be recorded, so a loop would send it again " +
			"and could lock the account: " + err.Error())
	}}
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
