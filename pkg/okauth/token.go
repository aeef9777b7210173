package okauth

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/oauth2"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/transport"
)

// LoginRequiredError says that there is no valid token and no way to get one without a person. The caller runs
// [Client.Login] with an Interaction, or asks the user to run okauth login.
type LoginRequiredError = session.LoginRequiredError

// Token returns an access token that is valid for at least MinTTL: the cached one, else a refreshed one, else one from
// a sign-in. Of many processes and goroutines that ask at once, one makes the request and all get its result. The
// token has no refresh token, because okauth rotates that itself; Extra("scope") is what was granted. A token of type
// DPoP opens nothing without a proof for each request: HTTPClient and session.CachedToken make them.
//
// With a *session.SaveError comes a token that is valid.
func (c *Client) Token(ctx context.Context) (*oauth2.Token, error) {
	return oauthToken(c.Get(ctx, session.Access))
}

func oauthToken(t session.CachedToken, err error) (*oauth2.Token, error) {
	if t.Value.IsZero() {
		return nil, err
	}
	token := &oauth2.Token{AccessToken: t.Value.Reveal(), TokenType: t.TokenType, Expiry: t.ExpiresAt}
	return token.WithExtra(map[string]any{"scope": t.Scope}), err
}

// Get returns a token of type t as [Client.Token] does. With a *session.SaveError comes a token that is valid.
func (c *Client) Get(ctx context.Context, t session.TokenType) (session.CachedToken, error) {
	for {
		token, err := c.Cached(ctx, t)
		required, ok := errors.AsType[*LoginRequiredError](err)
		if !ok {
			return token, err
		}
		mine := &renewal{done: make(chan struct{})}
		other, running := c.renewals.LoadOrStore(t, mine)
		if !running {
			c.renew(ctx, t, mine, required.NoStore != "")
			return mine.token, mine.err
		}
		select {
		case <-other.(*renewal).done:
			if r := other.(*renewal); !r.cancelled {
				return r.token, r.err
			}
		case <-ctx.Done():
			return session.CachedToken{}, context.Cause(ctx)
		}
	}
}

// renewal is a call that gets a new token. The other calls of a Client wait for it, without the lock of the session,
// and without credentials. They share its result, so that none of them waits longer than one call.
type renewal struct {
	done      chan struct{} // closed when the rest is set
	token     session.CachedToken
	err       error
	cancelled bool // the caller did not wait for the result, and another has to get one
}

// renew gets a token for r. unstored says that none is stored: the last token then serves all calls of this client.
func (c *Client) renew(ctx context.Context, t session.TokenType, r *renewal, unstored bool) {
	defer close(r.done)
	defer c.renewals.Delete(t)
	if last, ok := c.unstored.Load(t); ok && unstored {
		r.token = last.(session.CachedToken)
		if r.token.ExpiresAt.Sub(c.o.Now()) >= c.settings.MinTTL() {
			return
		}
	}
	r.token, r.err = c.Renew(ctx, t, false)
	r.cancelled = r.token.Value.IsZero() && ctx.Err() != nil
}

// open returns the store, and the request for a token of type t.
func (c *Client) open(t session.TokenType, mayPrompt bool) (Storage, session.TokenRequest, error) {
	request, err := c.request(t)
	if err != nil {
		return Storage{}, request, err
	}
	s, err := c.Storage(mayPrompt)
	return s, request, err
}

// Cached returns the stored token of type t if it is valid for at least MinTTL. It costs one read of the store. The
// error is a *LoginRequiredError where there is none; [Client.Renew] may get one.
func (c *Client) Cached(ctx context.Context, t session.TokenType) (session.CachedToken, error) {
	return c.read(ctx, t, false)
}

// Stored returns the stored token of type t, valid or not. Its errors are those of [Client.Cached].
func (c *Client) Stored(ctx context.Context, t session.TokenType) (session.CachedToken, error) {
	return c.read(ctx, t, true)
}

func (c *Client) read(ctx context.Context, t session.TokenType, stored bool) (session.CachedToken, error) {
	s, request, err := c.open(t, false)
	if err != nil {
		return session.CachedToken{}, err
	}
	request.Stored = stored
	token, err := s.Manager().Token(ctx, request)
	return token, c.withProfile(err)
}

// Renew returns a valid token of type t, refreshing the session or signing in if it must; if force is set it does so
// even when the cached token is valid. With a *session.SaveError comes a token that is valid. A refresh that has begun
// when ctx ends gets two seconds more, because its answer may hold the only good refresh token.
func (c *Client) Renew(ctx context.Context, t session.TokenType, force bool) (session.CachedToken, error) {
	s, request, err := c.open(t, true)
	if err != nil {
		return session.CachedToken{}, err
	}
	request.Fresh = force
	return c.renewSession(ctx, s, request)
}

// Next is [Client.Renew] for a caller who wants the token of type t that comes after last, which may be valid still.
// That is the stored one, if another process has renewed the session since; so of many callers that want the next token
// one makes the request.
func (c *Client) Next(ctx context.Context, t session.TokenType, last okta.Secret) (session.CachedToken, error) {
	s, request, err := c.open(t, true)
	if err != nil {
		return session.CachedToken{}, err
	}
	request.Last, request.MinTTL = last, 0
	return c.renewSession(ctx, s, request)
}

