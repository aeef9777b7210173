package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// The values of the setting storage, and the names of what is behind them.
const (
	storageAuto     = "auto"
	storageKeychain = "keychain"
	storageFile     = "file"
	storageNone     = "none"
)

// storage is where the sessions of one invocation are kept.
type storage struct {
	backend  string // storageKeychain, storageFile or storageNone
	items    store.Backend
	locks    *store.Locks // nil: nothing is kept, so nothing is locked
	optional bool         // nothing is kept where there is no keychain, or where nothing shall be
}

// storage returns where sessions are kept; mayPrompt lets a locked keychain ask
// the person for its password.
func (a *app) storage(mayPrompt bool) (storage, error) {
	// Whoever has the lock makes at most two requests, one after the other.
	locks := &store.Locks{
		Dir: a.env.LockDir, Wait: 2*a.settings.Timeout() + 2*time.Second,
		Waiting: func() func() { return a.env.progress(unnoticed, "waiting for another okauth to end") },
	}
	switch a.settings.Storage() {
	case storageNone:
		return storage{backend: storageNone, items: store.None{}, optional: true}, nil
	case storageFile:
		dir, err := a.settings.StorageDir()
		if err != nil {
			return storage{}, err
		}
		// Processes that share the file may not share a home or a /run: the lock
		// lives where the session lives.
		locks.Dir = dir
		return storage{backend: storageFile, items: store.NewFile(store.FileOptions{Dir: dir, Key: a.storageKey()}), locks: locks}, nil
	}
	return storage{
		backend: storageKeychain, items: a.keychain(mayPrompt), locks: locks,
		optional: a.settings.Storage() == storageAuto,
	}, nil
}

// lockDir is the directory of the locks, and of what else is kept of a session
// without being part of it.
func (a *app) lockDir() (string, error) {
	switch {
	case a.settings.Storage() == storageFile:
		return a.settings.StorageDir()
	case a.env.LockDir != "":
		return a.env.LockDir, nil
	}
	return store.LockDir()
}

// storageKey returns a function that fetches what sealed files are sealed with,
// once.
func (a *app) storageKey() func(context.Context) (store.KeyMaterial, error) {
	var key store.KeyMaterial
	var err error
	done := false
	return func(ctx context.Context) (store.KeyMaterial, error) {
		if !done {
			key, err = a.readStorageKey(ctx)
			done = true
		}
		return key, err
	}
}

func (a *app) readStorageKey(ctx context.Context) (store.KeyMaterial, error) {
	own, err := a.promised(ctx, a.settings.StorageKey())
	if err != nil {
		return store.KeyMaterial{}, err
	}
	if !own.IsZero() {
		return store.ChooseKey(own, okta.Secret{})
	}
	secret, err := a.givenSecret(ctx)
	if err != nil {
		return store.KeyMaterial{}, err
	}
	return store.ChooseKey(okta.Secret{}, secret)
}

// promised reads a secret that a setting promises; the zero Secret where none does.
func (a *app) promised(ctx context.Context, promise config.SecretRef) (okta.Secret, error) {
	if promise.IsZero() {
		return okta.Secret{}, nil
	}
	text, err := promise.Read(ctx)
	defer clear(text)
	return okta.NewSecret(string(text)), err
}

// keeper returns the keeper of sessions in s.
func (s storage) keeper(env *Env) session.Manager {
	return session.Manager{Store: store.Sessions{Items: s.items, Locks: s.locks}, Optional: s.optional, Now: env.Now}
}

// canKeep finds out, before anything is asked, whether a session could be kept.
func (a *app) canKeep(ctx context.Context, s storage) error {
	if s.backend == storageNone {
		return &codedError{
			err:  fmt.Errorf("storage is %q (%s): a session would not be kept", storageNone, a.settings.Source(config.KeyStorage)),
			code: exitStorage, hint: "sign in with --storage keychain or --storage file; okauth token needs no login where it is given a password",
		}
	}
	if err := s.reach(ctx); err != nil {
		return fileAdvice(err)
	}
	return s.locks.Ready()
}

// reach returns nil when the store can be read and written; a locked keychain
// asks for its password now, if it may.
func (s storage) reach(ctx context.Context) error {
	switch items := s.items.(type) {
	case *store.Keychain:
		return items.Unlock(ctx)
	case *store.File:
		return items.Probe(ctx)
	}
	return nil
}

// try finds out whether what is written can be read again, and leaves nothing behind.
func (s storage) try(ctx context.Context) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	const account = "doctor" // one name, so that whoever is interrupted leaves one item at most
	value := []byte("okauth doctor was here")
	err := s.items.Set(ctx, account, value)
	if err == nil {
		var kept []byte
		if kept, err = s.items.Get(ctx, account); err == nil && !bytes.Equal(kept, value) {
			err = &codedError{err: errors.New("what is read is not what was written"), code: exitStorage}
		}
	}
	return cmp.Or(err, s.items.Delete(ctx, account))
}

// without tells whether err says that there is no store, and none is needed.
func (s storage) without(err error) bool {
	e, ok := errors.AsType[*store.Error](err)
	return ok && e.Kind == store.Unavailable && s.optional
}

// fileAdvice tells who has no keychain what else there is.
func fileAdvice(err error) error {
	e, ok := errors.AsType[*store.Error](err)
	if !ok || e.Kind != store.Unavailable {
		return err
	}
	return &codedError{err: err, code: exitStorage, hint: e.Hint() + "; or keep the session in a sealed file: --storage file"}
}

// secrets returns where the client secret is kept, when no setting promises it:
// in the keychain, where sessions are kept there.
func (a *app) secrets(mayPrompt bool) store.Backend {
	switch a.settings.Storage() {
	case storageNone, storageFile:
		return store.None{}
	}
	return a.keychain(mayPrompt)
}

// keychain returns the keychain.
func (a *app) keychain(mayPrompt bool) store.Backend {
	if a.env.Keychain != nil {
		return a.env.Keychain
	}
	return store.NewKeychain(store.KeychainOptions{
		MayPrompt: mayPrompt && !a.flags.noInput && a.env.desktop(),
		Notify:    func(text string) { fmt.Fprintln(a.env.Stderr, "okauth: "+text) },
	})
}
