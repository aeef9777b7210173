//go:build darwin || windows

package keychain

import (
	"context"
	"errors"

	"github.com/zalando/go-keyring"

	"okauth/pkg/store"
)

// item is an item of the keychain, of which go-keyring knows no more than the name.
type item struct{ account string }

func openItem(_ context.Context, account string) (*item, error) { return &item{account}, nil }

func (i *item) close() {}

func (i *item) get() ([]byte, error) {
	text, err := keyring.Get(service, i.account)
	return []byte(text), goKeyringError(err)
}

func (i *item) set(value []byte, _ bool) error {
	return goKeyringError(keyring.Set(service, i.account, string(value)))
}

func (i *item) delete(bool) error { return goKeyringError(keyring.Delete(service, i.account)) }

// unlock has nothing to do: a locked keychain of these systems asks when an item is used.
func (i *item) unlock(bool) error { return nil }

// goKeyringError returns an error of go-keyring as one of the store.
func goKeyringError(err error) error {
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return store.ErrNotFound
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return store.NewError(store.TooBig, "", err)
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return store.NewError(store.Unavailable, "", err)
	}
	return err
}
