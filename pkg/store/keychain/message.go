//go:build unix && !darwin

package keychain

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"okauth/pkg/store"
)

// The types of messages.
// https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages
const (
	methodCall  = 1
	methodReply = 2
	errorReply  = 3
	signal      = 4
)

// noAutoStart is the flag of a call that must not start the service.
const noAutoStart = 2

// The fields of a header.
const (
	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldErrorName   = 4
	fieldReplySerial = 5
	fieldDestination = 6
	fieldSignature   = 8
)

// maxMessage is the size of the largest message to read, in bytes: the largest value, and as much for the rest.
const maxMessage = 2 * store.MaxValue

// message is an answer, or a signal.
type message struct {
	kind      byte
	replyTo   uint32     // the serial of the call
	errorName string     // of an error
	path      objectPath // and
	member    string     // of a signal
	body      reader
}

// busError is an error that the bus or a service returned. Its text is not safe to print: see sanitize.
type busError struct{ name, text string }

func (e *busError) Error() string { return e.name + ": " + e.text }

func encodeCall(serial uint32, name string, path objectPath, method string, args []any) []byte {
	var body writer
	for _, arg := range args {
		body.add(arg)
	}
	dot := strings.LastIndexByte(method, '.')
	w := writer{data: []byte{'l', methodCall, noAutoStart, 1}}
	w.uint32(uint32(len(body.data)))
	w.uint32(serial)
	w.array(8, func() {
		w.field(fieldPath, "o", string(path))
		w.field(fieldInterface, "s", method[:dot])
		w.field(fieldMember, "s", method[dot+1:])
		w.field(fieldDestination, "s", name)
		if body.signature != "" {
			w.field(fieldSignature, "g", body.signature)
		}
	})
	w.align(8)
	return append(w.data, body.data...)
}

func (w *writer) field(code byte, signature, text string) {
	w.align(8)
	w.data = append(w.data, code)
	w.shortText(signature)
	if signature == "g" {
		w.shortText(text)
	} else {
		w.text(text)
	}
}

// readMessage reads a message. It returns nil for one that it skips: a call, and a signal unless signals are wanted.
func readMessage(in *bufio.Reader, signals bool) (*message, error) {
	// "The signature of the header is yyyyuua(yv)": byte order, type, flags, version, length of the body, serial,
	// length of the fields.
	header, err := in.Peek(16)
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder
	switch header[0] {
	case 'l':
		order = binary.LittleEndian
	case 'B':
		order = binary.BigEndian
	default:
		return nil, fmt.Errorf("%w: byte order %q", errWire, header[0])
	}
	fields := int64(order.Uint32(header[12:]))
	begin := 16 + (fields+7)/8*8 // of the body
	size := begin + int64(order.Uint32(header[4:]))
	if size > maxMessage {
		return nil, fmt.Errorf("the session bus sends a message of %d bytes, expected at most %d", size, maxMessage)
	}
	m := &message{kind: header[1]}
	if m.kind != methodReply && m.kind != errorReply && (m.kind != signal || !signals) {
		_, err := in.Discard(int(size))
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, err
	}
	m.body = reader{order: order, data: data[begin:]}
	return m, m.readFields(reader{order: order, data: data[:16+fields], at: 16})
}

func (m *message) readFields(r reader) error {
	for r.err == nil && r.at < len(r.data) {
		var text string
		var number uint32
		code := r.next(8, 1)[0]
		switch signature := r.shortText(); signature {
		case "s", "o":
			text = r.text()
		case "g":
			text = r.shortText()
		case "u":
			number = r.uint32()
		default:
			r.fail(errWire)
		}
		switch code {
		case fieldPath:
			m.path = objectPath(text)
		case fieldMember:
			m.member = text
		case fieldErrorName:
			m.errorName = text
		case fieldReplySerial:
			m.replyTo = number
		case fieldSignature:
			m.body.signature = text
		}
	}
	return r.err
}

// store stores the values of the body, or the first of them.
func (m *message) store(values ...any) error {
	for _, value := range values {
		m.body.take(value)
	}
	return m.body.err
}

// asError returns an error reply as an error. Its first value may be a text.
func (m *message) asError() error {
	e := &busError{name: m.errorName}
	_ = m.store(&e.text)
	return e
}
