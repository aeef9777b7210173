package config

// The client's private key, as "config set", "config keygen" and "config init" store it.

import (
	"context"
	"errors"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/store"
)

// privateKeyJWT is client_auth of a client that has a private key.
const privateKeyJWT = "private_key_jwt"

const keyWithoutKeychain = "okauth config keygen --file PATH writes a key to a file for you alone; private_key_file, " +
	"private_key_command and OKAUTH_PRIVATE_KEY name one that you have"

// newKey makes a key, and returns also the text to store.
func newKey(alg string) (clientauth.Key, okta.Secret, error) {
	key, err := clientauth.GenerateKey(alg)
	if err != nil {
		return key, okta.Secret{}, err
	}
	text, err := key.PrivateJWK()
	return key, text, err
}

// keepKey stores a key in the keychain as the current one, and makes the profile use it. If it cannot do both, the
// keychain keeps what it had.
func (o *options) keepKey(ctx context.Context, client *okauth.Client, key clientauth.Key, text okta.Secret) error {
	keys, account := client.KeychainKey(true)
	var old store.ClientKey
	err := keys.Change(ctx, account, func(stored store.ClientKey) (store.ClientKey, error) {
		old = stored
		return withCurrent(stored, key, text)
	})
	if err != nil {
		return err
	}
	if err := o.useKey(client, "", key.ID()); err != nil {
		return errors.Join(err, keys.Change(context.WithoutCancel(ctx), account,
			func(store.ClientKey) (store.ClientKey, error) { return old, nil }))
	}
	return nil
}

// withCurrent returns what the keychain has for a client with key as the current one. It replaces no other key: Okta
// may know that one, and no one else may have it.
func withCurrent(stored store.ClientKey, key clientauth.Key, text okta.Secret) (store.ClientKey, error) {
	current, err := clientauth.ParseKey(stored.Current)
	if !stored.Current.IsZero() && (err != nil || current.Thumbprint() != key.Thumbprint()) {
		return stored, cli.Exit(cli.ExitUsage, errors.New("the keychain already has a private key of this client"),
			"okauth config keygen --rotate makes the next one; okauth config unset private_key removes the current one")
	}
	stored.Current = text
	return stored, nil
}

// useKey makes the profile authenticate with the key in the file at path, or with that of the keychain if path is "".
// id is its kid, or "".
func (o *options) useKey(client *okauth.Client, path, id string) error {
	settings := client.Settings()
	err := o.edit(func(file *config.File, profile string) error {
		if path != "" {
			if err := file.Set(profile, config.FileKey(config.KeyPrivateKey), path); err != nil {
				return err
			}
		}
		if other, ok := file.Get(profile, config.KeyPrivateKeyID); ok && id != "" && other != id {
			if err := file.Unset(profile, config.KeyPrivateKeyID); err != nil {
				return err
			}
		}
		// A client secret in the settings is stronger than a key in the keychain.
		other := settings.ClientAuth() != "" && settings.ClientAuth() != privateKeyJWT
		if !other && (path != "" || settings.Secret(config.KeyClientSecret).IsZero()) {
			return nil
		}
		return file.Set(profile, config.KeyClientAuth, privateKeyJWT)
	})
	if err != nil {
		return err
	}
	o.warnOverridden("the profile", config.KeyClientAuth)
	if path != "" || id == "" { // a key in the keychain goes by its own kid
		o.warnOverridden("the profile", config.KeyPrivateKeyID)
	}
	return nil
}
