package cli

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
	StorageAuto     = "auto"
	StorageKeychain = "keychain"
	StorageFile     = "file"
	StorageNone     = "none"
)

// storage is where the sessions of one invocation are kept.
type Storage struct {
	Backend  string // storageKeychain, storageFile or storageNone
	Items    store.Backend
	Locks    *store.Locks // nil: nothing is kept, so nothing is locked
	Optional bool         // nothing is kept where there is no keychain, or where nothing shall be
}

// storage returns where sessions are kept; mayPrompt lets a locked keychain ask
// the person for its password.
func (a *App) Storage(mayPrompt bool) (Storage, error) {
	// Whoever has the lock makes at most two requests, one after the other.
	locks := &store.Locks{
		Dir: a.Env.LockDir, Wait: 2*a.Settings.Timeout() + 2*time.Second,
		Waiting: func() func() { return a.Env.Progress(Unnoticed, "waiting for another okauth to end") },
	}
	switch a.Settings.Storage() {
	case StorageNone:
		return Storage{Backend: StorageNone, Items: store.None{}, Optional: true}, nil
	case StorageFile:
		dir, err := a.Settings.StorageDir()
		if err != nil {
			return Storage{}, err
		}
		// Processes that share the file may not share a home or a /run: the lock
		// lives where the session lives.
		locks.Dir = dir
		return Storage{Backend: StorageFile, Items: store.NewFile(store.FileOptions{Dir: dir, Key: a.storageKey()}), Locks: locks}, nil
	}
	return Storage{
		Backend: StorageKeychain, Items: a.Keychain(mayPrompt), Locks: locks,
		Optional: a.Settings.Storage() == StorageAuto,
	}, nil
}

// lockDir is the directory of the locks, and of what else is kept of a session
// without being part of it.
func (a *App) LockDir() (string, error) {
	switch {
	case a.Settings.Storage() == StorageFile:
		return a.Settings.StorageDir()
	case a.Env.LockDir != "":
		return a.Env.LockDir, nil
	}
	return store.LockDir()
}

// storageKey returns a function that fetches what sealed files are sealed with,
// once.
func (a *App) storageKey() func(context.Context) (store.KeyMaterial, error) {
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

func (a *App) readStorageKey(ctx context.Context) (store.KeyMaterial, error) {
	own, err := a.Promised(ctx, a.Settings.StorageKey())
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
func (a *App) Promised(ctx context.Context, promise config.SecretRef) (okta.Secret, error) {
	if promise.IsZero() {
		return okta.Secret{}, nil
	}
	text, err := promise.Read(ctx)
	defer clear(text)
	return okta.NewSecret(string(text)), err
}

// keeper returns the keeper of sessions in s.
func (s Storage) Keeper(env *Env) session.Manager {
	return session.Manager{Store: store.Sessions{Items: s.Items, Locks: s.Locks}, Optional: s.Optional, Now: env.Now}
}

// canKeep finds out, before anything is asked, whether a session could be kept.
func (a *App) CanKeep(ctx context.Context, s Storage) error {
	if s.Backend == StorageNone {
		return &ExitError{
			Err:  fmt.Errorf("storage is %q (%s): a session would not be kept", StorageNone, a.Settings.Source(config.KeyStorage)),
			Code: ExitStorage, Advice: "sign in with --storage keychain or --storage file; okauth token needs no login where it is given a password",
		}
	}
	if err := s.Reach(ctx); err != nil {
		return FileAdvice(err)
	}
	return s.Locks.Ready()
}

// reach returns nil when the store can be read and written; a locked keychain
// asks for its password now, if it may.
func (s Storage) Reach(ctx context.Context) error {
	switch items := s.Items.(type) {
	case *store.Keychain:
		return items.Unlock(ctx)
	case *store.File:
		return items.Probe(ctx)
	}
	return nil
}

// try finds out whether what is written can be read again, and leaves nothing behind.
func (s Storage) Try(ctx context.Context) error {
	if err := s.Reach(ctx); err != nil {
		return err
	}
	const account = "doctor" // one name, so that whoever is interrupted leaves one item at most
	value := []byte("okauth doctor was here")
	err := s.Items.Set(ctx, account, value)
	if err == nil {
		var kept []byte
		if kept, err = s.Items.Get(ctx, account); err == nil && !bytes.Equal(kept, value) {
			err = &ExitError{Err: errors.New("what is read is not what was written"), Code: ExitStorage}
		}
	}
	return cmp.Or(err, s.Items.Delete(ctx, account))
}

// without tells whether err says that there is no store, and none is needed.
func (s Storage) Without(err error) bool {
	e, ok := errors.AsType[*store.Error](err)
	return ok && e.Kind == store.Unavailable && s.Optional
}

// fileAdvice tells who has no keychain what else there is.
func FileAdvice(err error) error {
	e, ok := errors.AsType[*store.Error](err)
	if !ok || e.Kind != store.Unavailable {
		return err
	}
	return &ExitError{Err: err, Code: ExitStorage, Advice: e.Hint() + "; or keep the session in a sealed file: --storage file"}
}

// secrets returns where the client secret is kept, when no setting promises it:
// in the keychain, where sessions are kept there.
func (a *App) Secrets(mayPrompt bool) store.Backend {
	switch a.Settings.Storage() {
	case StorageNone, StorageFile:
		return store.None{}
	}
	return a.Keychain(mayPrompt)
}

// keychain returns the keychain.
func (a *App) Keychain(mayPrompt bool) store.Backend {
	if a.Env.Keychain != nil {
		return a.Env.Keychain
	}
	return store.NewKeychain(store.KeychainOptions{
		MayPrompt: mayPrompt && !a.Flags.NoInput && a.Env.Desktop(),
		Notify:    func(text string) { fmt.Fprintln(a.Env.Stderr, "okauth: "+text) },
	})
}
