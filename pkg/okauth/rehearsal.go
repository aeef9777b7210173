package okauth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// rehearse does what Renew would do now, up to the first request, and returns which step that is. It sends and stores
// nothing, locks nothing and asks no one, and it runs no command that prints a secret: the command may ask a person.
// The error is Renew's, with Fail, or says what only a person can give, with Ask.
func (c *Client) rehearse(ctx context.Context, s Storage, request session.TokenRequest) (NextAction, error) {
	alone := &Client{o: c.o, settings: c.settings, grant: c.grant, sealKey: c.sealKey, key: c.key, offline: true}
	alone.o.Interaction, alone.o.Events = nil, Events{Warning: func(string) {}}
	if c.o.PrivateKey != nil || c.settings.Secret(config.KeyPrivateKey).FromCommand() {
		alone.key = func(context.Context) (clientauth.Key, error) { return clientauth.GenerateKey(clientauth.ES256) }
	}
	c.standIn(&alone.o.Password, config.KeyPassword)
	c.standIn(&alone.o.ClientSecret, config.KeyClientSecret)
	c.standIn(&alone.o.OTP, config.KeyOTP)

	m := s.Manager()
	m.Guard.Rehearsal = true
	if s.Backend != StorageNone {
		m.Store = store.Sessions{Items: unchanged{s.Items}}
	}
	step, stage := Refresh, new(unsent)
	_, err := m.Renew(ctx, request, session.Options{
		Client: func(ctx context.Context) (*okta.Client, error) {
			client, err := alone.OktaClient(ctx)
			if err == nil {
				client.HTTP = &http.Client{Transport: stage}
			}
			return client, err
		},
		Credentials: func(ctx context.Context, why *session.LoginRequiredError) (session.Credentials, error) {
			step = SignIn
			return alone.credentialsFor(ctx, &turn{storage: s, id: request.Identity}, why, alone.OktaClient)
		},
	})
	_, missing := errors.AsType[*grant.InteractionRequiredError](err)
	_, required := errors.AsType[*session.LoginRequiredError](err)
	switch {
	case stage.reached && step == SignIn && c.lacksFactor(s.lastFactor(ctx, request.Identity)):
		return Ask, nil
	case stage.reached:
		return step, nil
	case err == nil: // another process has just stored one
		return UseCached, nil
	case missing || required:
		return Ask, err
	}
	return Fail, err
}

// lacksFactor reports whether a sign-in like the last one, whose second factor was last, needs a person: "" was none.
// What Okta wants the next time is not known before the password is sent.
func (c *Client) lacksFactor(last grant.Factor) bool {
	fixed := grant.Factor(c.settings.Factor())
	return last != "" && (c.otp() == nil || fixed != "" && fixed != grant.FactorOTP)
}

// standIn replaces a secret that a function or a command would provide.
func (c *Client) standIn(read *func(context.Context) (okta.Secret, error), key string) {
	if *read == nil && !c.settings.Secret(key).FromCommand() {
		return
	}
	*read = func(context.Context) (okta.Secret, error) { return okta.NewSecret("000000"), nil } // may be a code
}

// unsent is a network that no request goes out to.
type unsent struct{ reached bool }

// RoundTrip implements http.RoundTripper.
func (u *unsent) RoundTrip(*http.Request) (*http.Response, error) {
	u.reached = true
	return nil, errors.New("this is a rehearsal")
}

// unchanged is a backend that is read and not written.
type unchanged struct{ store.Backend }

func (unchanged) Set(context.Context, string, []byte) error { return nil }
func (unchanged) Delete(context.Context, string) error      { return nil }
func (u unchanged) Ahead() time.Duration                    { return store.Ahead(u.Backend) }
