package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/output"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/transport"
)

// app is what flags, environment and configuration make of one invocation.
type App struct {
	Env      *Env
	Flags    *SessionFlags
	Settings *config.Settings

	stdinSecret okta.Secret // the client secret, once it has been read
}

// open reads the settings.
func (s *SessionFlags) Open(env *Env) (*App, error) {
	if err := s.checkStdin(); err != nil {
		return nil, err
	}
	settings, err := config.Load(s.options(env))
	if err != nil {
		return nil, err
	}
	return &App{Env: env, Flags: s, Settings: settings}, nil
}

// options says where the settings come from.
func (s *SessionFlags) options(env *Env) config.Options {
	o := s.GlobalFlags.Options(env)
	maps.Copy(o.Flags, s.Set)
	return o
}

func (g *GlobalFlags) Options(env *Env) config.Options {
	o := config.Options{
		Flags: make(map[string]string), Profile: g.Profile, ConfigFile: g.config,
		LookupEnv: env.LookupEnv, UserConfigDir: env.UserConfigDir, Stderr: env.Stderr,
	}
	if g.timeout != "" {
		o.Flags[config.KeyTimeout] = g.timeout
	}
	return o
}

// server returns the authorization server to sign in at.
func (a *App) Server() (okta.AuthorizationServer, error) {
	if err := a.Settings.Require(config.KeyDomain, config.KeyClientID); err != nil {
		return okta.AuthorizationServer{}, err
	}
	return okta.NewAuthorizationServer(a.Settings.Domain(), a.Settings.Server())
}

// find reads the settings, and returns where sessions are kept, and the token of
// the session that the flags are about.
func (s *SessionFlags) Find(env *Env, kind KindFlag) (*App, Storage, session.TokenRequest, error) {
	a, err := s.Open(env)
	if err != nil {
		return nil, Storage{}, session.TokenRequest{}, err
	}
	server, err := a.Server()
	if err != nil {
		return nil, Storage{}, session.TokenRequest{}, err
	}
	want := a.Want(server)
	want.Kind = session.TokenType(kind)
	kept, err := a.Storage(false)
	return a, kept, want, err
}

func (a *App) Want(server okta.AuthorizationServer) session.TokenRequest {
	return session.TokenRequest{
		Identity: store.Identity{
			Profile: a.Settings.ProfileName(), Issuer: server.Issuer(), ClientID: a.Settings.ClientID(),
			User: a.Settings.Username(), Grant: a.Settings.Grant(),
		},
		Scopes: a.Settings.Scopes(),
		MinTTL: a.Settings.MinTTL(),
	}
}

// client returns the client called id that asks server for tokens.
func (a *App) Client(ctx context.Context, server okta.AuthorizationServer, id string) (*okta.Client, error) {
	secret, err := a.ClientSecret(ctx, server.BaseURL(), id)
	if err != nil {
		return nil, err
	}
	client, err := a.Asker(server)
	if err != nil {
		return nil, err
	}
	client.ID, client.Auth, client.SecretFrom = id, clientauth.ForSecret(secret), a.SecretFrom(server.BaseURL(), id)
	return client, nil
}

// asker returns a client that asks server for what it tells everybody, or whoever
// has a token: it has no secret to show.
func (a *App) Asker(server okta.AuthorizationServer) (*okta.Client, error) {
	client, err := transport.New(a.Transport())
	if err != nil {
		return nil, err
	}
	return &okta.Client{
		Server: server, ID: a.Settings.ClientID(),
		HTTP: client, UserAgent: a.Env.Build.userAgent(), Now: a.Env.Now, Wait: a.wait,
	}, nil
}

// transport says how requests are sent.
func (a *App) Transport() transport.Config {
	config := transport.Config{
		Timeout: a.Settings.Timeout(), CAFile: a.Settings.CAFile(),
		ClientCert: a.Settings.ClientCert(), ClientKey: a.Settings.ClientKey(),
	}
	if level := a.verbosity(); level == 0 {
		config.Slow = func(host string) func() { return a.Env.Progress(0, "waiting for "+host) }
	} else {
		config.Trace = func(line string) { fmt.Fprintf(a.Env.Stderr, "okauth: %s\n", okta.Sanitize(line, 2000)) }
		config.Detail = level >= verboseDetail
	}
	return config
}

