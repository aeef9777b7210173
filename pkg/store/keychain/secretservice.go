//go:build unix && !darwin

package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/store"
)

// The names of the Secret Service.
// https://specifications.freedesktop.org/secret-service-spec/latest/
const (
	secretsName       = "org.freedesktop.secrets"
	servicePath       = objectPath("/org/freedesktop/secrets")
	loginCollection   = objectPath("/org/freedesktop/secrets/collection/login")
	defaultCollection = objectPath("/org/freedesktop/secrets/aliases/default")
	noPrompt          = objectPath("/")
)

// activationTimeout limits the start of a service by the bus, which itself would wait two minutes.
const activationTimeout = 3 * time.Second

// item is an item of the Secret Service, on a connection of its own. It has the attributes that go-keyring gives it,
// and is in the collection that go-keyring uses: "login" if there is one, else the default.
type item struct {
	bus     *busConn
	account string
	path    objectPath // "" if there is none
	locked  bool       // the item must be unlocked before it can be read
	session objectPath // "" until one is open; the service ends it when the connection ends
}

// openItem connects to the session bus and looks for the item, which prompts for nothing. It starts a service only if
// there is a desktop to show its prompt.
func openItem(ctx context.Context, account string) (*item, error) {
	bus, err := dialBus(ctx)
	if err != nil {
		return nil, err
	}
	i := &item{bus: bus, account: account}
	if err = i.search(); isNoOwner(err) {
		if err = i.activate(ctx); err == nil {
			err = i.search()
		}
	}
	switch {
	case isNoOwner(err):
		err = fail(store.Unavailable, noService)
	case isNoObject(err):
		// gnome-keyring (42 to 50) may receive the first call of a connection before it knows that connection. It then
		// says that there is no such method, and it aborts if the call was OpenSession or read a property. So SearchItems
		// comes first, nothing else before its answer, and if that is the error, once more.
		// https://gitlab.gnome.org/GNOME/gnome-keyring/-/issues/195
		err = i.search()
	}
	if err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

const noService = "no secret service runs on the session bus"

func (i *item) close() { i.bus.close() }

func (i *item) attributes() map[string]string {
	return map[string]string{"username": i.account, "service": service}
}

// search finds the item, an unlocked one if there are several, and of those one in the collection login.
func (i *item) search() error {
	var found, locked []objectPath
	err := i.bus.call(servicePath, "org.freedesktop.Secret.Service.SearchItems",
		[]any{i.attributes()}, &found, &locked)
	if i.locked = len(found) == 0; i.locked {
		found = locked
	}
	inLogin := func(path objectPath) bool { return strings.HasPrefix(string(path), string(loginCollection)+"/") }
	i.path = ""
	if len(found) > 0 {
		i.path = found[max(slices.IndexFunc(found, inLogin), 0)]
	}
	return err
}

// get returns the value. It prompts only if the item is locked in an unlocked collection.
func (i *item) get() ([]byte, error) {
	if i.path == "" || i.locked {
		if _, err := i.collection(false); err != nil {
			return nil, err
		}
	}
	if i.path == "" {
		return nil, store.ErrNotFound
	}
	if i.locked { // KeePassXC opens each item by itself, to each process
		_, err := i.unlockObject(i.path, true)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fail(store.Denied, "the keychain asks whether okauth may read it, and got no answer in time")
		}
		if err != nil {
			return nil, err
		}
	}
	if err := i.openSession(); err != nil {
		return nil, err
	}
	var s secret
	err := i.bus.call(i.path, "org.freedesktop.Secret.Item.GetSecret", []any{i.session}, &s)
	if isNoObject(err) { // another process may have deleted it since the search
		if again := i.search(); again == nil && i.path == "" {
			err = store.ErrNotFound
		}
	}
	return s.value, err
}

// openSession opens a session that is "plain": the value crosses the bus unencrypted, as with go-keyring. A process
// that can listen there can also read the item itself.
func (i *item) openSession() error {
	if i.session != "" {
		return nil
	}
	var ignored variant
	return i.bus.call(servicePath, "org.freedesktop.Secret.Service.OpenSession",
		[]any{"plain", variant{""}}, &ignored, &i.session)
}

// set stores value, in place of that of an item with the same attributes, and finds what it stored.
func (i *item) set(value []byte, mayPrompt bool) error {
	collection, err := i.collection(mayPrompt)
	if err != nil {
		return err
	}
	if err := i.openSession(); err != nil {
		return err
	}
	stored := secret{i.session, []byte{}, value, "text/plain; charset=utf8"}
	if i.path != "" && !i.locked {
		// CreateItem would replace the item, but KeePassXC before 2.7.6 asks its user each time, and no setting prevents
		// that: https://github.com/keepassxreboot/keepassxc/issues/9255
		err := i.bus.call(i.path, "org.freedesktop.Secret.Item.SetSecret", []any{stored})
		if !isNoObject(err) { // another process may have deleted it since the search
			return err
		}
	}
	properties := map[string]variant{
		"org.freedesktop.Secret.Item.Label":      variant{fmt.Sprintf("Password for '%s' on '%s'", i.account, service)},
		"org.freedesktop.Secret.Item.Attributes": variant{i.attributes()},
	}
	var path, prompt objectPath
	err = i.bus.call(collection, "org.freedesktop.Secret.Collection.CreateItem",
		[]any{properties, stored, true}, &path, &prompt)
	if err != nil {
		return err
	}
	if _, err := i.bus.prompt(prompt); err != nil {
		return err
	}
	return i.search()
}

