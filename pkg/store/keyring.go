package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/zalando/go-keyring"
)

// promptDelay is how long a write takes before it is believed to wait for a person.
const promptDelay = 500 * time.Millisecond

// keyringItems is go-keyring, one item per call. go-keyring itself knows no deadline (its issue 131), panics when the
// bus goes away during a prompt, takes a dismissed prompt for success, and lets two prompts in one process take each
// other's answer. So every call runs in a goroutine that may be abandoned, one at a time, and writes are read back.
type keyringItems struct {
	opts KeychainOptions
	turn chan struct{} // holds a value while a call runs, also an abandoned one
}

func newKeyringItems(opts KeychainOptions) *keyringItems {
	return &keyringItems{opts: opts, turn: make(chan struct{}, 1)}
}

func (k *keyringItems) Get(ctx context.Context, account string) ([]byte, error) {
	op := "read " + strconv.Quote(account) + " from the keychain"
	if err := checkItem(account, []byte("-")); err != nil {
		return nil, &Error{Failed, op, err}
	}
	return k.call(ctx, op, func() ([]byte, error) { return read(ctx, account) })
}

// read reads at once, if it can, and else with go-keyring, after a precheck. It prompts only where an item is locked by itself in a
// collection that is open, or the collection is locked between precheck and go-keyring. The error is raw.
func read(ctx context.Context, account string) ([]byte, error) {
	value, err := readAtOnce(ctx, account)
	if !errors.Is(err, errors.ErrUnsupported) {
		return value, err
	}
	if err := precheck(ctx); err != nil {
		return nil, err
	}
	text, err := keyring.Get(service, account)
	if vanished(err) { // between the search and the read; the second search finds none, or what has taken its place
		text, err = keyring.Get(service, account)
	}
	return []byte(text), err
}

func (k *keyringItems) Set(ctx context.Context, account string, value []byte) error {
	op := "write " + strconv.Quote(account) + " to the keychain"
	if err := checkItem(account, value); err != nil {
		return &Error{Failed, op, err}
	}
	_, err := k.call(ctx, op, func() ([]byte, error) {
		if err := k.ready(ctx, k.opts.MayPrompt); err != nil {
			return nil, err
		}
		defer k.notify(ctx)()
		if err := keyring.Set(service, account, string(value)); err != nil {
			return nil, err
		}
		// A prompt that was dismissed looks like success, and so does a service that keeps nothing.
		stored, err := read(ctx, account)
		if err != nil && !errors.Is(err, keyring.ErrNotFound) {
			return nil, fmt.Errorf("read it back: %w", err)
		}
		if !bytes.Equal(stored, value) {
			return nil, &kindError{NotPersisted, errors.New("the keychain did not keep the value: its prompt was dismissed, or it keeps nothing")}
		}
		return nil, nil
	})
	return err
}

func (k *keyringItems) Delete(ctx context.Context, account string) error {
	op := "delete " + strconv.Quote(account) + " from the keychain"
	if err := checkItem(account, []byte("-")); err != nil {
		return &Error{Failed, op, err}
	}
	_, err := k.call(ctx, op, func() ([]byte, error) {
		if err := k.ready(ctx, k.opts.MayPrompt); err != nil {
			return nil, err
		}
		defer k.notify(ctx)()
		err := keyring.Delete(service, account)
		if err == nil {
			// As in Set: a dismissed prompt looks like success.
			if _, err = read(ctx, account); err == nil {
				return nil, &kindError{Denied, errors.New("the keychain still holds it")}
			}
		}
		if errors.Is(err, keyring.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	})
	return err
}

// probe reports what a precheck finds.
func (k *keyringItems) probe(ctx context.Context) error {
	_, err := k.call(ctx, "look for the keychain", func() ([]byte, error) { return nil, precheck(ctx) })
	return err
}

// ready returns nil when go-keyring may be called: it will find a service, and no prompt unless mayPrompt.
func (k *keyringItems) ready(ctx context.Context, mayPrompt bool) error {
	err := precheck(ctx)
	var found *kindError
	if mayPrompt && errors.As(err, &found) && found.kind == Locked {
		return nil
	}
	return err
}

// notify tells the user after a while that a prompt is waiting, unless ctx is done by then. The returned function ends that.
func (k *keyringItems) notify(ctx context.Context) (stop func() bool) {
	return time.AfterFunc(promptDelay, func() {
		if k.opts.Notify != nil && k.opts.MayPrompt && ctx.Err() == nil {
			k.opts.Notify("waiting for the keyring prompt")
		}
	}).Stop
}

type result struct {
	value []byte
	err   error
}

// call runs f in its turn and waits no longer than ctx. It returns ErrNotFound or an *Error with op.
func (k *keyringItems) call(ctx context.Context, op string, f func() ([]byte, error)) ([]byte, error) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, keychainError(op, fmt.Errorf("an earlier call has not returned: %w", ctx.Err()))
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-k.turn }()
		var r result
		defer func() { done <- r }()
		defer recovered(&r.err)
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		return r.value, keychainError(op, r.err)
	case <-ctx.Done():
		return nil, keychainError(op, ctx.Err())
	}
}

// recovered turns a panic into an error. Its text is shown only if the runtime wrote it, which knows types and no values.
func recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		*err = fmt.Errorf("the keychain library broke off: %v", p)
	default:
		*err = errors.New("the keychain library broke off")
	}
}

// kindError carries a Kind from a platform's code to keychainError.
type kindError struct {
	kind ErrorKind
	err  error
}

func (e *kindError) Error() string { return e.err.Error() }
func (e *kindError) Unwrap() error { return e.err }

// keychainError gives err its kind. nil stays nil, go-keyring's ErrNotFound becomes ours.
func keychainError(op string, err error) error {
	var known *kindError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.As(err, &known):
		return &Error{known.kind, op, err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{TimedOut, op, fmt.Errorf("the keychain did not answer in time: %w", err)}
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return &Error{TooBig, op, err}
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return &Error{Unavailable, op, err}
	}
	kind, err := classify(err)
	return &Error{kind, op, err}
}
