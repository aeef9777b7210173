package store

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// servicePath is the object that opens sessions.
const servicePath = dbus.ObjectPath("/org/freedesktop/secrets")

var errNoCollection = errors.New("there is no such collection")

// readAtOnce reads an item in two round trips, where that is enough: the collection is open, and so is the item. Its answers are
// a value and go-keyring's ErrNotFound. Everything else is ErrUnsupported, and the caller goes the long way.
//
// go-keyring needs eleven, four of them for a connection, and a precheck before it. And it unlocks before it reads: a collection
// that is locked between the precheck and its call makes it prompt. This unlocks nothing, and asks nothing any more when ctx ends.
func readAtOnce(ctx context.Context, account string) ([]byte, error) {
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

// readItem asks everything at once that does not need another answer: which items are there, and a session to read one in. That
// starts no service: without a running one, or with a locked one, of which no item can be read, the long way is taken.
func readItem(b *busConn, collection dbus.ObjectPath, account string) ([]byte, error) {
	found := b.ask(collection, "org.freedesktop.Secret.Collection.SearchItems", map[string]string{"username": account, "service": service})
	// "plain": the value crosses the bus in the clear, as with go-keyring. Whoever can listen there can ask for it as well.
	session := b.ask(servicePath, "org.freedesktop.Secret.Service.OpenSession", "plain", dbus.MakeVariant(""))

	var items []dbus.ObjectPath
	switch err := b.answer(found, &items); {
	case isNoObject(err):
		return nil, errNoCollection
	case err != nil:
		return nil, err
	}
	if len(items) == 0 {
		return nil, missing(b, collection)
	}
	var ignored dbus.Variant
	var in dbus.ObjectPath // the service ends the session when we leave the bus
	if err := b.answer(session, &ignored, &in); err != nil {
		return nil, err
	}
	var secret struct {
		Session    dbus.ObjectPath
		Parameters []byte
		Value      []byte
		Type       string
	}
	err := b.answer(b.ask(items[0], "org.freedesktop.Secret.Item.GetSecret", in), &secret)
	return secret.Value, err
}

// missing returns go-keyring's ErrNotFound if the collection is open: what a locked one holds need not be found.
func missing(b *busConn, collection dbus.ObjectPath) error {
	var locked bool
	if err := b.answer(b.ask(collection, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked"), &locked); err != nil {
		return err
	}
	if locked {
		return errors.New("the collection is locked")
	}
	return keyring.ErrNotFound
}