// delete deletes the item and looks whether it has gone. It returns ErrNotFound if there was none.
func (i *item) delete(mayPrompt bool) error {
	if _, err := i.collection(mayPrompt); err != nil {
		return err
	}
	if i.path == "" { // a locked keychain may not find what it holds
		if err := i.search(); err != nil {
			return err
		}
	}
	if i.path == "" {
		return store.ErrNotFound
	}
	var prompt objectPath
	err := i.bus.call(i.path, "org.freedesktop.Secret.Item.Delete", nil, &prompt)
	if err == nil {
		_, err = i.bus.prompt(prompt)
	}
	if err != nil && !isNoObject(err) { // another process may have been faster
		return err
	}
	return i.search()
}

// unlock returns nil if there is an unlocked collection. If it may, it asks for the password of a locked one.
func (i *item) unlock(mayPrompt bool) error {
	_, err := i.collection(mayPrompt)
	return err
}

// collection returns the unlocked collection.
func (i *item) collection(mayPrompt bool) (objectPath, error) {
	for _, path := range []objectPath{loginCollection, defaultCollection} {
		exists, err := i.unlockObject(path, mayPrompt)
		if exists || err != nil {
			return path, err
		}
	}
	return "", fail(store.Unavailable, "the secret service has no login or default collection")
}

// unlockObject unlocks a collection or an item, if there is one. Unlock itself prompts for nothing: it returns the path
// of a prompt, and "/" where none is needed. That tells what the property Locked would, without reading it.
func (i *item) unlockObject(path objectPath, mayPrompt bool) (exists bool, err error) {
	var unlocked []objectPath
	var prompt objectPath
	err = i.bus.call(servicePath, "org.freedesktop.Secret.Service.Unlock",
		[]any{[]objectPath{path}}, &unlocked, &prompt)
	switch {
	case isNoObject(err):
		return false, nil
	case err != nil || prompt == noPrompt:
		return len(unlocked) > 0, err
	case !mayPrompt:
		return true, fail(store.Locked, "the keychain is locked")
	}
	dismissed, err := i.bus.prompt(prompt)
	if err == nil && dismissed {
		err = fail(store.Denied, "the prompt of the keychain was dismissed")
	}
	return true, err
}

// activate asks the bus to start the secret service, if it can and if there is a desktop.
func (i *item) activate(ctx context.Context) error {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return fail(store.Unavailable, noService)
	}
	ctx, cancel := context.WithTimeout(ctx, activationTimeout)
	defer cancel()
	bus, err := dialBus(ctx) // of its own, so that it can have less time
	if err != nil {
		return err
	}
	defer bus.close()
	var names []string
	if err := bus.callBus("ListActivatableNames", nil, &names); err != nil {
		return err
	}
	if !slices.Contains(names, secretsName) {
		return fail(store.Unavailable, noService)
	}
	var result uint32
	err = bus.callBus("StartServiceByName", []any{secretsName, uint32(0)}, &result)
	if _, said := errors.AsType[*busError](err); said {
		err = store.NewError(store.Unavailable, "", fmt.Errorf("the secret service does not start: %w", sanitize(err)))
	}
	return err
}

// errorName returns the D-Bus name of an error, or "".
func errorName(err error) string {
	if e, ok := errors.AsType[*busError](err); ok {
		return e.name
	}
	return ""
}

func isNoOwner(err error) bool {
	return slices.Contains([]string{
		"org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown",
	}, errorName(err))
}

// isNoObject knows the names by which different services say that there is no such collection or item.
func isNoObject(err error) bool {
	return slices.Contains([]string{
		"org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface",
		"org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.Secret.Error.NoSuchObject",
		"org.qtproject.QtDBus.Error.InvalidObjectPath", "org.freedesktop.DBus.Error.InvalidArgs", // KWallet
	}, errorName(err))
}

// classify returns the kind of an error of the bus or the service, and the error without unsafe text.
func classify(err error) (store.ErrorKind, error) {
	switch errorName(err) {
	case "org.freedesktop.Secret.Error.IsLocked":
		return store.Locked, sanitize(err)
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout",
		"org.freedesktop.DBus.Error.TimedOut":
		return store.TimedOut, sanitize(err)
	}
	if isNoOwner(err) {
		return store.Unavailable, sanitize(err)
	}
	return store.Failed, sanitize(err)
}

// sanitize makes the text of a D-Bus error, which the service wrote, safe to print.
func sanitize(err error) error {
	if e, ok := errors.AsType[*busError](err); ok {
		return fmt.Errorf("%s: %s", safetext.Sanitize(e.name, 100), safetext.Sanitize(e.text, 200))
	}
	return err
}
