package okauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/store/sealed"
)

// once returns a function that calls read until it succeeds, and then returns what it returned: standard input can be
// read only once. nil stays nil.
func once[T any](read func(context.Context) (T, error)) func(context.Context) (T, error) {
	if read == nil {
		return nil
	}
	var mu sync.Mutex
	var value T
	var done bool
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return value, nil
		}
		var err error
		value, err = read(ctx)
		done = err == nil
		return value, err
	}
}

// secret returns what Options or a setting has for the secret called key; the zero Secret where neither does.
func (c *Client) secret(ctx context.Context, key string) (okta.Secret, error) {
	switch {
	case key == config.KeyPassword && c.o.Password != nil:
		return given(ctx, key, c.o.Password)
	case key == config.KeyClientSecret && c.o.ClientSecret != nil:
		return given(ctx, key, c.o.ClientSecret)
	case key == config.KeyPrivateKey && c.o.PrivateKey != nil:
		return given(ctx, key, c.o.PrivateKey)
	case key == config.KeyOTP && c.o.OTP != nil:
		return given(ctx, key, c.o.OTP)
	}
	ref := c.settings.Secret(key)
	if ref.IsZero() {
		return okta.Secret{}, nil
	}
	text, err := ref.Read(ctx)
	defer clear(text)
	return okta.NewSecret(string(text)), err
}

// otp returns the function that reads the one-time code of the options or the settings, anew each time: a code works
// once. nil where they have none.
func (c *Client) otp() func(context.Context) (okta.Secret, error) {
	if c.o.OTP == nil && c.settings.Secret(config.KeyOTP).IsZero() {
		return nil
	}
	return func(ctx context.Context) (okta.Secret, error) {
		code, err := c.secret(ctx, config.KeyOTP)
		return okta.NewSecret(strings.ReplaceAll(code.Reveal(), " ", "")), err
	}
}

// given returns the secret that a function of Options reads. An empty one is an error: a program that sets the function
// does not mean a public client.
func given(ctx context.Context, key string, read func(context.Context) (okta.Secret, error)) (okta.Secret, error) {
	secret, err := read(ctx)
	if err != nil {
		return okta.Secret{}, err
	}
	source := config.Source{Kind: config.FromFlag, Name: "the caller"}
	text, err := config.CleanSecret(key, []byte(secret.Reveal()), key, source)
	defer clear(text)
	return okta.NewSecret(string(text)), err
}

// oddGrant is a grant whose password has at its ends what may not belong to it. A password may, so it is sent; a
// refusal mentions it.
type oddGrant struct {
	grant.Grant
	oddity string
}

// oddity says what stands at the ends of a password that may not belong to it; "" if nothing does.
func oddity(password okta.Secret) string {
	text := password.Reveal()
	switch {
	case config.InQuotes(text):
		return "begins and ends with a quotation mark, which docker --env-file keeps"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a blank, which an editor or a copy may have added"
	}
	return ""
}

// Token implements grant.Grant.
func (g oddGrant) Token(ctx context.Context, client *okta.Client, i grant.Interaction) (*okta.TokenResponse, error) {
	tokens, err := g.Grant.Token(ctx, client, i)
	if e, ok := errors.AsType[*okta.Error](err); ok && e.Code == "invalid_grant" {
		err = fmt.Errorf("%w; the password that was sent %s", err, g.oddity)
	}
	return tokens, err
}

// readSealKey takes the setting storage_key, else the client secret.
func (c *Client) readSealKey(ctx context.Context) (sealed.Key, error) {
	own, err := c.secret(ctx, config.KeyStorageKey)
	var clientSecret okta.Secret
	if err == nil && own.IsZero() {
		clientSecret, err = c.secret(ctx, config.KeyClientSecret)
	}
	if err != nil {
		return sealed.Key{}, err
	}
	return sealed.ChooseKey(own, clientSecret)
}
