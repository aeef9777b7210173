package store

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"

	"okauth/pkg/okta"
)

// ClientSecretAccount returns the name of the item that holds the secret of a client at an organization:
// "<profile>.secret-<8 hex digits>". The digits depend on URL and client, so that a secret is never sent to another
// organization or for another client after a setting was changed.
func ClientSecretAccount(profile, baseURL, clientID string) string {
	return account(profile, ".secret", "okauth client secret 1", baseURL, clientID)
}

// ClientSecrets stores client secrets in Items, under names made by [ClientSecretAccount].
type ClientSecrets struct {
	Items Backend
}

// clientSecretVersion is the version of clientSecretJSON; every change of that needs a new one.
const clientSecretVersion = 1

type clientSecretJSON struct {
	Version int    `json:"okauth"`
	Secret  string `json:"client_secret"`
}

// Load returns the secret stored under account. Its errors are those of [Sessions.Load].
func (c ClientSecrets) Load(ctx context.Context, account string) (okta.Secret, error) {
	value, err := c.Items.Get(ctx, account)
	if err != nil {
		return okta.Secret{}, err
	}
	var in clientSecretJSON
	err = decodeEnvelope(value, &in, &in.Version, clientSecretVersion)
	if err == nil && in.Secret == "" {
		err = CorruptError("it holds no client secret")
	}
	if err != nil {
		return okta.Secret{}, WithOp("read the client secret "+strconv.Quote(account), err)
	}
	return okta.NewSecret(in.Secret), nil
}

// Save stores secret under account. A secret that is empty or not UTF-8 is refused.
func (c ClientSecrets) Save(ctx context.Context, account string, secret okta.Secret) error {
	var value []byte
	err := errors.New("the client secret is empty or not UTF-8")
	if text := secret.Reveal(); text != "" && utf8.ValidString(text) {
		value, err = encodeEnvelope(clientSecretJSON{clientSecretVersion, text})
	}
	if err != nil {
		return WithOp("write the client secret "+strconv.Quote(account), err)
	}
	return c.Items.Set(ctx, account, value)
}

// Delete deletes the secret stored under account. It succeeds if there is none.
func (c ClientSecrets) Delete(ctx context.Context, account string) error {
	return c.Items.Delete(ctx, account)
}
