package okauth

// How the client authenticates, and what with. What the options have is stronger than the settings, and those than the
// keychain; of two in one place, the key is meant.

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/store"
)

// isOwn reports whether the settings are about the client called id.
func (c *Client) isOwn(baseURL, id string) bool {
	return baseURL == c.settings.Domain() && id == c.settings.ClientID()
}

// authenticate chooses how client authenticates: as the setting client_auth says, else by what the client has. It reads
// only what it needs.
func (c *Client) authenticate(ctx context.Context, client *okta.Client) error {
	baseURL, want := client.Server.BaseURL(), ""
	if c.isOwn(baseURL, client.ID) {
		want = c.settings.ClientAuth()
	}
	switch want {
	case "none":
		client.Auth = clientauth.None{}
		return nil
	case "", clientauth.PrivateKeyJWT{}.Name():
		err := c.useKey(ctx, client)
		if err != nil || client.Auth != nil {
			return err
		}
		if want != "" {
			return c.missing(config.KeyPrivateKey)
		}
	}
	secret, err := c.clientSecret(ctx, baseURL, client.ID)
	switch {
	case err != nil:
		return err
	case secret.IsZero() && want != "":
		return c.missing(config.KeyClientSecret)
	case want == clientauth.ClientSecretJWT{}.Name():
		client.Auth = clientauth.ClientSecretJWT{Secret: secret}
		if err := clientauth.CheckHMAC(secret); err != nil {
			return &config.Error{Key: config.KeyClientAuth, Source: c.settings.Source(config.KeyClientAuth),
				Reason: "client_secret_jwt cannot be used", Err: err}
		}
	case want == clientauth.ClientSecretPost{}.Name():
		client.Auth = clientauth.ClientSecretPost{Secret: secret}
	default:
		client.Auth = clientauth.ForSecret(secret)
	}
	if c.o.SecretSource != nil && c.isOwn(baseURL, client.ID) {
		client.SecretSource = c.o.SecretSource(c.settings)
	}
	return nil
}

// missing says that client_auth needs a secret that is nowhere.
func (c *Client) missing(key string) error {
	return &config.Error{Kind: config.Missing, Key: key, Profile: c.settings.ProfileName(), Reason: fmt.Sprintf(
		"it is not set, and client_auth is %q (%s)", c.settings.ClientAuth(), c.settings.Source(config.KeyClientAuth))}
}

// useKey makes client authenticate with its private key, if it has one.
func (c *Client) useKey(ctx context.Context, client *okta.Client) error {
	own := c.isOwn(client.Server.BaseURL(), client.ID)
	given := c.o.ClientSecret != nil && c.o.PrivateKey == nil // a secret for this call is stronger than the settings
	switch {
	case own && c.settings.ClientAuth() == "" && (given || c.hasSecret() && !c.hasKey()):
		return nil
	case own && c.hasKey():
		key, err := c.key(ctx)
		if err == nil {
			client.Auth = clientauth.PrivateKeyJWT{Key: key}
		}
		return err
	}
	keys, account := c.storedKey(client.Server.BaseURL(), client.ID, false)
	stored, err := keys.Load(ctx, account)
	if err != nil {
		return c.ignoreNothing(err)
	}
	next, nextErr := clientauth.ParseKey(stored.Next)
	if nextErr == nil && !c.offline && c.accepts(ctx, client, next) {
		client.Auth = clientauth.PrivateKeyJWT{Key: next}
		err := keys.Change(ctx, account, func(now store.ClientKey) (store.ClientKey, error) {
			if now.Next.Equal(stored.Next) { // else another process was first, or the user has changed the key
				now = store.ClientKey{Current: stored.Next}
			}
			return now, nil
		})
		if err != nil {
			c.o.Events.Warning("Okta accepts the new private key, but the keychain still has the old one: " + err.Error())
		}
		return nil
	}
	key, err := c.currentKey(stored, own)
	client.Auth = clientauth.PrivateKeyJWT{Key: key}
	return err
}

// currentKey reads the current key of the keychain; own: the settings are about its client. It has the kid of the
// settings only if it has none itself: they may name the key that was replaced when the server took the next one.
func (c *Client) currentKey(stored store.ClientKey, own bool) (clientauth.Key, error) {
	key, err := clientauth.ParseKey(stored.Current)
	if err != nil {
		return key, fmt.Errorf("private key in the keychain: %w", err)
	}
	if own && key.ID() == "" {
		return c.withID(key)
	}
	return key, nil
}

