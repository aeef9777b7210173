package cmd

// The keys that verify asks for: a file's, or the issuer's, which are kept for a
// while.

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// keys returns where the keys of server are.
func (o *verifyOptions) keys(a *app, server okta.Server) (jwt.Keys, error) {
	if o.jwks != "" {
		return readKeySet(o.jwks)
	}
	client, err := a.asker(server)
	if err != nil {
		return nil, err
	}
	cache := store.Cache{Now: o.env.Now}
	if a.settings.Storage() != storageNone { // which touches no disk
		cache.Dir = store.CacheDir(o.env.LookupEnv)
	}
	return &issuerKeys{client: client, cache: cache, fresh: o.refreshKeys}, nil
}

// readKeySet reads a JWKS from a file; "-" is not standard input, where tokens come from.
func readKeySet(name string) (jwt.KeySet, error) {
	file, err := os.Open(name)
	if err != nil {
		return jwt.KeySet{}, &usageError{message: fmt.Sprintf("--jwks: %v", err), hint: "the file has what the issuer's jwks_uri answers: {\"keys\":[…]}"}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, jwt.MaxKeySetSize+1))
	if err != nil {
		return jwt.KeySet{}, &usageError{message: fmt.Sprintf("--jwks: %v", err)}
	}
	set, err := jwt.ParseKeySet(text)
	if err != nil {
		return jwt.KeySet{}, &usageError{message: fmt.Sprintf("--jwks %q: %v", name, err), hint: "the file has what the issuer's jwks_uri answers: {\"keys\":[…]}"}
	}
	return set, nil
}

// issuerKeys are the keys of one issuer. They are fetched when they are first
// needed and not kept, and once more for a token whose key is not among them.
type issuerKeys struct {
	client *okta.Client
	cache  store.Cache
	fresh  bool // what is kept will not do

	mu      sync.Mutex
	set     jwt.KeySet
	known   bool // set has been read or fetched
	fetched bool
	err     error // of the fetch; it is not tried again for each line of a stream
}

// KeySet returns the issuer's keys; those that are kept, if kid is among them.
//
// "The signing keys can rotate at any time": an unknown kid is asked for once.
// https://developer.okta.com/docs/concepts/key-rotation/
func (k *issuerKeys) KeySet(ctx context.Context, kid string) (jwt.KeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known && !k.fresh {
		k.set, k.known = k.kept()
	}
	if k.known && k.set.Has(kid) {
		return k.set, nil
	}
	if !k.fetched {
		k.fetched = true
		k.err = k.fetch(ctx)
	}
	return k.set, k.err
}

// name is what the keys are kept by.
func (k *issuerKeys) name() string { return "jwks " + k.client.Server.Issuer() }

// kept returns the keys in the cache, and whether there are any.
func (k *issuerKeys) kept() (jwt.KeySet, bool) {
	text, ok := k.cache.Load(k.name())
	if !ok {
		return jwt.KeySet{}, false
	}
	set, err := jwt.ParseKeySet(text)
	return set, err == nil
}

// fetch finds the keys by the metadata of the issuer, which is the configured one.
// A cache that can't be written costs the next call a request, and nothing else.
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
		return fmt.Errorf("the keys of %s: %w", metadata.Issuer, err)
	}
	k.set, k.known = set, true
	_ = k.cache.Save(k.name(), document.Text, k.client.Now().Add(document.MaxAge))
	return nil
}
