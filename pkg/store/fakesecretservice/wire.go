package fakesecretservice

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/godbus/dbus/v5"
)

// conn is one client's connection, seen from the bus.
type conn struct {
	fake   *Fake
	stream net.Conn
	unique string // the client's name on the bus, ":1.7"
	serial uint32 // of the last message to the client
	known  bool   // the secret service has had a call
}

func (f *Fake) accept() {
	for {
		stream, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		c := &conn{fake: f, stream: stream, unique: string(f.name(":1."))}
		serve := c.serve
		if f.behavior.HangBus {
			serve = func() { _, _ = io.Copy(io.Discard, stream) }
		}
		f.conns[c] = true
		f.calls["connections"]++
		f.mu.Unlock()
		f.done.Go(func() {
			serve()
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.conns, c)
			_ = stream.Close()
		})
	}
}

// serve reads until the client disconnects or breaks the protocol.
func (c *conn) serve() {
	in := bufio.NewReader(c.stream)
	if c.authenticate(in) != nil {
		return
	}
	for {
		msg, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		if msg.Type == dbus.TypeMethodCall {
			c.dispatch(msg)
		}
	}
}

// authenticate accepts every client: it answers "AUTH EXTERNAL" with OK.
// https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
func (c *conn) authenticate(in *bufio.Reader) error {
	if zero, err := in.ReadByte(); err != nil || zero != 0 {
		return errors.New("the client did not begin with a NUL byte")
	}
	for {
		line, err := in.ReadString('\n')
		line = strings.TrimSpace(line)
		if err != nil || line == "BEGIN" {
			return err
		}
		answer := "ERROR"
		switch {
		case line == "AUTH":
			answer = "REJECTED EXTERNAL"
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			answer = "OK 0123456789abcdef0123456789abcdef"
		}
		if _, err := c.stream.Write([]byte(answer + "\r\n")); err != nil {
			return err
		}
	}
}

type headers map[dbus.HeaderField]dbus.Variant

// send writes a message. Errors show as the end of the connection.
func (c *conn) send(kind dbus.Type, h headers, body ...any) {
	h[dbus.FieldDestination] = dbus.MakeVariant(c.unique)
	if len(body) > 0 {
		h[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	var b bytes.Buffer
	if err := (&dbus.Message{Type: kind, Headers: h, Body: body}).EncodeTo(&b, binary.LittleEndian); err != nil {
		_ = c.stream.Close()
		return
	}
	// godbus sets the serial only on its own connections. It follows four bytes and the length of the body.
	c.serial++
	binary.LittleEndian.PutUint32(b.Bytes()[8:], c.serial)
	_, _ = c.stream.Write(b.Bytes())
}

func (c *conn) reply(call *dbus.Message, body ...any) {
	serial := dbus.MakeVariant(call.Serial())
	h := headers{dbus.FieldReplySerial: serial, dbus.FieldSender: call.Headers[dbus.FieldDestination]}
	c.send(dbus.TypeMethodReply, h, body...)
}

func (c *conn) fail(call *dbus.Message, name, text string) {
	c.send(dbus.TypeError, headers{
		dbus.FieldErrorName:   dbus.MakeVariant(name),
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		dbus.FieldSender:      dbus.MakeVariant(busName),
	}, text)
}

func (c *conn) signal(path dbus.ObjectPath, iface, member string, body ...any) {
	c.send(dbus.TypeSignal, headers{
		dbus.FieldPath:      dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(iface),
		dbus.FieldMember:    dbus.MakeVariant(member),
		dbus.FieldSender:    dbus.MakeVariant(secretsName),
	}, body...)
}

// text returns a header field that holds a string or a path.
func text(msg *dbus.Message, field dbus.HeaderField) string {
	return fmt.Sprint(msg.Headers[field].Value())
}

// arg returns the i-th argument of a call as a T, or the zero T.
func arg[T any](call *dbus.Message, i int) T {
	var v T
	if i < len(call.Body) {
		v, _ = call.Body[i].(T)
	}
	return v
}
