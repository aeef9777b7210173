package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/zalando/go-keyring"

	"okauth/pkg/store"
)

// promptDelay is how long a write takes before it must be waiting for a prompt.
const promptDelay = 500 * time.Millisecond

// keyringBackend is go-keyring, one item per call. go-keyring has no deadline (its issue 131), panics when the bus
// disappears during a prompt, takes a dismissed prompt for success, and lets two prompts in one process take each
// other's answer. So every call runs in a goroutine that may be abandoned, one at a time, and writes are read back.
type keyringBackend struct {
	opts Options
	busy chan struct{} // holds a value while a call runs, even an abandoned one
}

func newKeyringBackend(opts Options) *keyringBackend {
	return &keyringBackend{opts: opts, busy: make(chan struct{}, 1)}
}

// Get implements [store.Backend].
func (k *keyringBackend) Get(ctx context.Context, account string) ([]byte, error) {
	op := "read " + strconv.Quote(account) + " from the keychain"
	return k.call(ctx, op, account, func() ([]byte, error) { return read(ctx, account) })
}

// read reads directly if it can, else with go-keyring after a precheck. It prompts only if an item is locked in an
// unlocked collection, or if the collection is locked between precheck and go-keyring.
func read(ctx context.Context, account string) ([]byte, error) {
	value, err := readDirect(ctx, account)
	if !errors.Is(err, errors.ErrUnsupported) {
		return value, err
	}
	if err := precheck(ctx); err != nil {
		return nil, err
	}
	text, err := keyring.Get(service, account)
	return []byte(text), err
}

// Set implements [store.Backend]. The caller has checked value.
func (k *keyringBackend) Set(ctx context.Context, account string, value []byte) error {
	return k.write(ctx, "write "+strconv.Quote(account)+" to the keychain", account, func() error {
		if err := keyring.Set(service, account, string(value)); err != nil {
			return err
		}
		// A dismissed prompt looks like success, and so does a service that keeps nothing.
		stored, err := read(ctx, account)
		if err != nil && !errors.Is(err, keyring.ErrNotFound) {
			return fmt.Errorf("read it back: %w", err)
		}
		if !bytes.Equal(stored, value) {
			return fail(store.NotPersisted, "the keychain did not keep the value: "+
				"its prompt was dismissed, or it keeps nothing")
		}
		return nil
	})
}

// Delete implements [store.Backend].
func (k *keyringBackend) Delete(ctx context.Context, account string) error {
	err := k.write(ctx, "delete "+strconv.Quote(account)+" from the keychain", account, func() error {
		if err := keyring.Delete(service, account); err != nil {
			return err
		}
		// As in Set: a dismissed prompt looks like success.
		_, err := read(ctx, account)
		if err == nil {
			err = fail(store.Denied, "the keychain still holds it")
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// probe returns the result of a precheck.
func (k *keyringBackend) probe(ctx context.Context) error {
	_, err := k.call(ctx, "look for the keychain", "any", func() ([]byte, error) { return nil, precheck(ctx) })
	return err
}

// write calls f if go-keyring will find a service, and will prompt only if that is allowed. It tells the user after a
// while that a prompt is waiting.
func (k *keyringBackend) write(ctx context.Context, op, account string, f func() error) error {
	_, err := k.call(ctx, op, account, func() ([]byte, error) {
		if err := precheck(ctx); err != nil && !(k.opts.MayPrompt && store.IsKind(err, store.Locked)) {
			return nil, err
		}
		if k.opts.MayPrompt && k.opts.Notify != nil {
			defer time.AfterFunc(promptDelay, func() {
				if ctx.Err() == nil {
					k.opts.Notify("waiting for the keyring prompt")
				}
			}).Stop()
		}
		return nil, f()
	})
	return err
}

// call runs f, one call at a time, and waits no longer than ctx. It returns ErrNotFound or a *store.Error with op.
func (k *keyringBackend) call(ctx context.Context, op, account string, f func() ([]byte, error)) ([]byte, error) {
	if err := store.CheckItem(account, []byte("-")); err != nil {
		return nil, store.NewError(store.Failed, op, err)
	}
	select {
	case k.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, keychainError(op, fmt.Errorf("an earlier call has not returned: %w", ctx.Err()))
	}
	type result struct {
		value []byte
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-k.busy }()
		var r result
		defer func() { done <- r }()
		defer recoverAs(&r.err)
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		return r.value, keychainError(op, r.err)
	case <-ctx.Done():
		return nil, keychainError(op, ctx.Err())
	}
}

// recoverAs turns a panic into an error. It shows the text only if the runtime wrote it, which knows types and no
// values.
func recoverAs(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		*err = fmt.Errorf("the keychain library failed: %v", p)
	default:
		*err = errors.New("the keychain library failed")
	}
}

// fail returns a *store.Error for keychainError to complete.
func fail(kind store.ErrorKind, text string) error { return store.NewError(kind, "", errors.New(text)) }

// keychainError returns err as a *store.Error. nil stays nil, and go-keyring's ErrNotFound becomes the store's.
func keychainError(op string, err error) error {
	_, known := errors.AsType[*store.Error](err)
	switch {
	case err == nil, known:
		return store.WithOp(op, err)
	case errors.Is(err, keyring.ErrNotFound):
		return store.ErrNotFound
	case errors.Is(err, context.DeadlineExceeded):
		return store.NewError(store.TimedOut, op, fmt.Errorf("the keychain did not answer in time: %w", err))
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return store.NewError(store.TooBig, op, err)
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return store.NewError(store.Unavailable, op, err)
	}
	kind, err := classify(err)
	return store.NewError(kind, op, err)
}
