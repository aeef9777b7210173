package fakesecretservice

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// conn is one client's connection, seen from the bus.
type conn struct {
	fake   *Fake
	stream net.Conn
	unique string // the client's name on the bus, ":1.7"

	mu     sync.Mutex // one message at a time
	serial uint32
}

func (f *Fake) accept() {
	for {
		stream, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		c := &conn{fake: f, stream: stream, unique: string(f.name(":1."))}
		f.conns[c] = true
		f.calls["connections"]++
		f.mu.Unlock()
		f.done.Go(func() {
			c.serve()
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
	if c.fake.Behavior().HangBus {
		_, _ = in.WriteTo(io.Discard)
		return
	}
	if err := c.authenticate(in); err != nil {
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
		if err != nil {
			return err
		}
		words := append(strings.Fields(line), "", "")
		answer := "ERROR"
		switch {
		case words[0] == "BEGIN":
			return nil
		case words[0] == "AUTH" && words[1] == "EXTERNAL" && words[2] == "":
			answer = "DATA"
		case words[0] == "AUTH" && words[1] == "EXTERNAL", words[0] == "DATA":
			answer = "OK 0123456789abcdef0123456789abcdef"
		case words[0] == "AUTH":
			answer = "REJECTED EXTERNAL"
		}
		// godbus answers an empty DATA challenge with nothing but its own DATA line, which is accepted above.
		if _, err := c.stream.Write([]byte(answer + "\r\n")); err != nil {
			return err
		}
	}
}

// send writes a message. Errors show as the end of the connection.
func (c *conn) send(msg *dbus.Message) {
	if len(msg.Body) > 0 {
		msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(msg.Body...))
	}
	var b bytes.Buffer
	if err := msg.EncodeTo(&b, binary.LittleEndian); err != nil {
		_ = c.stream.Close()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// godbus sets the serial only on its own connections. It follows four bytes and the length of the body.
	c.serial++
	binary.LittleEndian.PutUint32(b.Bytes()[8:], c.serial)
	_, _ = c.stream.Write(b.Bytes())
}

func (c *conn) reply(call *dbus.Message, sender string, body ...any) {
	c.send(&dbus.Message{Type: dbus.TypeMethodReply, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		dbus.FieldSender:      dbus.MakeVariant(sender),
		dbus.FieldDestination: dbus.MakeVariant(c.unique),
	}})
}

func (c *conn) fail(call *dbus.Message, name, text string) {
	c.send(&dbus.Message{Type: dbus.TypeError, Body: []any{text}, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldErrorName:   dbus.MakeVariant(name),
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
		dbus.FieldSender:      dbus.MakeVariant(busName),
		dbus.FieldDestination: dbus.MakeVariant(c.unique),
	}})
}

func (c *conn) signal(path dbus.ObjectPath, iface, member string, body ...any) {
	headers := map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath:      dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(iface),
		dbus.FieldMember:    dbus.MakeVariant(member),
		dbus.FieldSender:    dbus.MakeVariant(secretsOwner),
	}
	c.send(&dbus.Message{Type: dbus.TypeSignal, Flags: dbus.FlagNoReplyExpected, Body: body, Headers: headers})
}

// text returns a header field that holds a string or a path, or "".
func text(msg *dbus.Message, field dbus.HeaderField) string {
	switch v := msg.Headers[field].Value().(type) {
	case string:
		return v
	case dbus.ObjectPath:
		return string(v)
	default:
		return ""
	}
}

// arg returns the i-th argument of a call as a T, or the zero T.
func arg[T any](call *dbus.Message, i int) T {
	var v T
	if i < len(call.Body) {
		v, _ = call.Body[i].(T)
	}
	return v
}
