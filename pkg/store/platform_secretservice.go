//go:build linux || netbsd || openbsd || (dragonfly && cgo) || (freebsd && cgo)

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"okauth/pkg/okta"
)

// The Secret Service, as far as it must be asked before go-keyring may be called.
// https://specifications.freedesktop.org/secret-service-spec/latest/
const (
	secretsName       = "org.freedesktop.secrets"
	loginCollection   = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	defaultCollection = dbus.ObjectPath("/org/freedesktop/secrets/aliases/default")
	busAddressVar     = "DBUS_SESSION_BUS_ADDRESS"
)

// activationTimeout bounds the start of a service that the bus could start. The bus itself would wait two minutes.
const activationTimeout = 3 * time.Second

// precheck returns nil if go-keyring will find an unlocked collection, and else a *kindError or a D-Bus error. It never
// prompts, never starts a process, and starts a service only where a desktop is there to show its prompt.
//
// Where all is well that is one round trip on the connection that go-keyring will use. Its flag forbids the bus to start the
// service, so that the answer also tells whether anybody owns the name.
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
		return &kindError{Unavailable, errors.New("no secret service runs on the session bus")}
	case isNoObject(err):
		return &kindError{Unavailable, errors.New("the secret service has no login or default collection")}
	case err != nil:
		return err
	case locked:
		return &kindError{Locked, errors.New("the keychain is locked")}
	}
	return nil
}

// pinBus finds the address of the session bus and leaves it in the environment, where godbus looks first. Without one
// godbus would run a program called dbus-launch from PATH, which starts a bus that nobody ever stops.
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
	return &kindError{Unavailable, errors.New("there is no D-Bus session bus: " + busAddressVar + " is not set, and there is no socket bus in $XDG_RUNTIME_DIR")}
}

// connectError tells a bus that is not there from one that does not want us.
func connectError(err error) error {
	for _, gone := range []error{fs.ErrNotExist, syscall.ECONNREFUSED, syscall.ENOTDIR} {
		if errors.Is(err, gone) {
			return &kindError{Unavailable, fmt.Errorf("no D-Bus session bus answers: %w", err)}
		}
	}
	return fmt.Errorf("connect to the D-Bus session bus: %w", err)
}

// collectionLocked reads the property Locked of the collection that go-keyring takes: "login" if there is one, else the default.
func collectionLocked(ctx context.Context, conn *dbus.Conn) (bool, error) {
	locked, err := isLocked(ctx, conn, loginCollection)
	if isNoObject(err) {
		return isLocked(ctx, conn, defaultCollection)
	}
	return locked, err
}

func isLocked(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) (bool, error) {
	var v dbus.Variant
	err := conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart,
		"org.freedesktop.Secret.Collection", "Locked").Store(&v)
	if err != nil {
		return false, err
	}
	locked, ok := v.Value().(bool)
	if !ok {
		return false, fmt.Errorf("the secret service says that Locked is of type %q, expected a boolean", v.Signature())
	}
	return locked, nil
}

// activate asks the bus to start the secret service, if it can and if a desktop is there. It returns nil when there is reason to look again.
func activate(ctx context.Context, conn *dbus.Conn) error {
	absent := &kindError{Unavailable, errors.New("no secret service runs on the session bus")}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return absent
	}
	ctx, cancel := context.WithTimeout(ctx, activationTimeout)
	defer cancel()
	var names []string
	if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names); err != nil {
		return err
	}
	for _, name := range names {
		if name == secretsName {
			err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, secretsName, uint32(0)).Err
			if err != nil && ctx.Err() == nil {
				return &kindError{Unavailable, fmt.Errorf("the secret service does not start: %w", harmless(err))}
			}
			return err
		}
	}
	return absent
}

// errorName returns the D-Bus name of an error, or "".
func errorName(err error) string {
	var e dbus.Error
	if errors.As(err, &e) {
		return e.Name
	}
	return ""
}

func isNoOwner(err error) bool {
	switch errorName(err) {
	case "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown":
		return true
	}
	return false
}

// isNoObject knows the names under which different services say that there is no such collection.
func isNoObject(err error) bool {
	switch errorName(err) {
	case "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.UnknownMethod",
		"org.freedesktop.DBus.Error.UnknownProperty", "org.freedesktop.Secret.Error.NoSuchObject":
		return true
	}
	return false
}

// vanished reports whether an item was found and then deleted by somebody else before it could be read.
func vanished(err error) bool { return errorName(err) == "org.freedesktop.Secret.Error.NoSuchObject" }

// classify gives an error of the precheck or of go-keyring its kind, and makes text of the service harmless to print.
func classify(err error) (ErrorKind, error) {
	switch errorName(err) {
	case "":
	case "org.freedesktop.Secret.Error.IsLocked":
		return Locked, harmless(err)
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut":
		return TimedOut, harmless(err)
	case "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.ServiceUnknown":
		return Unavailable, harmless(err)
	}
	// go-keyring's only trace of a dismissed prompt.
	if strings.HasPrefix(err.Error(), "failed to unlock correct collection") {
		return Denied, errors.New("the prompt of the keychain was dismissed")
	}
	return Failed, harmless(err)
}

// harmless keeps the name of a D-Bus error and quotes its text, which the service wrote.
func harmless(err error) error {
	var e dbus.Error
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %s", okta.Sanitize(e.Name, 100), okta.Sanitize(e.Error(), 200))
	}
	return err
}
