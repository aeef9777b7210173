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
	"okauth/pkg/store"
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

// clientSecret returns the secret of the client called id at an org: that of the settings if they are about this
// client, else the one in the keychain. The zero Secret means that there is none: a public client.
func (c *Client) clientSecret(ctx context.Context, baseURL, id string) (okta.Secret, error) {
	if c.isOwn(baseURL, id) {
		if secret, err := c.secret(ctx, config.KeyClientSecret); err != nil || !secret.IsZero() {
			return secret, err
		}
	}
	secrets, account := c.storedSecret(baseURL, id, false)
	secret, err := secrets.Load(ctx, account)
	noKeychain := c.settings.Storage() == StorageAuto && store.IsKind(err, store.Unavailable)
	if noKeychain || errors.Is(err, store.ErrNotFound) {
		return okta.Secret{}, nil
	}
	return secret, err
}

// isOwn reports whether the settings are about the client called id.
func (c *Client) isOwn(baseURL, id string) bool {
	return baseURL == c.settings.Domain() && id == c.settings.ClientID()
}

// KeychainSecret returns the keychain's client secrets, and the name of this client's. mayPrompt is as for
// [Client.Storage].
func (c *Client) KeychainSecret(mayPrompt bool) (secrets store.ClientSecrets, account string) {
	return c.storedSecret(c.settings.Domain(), c.settings.ClientID(), mayPrompt)
}

// storedSecret is KeychainSecret for the client called id at an org. Where the setting storage excludes the keychain,
// it has no secrets.
func (c *Client) storedSecret(baseURL, id string, mayPrompt bool) (store.ClientSecrets, string) {
	account := store.ClientSecretAccount(c.settings.ProfileName(), baseURL, id)
	switch c.settings.Storage() {
	case StorageNone, StorageFile:
		return store.ClientSecrets{Items: store.None{}}, account
	}
	return store.ClientSecrets{Items: c.keychain(mayPrompt)}, account
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