func (c *Client) renewSession(
	ctx context.Context, s Storage, request session.TokenRequest,
) (session.CachedToken, error) {
	options, end := c.renewOptions(s, request.Identity)
	token, err := s.Manager().Renew(ctx, request, options)
	end(err)
	if err == nil {
		c.unstored.Store(request.Type, token)
	}
	return token, c.withProfile(err)
}

// renewOptions returns how to get a new token for a session of s. end must be called with the error of getting it.
func (c *Client) renewOptions(s Storage, id store.Identity) (o session.Options, end func(error)) {
	client, mine := once(c.OktaClient), &turn{client: c, storage: s, id: id, longest: forever}
	o = session.Options{
		Client: client,
		Credentials: func(ctx context.Context, why *session.LoginRequiredError) (session.Credentials, error) {
			return c.credentialsFor(ctx, mine, why, client)
		},
	}
	if c.asksPerson() {
		o.WaitToAsk = func(ctx context.Context) error {
			_, err := mine.take(ctx, true)
			return err
		}
	}
	return o, mine.end
}

// credentialsFor returns what to sign in with when no refresh is possible; no Grant where only a person could sign in
// and there is none. A client secret or key that cannot be one is the error even then: no sign-in works with it.
func (c *Client) credentialsFor(
	ctx context.Context, mine *turn, why *session.LoginRequiredError, client func(context.Context) (*okta.Client, error),
) (session.Credentials, error) {
	ask := c.asksPerson() && !why.Unsure
	if !ask && !c.nonInteractive() {
		var err error
		secret, key := c.settings.Secret(config.KeyClientSecret), c.settings.Secret(config.KeyPrivateKey)
		if c.hasSecret() || c.hasKey() {
			if !secret.FromCommand() && !key.FromCommand() { // no command is run in vain: it may ask a person
				_, err = client(ctx)
			}
		}
		return session.Credentials{}, err
	}
	// Before anything is asked or sent: can the session be stored?
	err := mine.storage.Ready(ctx)
	if err != nil && !mine.storage.NotNeeded(err) {
		return session.Credentials{}, err
	}
	if ask { // no one types a password that cannot be sent
		if _, err := client(ctx); err != nil {
			return session.Credentials{}, err
		}
	}
	if ask && c.o.Events.SignIn != nil {
		c.o.Events.SignIn(why, err)
	}
	credentials, err := c.credentials(ctx, mine)
	if why.Unsure || c.o.Interaction != nil && !c.o.Interaction.CanPrompt() {
		credentials.Interaction = nil // no phone is rung for a program that no one looks at
	}
	return credentials, err
}

// withProfile adds the profile to an error that only a sign-in resolves.
func (c *Client) withProfile(err error) error {
	if required, ok := errors.AsType[*LoginRequiredError](err); ok {
		required.Profile = c.settings.ProfileName()
	}
	return err
}

// TokenSource returns a source of access tokens for scopes, or for those of the settings where none are given. Each
// token comes from [Client.Token] with ctx; wrap the source in oauth2.ReuseTokenSource to save the read of the
// keychain.
func (c *Client) TokenSource(ctx context.Context, scopes ...string) oauth2.TokenSource {
	client := c
	var err error
	if len(scopes) > 0 {
		o := c.o
		o.Scopes = scopes
		client, err = Open(ctx, o)
	}
	return tokenSource(func() (*oauth2.Token, error) {
		if err != nil {
			return nil, err
		}
		return oauthToken(client.usable(client.Get(ctx, session.Access)))
	})
}

type tokenSource func() (*oauth2.Token, error)

// Token implements oauth2.TokenSource.
func (s tokenSource) Token() (*oauth2.Token, error) { return s() }

// usable drops the error that comes with a valid token, for callers who would drop the token.
func (c *Client) usable(token session.CachedToken, err error) (session.CachedToken, error) {
	if _, ok := errors.AsType[*session.SaveError](err); ok {
		c.o.Events.Warning(err.Error())
		err = nil
	}
	return token, err
}

// HTTPClient returns a client that adds the access token to each request. It keeps the token in memory until MinTTL
// before its end; then one request has it renewed, and others use the old one while it is valid. ctx is the context of
// the token requests. When the server answers 401 it gets a new token and sends the request once more, if the body can
// be sent again; the error is a *LoginRequiredError if the session has ended. It never sends the token over http except
// to a loopback address. With a token that is bound to a key (DPoP) it adds a proof to each request, and sends a
// request once more with the nonce that its server asks for.
func (c *Client) HTTPClient(ctx context.Context) *http.Client {
	return &http.Client{Transport: &bearerTransport{
		token: &sharedToken{client: c, ctx: ctx}, base: http.DefaultTransport, plain: transport.Loopback(),
	}}
}

// Transport returns base with what HTTPClient adds. base must send plain http to loopback addresses only. The first
// requests have the token first, which Get has returned; without one, the zero value, they get one.
func (c *Client) Transport(ctx context.Context, base http.RoundTripper, first session.CachedToken) http.RoundTripper {
	tokens := &sharedToken{client: c, ctx: ctx, logins: c.logins.Load()}
	if token, err := c.share(first, accessToken{}); err == nil {
		tokens.token = token
	}
	return &bearerTransport{token: tokens, base: base, plain: base}
}

// Wait waits until no renewal runs that a request of HTTPClient has begun. A program that ends calls it: the answer to
// a refresh may hold the only refresh token that works.
func (c *Client) Wait() {
	c.background.Lock()
	defer c.background.Unlock()
}
