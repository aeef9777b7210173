//go:build unix && !darwin

package keychain

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"okauth/pkg/internal/safetext"
)

const busAddressVar = "DBUS_SESSION_BUS_ADDRESS"

// busSockets returns the sockets of the session bus as package net names them, in the order of its address. Without an
// address the socket is in the runtime directory; starting a bus of its own, which would never end, is not for okauth.
func busSockets(getenv func(string) string) ([]string, error) {
	address := getenv(busAddressVar)
	if address == "" {
		socket, err := runtimeSocket(getenv)
		if err != nil {
			return nil, fmt.Errorf("there is no D-Bus session bus: %s is not set, and %w", busAddressVar, err)
		}
		return []string{socket}, nil
	}
	var sockets []string
	var first error
	for entry := range strings.SplitSeq(strings.TrimSuffix(address, ";"), ";") {
		socket, err := busSocket(entry, getenv)
		if err == nil {
			sockets = append(sockets, socket)
		} else if first == nil {
			first = err
		}
	}
	if len(sockets) > 0 {
		return sockets, nil
	}
	return nil, fmt.Errorf("no D-Bus session bus can be used: %s is %q: %w",
		busAddressVar, safetext.Sanitize(address, 200), first)
}

// busSocket returns the socket that one of the addresses names.
// https://dbus.freedesktop.org/doc/dbus-specification.html#addresses
func busSocket(entry string, getenv func(string) string) (string, error) {
	transport, keys, ok := strings.Cut(entry, ":")
	switch {
	case !ok:
		return "", errors.New(`an address begins with a transport and a colon, as in "unix:path=/run/user/1000/bus"`)
	case transport == "autolaunch":
		return runtimeSocket(getenv)
	case transport == "disabled":
		return "", errors.New("that switches the bus off")
	case transport != "unix":
		return "", fmt.Errorf("okauth connects to Unix sockets and not to %q", transport)
	}
	for pair := range strings.SplitSeq(keys, ",") {
		key, value, _ := strings.Cut(pair, "=")
		text, err := url.PathUnescape(value)
		switch {
		case err != nil:
			return "", fmt.Errorf("the value of %q is not escaped as it must be", key)
		case key == "path" && text != "":
			return text, nil
		case key == "abstract" && text != "":
			return "@" + text, nil
		case key == "runtime" && text == "yes":
			return runtimeSocket(getenv)
		}
	}
	return "", errors.New("it names no socket: path, abstract and runtime are missing")
}

// runtimeSocket returns the socket in the user's runtime directory.
func runtimeSocket(getenv func(string) string) (string, error) {
	for _, dir := range []string{getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid())} {
		if !filepath.IsAbs(dir) {
			continue
		}
		socket := filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); err == nil && info.Mode().Type() == fs.ModeSocket {
			return socket, nil
		}
	}
	return "", errors.New("there is no socket bus in $XDG_RUNTIME_DIR")
}
