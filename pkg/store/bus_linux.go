package store

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
)

// busConn is a connection to the session bus on which one goroutine asks and waits for the answers. The messages are encoded by godbus.
//
// A connection of godbus's is four round trips old when it takes its first call, and hands each answer to another thread:
// together a twelfth of the time of `okauth token`. Like systemd's sd-bus, this sends all that it knows it will have to say at once.
// https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
type busConn struct {
	conn    net.Conn
	unwatch func() bool // ends the watch of the context
	in      *bufio.Reader
	out     bytes.Buffer             // what is asked and not sent yet
	unsent  error                    // why a call could not be encoded
	serial  uint32                   // of the last call
	early   map[uint32]*dbus.Message // answers that came before somebody waited for them
	greeted bool                     // the bus has let us in
}

// maxMessage is the size of a message, in bytes, that this reads: the biggest value, and as much for what is around it.
const maxMessage = 2 * maxValue

// dialBus connects to the session bus, if that is a socket in the file system or an abstract one. The connection ends with ctx.
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
	b := &busConn{conn: conn, in: bufio.NewReader(conn), early: make(map[uint32]*dbus.Message)}
	b.unwatch = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	b.out.WriteString("\x00AUTH EXTERNAL " + hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid()))) + "\r\nBEGIN\r\n")
	b.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Hello")
	return b, nil
}

// busSocket returns the socket of a D-Bus address in the form that package net knows. Of several addresses the first counts.
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
	return "", errors.New("the session bus is not a socket of this machine")
}

func (b *busConn) close() {
	b.unwatch()
	_ = b.conn.Close()
}

// ask prepares a call of the secret service, which must be running, and returns its number. method is "interface.member".
func (b *busConn) ask(path dbus.ObjectPath, method string, args ...any) uint32 {
	return b.call(secretsName, path, method, args...)
}

func (b *busConn) call(name string, path dbus.ObjectPath, method string, args ...any) uint32 {
	dot := strings.LastIndexByte(method, '.')
	m := &dbus.Message{Type: dbus.TypeMethodCall, Flags: dbus.FlagNoAutoStart, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(name), dbus.FieldPath: dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(method[:dot]), dbus.FieldMember: dbus.MakeVariant(method[dot+1:]),
	}}
	if len(args) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(args...))
	}
	b.serial++
	begin := b.out.Len()
	if err := m.EncodeTo(&b.out, binary.LittleEndian); err != nil {
		b.unsent = err
		return b.serial
	}
	// godbus numbers the messages of its own connections only. The number stands after four bytes and the length of the body.
	binary.LittleEndian.PutUint32(b.out.Bytes()[begin+8:], b.serial)
	return b.serial
}

// answer sends what was asked, waits for the answer to the call of that number and stores what it says. A refusal is a dbus.Error.
func (b *busConn) answer(serial uint32, values ...any) error {
	if b.unsent != nil {
		return b.unsent
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
			return errors.New("the session bus does not let us in")
		}
		b.greeted = true
	}
	for b.early[serial] == nil {
		m, err := b.next()
		if err != nil {
			return err
		}
		if to, ok := m.Headers[dbus.FieldReplySerial].Value().(uint32); ok && to <= b.serial {
			b.early[to] = m
		}
	}
	m := b.early[serial]
	if m.Type == dbus.TypeError {
		name, _ := m.Headers[dbus.FieldErrorName].Value().(string)
		return dbus.Error{Name: name, Body: m.Body}
	}
	return dbus.Store(m.Body, values...)
}

// next reads the next message that is an answer. The bus greets with a signal, which nobody here waits for: to decode it would take
// as long as all the rest of the greeting. Calls from others are not for us either.
func (b *busConn) next() (*dbus.Message, error) {
	for {
		// "The signature of the header is yyyyuua(yv)": byte order, type, flags, version, length of the body, serial, length of the fields.
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
