package sealed

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/store"
)

// Sealer seals and opens values with the key that the function returns, see [ChooseKey]. Its errors are *store.Errors
// without Op, which [store.WithOp] completes.
type Sealer func(context.Context) (Key, error)

// Seal returns the line that holds value for account, with its line end. The error is of kind TooBig, or of kind Failed
// for a name or value that [store.CheckItem] refuses and around a [*KeyError] if there is no key.
func (s Sealer) Seal(ctx context.Context, account string, value []byte) ([]byte, error) {
	if err := store.CheckItem(account, value); err != nil {
		return nil, err
	}
	if len(value) > store.MaxValue {
		return nil, store.SizeError(len(value), store.MaxValue)
	}
	key, err := s.Key(ctx)
	if err != nil {
		return nil, err
	}
	return seal(key, account, value)
}

// Open returns the value that Seal put into line for account. The error is of kind WrongKey if another key sealed it,
// Corrupt, UnsupportedVersion, or of kind Failed around a [*KeyError] if there is no key.
func (s Sealer) Open(ctx context.Context, account string, line []byte) ([]byte, error) {
	if len(line) > maxLine {
		return nil, store.CorruptError("it is longer than anything okauth writes")
	}
	b, err := parse(line)
	if err != nil {
		return nil, err
	}
	key, err := s.Key(ctx)
	if err != nil {
		return nil, err
	}
	return b.open(key, account)
}

// Key returns the key. The error is never [store.ErrNotFound]: it is not a value that was not found.
func (s Sealer) Key(ctx context.Context) (Key, error) {
	key, err := s(ctx)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Key{}, fmt.Errorf("get the key: %v", err)
	case err != nil:
		// The store of the key may be unavailable, but this one is not.
		return Key{}, store.NewError(store.Failed, "", fmt.Errorf("get the key: %w", err))
	case key.secret.IsZero():
		return Key{}, &KeyError{"there is no key to seal with"}
	}
	return key, nil
}