// verbosity is how much of each request is shown. OKAUTH_DEBUG is what a job sets
// whose command line is far away.
func (a *App) verbosity() verbosity {
	switch debug := a.Env.Getenv("OKAUTH_DEBUG"); debug {
	case "", "0", "false":
		return a.Flags.verbose
	}
	return verboseDetail
}

// wait waits before a request is sent again, and says so: a person wonders what
// takes so long, and a job's log is read for the reason.
func (a *App) wait(ctx context.Context, d time.Duration, why string) error {
	if d >= time.Second {
		fmt.Fprintf(a.Env.Stderr, "okauth: %s; waiting %s\n", okta.Sanitize(why, 300), d.Round(time.Second))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// clientSecret returns the secret of the client called id at an organisation: the
// one that a setting promises, if the settings are about that client, else the
// one in the keychain. The zero Secret means that there is none: a public client.
func (a *App) ClientSecret(ctx context.Context, baseURL, id string) (okta.Secret, error) {
	if a.isOwn(baseURL, id) {
		if secret, err := a.givenSecret(ctx); err != nil || !secret.IsZero() {
			return secret, err
		}
	}
	account := store.ClientSecretAccount(a.Settings.ProfileName(), baseURL, id)
	secret, err := store.ClientSecrets{Items: a.Secrets(false)}.Load(ctx, account)
	e, ok := errors.AsType[*store.Error](err)
	if errors.Is(err, store.ErrNotFound) || ok && e.Kind == store.Unavailable && a.Settings.Storage() == StorageAuto {
		return okta.Secret{}, nil
	}
	return secret, err
}

// isOwn tells whether the settings are about the client called id.
func (a *App) isOwn(baseURL, id string) bool {
	return baseURL == a.Settings.Domain() && id == a.Settings.ClientID()
}

// secretFrom says what the secret of the client called id was taken from, where that is not
// what "config set client_secret" would change.
func (a *App) SecretFrom(baseURL, id string) string {
	promise := a.Settings.ClientSecret()
	switch {
	case !a.isOwn(baseURL, id):
		return ""
	case a.Flags.ClientSecretStdin:
		return "what --client-secret-stdin reads"
	case promise.IsZero():
		return ""
	}
	name := promise.Key
	if promise.Source.Kind == config.FromEnv {
		name = promise.Source.Name
	}
	switch promise.Key {
	case config.KeyClientSecretFile:
		return "the file that " + name + " names"
	case config.KeyClientSecretCommand:
		return "what the command of " + name + " prints"
	}
	if promise.Source.Kind == config.FromFile {
		return "it in " + promise.Source.Name
	}
	return name
}

// givenSecret returns the client secret that standard input or a setting has; the
// zero Secret where neither does.
func (a *App) givenSecret(ctx context.Context) (okta.Secret, error) {
	if !a.Flags.ClientSecretStdin {
		return a.Promised(ctx, a.Settings.ClientSecret())
	}
	if a.stdinSecret.IsZero() {
		text, err := ReadSecret(ctx, a.Env, "client secret")
		defer clear(text)
		if err != nil {
			return okta.Secret{}, err
		}
		a.stdinSecret = okta.NewSecret(string(text))
	}
	return a.stdinSecret, nil
}

// clientSecretAccount names the keychain item of the client's secret.
func (a *App) ClientSecretAccount() string {
	return store.ClientSecretAccount(a.Settings.ProfileName(), a.Settings.Domain(), a.Settings.ClientID())
}

// outputToken is t with what only its identity knows.
func outputToken(t session.CachedToken, id store.Identity) output.Token {
	return output.Token{
		Value: t.Value, Type: string(t.Kind), TokenType: t.TokenType, Scope: t.Scope, ExpiresAt: t.ExpiresAt,
		Issuer: id.Issuer, Profile: id.Profile,
	}
}

func (a *App) Warn(text string) {
	fmt.Fprintf(a.Env.Stderr, "okauth: warning: %s\n", okta.Sanitize(text, 2000))
}
