package store

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"

	"okauth/pkg/okta"
)

// ClientKeyAccount returns the name of the item that holds the private key of a client at an organization:
// "<profile>.key-<8 hex digits>". The digits depend on what those of [ClientSecretAccount] do.
func ClientKeyAccount(profile, baseURL, clientID string) string {
	return account(profile, ".key", "okauth client key 1", baseURL, clientID)
}

// ClientKey is the private key of a client, as text that clientauth.ParseKey reads.
type ClientKey struct {
	Current okta.Secret
	Next    okta.Secret // takes the place of Current once the server knows it; zero: there is none
}

// ClientKeys stores private keys in Items, under names made by [ClientKeyAccount].
type ClientKeys struct {
	Items Backend
}

// clientKeyVersion is the version of clientKeyJSON; every change of that needs a new one.
const clientKeyVersion = 1

type clientKeyJSON struct {
	Version int    `json:"okauth"`
	Key     string `json:"private_key"`
	Next    string `json:"next_private_key,omitempty"`
}

// Load returns the key stored under account. Its errors are those of [Sessions.Load].
func (c ClientKeys) Load(ctx context.Context, account string) (ClientKey, error) {
	value, err := c.Items.Get(ctx, account)
	if err != nil {
		return ClientKey{}, err
	}
	var in clientKeyJSON
	err = decodeEnvelope(value, &in, &in.Version, clientKeyVersion)
	if err == nil && in.Key == "" {
		err = CorruptError("it holds no private key")
	}
	if err != nil {
		return ClientKey{}, WithOp("read the private key "+strconv.Quote(account), err)
	}
	return ClientKey{okta.NewSecret(in.Key), okta.NewSecret(in.Next)}, nil
}

// Save stores key under account. A key that is empty or not UTF-8 is refused.
func (c ClientKeys) Save(ctx context.Context, account string, key ClientKey) error {
	var value []byte
	err := errors.New("the private key is empty or not UTF-8")
	if text, next := key.Current.Reveal(), key.Next.Reveal(); text != "" && utf8.ValidString(text+next) {
		value, err = encodeEnvelope(clientKeyJSON{clientKeyVersion, text, next})
	}
	if err != nil {
		return WithOp("write the private key "+strconv.Quote(account), err)
	}
	return c.Items.Set(ctx, account, value)
}

// Delete deletes the key stored under account. It succeeds if there is none.
func (c ClientKeys) Delete(ctx context.Context, account string) error {
	return c.Items.Delete(ctx, account)
}
