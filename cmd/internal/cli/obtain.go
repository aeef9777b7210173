package cli

// How a command gets a token that is valid now: "token" to print it, "exec" to
// hand it on.

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

// obtain returns a token that is valid now: the cached one, unless fresh, else a
// new one. What the user should know of it is on standard error by then. With a
// *session.NotKeptError comes a token that is good.
func (s *SessionFlags) Obtain(ctx context.Context, env *Env, kind KindFlag, fresh bool) (output.Token, error) {
	a, kept, want, err := s.Find(env, kind)
	if err != nil {
		return output.Token{}, err
	}
	var token session.CachedToken
	if !fresh {
		token, err = kept.Keeper(env).Token(ctx, want)
	}
	if fresh || Is[*session.LoginRequiredError](err) {
		want.Fresh = fresh
		token, err = a.renew(ctx, kept, want)
	}
	if err != nil && !Is[*session.SaveError](err) {
		return output.Token{}, a.LoginAdvice(ctx, kept, err)
	}
	for _, note := range token.Notes {
		a.Warn(note)
	}
	return outputToken(token, want.Identity), err
}

// renew gets a new token, for which a request must be made and perhaps a person
// asked. From here on signals are caught: a refresh that has begun gets a moment to
// end, since Okta may spend the refresh token just as we are told to stop.
func (a *App) renew(ctx context.Context, kept Storage, want session.TokenRequest) (session.CachedToken, error) {
	ctx, stop := a.Env.Signals(ctx)
	defer stop()
	// A reader of standard error that has gone away must not cost the session.
	signal.Ignore(syscall.SIGPIPE)
	ways, err := a.ways(ctx, kept, want)
	if err != nil {
		return session.CachedToken{}, err
	}
	token, err := kept.Keeper(a.Env).Renew(ctx, want, ways)
	if s, ok := errors.AsType[SignalError](context.Cause(ctx)); ok && err != nil && !Is[*session.SaveError](err) {
		return token, s
	}
	return token, err
}

// ways tells how new tokens can be had with these settings.
func (a *App) ways(ctx context.Context, kept Storage, want session.TokenRequest) (session.Options, error) {
	server, err := a.Server()
	if err != nil {
		return session.Options{}, err
	}
	newClient := func(ctx context.Context) (*okta.Client, error) { return a.Client(ctx, server, a.Settings.ClientID()) }
	if a.Flags.ClientSecretStdin || a.Settings.ClientSecret().Key == config.KeyClientSecretCommand {
		// Whoever writes to the pipe, or the command, may ask a person, and nobody is asked while the session is
		// locked: others would wait for the answer.
		client, err := newClient(ctx)
		if err != nil {
			return session.Options{}, err
		}
		newClient = func(context.Context) (*okta.Client, error) { return client, nil }
	}
	return session.Options{
		Client: newClient,
		Credentials: func(ctx context.Context, why *session.LoginRequiredError) (grant.Grant, string, error) {
			if !a.Unattended() && !a.mayAsk() {
				return nil, "", nil
			}
			// Before anything is asked or sent: could the session be kept?
			err := kept.Reach(ctx)
			if err != nil && !kept.Without(err) {
				return nil, "", err
			}
			if !a.Unattended() {
				fmt.Fprintf(a.Env.Stderr, "okauth: %s\n", okta.Sanitize(why.Error(), 1000))
			}
			if !a.Unattended() && err != nil {
				a.Warn("there is no keychain, so what you sign in for now is not kept; --storage file keeps it in a sealed file")
			}
			return a.Credentials(ctx, want.Identity, false)
		},
	}, nil
}

// mayAsk tells whether there is somebody to ask.
func (a *App) mayAsk() bool {
	if a.Flags.NoInput {
		return false
	}
	t, err := a.Env.OpenTerminal()
	if err != nil {
		return false
	}
	t.Close()
	return true
}

// loginAdvice tells who is not signed in how to be.
func (a *App) LoginAdvice(ctx context.Context, kept Storage, err error) error {
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	if !ok {
		return FileAdvice(err)
	}
	advice := "sign in with: okauth login" + a.Flags.Identity()
	if kept.Backend == StorageNone {
		advice = "storage is none, so no session is kept: set OKAUTH_USERNAME and OKAUTH_PASSWORD, or use --storage keychain or file and sign in with: okauth login"
	} else if absent := kept.Reach(ctx); absent != nil && kept.Without(absent) {
		advice = "there is no keychain here, so no session is kept: set OKAUTH_USERNAME and OKAUTH_PASSWORD, or use --storage file and sign in with: okauth login"
	}
	return &ExitError{
		Err:  fmt.Errorf("profile %q: %w", a.Settings.ProfileName(), required),
		Code: ExitLoginRequired, Advice: advice,
	}
}
