package cmd

// How a command gets a token that is valid now: "token" to print it, "exec" to
// hand it on.

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/profile"
	"okauth/pkg/session"
)

// obtain returns a token that is valid now: the cached one, unless fresh, else a
// new one. What the user should know of it is on standard error by then. With a
// *session.NotKeptError comes a token that is good.
func (s *sessionFlags) obtain(ctx context.Context, env *Env, kind kindFlag, fresh bool) (output.Token, error) {
	a, keeper, want, err := s.find(env, kind)
	if err != nil {
		return output.Token{}, err
	}
	var token session.Token
	if !fresh {
		token, err = keeper.Token(ctx, want)
	}
	if fresh || is[*session.LoginRequiredError](err) {
		want.Fresh = fresh
		token, err = a.renew(ctx, keeper, want)
	}
	if err != nil && !is[*session.NotKeptError](err) {
		return output.Token{}, loginAdvice(err, a)
	}
	for _, note := range token.Notes {
		a.warn(note)
	}
	return outputToken(token, want.Identity), err
}

// renew gets a new token, for which a request must be made and perhaps a person
// asked. From here on signals are caught: a refresh that has begun is brought to
// its end, since Okta may spend the refresh token at the moment we are told to stop.
func (a *app) renew(ctx context.Context, keeper session.Keeper, want session.Want) (session.Token, error) {
	ctx, stop := a.env.Signals(ctx)
	defer stop()
	// A reader of standard error that has gone away must not cost the session.
	signal.Ignore(syscall.SIGPIPE)
	ways, err := a.ways(ctx, want)
	if err != nil {
		return session.Token{}, err
	}
	token, err := keeper.Renew(ctx, want, ways)
	if s, ok := errors.AsType[SignalError](context.Cause(ctx)); ok && err != nil && !is[*session.NotKeptError](err) {
		return token, s
	}
	return token, err
}

// ways tells how new tokens can be had with these settings.
func (a *app) ways(ctx context.Context, want session.Want) (session.Ways, error) {
	server, err := a.server()
	if err != nil {
		return session.Ways{}, err
	}
	newClient := func(ctx context.Context) (*okta.Client, error) { return a.client(ctx, server, a.settings.ClientID()) }
	if a.flags.clientSecretStdin || a.settings.ClientSecret().Key == profile.KeyClientSecretCommand {
		// Whoever writes to the pipe, or the command, may ask a person, and nobody is asked while the session is
		// locked: others would wait for the answer.
		client, err := newClient(ctx)
		if err != nil {
			return session.Ways{}, err
		}
		newClient = func(context.Context) (*okta.Client, error) { return client, nil }
	}
	return session.Ways{
		Client: newClient,
		Credentials: func(ctx context.Context) (session.Grant, string, error) {
			if a.settings.Password().IsZero() && !a.flags.passwordStdin && !a.mayAsk() {
				return nil, "", nil
			}
			credentials, err := a.credentials(ctx)
			if err != nil {
				return nil, "", err
			}
			a.guard(credentials, want.Identity, false)
			return credentials, credentials.Username, nil
		},
	}, nil
}

// mayAsk tells whether there is somebody to ask.
func (a *app) mayAsk() bool {
	if a.flags.noInput {
		return false
	}
	t, err := a.env.OpenTerminal()
	if err != nil {
		return false
	}
	t.Close()
	return true
}

// loginAdvice tells who is not signed in how to be.
func loginAdvice(err error, a *app) error {
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	if !ok {
		return fileAdvice(err)
	}
	hint := "sign in with: okauth login" + a.flags.identity()
	if a.settings.Storage() == storageNone {
		hint = "storage is none, so no session is kept: set OKAUTH_USERNAME and OKAUTH_PASSWORD, or use --storage keychain or file and sign in with: okauth login"
	}
	return &codedError{
		err:  fmt.Errorf("profile %q: %w", a.settings.ProfileName(), required),
		code: exitLoginRequired, hint: hint,
	}
}
