package cli

// How a command gets a token that is valid now.

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"okauth/pkg/okauth"
	"okauth/pkg/output"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// Token returns a token of type t that is valid now: the cached one, unless fresh is set, else a new one. It prints
// the token's warnings. With a *session.SaveError comes a token that is valid.
func (s *SessionFlags) Token(ctx context.Context, env *Env, t session.TokenType, fresh bool) (output.Token, error) {
	client, err := s.Open(env)
	if err != nil {
		return output.Token{}, err
	}
	token, err := ValidToken(ctx, env, client, t, fresh)
	return s.Result(env, client, token, err)
}

// ValidToken is Token with a client that is open, for [SessionFlags.Result]. If the keychain is locked and a person is
// at the terminal, the keychain may ask for its password.
func ValidToken(
	ctx context.Context, env *Env, client *okauth.Client, t session.TokenType, fresh bool,
) (session.CachedToken, error) {
	token, err := validToken(ctx, env, client, t, fresh)
	if token.Value.IsZero() && store.IsKind(err, store.Locked) && personPresent(env) {
		switch unlockErr := unlock(ctx, client); {
		case unlockErr == nil:
			return validToken(ctx, env, client, t, fresh)
		case !store.IsKind(unlockErr, store.Locked, store.Denied): // over SSH no dialog can be shown, and that looks denied
			err = unlockErr
		}
	}
	return token, err
}

func validToken(
	ctx context.Context, env *Env, client *okauth.Client, t session.TokenType, fresh bool,
) (token session.CachedToken, err error) {
	if !fresh {
		token, err = client.Cached(ctx, t)
	}
	if fresh || Is[*okauth.LoginRequiredError](err) {
		token, err = Uninterrupted(ctx, env, func(ctx context.Context) (session.CachedToken, error) {
			return client.Renew(ctx, t, fresh)
		})
	}
	return token, err
}

// personPresent reports whether a person at a terminal may be asked.
func personPresent(env *Env) bool {
	if kubernetesForbids(env) {
		return false
	}
	t, err := env.OpenTerminal()
	if err != nil {
		return false
	}
	_ = t.Close()
	return true
}

// unlock lets the keychain ask for its password, unless --no-input or the lack of a desktop forbids it.
func unlock(ctx context.Context, client *okauth.Client) error {
	storage, err := client.Storage(true)
	if err != nil {
		return err
	}
	return storage.Ready(ctx)
}

// Result returns a token as it is printed, after its warnings. err is the error of getting it with client.
func (s *SessionFlags) Result(
	env *Env, client *okauth.Client, token session.CachedToken, err error,
) (output.Token, error) {
	if err != nil && !Is[*session.SaveError](err) {
		return output.Token{}, s.Advise(s.FitHint(client.Settings(), err), s.missing(client)...)
	}
	for _, warning := range token.Notes {
		env.Warn(warning)
	}
	server, _ := client.Server() // it has just succeeded
	shown := output.Token{
		Value: token.Value, Type: string(token.Type), TokenType: token.TokenType, Issued: token.Issued, Scope: token.Scope,
		ExpiresAt: token.ExpiresAt, Issuer: server.Issuer(), Profile: client.Settings().ProfileName(),
	}
	if !token.DPoPKey.IsZero() {
		shown.Prover = token.Prover
	}
	return shown, err
}

// Uninterrupted gets a new token while signals are caught: a refresh that has begun gets a moment to end, because Okta
// may spend the refresh token just as the process must stop.
func Uninterrupted(
	ctx context.Context, env *Env, get func(context.Context) (session.CachedToken, error),
) (session.CachedToken, error) {
	ctx, stop := env.Signals(ctx)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a reader of standard error that has gone away must not cost the session
	defer env.Stopping(ctx)()
	token, err := get(ctx)
	if s, ok := errors.AsType[SignalError](context.Cause(ctx)); ok && err != nil && !Is[*session.SaveError](err) {
		return token, s
	}
	return token, err
}
