package cmd

// The keys that verify asks for: a file's, or the issuer's, which are kept for a
// while.

import (
	"context"
	"fmt"
	"io"
	"okauth/cmd/internal/cli"
	"os"
	"sync"
	"time"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// keys returns where the keys of server are.
func (o *verifyOptions) keys(a *cli.App, server okta.AuthorizationServer, source tokenSource) (jwt.KeySource, error) {
	if o.jwks != "" {
		return readKeySet(o.jwks)
	}
	client, err := a.Asker(server)
	if err != nil {
		return nil, err
	}
	cache := store.Cache{Now: o.env.Now}
	if a.Settings.Storage() != cli.StorageNone { // which touches no disk
		cache.Dir = store.CacheDir(o.env.LookupEnv)
	}
	keys := &issuerKeys{client: client, cache: cache, now: o.env.Now, fresh: o.refreshKeys}
	if source == fromStdin {
		keys.unasked = func(err error) {
			a.Warn("a token's key is not among the kept ones, and the issuer could not be asked for newer ones: " + err.Error())
		}
	}
	return keys, nil
}

// readKeySet reads a JWKS from a file; "-" is not standard input, where tokens come from.
func readKeySet(name string) (jwt.KeySet, error) {
	file, err := os.Open(name)
	if err != nil {
		return jwt.KeySet{}, &cli.UsageError{Message: fmt.Sprintf("--jwks: %v", err), Advice: "the file has what the issuer's jwks_uri answers: {\"keys\":[…]}"}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, jwt.MaxKeySetSize+1))
	if err != nil {
		return jwt.KeySet{}, &cli.UsageError{Message: fmt.Sprintf("--jwks: %v", err)}
	}
	set, err := jwt.ParseKeySet(text)
	if err != nil {
		return jwt.KeySet{}, &cli.UsageError{Message: fmt.Sprintf("--jwks %q: %v", name, err), Advice: "the file has what the issuer's jwks_uri answers: {\"keys\":[…]}"}
	}
	return set, nil
}

// issuerKeys are the keys of one issuer. They are fetched when they are first
// needed and neither kept nor fresh, and again for a token whose key is not among
// them: once, and in a stream that goes on and on, every few minutes.
type issuerKeys struct {
	client *okta.Client
	cache  store.Cache
	now    func() time.Time
	fresh  bool // what is kept will not do
	// unasked is told, in a stream, why the issuer could not be asked about a key
	// that is not at hand: its token does not pass, the others are judged. Without it
	// that is an error.
	unasked func(error)

	mu    sync.Mutex
	set   jwt.KeySet
	until time.Time // set is good so long
	asked time.Time // when the issuer was asked last
	err   error     // what came of it
}

// KeySet returns the issuer's keys; those at hand, if kid is among them.
//
// "The signing keys can rotate at any time": an unknown kid is asked for.
// https://developer.okta.com/docs/concepts/key-rotation/
func (k *issuerKeys) KeySet(ctx context.Context, kid string) (jwt.KeySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asked.IsZero() && k.until.IsZero() && !k.fresh {
		k.kept()
	}
	now := k.now()
	good := now.Before(k.until)
	if good && k.set.Has(kid) {
		return k.set, nil
	}
	if k.asked.IsZero() || now.Sub(k.asked) >= okta.KeysAtLeast {
		k.err = k.fetch(ctx)
		k.asked = now
		if k.err != nil && good && k.unasked != nil {
			k.unasked(k.err)
		}
	}
	if k.err != nil && good && k.unasked != nil {
		return k.set, nil
	}
	return k.set, k.err
}

// name is what the keys are kept by.
func (k *issuerKeys) name() string { return "jwks " + k.client.Server.Issuer() }

// kept takes the keys in the cache, if there are any. How long they are good, the
// cache knows; a stream looks again after a while.
func (k *issuerKeys) kept() {
	text, ok := k.cache.Load(k.name())
	if !ok {
		return
	}
	if set, err := jwt.ParseKeySet(text); err == nil {
		k.set, k.until = set, k.now().Add(okta.KeysAtLeast)
	}
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
	k.set, k.until = set, k.now().Add(document.MaxAge)
	_ = k.cache.Save(k.name(), document.Text, k.until)
	return nil
}