// PrivateKey returns the client's current private key, from the options, the settings or the keychain. It makes no
// request, so it does not try a new key. The error is [store.ErrNotFound] where there is none, a *config.Error, a
// *clientauth.KeyError or a *store.Error.
func (c *Client) PrivateKey(ctx context.Context) (clientauth.Key, error) {
	if c.hasKey() {
		return c.key(ctx)
	}
	keys, account := c.KeychainKey(true)
	stored, err := keys.Load(ctx, account)
	if err != nil {
		return clientauth.Key{}, err
	}
	return c.currentKey(stored, true)
}

// NoToken is introspected to find out whether the server accepts the client: the response depends on nothing else.
const NoToken = "okauth-no-token"

// accepts reports whether the server knows key. It asks by a request that changes nothing.
func (c *Client) accepts(ctx context.Context, client *okta.Client, key clientauth.Key) bool {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout()) // other processes may be waiting
	defer cancel()
	try := *client
	try.Auth = clientauth.PrivateKeyJWT{Key: key}
	_, err := try.Introspect(ctx, okta.NewSecret(NoToken), "")
	return err == nil
}

// hasSecret reports whether the options or the settings, without the keychain, have a client secret.
func (c *Client) hasSecret() bool {
	return c.o.ClientSecret != nil || !c.settings.Secret(config.KeyClientSecret).IsZero()
}

// hasKey is hasSecret for a private key.
func (c *Client) hasKey() bool {
	return c.o.PrivateKey != nil || !c.settings.Secret(config.KeyPrivateKey).IsZero()
}

// readKey returns the private key of the options or the settings.
func (c *Client) readKey(ctx context.Context) (clientauth.Key, error) {
	text, err := c.secret(ctx, config.KeyPrivateKey)
	if err != nil {
		return clientauth.Key{}, err
	}
	ref := c.settings.Secret(config.KeyPrivateKey)
	if c.o.PrivateKey != nil {
		ref = config.SecretRef{Key: config.KeyPrivateKey, Source: config.Source{Kind: config.FromFlag, Name: "the caller"}}
	}
	key, err := clientauth.ParseKey(text)
	if err != nil {
		return key, &config.Error{Key: ref.Key, Source: ref.Source, Reason: "the private key cannot be used", Err: err}
	}
	if path, yes := c.settings.ReadableByOthers(ref); yes {
		c.o.Events.Warning(fmt.Sprintf("other users can read the private key in %q: its mode should be 0600",
			okta.Sanitize(path, 300)))
	}
	return c.withID(key)
}

// withID gives a key the kid of the settings, if it has none. Two different ones are a mistake: the server knows one.
func (c *Client) withID(key clientauth.Key) (clientauth.Key, error) {
	switch id := c.settings.PrivateKeyID(); {
	case id == "" || id == key.ID():
		return key, nil
	case key.ID() == "":
		return key.WithID(id), nil
	default:
		return key, &config.Error{Key: config.KeyPrivateKeyID, Source: c.settings.Source(config.KeyPrivateKeyID),
			Reason: fmt.Sprintf("it is %q, and the private key has the kid %q",
				okta.Sanitize(id, 80), okta.Sanitize(key.ID(), 80))}
	}
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
	return secret, c.ignoreNothing(err)
}

// ignoreNothing returns nil if err says that the keychain has no such item, or that there is none where none is needed.
func (c *Client) ignoreNothing(err error) error {
	noKeychain := c.settings.Storage() == StorageAuto && store.IsKind(err, store.Unavailable)
	if noKeychain || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// KeychainSecret returns the keychain's client secrets, and the name of this client's. mayPrompt is as for
// [Client.Storage].
func (c *Client) KeychainSecret(mayPrompt bool) (secrets store.ClientSecrets, account string) {
	return c.storedSecret(c.settings.Domain(), c.settings.ClientID(), mayPrompt)
}

// KeychainKey is [Client.KeychainSecret] for the private key.
func (c *Client) KeychainKey(mayPrompt bool) (keys store.ClientKeys, account string) {
	return c.storedKey(c.settings.Domain(), c.settings.ClientID(), mayPrompt)
}

func (c *Client) storedSecret(baseURL, id string, mayPrompt bool) (store.ClientSecrets, string) {
	return store.ClientSecrets{Items: c.clientItems(mayPrompt)},
		store.ClientSecretAccount(c.settings.ProfileName(), baseURL, id)
}

func (c *Client) storedKey(baseURL, id string, mayPrompt bool) (store.ClientKeys, string) {
	return store.ClientKeys{Items: c.clientItems(mayPrompt), Locks: c.locks()},
		store.ClientKeyAccount(c.settings.ProfileName(), baseURL, id)
}

// clientItems returns where secrets and keys of clients are: in the keychain, unless the setting storage excludes it.
func (c *Client) clientItems(mayPrompt bool) store.Backend {
	switch c.settings.Storage() {
	case StorageNone, StorageFile, StorageRedis:
		return store.None{}
	}
	return c.keychain(mayPrompt)
}
