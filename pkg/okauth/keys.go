package okauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"okauth/pkg/internal/diskcache"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// KeyOptions say how the keys of an issuer are fetched.
type KeyOptions struct {
	Fresh bool // do not use the keys on disk
	// Unreachable, when set, is called with the reason when the issuer cannot be asked about a key that is not at
	// hand. Then the token with that key fails and others go on; without Unreachable that is an error.
	Unreachable func(error)
}

// Keys returns the keys of server's tokens. They are kept on disk, unless the setting storage is "none".
func (c *Client) Keys(server okta.AuthorizationServer, o KeyOptions) (jwt.KeySource, error) {
	client, err := c.AnonymousClient(server)
	if err != nil {
		return nil, err
	}
	cache := diskcache.Cache{Now: c.o.Now}
	if c.settings.Storage() != StorageNone {
		cache.Dir = c.settings.CacheDir()
	}
	return &issuerKeys{client: client, cache: cache, now: c.o.Now, o: o}, nil
}

// issuerKeys are the keys of one issuer. They are fetched when they are first needed and the disk has none, and again
// for a token whose key is not among them: once, and in a long stream every few minutes.
type issuerKeys struct {
	client *okta.Client
	cache  diskcache.Cache
	now    func() time.Time
	o      KeyOptions

	mu      sync.Mutex
	set     jwt.KeySet
	until   time.Time // set may be used until then
	fetched time.Time // when the issuer was asked last
	err     error     // what that returned
}

// KeySet returns the issuer's keys. It asks the issuer if kid is not among those at hand.
//
// "The signing keys can rotate at any time": https://developer.okta.com/docs/concepts/key-rotation/
func (k *issuerKeys) KeySet(ctx context.Context, kid string) (jwt.KeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fetched.IsZero() && k.until.IsZero() && !k.o.Fresh {
		k.load()
	}
	now := k.now()
	usable := now.Before(k.until)
	if usable && k.set.Has(kid) {
		return k.set, nil
	}
	tolerant := usable && k.o.Unreachable != nil
	if k.fetched.IsZero() || now.Sub(k.fetched) >= okta.KeysAtLeast {
		k.err = k.fetch(ctx)
		k.fetched = now
		if k.err != nil && tolerant {
			k.o.Unreachable(k.err)
		}
	}
	if tolerant {
		return k.set, nil
	}
	return k.set, k.err
}

// cacheName is the name of the keys on disk.
func (k *issuerKeys) cacheName() string { return "jwks " + k.client.Server.Issuer() }

// load takes the keys from disk, if there are any. The cache knows how long they last; a stream looks again after a
// while.
func (k *issuerKeys) load() {
	text, ok := k.cache.Load(k.cacheName())
	if !ok {
		return
	}
	if set, err := jwt.ParseKeySet(text); err == nil {
		k.set, k.until = set, k.now().Add(okta.KeysAtLeast)
	}
}

// fetch gets the keys from the address in the issuer's metadata. If they cannot be written to disk, the next process
// makes one more request.
func (k *issuerKeys) fetch(ctx context.Context) error {
	metadata, err := k.client.Metadata(ctx)
	if err != nil {
		return err
	}
	document, err := k.client.Keys(ctx, metadata.JWKSURI)
	if err != nil {
		return err
	}
	set, err := jwt.ParseKeySet(document.Text)
	if err != nil {
		return fmt.Errorf("read the keys of %s: %w", metadata.Issuer, err)
	}
	k.set, k.until = set, k.now().Add(document.MaxAge)
	_ = k.cache.Save(k.cacheName(), document.Text, k.until)
	return nil
}
