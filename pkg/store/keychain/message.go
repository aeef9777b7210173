//go:build unix && !darwin

package keychain

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/godbus/dbus/v5"

	"okauth/pkg/store"
)

// maxMessage is the size of the largest message to read, in bytes: the largest value, and as much for the rest.
const maxMessage = 2 * store.MaxValue

type objectPath = dbus.ObjectPath

// secret is the struct (oayays) of the Secret Service.
// https://specifications.freedesktop.org/secret-service-spec/latest/ref-type-Secret.html
type secret struct {
	Session     objectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// busError is an error that the bus or a service returned. Its text is not safe to print: see sanitize.
type busError struct{ name, text string }

func (e *busError) Error() string { return e.name + ": " + e.text }

// encodeCall returns a call that does not start the service. method is "interface.member".
func encodeCall(serial uint32, name string, path objectPath, method string, args []any) ([]byte, error) {
	dot := strings.LastIndexByte(method, '.')
	m := dbus.Message{
		Type:  dbus.TypeMethodCall,
		Flags: dbus.FlagNoAutoStart,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath:        dbus.MakeVariant(path),
			dbus.FieldInterface:   dbus.MakeVariant(method[:dot]),
			dbus.FieldMember:      dbus.MakeVariant(method[dot+1:]),
			dbus.FieldDestination: dbus.MakeVariant(name),
		},
		Body: args,
	}
	if len(args) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(args...))
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, binary.LittleEndian); err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint32(b.Bytes()[8:], serial) // godbus sets it on its own connections alone
	return b.Bytes(), nil
}

// readMessage reads a message. It returns nil for one that it skips: a call, and a signal unless signals are wanted.
func readMessage(in *bufio.Reader, signals bool) (*dbus.Message, error) {
	// "The signature of the header is yyyyuua(yv)": byte order, type, flags, version, length of the body, serial,
	// length of the fields.
	// https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages
	header, err := in.Peek(16)
	if err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if header[0] == 'B' {
		order = binary.BigEndian
	}
	body := int64(order.Uint32(header[4:]))
	size := 16 + (int64(order.Uint32(header[12:]))+7)/8*8 + body
	if size > maxMessage {
		return nil, fmt.Errorf("the session bus sends a message of %d bytes, expected at most %d", size, maxMessage)
	}
	kind := dbus.Type(header[1])
	if kind != dbus.TypeMethodReply && kind != dbus.TypeError && (kind != dbus.TypeSignal || !signals) {
		_, err := in.Discard(int(size))
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, err
	}
	// "Empty structures are not allowed": godbus would read an array of them without end. The numbers before the fields
	// may have any bytes.
	if bytes.Contains(data[16:size-body], []byte("()")) {
		return nil, errors.New("the session bus sends a value of a type that does not exist")
	}
	return dbus.DecodeMessage(bytes.NewReader(data))
}

// field returns a field of the header of m, or a zero value.
func field[T any](m *dbus.Message, name dbus.HeaderField) T {
	value, _ := m.Headers[name].Value().(T)
	return value
}

// storeValues stores the values of m, or the first of them.
func storeValues(m *dbus.Message, values ...any) error {
	if len(m.Body) < len(values) || dbus.Store(m.Body[:len(values)], values...) != nil {
		types := field[dbus.Signature](m, dbus.FieldSignature)
		return fmt.Errorf("the answer has values of the types %q, which okauth does not expect", types.String())
	}
	return nil
}

// asError returns an error reply as an error. Its first value may be a text.
func asError(m *dbus.Message) error {
	e := &busError{name: field[string](m, dbus.FieldErrorName)}
	_ = storeValues(m, &e.text)
	return e
}
