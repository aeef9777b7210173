package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"okauth/pkg/store"
)

// promptDelay is how long a write takes before it must be waiting for a prompt.
const promptDelay = 500 * time.Millisecond

// answerTime is how much longer a call may wait for the answer to what it has sent when its time is over: a service may
// not survive an answer to a process that has ended.
const answerTime = 100 * time.Millisecond

// keyringBackend makes one call at a time to the platform's keychain. go-keyring has no deadline (its issue 131), and
// connecting to a bus has none; so every call runs in a goroutine that may be abandoned. A dismissed prompt looks like
// success, so writes are read back.
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
	return k.call(ctx, op, account, (*item).get)
}

// Set implements [store.Backend]. The caller has checked value.
func (k *keyringBackend) Set(ctx context.Context, account string, value []byte) error {
	return k.write(ctx, "write "+strconv.Quote(account)+" to the keychain", account, func(i *item) error {
		if err := i.set(value, k.opts.MayPrompt); err != nil {
			return err
		}
		// A dismissed prompt looks like success, and so does a service that keeps nothing.
		stored, err := i.get()
		if err != nil && !errors.Is(err, store.ErrNotFound) {
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
	err := k.write(ctx, "delete "+strconv.Quote(account)+" from the keychain", account, func(i *item) error {
		if err := i.delete(k.opts.MayPrompt); err != nil {
			return err
		}
		// As in Set: a dismissed prompt looks like success.
		_, err := i.get()
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

// unlock returns nil if there is an unlocked keychain. If it may, it asks for the password of a locked one.
func (k *keyringBackend) unlock(ctx context.Context, mayPrompt bool) error {
	look := func(i *item) error { return i.unlock(mayPrompt) }
	if mayPrompt {
		return k.write(ctx, "unlock the keychain", "any", look)
	}
	_, err := k.call(ctx, "look for the keychain", "any", func(i *item) ([]byte, error) { return nil, look(i) })
	return err
}

// write calls f, and tells the user after a while that a prompt is waiting, where one is allowed.
func (k *keyringBackend) write(ctx context.Context, op, account string, f func(*item) error) error {
	_, err := k.call(ctx, op, account, func(i *item) ([]byte, error) {
		if k.opts.MayPrompt && k.opts.Notify != nil {
			defer time.AfterFunc(promptDelay, func() {
				if ctx.Err() == nil {
					k.opts.Notify("waiting for the keyring prompt")
				}
			}).Stop()
		}
		return nil, f(i)
	})
	return err
}

// call runs f with the item, one call at a time, and waits hardly longer than ctx. It returns ErrNotFound or a
// *store.Error with op.
func (k *keyringBackend) call(
	ctx context.Context, op, account string, f func(*item) ([]byte, error),
) ([]byte, error) {
	return k.bounded(ctx, op, account, func() ([]byte, error) {
		i, err := openItem(ctx, account)
		if err != nil {
			return nil, err
		}
		defer i.close()
		return f(i)
	})
}

// bounded is call for an f that needs no item.
func (k *keyringBackend) bounded(
	ctx context.Context, op, account string, f func() ([]byte, error),
) ([]byte, error) {
	if err := store.CheckAccount(account); err != nil {
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
	}
	select {
	case r := <-done:
		return r.value, keychainError(op, r.err)
	case <-time.After(2 * answerTime):
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

// keychainError returns err as a *store.Error. nil and ErrNotFound stay what they are.
func keychainError(op string, err error) error {
	_, known := errors.AsType[*store.Error](err)
	switch {
	case err == nil, known, errors.Is(err, store.ErrNotFound):
		return store.WithOp(op, err)
	case errors.Is(err, context.DeadlineExceeded):
		return store.NewError(store.TimedOut, op, fmt.Errorf("the keychain did not answer in time: %w", err))
	}
	kind, err := classify(err)
	return store.NewError(kind, op, err)
}
