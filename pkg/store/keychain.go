package store

import (
	"context"
	"runtime"
	"time"
)

// KeychainOptions are the bounds of a [Keychain]. The zero value is right for a command that must not ask.
type KeychainOptions struct {
	ReadTimeout  time.Duration // one Get or Probe, in all; 0 = 3 s
	WriteTimeout time.Duration // one Set or Delete, in all, and a Set 200 ms more per chunk; 0 = 30 s with MayPrompt, else 3 s
	MayPrompt    bool          // a Set or Delete may open the keychain's own prompt and wait for it; a Get does for an item that is locked by itself
	Notify       func(string)  // told when a write takes so long that a prompt must be waiting; nil = nobody
	Budget       int           // bytes in one item, beyond which a value is split; 0 = what the platform allows
}

// chunkTime is what writing one chunk may take: on macOS that starts /usr/bin/security twice.
const chunkTime = 200 * time.Millisecond

// Keychain is the operating system's: Secret Service on Linux and BSD, Keychain on macOS, Credential Manager on Windows.
// It asks one thing at a time, does not wait beyond its timeouts, starts no process on Linux, and does not believe
// that something was stored before it has read it back. It may be used by many goroutines; those who write the same account
// must take turns.
type Keychain struct {
	opts  KeychainOptions
	ring  *keyringItems
	items chunked
}

// NewKeychain returns the keychain of the user who runs the process. It touches nothing yet.
func NewKeychain(opts KeychainOptions) *Keychain {
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
	if opts.Budget > 0 {
		limit = func(string) int { return opts.Budget }
	}
	ring := newKeyringItems(opts)
	return &Keychain{opts: opts, ring: ring, items: chunked{ring, limit}}
}

// ItemLimit returns how many bytes one item holds under a short name; a value that is larger is split over several.
func (k *Keychain) ItemLimit() int { return k.items.limit("a-name-of-sixteen") }

// Probe reports whether there is a keychain that can be read, without a prompt and without reading or writing an item: nil,
// or an [*Error] of kind Absent, Locked, TimedOut or Failed. macOS and Windows always have one; whether it is locked shows at the first Get.
func (k *Keychain) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.opts.ReadTimeout)
	defer cancel()
	return k.ring.probe(ctx)
}

// Unlock returns nil when the keychain can be read and written. Where it may prompt, a locked one asks for its password now, and the
// write timeout holds. Otherwise Unlock is Probe.
func (k *Keychain) Unlock(ctx context.Context) error {
	err := k.Probe(ctx)
	if !k.opts.MayPrompt || !isKind(err, Locked) {
		return err
	}
	// go-keyring unlocks before it deletes, also what is not there.
	return k.Delete(ctx, "unlock")
}

// Get returns the value stored under account.
func (k *Keychain) Get(ctx context.Context, account string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, k.opts.ReadTimeout)
	defer cancel()
	return k.items.Get(ctx, account)
}

// Set stores value under account. After an [*Error] of kind TimedOut it is unknown whether it did, or still will.
func (k *Keychain) Set(ctx context.Context, account string, value []byte) error {
	timeout := k.opts.WriteTimeout + time.Duration(len(value)/max(k.items.limit(account), 1))*chunkTime
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return k.items.Set(ctx, account, value)
}

// Delete removes the value and everything that interrupted writes of it have left behind.
func (k *Keychain) Delete(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, k.opts.WriteTimeout)
	defer cancel()
	return k.items.Delete(ctx, account)
}
