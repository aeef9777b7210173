package cmd

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"strings"

	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/profile"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/transport"
)

// app is what flags, environment and configuration make of one invocation.
type app struct {
	env      *Env
	flags    *sessionFlags
	settings *profile.Settings
}

// open reads the settings.
func (s *sessionFlags) open(env *Env) (*app, error) {
	settings, err := profile.Load(s.options(env))
	if err != nil {
		return nil, err
	}
	return &app{env: env, flags: s, settings: settings}, nil
}

// options says where the settings come from.
func (s *sessionFlags) options(env *Env) profile.Options {
	o := s.globalFlags.options(env)
	maps.Copy(o.Flags, s.set)
	return o
}

func (g *globalFlags) options(env *Env) profile.Options {
	o := profile.Options{
		Flags: make(map[string]string), Profile: g.profile, ConfigFile: g.config,
		LookupEnv: env.LookupEnv, UserConfigDir: env.UserConfigDir, Stderr: env.Stderr,
	}
	if g.timeout != "" {
		o.Flags[profile.KeyTimeout] = g.timeout
	}
	return o
}

// server returns the authorization server to sign in at.
func (a *app) server() (okta.Server, error) {
	if err := a.settings.Require(profile.KeyDomain, profile.KeyClientID); err != nil {
		return okta.Server{}, err
	}
	return okta.NewServer(a.settings.Domain(), a.settings.Server())
}

// keychain returns where things are kept; mayPrompt lets a locked keychain ask
// the person for its password.
func (a *app) keychain(mayPrompt bool) store.Items {
	switch {
	case a.settings.Storage() == "none":
		return store.None{}
	case a.env.Keychain != nil:
		return a.env.Keychain
	}
	return store.NewKeychain(store.KeychainOptions{
		MayPrompt: mayPrompt && !a.flags.noInput && a.env.desktop(),
		Notify:    func(text string) { fmt.Fprintln(a.env.Stderr, "okauth: "+text) },
	})
}

// find reads the settings, and returns the keeper of sessions and the token of
// the session that the flags are about.
func (s *sessionFlags) find(env *Env, kind kindFlag) (*app, session.Keeper, session.Want, error) {
	a, err := s.open(env)
	if err != nil {
		return nil, session.Keeper{}, session.Want{}, err
	}
	server, err := a.server()
	if err != nil {
		return nil, session.Keeper{}, session.Want{}, err
	}
	want := a.want(server)
	want.Kind = session.Kind(kind)
	return a, session.Keeper{Store: store.Sessions{Items: a.keychain(false)}, Now: env.Now}, want, nil
}

func (a *app) want(server okta.Server) session.Want {
	return session.Want{
		Identity: store.Identity{
			Profile: a.settings.ProfileName(), Issuer: server.Issuer(), ClientID: a.settings.ClientID(),
			User: a.settings.Username(), Grant: "password",
		},
		Scopes: a.settings.Scopes(),
		MinTTL: a.settings.MinTTL(),
	}
}

// rootsFunc yields the certificate authorities that are trusted.
type rootsFunc = func() (*x509.CertPool, error)

// roots starts to load the trusted authorities, if server will be asked for a
// certificate: that takes as long as the keychain and the connection together.
func (a *app) roots(server okta.Server) rootsFunc {
	if strings.HasPrefix(server.BaseURL(), "https://") {
		return transport.Preload(a.settings.CAFile())
	}
	return transport.Roots(a.settings.CAFile())
}

// client returns the client that signs in at server.
func (a *app) client(ctx context.Context, server okta.Server, kept store.Items, roots rootsFunc) (*okta.Client, error) {
	secret, err := a.clientSecret(ctx, kept)
	if err != nil {
		return nil, err
	}
	config := transport.Config{Timeout: a.settings.Timeout(), CAFile: a.settings.CAFile(), Roots: roots}
	if a.flags.verbose {
		config.Trace = func(line string) { fmt.Fprintf(a.env.Stderr, "okauth: %s\n", okta.Printable(line, 500)) }
	}
	client, err := transport.New(config)
	if err != nil {
		return nil, err
	}
	return &okta.Client{
		Server: server, ID: a.settings.ClientID(), Secret: secret,
		HTTP: client, UserAgent: a.env.Build.userAgent(), Now: a.env.Now,
	}, nil
}

// clientSecret returns the secret that a setting promises, else the one in the
// keychain. The zero Secret means that there is none: a public client.
func (a *app) clientSecret(ctx context.Context, kept store.Items) (okta.Secret, error) {
	promised := a.settings.ClientSecret()
	if !promised.IsZero() {
		text, err := promised.Read(ctx)
		if err != nil {
			return okta.Secret{}, err
		}
		defer clear(text)
		return okta.NewSecret(string(text)), nil
	}
	secret, err := store.ClientSecrets{Items: kept}.Load(ctx, a.clientSecretAccount())
	if errors.Is(err, store.ErrNotFound) {
		return okta.Secret{}, nil
	}
	return secret, err
}

// clientSecretAccount names the keychain item of the client's secret.
func (a *app) clientSecretAccount() string {
	return store.ClientSecretAccount(a.settings.ProfileName(), a.settings.Domain(), a.settings.ClientID())
}

// outputToken is t with what only its identity knows.
func outputToken(t session.Token, id store.Identity) output.Token {
	return output.Token{
		Value: t.Value, Type: string(t.Kind), TokenType: t.TokenType, Scope: t.Scope, ExpiresAt: t.ExpiresAt,
		Issuer: id.Issuer, Profile: id.Profile,
	}
}

func (a *app) warn(text string) {
	fmt.Fprintf(a.env.Stderr, "okauth: warning: %s\n", okta.Printable(text, 2000))
}
