package keychain

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"okauth/pkg/store"
)

// servicePath is the object that opens sessions.
const servicePath = dbus.ObjectPath("/org/freedesktop/secrets")

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
	if isNoObject(err) { // there is no such collection, or the item has just been deleted
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
	search := b.send(secretsName, collection, "org.freedesktop.Secret.Collection.SearchItems", attributes)
	// "plain": the value crosses the bus unencrypted, as with go-keyring. A process that can listen there can also read
	// the item itself.
	open := b.send(secretsName, servicePath, "org.freedesktop.Secret.Service.OpenSession", "plain", dbus.MakeVariant(""))

	var items []dbus.ObjectPath
	if err := b.receive(search, &items); err != nil {
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
	err := b.receive(b.send(secretsName, items[0], "org.freedesktop.Secret.Item.GetSecret", session), &secret)
	return secret.Value, err
}

// notFound returns go-keyring's ErrNotFound if the collection is unlocked: a locked one may not find what it holds.
func notFound(b *busConn, collection dbus.ObjectPath) error {
	get := b.send(secretsName, collection, "org.freedesktop.DBus.Properties.Get",
		"org.freedesktop.Secret.Collection", "Locked")
	var locked bool
	if err := b.receive(get, &locked); err != nil {
		return err
	}
	if locked {
		return errors.New("the collection is locked")
	}
	return keyring.ErrNotFound
}

// busConn is a connection to the session bus on which one goroutine sends calls and waits for the answers. godbus
// encodes the messages.
//
// A connection of godbus takes four round trips before the first call, and hands each answer to another thread:
// together a twelfth of the time that getting a token takes. Like systemd's sd-bus, busConn sends at once all that
// needs no answer first.
// https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
type busConn struct {
	conn    net.Conn
	unwatch func() bool // stops watching the context
	in      *bufio.Reader
	out     bytes.Buffer             // calls to write
	failed  error                    // why a call could not be encoded
	serial  uint32                   // of the last call
	answers map[uint32]*dbus.Message // by the serial of the call
	greeted bool                     // the bus has accepted the connection
}

// maxMessage is the size of the largest message to read, in bytes: the largest value, and as much for the rest.
const maxMessage = 2 * store.MaxValue

// dialBus connects to the session bus, if that is a Unix socket. The connection ends with ctx.
func dialBus(ctx context.Context) (*busConn, error) {
	if err := pinBus(); err != nil {
		return nil, err
	}
	path, err := busSocket(os.Getenv(busAddressVar))
	if err != nil {
		return nil, err
	}
	return openBus(ctx, path)
}

func openBus(ctx context.Context, path string) (*busConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	b := &busConn{conn: conn, in: bufio.NewReader(conn), answers: make(map[uint32]*dbus.Message)}
	b.unwatch = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	b.out.WriteString("\x00AUTH EXTERNAL " + hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid()))) + "\r\nBEGIN\r\n")
	b.send("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Hello")
	return b, nil
}

// busSocket returns the socket of a D-Bus address as package net names it. Of several addresses the first counts.
// https://dbus.freedesktop.org/doc/dbus-specification.html#addresses
func busSocket(address string) (string, error) {
	first, _, _ := strings.Cut(address, ";")
	keys, ok := strings.CutPrefix(first, "unix:")
	if ok {
		for entry := range strings.SplitSeq(keys, ",") {
			key, value, _ := strings.Cut(entry, "=")
			text, err := dbus.UnescapeBusAddressValue(value)
			switch {
			case err == nil && key == "path" && text != "":
				return text, nil
			case err == nil && key == "abstract" && text != "":
				return "@" + text, nil
			}
		}
	}
	return "", errors.New("the session bus is not a Unix socket")
}

func (b *busConn) close() {
	b.unwatch()
	_ = b.conn.Close()
}

// send prepares a call of a service, which must run, and returns its serial; receive writes it. method is
// "interface.member".
func (b *busConn) send(name string, path dbus.ObjectPath, method string, args ...any) uint32 {
	dot := strings.LastIndexByte(method, '.')
	headers := map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(name), dbus.FieldPath: dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(method[:dot]), dbus.FieldMember: dbus.MakeVariant(method[dot+1:]),
	}
	m := &dbus.Message{Type: dbus.TypeMethodCall, Flags: dbus.FlagNoAutoStart, Body: args, Headers: headers}
	if len(args) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(args...))
	}
	b.serial++
	begin := b.out.Len()
	if err := m.EncodeTo(&b.out, binary.LittleEndian); err != nil {
		b.failed = err
		return b.serial
	}
	// godbus sets the serial only on its own connections. It follows four bytes and the length of the body.
	binary.LittleEndian.PutUint32(b.out.Bytes()[begin+8:], b.serial)
	return b.serial
}

// receive writes the prepared calls, waits for the answer to the one with that serial and stores its values. An error
// that the service returned is a dbus.Error.
func (b *busConn) receive(serial uint32, values ...any) error {
	if b.failed != nil {
		return b.failed
	}
	if b.out.Len() > 0 {
		if _, err := b.conn.Write(b.out.Bytes()); err != nil {
			return err
		}
		b.out.Reset()
	}
	if !b.greeted {
		line, err := b.in.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "OK ") {
			return errors.New("the session bus refuses the connection")
		}
		b.greeted = true
	}
	for b.answers[serial] == nil {
		m, err := b.next()
		if err != nil {
			return err
		}
		if to, ok := m.Headers[dbus.FieldReplySerial].Value().(uint32); ok && to <= b.serial {
			b.answers[to] = m
		}
	}
	m := b.answers[serial]
	if m.Type == dbus.TypeError {
		name, _ := m.Headers[dbus.FieldErrorName].Value().(string)
		return dbus.Error{Name: name, Body: m.Body}
	}
	return dbus.Store(m.Body, values...)
}

// next reads the next message that is an answer. It skips calls, and signals such as the greeting of the bus, which
// would take as long to decode as all the rest of the greeting.
func (b *busConn) next() (*dbus.Message, error) {
	for {
		// "The signature of the header is yyyyuua(yv)": byte order, type, flags, version, length of the body, serial,
		// length of the fields.
		// https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages
		header, err := b.in.Peek(16)
		if err != nil {
			return nil, err
		}
		var order binary.ByteOrder = binary.LittleEndian
		if header[0] == 'B' {
			order = binary.BigEndian
		}
		size := 16 + (int64(order.Uint32(header[12:]))+7)/8*8 + int64(order.Uint32(header[4:]))
		if size > maxMessage {
			return nil, fmt.Errorf("the session bus sends a message of %d bytes, expected at most %d", size, maxMessage)
		}
		switch dbus.Type(header[1]) {
		case dbus.TypeMethodReply, dbus.TypeError:
			return dbus.DecodeMessage(io.LimitReader(b.in, size))
		}
		if _, err := io.CopyN(io.Discard, b.in, size); err != nil {
			return nil, err
		}
	}
}
