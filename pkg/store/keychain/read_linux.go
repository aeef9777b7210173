package keychain

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// servicePath is the object that opens sessions.
const servicePath = dbus.ObjectPath("/org/freedesktop/secrets")

var errNoCollection = errors.New("there is no such collection")

// readDirect reads an item in two round trips, if the collection and the item are unlocked. It returns a value or
// go-keyring's ErrNotFound; everything else is ErrUnsupported, and the caller uses go-keyring.
//
// go-keyring takes eleven round trips, four of them for a connection, after a precheck. And it unlocks before it reads:
// a collection that is locked between the precheck and its call makes it prompt. readDirect unlocks nothing, and sends
// nothing more when ctx ends.
func readDirect(ctx context.Context, account string) ([]byte, error) {
	b, err := dialBus(ctx)
	if err != nil {
		return nil, errors.ErrUnsupported
	}
	defer b.close()
	value, err := readItem(b, loginCollection, account)
	if errors.Is(err, errNoCollection) {
		value, err = readItem(b, defaultCollection, account)
	}
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return nil, errors.ErrUnsupported
	}
	return value, err
}

// readItem sends everything at once that needs no other answer: the search for the item, and a session to read it in.
// That starts no service: without a running one, or with a locked one, no item can be read.
func readItem(b *busConn, collection dbus.ObjectPath, account string) ([]byte, error) {
	attributes := map[string]string{"username": account, "service": service}
	search := b.send(collection, "org.freedesktop.Secret.Collection.SearchItems", attributes)
	// "plain": the value crosses the bus unencrypted, as with go-keyring. A process that can listen there can also read
	// the item itself.
	open := b.send(servicePath, "org.freedesktop.Secret.Service.OpenSession", "plain", dbus.MakeVariant(""))

	var items []dbus.ObjectPath
	switch err := b.receive(search, &items); {
	case isNoObject(err):
		return nil, errNoCollection
	case err != nil:
		return nil, err
	}
	if len(items) == 0 {
		return nil, notFound(b, collection)
	}
	var ignored dbus.Variant
	var session dbus.ObjectPath // the service ends it when the connection ends
	if err := b.receive(open, &ignored, &session); err != nil {
		return nil, err
	}
	var secret struct {
		Session    dbus.ObjectPath
		Parameters []byte
		Value      []byte
		Type       string
	}
	err := b.receive(b.send(items[0], "org.freedesktop.Secret.Item.GetSecret", session), &secret)
	return secret.Value, err
}

// notFound returns go-keyring's ErrNotFound if the collection is unlocked: a locked one may not find what it holds.
func notFound(b *busConn, collection dbus.ObjectPath) error {
	get := b.send(collection, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked")
	var locked bool
	if err := b.receive(get, &locked); err != nil {
		return err
	}
	if locked {
		return errors.New("the collection is locked")
	}
	return keyring.ErrNotFound
}
