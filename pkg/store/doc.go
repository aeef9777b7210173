// Package store keeps sessions and client secrets where the operating system keeps its users' secrets.
//
// It is built in layers, each in a file of its own, each an [Backend] over the next:
//
//	Sessions, ClientSecrets   what is kept: a versioned JSON value per identity      session.go, sessionjson.go, secret.go
//	the index                 which sessions there are, where Items cannot tell      index.go
//	split                     a value too big for one item: chunks first, head last  split.go
//	keyring                   one call to the OS at a time, bounded, read back       keyring.go
//	precheck                  is there a keychain that answers without a prompt?     platform_*.go
//
// On Linux keyring first tries a shorter way to read than go-keyring's: read_linux.go, and bus_linux.go, which it asks.
//
// [NewKeychain] stacks the lower three. [File], sealed files, [Memory] and [None] take their place where there is no keychain
// to use. [Locks] let processes take turns at a session: they are empty files
// of the user alone. [Cache] keeps public data, such as key sets, for a while.
//
// Four outcomes are kept apart, because callers must act differently on them: nothing is stored ([ErrNotFound]), there is no
// keychain ([Unavailable]), there is one that cannot be used now ([Locked], [TimedOut], [Denied]), and what is stored cannot be
// believed ([Corrupt], [UnsupportedVersion]). A timeout is never taken for an absence: the secret may be there.
package store

import (
	"context"
	"errors"
)

// ErrNotFound says that nothing is stored under that name. It is returned bare or wrapped, never inside an [*Error].
var ErrNotFound = errors.New("nothing is stored under that name")

// Backend keeps small values under names. An account is made of [A-Za-z0-9_.-] and a value of printable ASCII
// (0x20 to 0x7E); everything else is refused.
//
// Get returns [ErrNotFound] for a name that has no value; Delete of such a name succeeds.
// Every other error is an [*Error], which wraps the context's error when the caller gave up.
type Backend interface {
	Get(ctx context.Context, account string) ([]byte, error)
	Set(ctx context.Context, account string, value []byte) error
	Delete(ctx context.Context, account string) error
}
