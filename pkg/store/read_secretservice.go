//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package store

import (
	"context"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// noFlags is for calls after one that told that somebody owns the service's name.
const noFlags = dbus.Flags(0)

// readItem returns the value of the item that go-keyring keeps under account, or go-keyring's ErrNotFound.
//
// go-keyring reads in eight round trips, without a deadline, and unlocks the collection first: one that is locked between our
// precheck and its call makes it prompt. This takes two round trips, ends with ctx and leaves a locked collection as it is.
func readItem(ctx context.Context, account string) ([]byte, error) {
	value, err := search(ctx, account)
	if isNoObject(err) { // deleted between the search and the read; the second search finds none, or what has taken its place
		value, err = search(ctx, account)
	}
	if errorName(err) != errorIsLocked {
		return value, err
	}
	if err := precheck(ctx); err != nil { // it was locked meanwhile
		return nil, err
	}
	// The item alone is locked: KeePassXC does that until its user has let a program in. go-keyring asks for it.
	found, err := keyring.Get(service, account)
	return []byte(found), err
}

// search asks everything at once that does not need another answer: is the collection open, which items are there, and
// a session to read one in.
func search(ctx context.Context, account string) ([]byte, error) {
	var conn *dbus.Conn
	var items []dbus.ObjectPath
	var session dbus.ObjectPath
	err := onCollection(ctx, func(c *dbus.Conn, collection dbus.ObjectPath) error {
		conn = c
		open := locked(ctx, c, collection)
		found := c.Object(secretsName, collection).GoWithContext(ctx, "org.freedesktop.Secret.Collection.SearchItems", dbus.FlagNoAutoStart,
			nil, map[string]string{"username": account, "service": service})
		// "plain": the value crosses the bus in the clear, as with go-keyring. Who can read the bus can ask for it as we do.
		reading := c.Object(secretsName, servicePath).GoWithContext(ctx, "org.freedesktop.Secret.Service.OpenSession", dbus.FlagNoAutoStart,
			nil, "plain", dbus.MakeVariant(""))
		if err := unlocked(open); err != nil {
			return err
		}
		if err := (<-found.Done).Store(&items); err != nil {
			return err
		}
		return (<-reading.Done).Store(new(dbus.Variant), &session)
	})
	if err != nil {
		return nil, err
	}
	// Nobody waits for the answer: the service forgets the session at the latest when we leave the bus.
	defer conn.Object(secretsName, session).Go("org.freedesktop.Secret.Session.Close", dbus.FlagNoReplyExpected, nil)
	if len(items) == 0 {
		return nil, keyring.ErrNotFound
	}
	var secret struct {
		Session    dbus.ObjectPath
		Parameters []byte
		Value      []byte
		Type       string
	}
	err = conn.Object(secretsName, items[0]).CallWithContext(ctx, "org.freedesktop.Secret.Item.GetSecret", noFlags, session).Store(&secret)
	return secret.Value, err
}
