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
	Locks Locker // keeps other processes out of Change and Delete; nil: there are none
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

// Change stores what change returns for the key under account, while no other process changes that; a zero ClientKey
// is none. If change returns an error, Change returns that and stores nothing. Its other errors are those of Load, Save
// and [Locker]: a key that cannot be read is not replaced.
func (c ClientKeys) Change(ctx context.Context, account string, change func(ClientKey) (ClientKey, error)) error {
	release, err := c.lock(ctx, account)
	if err != nil {
		return err
	}
	defer release()
	old, err := c.Load(ctx, account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	switch changed, err := change(old); {
	case err != nil || changed.equal(old):
		return err
	case changed.equal(ClientKey{}):
		return c.Items.Delete(ctx, account)
	default:
		return c.Save(ctx, account, changed)
	}
}

func (k ClientKey) equal(other ClientKey) bool {
	return k.Current.Equal(other.Current) && k.Next.Equal(other.Next)
}

// Delete deletes the key stored under account, also one that cannot be read. It succeeds if there is none.
func (c ClientKeys) Delete(ctx context.Context, account string) error {
	release, err := c.lock(ctx, account)
	if err != nil {
		return err
	}
	defer release()
	return c.Items.Delete(ctx, account)
}

func (c ClientKeys) lock(ctx context.Context, account string) (release func(), err error) {
	if c.Locks == nil {
		return func() {}, nil
	}
	lock, err := c.Locks.Acquire(ctx, account)
	if err != nil {
		return nil, err
	}
	return lock.Release, nil
}
