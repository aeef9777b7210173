package okauth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/filelock"
	"okauth/pkg/store/keychain"
	"okauth/pkg/store/redis"
	"okauth/pkg/store/sealed"
	"okauth/pkg/transport"
)

// The values of the setting storage.
const (
	StorageAuto     = "auto"
	StorageKeychain = "keychain"
	StorageFile     = "file"
	StorageRedis    = "redis"
	StorageNone     = "none"
)

// Storage is the place of the sessions of one profile.
type Storage struct {
	Backend  string // StorageKeychain, StorageFile, StorageRedis or StorageNone
	Items    store.Backend
	Locks    store.Locker // nil: nothing is kept, so nothing is locked
	Optional bool         // without a keychain nothing is kept, and that is no error

	// Location names the directory of the files, or the server; "" for others. LockDir is the directory of the locks,
	// which need not exist; "" where they are on the server.
	Location, LockDir string

	client *Client
}

// StorageOffError says that a session would not be kept, because the setting storage is "none".
type StorageOffError struct{ Source config.Source }

// Error names the source of the setting.
func (e *StorageOffError) Error() string {
	return fmt.Sprintf("storage is %q (%s): a session would not be kept", StorageNone, e.Source)
}

// Storage returns where sessions are kept. mayPrompt allows a locked keychain to ask for its password, if
// Options.KeychainPrompt does. The error is a *config.Error, or says that ca_file cannot be used.
func (c *Client) Storage(mayPrompt bool) (Storage, error) {
	s := Storage{Backend: c.settings.Storage(), client: c}
	locks := c.locks()
	switch s.Backend {
	case StorageNone:
		s.Items, s.Optional = store.None{}, true
		return s, nil
	case StorageRedis:
		server, err := c.redisClient()
		if err != nil {
			return Storage{}, err
		}
		shared := server.Store(c.lockWait(), c.waitForLock)
		s.Items, s.Locks, s.Location = shared, shared, server.Location()
		return s, nil
	case StorageFile:
		dir, err := c.settings.StorageDir()
		if err != nil {
			return Storage{}, err
		}
		// Processes that share the file may not share a home or a /run: the lock is beside the session.
		locks.Dir, s.Location = dir, dir
		s.Items = sealed.New(dir, c.sealKey)
	default:
		s.Optional = s.Backend == StorageAuto
		s.Backend, s.Items = StorageKeychain, c.keychain(mayPrompt)
	}
	s.Locks = locks
	s.LockDir, _ = locks.Directory() // [Client.Status] reports what is wrong with it
	return s, nil
}

// redisClient returns the connection to the server of storage "redis", which all calls of c share. The error is a
// *config.Error, or says that ca_file cannot be used.
func (c *Client) redisClient() (*redis.Client, error) {
	c.connecting.Lock()
	defer c.connecting.Unlock()
	if c.connection != nil {
		return c.connection, nil
	}
	if err := c.settings.Require(config.KeyStorageURL); err != nil {
		return nil, err
	}
	caFile, err := c.settings.File(config.KeyCAFile)
	if err != nil {
		return nil, err
	}
	c.connection = redis.New(redis.Options{
		URL:      c.settings.StorageURL(),
		Password: func(ctx context.Context) (okta.Secret, error) { return c.secret(ctx, config.KeyStoragePassword) },
		Roots:    func() (*x509.CertPool, error) { return transport.Roots(caFile) },
		Timeout:  c.settings.Timeout(), Seal: c.sealKey, Now: c.o.Now, Waiting: c.o.Events.Waiting,
	})
	return c.connection, nil
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
	return filelock.Locks{Dir: c.o.LockDir, Wait: c.lockWait(), Waiting: c.waitForLock}
}

// lockWait is how long another process is waited for that holds a lock: it makes at most two requests, one after the
// other.
func (c *Client) lockWait() time.Duration { return 2*c.settings.Timeout() + 2*time.Second }

func (c *Client) waitForLock() (done func()) {
	return c.o.Events.Waiting("waiting for another okauth process")
}

// Manager returns the manager of the sessions in s.
func (s Storage) Manager() session.Manager {
	sessions := store.Sessions{Items: s.Items, Locks: s.Locks}
	return session.Manager{Store: sessions, Optional: s.Optional, Guard: s.client.guard(s), Now: s.client.o.Now}
}

// Ready returns nil if the store can be read and written. A locked keychain asks for its password now, if it may.
func (s Storage) Ready(ctx context.Context) error {
	switch items := s.Items.(type) {
	case *keychain.Keychain:
		return items.Unlock(ctx)
	case *sealed.Store:
		return items.Probe(ctx)
	case *redis.Store:
		return items.Probe(ctx)
	}
	return nil
}

// LocksReady returns nil if locks can be acquired, and else why not. It may create the directory of the locks.
func (s Storage) LocksReady() error {
	if locks, ok := s.Locks.(filelock.Locks); ok {
		return locks.Ready()
	}
	return nil
}

// checkLock returns nil if nothing that is known prevents a lock of that name. It changes nothing.
func (s Storage) checkLock(name string) error {
	if locks, ok := s.Locks.(filelock.Locks); ok {
		return locks.Check(name)
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
