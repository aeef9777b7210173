//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package keychain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/store"
)

// The names of the Secret Service.
// https://specifications.freedesktop.org/secret-service-spec/latest/
const (
	secretsName       = "org.freedesktop.secrets"
	loginCollection   = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	defaultCollection = dbus.ObjectPath("/org/freedesktop/secrets/aliases/default")
	busAddressVar     = "DBUS_SESSION_BUS_ADDRESS"
)

// activationTimeout limits the start of a service by the bus, which itself would wait two minutes.
const activationTimeout = 3 * time.Second

// precheck returns nil if go-keyring will find an unlocked collection, and else a *store.Error without Op or a D-Bus
// error. It never prompts, never starts a process, and starts a service only if there is a desktop to show its prompt.
//
// In the normal case it takes one round trip on the connection that go-keyring will use. The flag of the call forbids
// the bus to start the service, so that the answer also tells whether the service runs.
func precheck(ctx context.Context) error {
	if err := pinBus(); err != nil {
		return err
	}
	conn, err := dbus.SessionBus() // shared with go-keyring
	if err != nil {
		return connectError(err)
	}
	locked, err := collectionLocked(ctx, conn)
	if errors.Is(err, dbus.ErrClosed) { // it broke during an earlier call, and godbus had not noticed
		if conn, err = dbus.SessionBus(); err != nil {
			return connectError(err)
		}
		locked, err = collectionLocked(ctx, conn)
	}
	if isNoOwner(err) {
		if err := activate(ctx, conn); err != nil {
			return err
		}
		locked, err = collectionLocked(ctx, conn)
	}
	switch {
	case isNoOwner(err):
		return fail(store.Unavailable, noService)
	case isNoObject(err):
		return fail(store.Unavailable, "the secret service has no login or default collection")
	case err != nil:
		return err
	case locked:
		return fail(store.Locked, "the keychain is locked")
	}
	return nil
}

const noService = "no secret service runs on the session bus"

// pinBus finds the address of the session bus and sets it in the environment, where godbus looks first. Without one
// godbus would run a program called dbus-launch from PATH, which starts a bus that never ends.
func pinBus() error {
	address := os.Getenv(busAddressVar)
	if address != "" && !strings.HasPrefix(address, "autolaunch:") {
		return nil
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid())} {
		if !filepath.IsAbs(dir) {
			continue
		}
		socket := filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); err == nil && info.Mode().Type() == fs.ModeSocket {
			return os.Setenv(busAddressVar, "unix:path="+dbus.EscapeBusAddressValue(socket))
		}
	}
	return fail(store.Unavailable, "there is no D-Bus session bus: "+busAddressVar+
		" is not set, and there is no socket bus in $XDG_RUNTIME_DIR")
}

// connectError tells a bus that does not exist from one that refuses the connection.
func connectError(err error) error {
	for _, gone := range []error{fs.ErrNotExist, syscall.ECONNREFUSED, syscall.ENOTDIR} {
		if errors.Is(err, gone) {
			return store.NewError(store.Unavailable, "", fmt.Errorf("no D-Bus session bus answers: %w", err))
		}
	}
	return fmt.Errorf("connect to the D-Bus session bus: %w", err)
}

// collectionLocked reports whether the collection is locked that go-keyring uses: "login" if there is one, else the
// default.
func collectionLocked(ctx context.Context, conn *dbus.Conn) (bool, error) {
	locked, err := isLocked(ctx, conn, loginCollection)
	if isNoObject(err) {
		return isLocked(ctx, conn, defaultCollection)
	}
	return locked, err
}

func isLocked(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) (bool, error) {
	var v dbus.Variant
	call := conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, "org.freedesktop.Secret.Collection", "Locked")
	if err := call.Store(&v); err != nil {
		return false, err
	}
	locked, ok := v.Value().(bool)
	if !ok {
		return false, fmt.Errorf("the secret service says that Locked is of type %q, expected a boolean", v.Signature())
	}
	return locked, nil
}

// activate asks the bus to start the secret service, if it can and if there is a desktop. It returns nil if the service
// may run now.
func activate(ctx context.Context, conn *dbus.Conn) error {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return fail(store.Unavailable, noService)
	}
	ctx, cancel := context.WithTimeout(ctx, activationTimeout)
	defer cancel()
	var names []string
	bus := conn.BusObject()
	if err := bus.CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names); err != nil {
		return err
	}
	if !slices.Contains(names, secretsName) {
		return fail(store.Unavailable, noService)
	}
	err := bus.CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, secretsName, uint32(0)).Err
	if err != nil && ctx.Err() == nil {
		err = store.NewError(store.Unavailable, "", fmt.Errorf("the secret service does not start: %w", sanitize(err)))
	}
	return err
}

// errorName returns the D-Bus name of an error, or "".
func errorName(err error) string {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		return e.Name
	}
	return ""
}

func isNoOwner(err error) bool {
	return slices.Contains([]string{
		"org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown",
	}, errorName(err))
}

// isNoObject knows the names by which different services say that there is no such collection.
func isNoObject(err error) bool {
	return slices.Contains([]string{
		"org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface",
		"org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownProperty",
		"org.freedesktop.Secret.Error.NoSuchObject",
	}, errorName(err))
}

// classify returns the kind of an error of precheck or go-keyring, and the error without unsafe text of the service.
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
	// go-keyring's only sign of a dismissed prompt.
	if strings.HasPrefix(err.Error(), "failed to unlock correct collection") {
		return store.Denied, errors.New("the prompt of the keychain was dismissed")
	}
	return store.Failed, sanitize(err)
}

// sanitize makes the text of a D-Bus error, which the service wrote, safe to print.
func sanitize(err error) error {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		return fmt.Errorf("%s: %s", safetext.Sanitize(e.Name, 100), safetext.Sanitize(e.Error(), 200))
	}
	return err
}
