// Package keychain stores values in the keychain of the operating system: the Secret Service on Linux and BSD, Keychain
// on macOS, Credential Manager on Windows.
//
// It is built in layers, a file each:
//
//	Keychain   deadlines                                                        keychain.go
//	chunked    splits a value that is too big for one item: manifest last       chunked.go
//	keyring    one call at a time, bounded, read back                           keyring.go
//	item       an item of the Secret Service, over the session bus              secretservice.go, bus.go
//	           elsewhere go-keyring's                                           gokeyring.go, platform_*.go
package keychain

import (
	"context"
	"runtime"
	"time"

	"okauth/pkg/store"
)

// Options are the limits of a [Keychain]. The zero Options is for a command that must not prompt.
type Options struct {
	// ReadTimeout limits a Get or a Probe in all; 0 is 3 s.
	ReadTimeout time.Duration
	// WriteTimeout limits a Set or a Delete in all, and a Set for 200 ms more per chunk; 0 is 30 s with MayPrompt,
	// else 3 s.
	WriteTimeout time.Duration
	// MayPrompt allows a Set or Delete to open the keychain's own prompt and to wait for it. A Get prompts only for an
	// item that is locked in an unlocked collection.
	MayPrompt bool
	// Notify is called with a text for the user when a write takes so long that a prompt must be open; nil: no one is
	// told.
	Notify func(string)
	// ItemLimit is the size of the largest item in bytes; a larger value is split. 0 is the limit of the platform.
	ItemLimit int
}

// chunkTime is how long writing a chunk may take: on macOS it starts /usr/bin/security twice.
const chunkTime = 200 * time.Millisecond

// Keychain is the keychain of the current user. It makes one call at a time, never waits beyond its timeouts, starts no
// process on Linux, and reads back what it stored. Goroutines may share it; those that write the same account must take
// turns.
type Keychain struct {
	opts  Options
	ring  *keyringBackend
	items chunked
}

// New returns the keychain. It accesses nothing yet.
func New(opts Options) *Keychain {
	if opts.ReadTimeout <= 0 {
		opts.ReadTimeout = 3 * time.Second
	}
	if opts.WriteTimeout <= 0 {
		opts.WriteTimeout = 3 * time.Second
		if opts.MayPrompt {
			opts.WriteTimeout = 30 * time.Second
		}
	}
	limit := func(account string) int { return itemLimit(runtime.GOOS, len(account)) }
	if opts.ItemLimit > 0 {
		limit = func(string) int { return opts.ItemLimit }
	}
	ring := newKeyringBackend(opts)
	return &Keychain{opts: opts, ring: ring, items: chunked{ring, limit}}
}

// ItemLimit returns how many bytes fit in an item with a short name; a larger value is split.
func (k *Keychain) ItemLimit() int { return k.items.limit("a-name-of-sixteen") }

// Probe reports whether there is a keychain that can be read, without a prompt and without reading or writing an item:
// nil, or a *store.Error of kind Unavailable, Locked, TimedOut or Failed. macOS and Windows always have one; whether it
// is locked shows at the first Get.
func (k *Keychain) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.opts.ReadTimeout)
	defer cancel()
	return k.ring.unlock(ctx, false)
}

// Unlock returns nil if the keychain can be read and written. With MayPrompt, a locked one asks for its password now.
// Otherwise Unlock is Probe.
func (k *Keychain) Unlock(ctx context.Context) error {
	if err := k.Probe(ctx); !k.opts.MayPrompt || !store.IsKind(err, store.Locked) {
		return err // a service that hangs does not prompt either
	}
	ctx, cancel := context.WithTimeout(ctx, k.opts.WriteTimeout)
	defer cancel()
	return k.ring.unlock(ctx, true)
}

// Get implements [store.Backend].
func (k *Keychain) Get(ctx context.Context, account string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, k.opts.ReadTimeout)
	defer cancel()
	return k.items.Get(ctx, account)
}

// Set implements [store.Backend]. After a *store.Error of kind TimedOut the value may be stored, or still become so.
func (k *Keychain) Set(ctx context.Context, account string, value []byte) error {
	chunks := len(value) / max(k.items.limit(account), 1)
	ctx, cancel := context.WithTimeout(ctx, k.opts.WriteTimeout+time.Duration(chunks)*chunkTime)
	defer cancel()
	return k.items.Set(ctx, account, value)
}

// Delete implements [store.Backend]. It also deletes what interrupted writes left behind.
func (k *Keychain) Delete(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, k.opts.WriteTimeout)
	defer cancel()
	return k.items.Delete(ctx, account)
}

// service is the name of the service of every item. It is a constant, because some keychains match services by prefix.
const service = "okauth"

// itemLimit returns how many bytes fit in an item under goos, for an account name of nameLength bytes.
func itemLimit(goos string, nameLength int) int {
	switch goos {
	case "windows":
		// "The credential blob ... cannot be larger than CRED_MAX_CREDENTIAL_BLOB_SIZE (5*512) bytes."
		// https://learn.microsoft.com/en-us/windows/win32/api/wincred/ns-wincred-credentialw
		return 5 * 512
	case "darwin":
		// go-keyring writes one line of at most 4096 bytes to `security -i`, with the value in base64. The line buffer
		// of security has that size too (MAX_LINE_LEN), hence one byte less for its terminator.
		const line = "add-generic-password -U -s " + service + " -a " + " -w " + "go-keyring-base64:" + "\n"
		return (4096 - 1 - len(line) - nameLength) / 4 * 3
	}
	return store.MaxValue
}
