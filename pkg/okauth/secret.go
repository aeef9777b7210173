package okauth

import (
	"context"
	"errors"
	"sync"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/sealed"
)

type secretFunc func(context.Context) (okta.Secret, error)

// once makes read run once at most: standard input can be read once. A read that failed is repeated.
func once(read secretFunc) secretFunc {
	if read == nil {
		return nil
	}
	var mu sync.Mutex
	var secret okta.Secret
	return func(ctx context.Context) (okta.Secret, error) {
		mu.Lock()
		defer mu.Unlock()
		if !secret.IsZero() {
			return secret, nil
		}
		var err error
		secret, err = read(ctx)
		return secret, err
	}
}

// readSecret returns the secret that a setting refers to; the zero Secret where no setting does.
func readSecret(ctx context.Context, ref config.SecretRef) (okta.Secret, error) {
	if ref.IsZero() {
		return okta.Secret{}, nil
	}
	text, err := ref.Read(ctx)
	defer clear(text)
	return okta.NewSecret(string(text)), err
}

// clientSecret returns the secret of the client called id at an org: that of the settings if they are about this
// client, else the one in the keychain. The zero Secret means that there is none: a public client.
func (c *Client) clientSecret(ctx context.Context, baseURL, id string) (okta.Secret, error) {
	if c.isOwn(baseURL, id) {
		if secret, err := c.configuredSecret(ctx); err != nil || !secret.IsZero() {
			return secret, err
		}
	}
	account := store.ClientSecretAccount(c.settings.ProfileName(), baseURL, id)
	secret, err := store.ClientSecrets{Items: c.secretBackend(false)}.Load(ctx, account)
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

// configuredSecret returns the client secret that Options or a setting has; the zero Secret where neither does.
func (c *Client) configuredSecret(ctx context.Context) (okta.Secret, error) {
	if c.o.ClientSecret != nil {
		return c.o.ClientSecret(ctx)
	}
	return readSecret(ctx, c.settings.Secret(config.KeyClientSecret))
}

// secretBackend returns where a client secret is stored that no setting has: the keychain, unless the setting storage
// excludes it.
func (c *Client) secretBackend(mayPrompt bool) store.Backend {
	switch c.settings.Storage() {
	case StorageNone, StorageFile:
		return store.None{}
	}
	return c.Keychain(mayPrompt)
}

// KeychainSecret returns the keychain's client secrets, and the name of this client's. mayPrompt is as for
// [Client.Storage].
func (c *Client) KeychainSecret(mayPrompt bool) (secrets store.ClientSecrets, account string) {
	return store.ClientSecrets{Items: c.secretBackend(mayPrompt)},
		store.ClientSecretAccount(c.settings.ProfileName(), c.settings.Domain(), c.settings.ClientID())
}

// storageKey is the key of the sealed files. It is read once; a read that failed is repeated.
type storageKey struct {
	mu  sync.Mutex
	set bool
	key sealed.Key
}

func (k *storageKey) get(c *Client) func(context.Context) (sealed.Key, error) {
	return func(ctx context.Context) (sealed.Key, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.set {
			return k.key, nil
		}
		var err error
		k.key, err = c.readStorageKey(ctx)
		k.set = err == nil
		return k.key, err
	}
}

// readStorageKey takes the setting storage_key, else the client secret.
func (c *Client) readStorageKey(ctx context.Context) (sealed.Key, error) {
	own, err := readSecret(ctx, c.settings.Secret(config.KeyStorageKey))
	if err != nil {
		return sealed.Key{}, err
	}
	if !own.IsZero() {
		return sealed.ChooseKey(own, okta.Secret{})
	}
	secret, err := c.configuredSecret(ctx)
	if err != nil {
		return sealed.Key{}, err
	}
	return sealed.ChooseKey(okta.Secret{}, secret)
}
