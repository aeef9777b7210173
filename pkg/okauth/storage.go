package okauth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
	"okauth/pkg/store/keychain"
	"okauth/pkg/store/sealed"
)

// The values of the setting storage.
const (
	StorageAuto     = "auto"
	StorageKeychain = "keychain"
	StorageFile     = "file"
	StorageNone     = "none"
)

// Storage is the place of the sessions of one profile.
type Storage struct {
	Backend  string // StorageKeychain, StorageFile or StorageNone
	Items    store.Backend
	Locks    *filelock.Locks // nil: nothing is kept, so nothing is locked
	Optional bool            // without a keychain nothing is kept, and that is no error

	client *Client
}

// StorageOffError says that a session would not be kept, because the setting storage is "none".
type StorageOffError struct{ Source config.Source }

// Error names the source of the setting.
func (e *StorageOffError) Error() string {
	return fmt.Sprintf("storage is %q (%s): a session would not be kept", StorageNone, e.Source)
}

// Storage returns where sessions are kept. mayPrompt allows a locked keychain to ask for its password, if
// Options.KeychainPrompt does. The error is a *config.Error.
func (c *Client) Storage(mayPrompt bool) (Storage, error) {
	locks := c.locks()
	s := Storage{Locks: &locks, client: c}
	switch c.settings.Storage() {
	case StorageNone:
		s.Backend, s.Items, s.Locks, s.Optional = StorageNone, store.None{}, nil, true
	case StorageFile:
		dir, err := c.settings.StorageDir()
		if err != nil {
			return Storage{}, err
		}
		// Processes that share the file may not share a home or a /run: the lock is beside the session.
		locks.Dir = dir
		s.Backend, s.Items = StorageFile, sealed.New(dir, c.sealKey)
	default:
		s.Backend, s.Items = StorageKeychain, c.keychain(mayPrompt)
		s.Optional = c.settings.Storage() == StorageAuto
	}
	return s, nil
}

// keychain returns the OS keychain, or what Options put in its place.
func (c *Client) keychain(mayPrompt bool) store.Backend {
	if c.o.Keychain != nil {
		return c.o.Keychain
	}
	return keychain.New(keychain.Options{MayPrompt: mayPrompt && c.o.KeychainPrompt, Notify: c.o.Events.Warning})
}

// locks returns the locks of the current user.
func (c *Client) locks() filelock.Locks {
	return filelock.Locks{
		Dir: c.o.LockDir,
		// A process that holds the lock makes at most two requests, one after the other.
		Wait:    2*c.settings.Timeout() + 2*time.Second,
		Waiting: func() func() { return c.o.Events.Waiting("waiting for another okauth process") },
	}
}

// Manager returns the manager of the sessions in s.
func (s Storage) Manager() session.Manager {
	sessions := store.Sessions{Items: s.Items}
	if s.Locks != nil {
		sessions.Locks = s.Locks
	}
	return session.Manager{Store: sessions, Optional: s.Optional, Guard: s.client.guard(), Now: s.client.o.Now}
}

// Ready returns nil if the store can be read and written. A locked keychain asks for its password now, if it may.
func (s Storage) Ready(ctx context.Context) error {
	switch items := s.Items.(type) {
	case *keychain.Keychain:
		return items.Unlock(ctx)
	case *sealed.Store:
		return items.Probe(ctx)
	}
	return nil
}

// NotNeeded reports whether err says that there is no store, where the settings need none.
func (s Storage) NotNeeded(err error) bool {
	return s.Optional && store.IsKind(err, store.Unavailable)
}

// Try stores a value, reads it back and deletes it.
func (s Storage) Try(ctx context.Context) error {
	if err := s.Ready(ctx); err != nil {
		return err
	}
	const account = "storage-check" // one name, so that an interrupted call leaves one item at most
	value := []byte("written to check the storage")
	err := s.Items.Set(ctx, account, value)
	if err == nil {
		var got []byte
		if got, err = s.Items.Get(ctx, account); err == nil && !bytes.Equal(got, value) {
			err = &store.Error{
				Kind: store.NotPersisted, Op: "read back a test value", Err: errors.New("it is not what was written"),
			}
		}
	}
	return cmp.Or(err, s.Items.Delete(ctx, account))
}
