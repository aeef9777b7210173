package keychain

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// godbus, which shares no code with okauth, reads every call that okauth sends.
func TestCallsAreWellFormed(t *testing.T) {
	t.Parallel()
	attributes := map[string]string{"username": "a", "service": "okauth"}
	paths := []objectPath{loginCollection, "/"}
	calls := map[string]struct{ args, want []any }{
		"org.freedesktop.DBus.Hello":                 {nil, nil},
		"org.freedesktop.DBus.AddMatch":              {[]any{"type='signal'"}, []any{"type='signal'"}},
		"org.freedesktop.DBus.StartServiceByName":    {[]any{secretsName, uint32(0)}, []any{secretsName, uint32(0)}},
		"org.freedesktop.Secret.Service.SearchItems": {[]any{attributes}, []any{attributes}},
		"org.freedesktop.Secret.Service.OpenSession": {[]any{"plain", variant{""}}, []any{"plain", dbus.MakeVariant("")}},
		"org.freedesktop.Secret.Service.Unlock":      {[]any{paths}, []any{[]dbus.ObjectPath{dbus.ObjectPath(loginCollection), "/"}}},
		"org.freedesktop.Secret.Item.GetSecret":      {[]any{objectPath("/s")}, []any{dbus.ObjectPath("/s")}},
		"org.freedesktop.Secret.Collection.CreateItem": {
			[]any{map[string]variant{"l": {"text"}, "a": {attributes}}, secret{"/s", []byte{}, []byte("value"), "text/plain"}, true},
			[]any{
				map[string]dbus.Variant{"l": dbus.MakeVariant("text"), "a": dbus.MakeVariant(attributes)},
				[]any{dbus.ObjectPath("/s"), []byte{}, []byte("value"), "text/plain"}, true,
			},
		},
	}
	for method, tt := range calls {
		m, err := dbus.DecodeMessage(bytes.NewReader(encodeCall(7, "org.example", "/some/path", method, tt.args)))
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		if err := m.IsValid(); err != nil || m.Serial() != 7 || m.Flags != dbus.FlagNoAutoStart {
			t.Errorf("%s: %v, serial %d, flags %d", method, err, m.Serial(), m.Flags)
		}
		h := m.Headers
		if got := h[dbus.FieldInterface].Value().(string) + "." + h[dbus.FieldMember].Value().(string); got != method ||
			h[dbus.FieldPath].Value() != dbus.ObjectPath("/some/path") || h[dbus.FieldDestination].Value() != "org.example" {
			t.Errorf("%s: headers %v", method, h)
		}
		if len(tt.want)+len(m.Body) > 0 && !reflect.DeepEqual(m.Body, tt.want) {
			t.Errorf("%s: got %v, want %v", method, m.Body, tt.want)
		}
	}
}

// A message may come in either byte order, and must end where it says.
func TestAnswersOfGodbusAreRead(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		data := busMessage(t, order, dbus.TypeMethodReply, replyTo(9), dbus.MakeVariant(""), dbus.ObjectPath("/session"),
			[]dbus.ObjectPath{"/a", "/bc"}, []dbus.ObjectPath{}, []string{"x", ""}, true, uint32(7),
			struct {
				Session    dbus.ObjectPath
				Parameters []byte
				Value      []byte
				Type       string
			}{"/session", []byte{}, []byte("value"), "text/plain"})
		read := func(data []byte) ([]any, error) {
			m, err := readMessage(bufio.NewReader(bytes.NewReader(data)), false)
			if err != nil {
				return nil, err
			}
			var v variant
			var session objectPath
			var some, none []objectPath
			var texts []string
			var flag bool
			var number uint32
			var s secret
			err = m.store(&v, &session, &some, &none, &texts, &flag, &number, &s)
			return []any{m.replyTo, v, session, some, none, texts, flag, number, s}, err
		}
		got, err := read(data)
		want := []any{
			uint32(9), variant{""}, objectPath("/session"), []objectPath{"/a", "/bc"}, []objectPath(nil), []string{"x", ""}, true, uint32(7),
			secret{"/session", []byte{}, []byte("value"), "text/plain"},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %v and %v, want %v", order, got, err, want)
		}
		for n := range data {
			if got, err := read(data[:n]); err == nil {
				t.Errorf("%v: %d of %d bytes were taken for a message: %v", order, n, len(data), got)
			}
		}
	}
}

// Lengths that lead out of a message, and lists that never end.
func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	good := busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(9), []dbus.ObjectPath{"/a"}, []dbus.ObjectPath{})
	for at := range len(good) - 3 {
		for _, length := range []uint32{0, 1, 5, 0xff, 1 << 20, math.MaxInt32, math.MaxUint32} {
			data := bytes.Clone(good)
			binary.LittleEndian.PutUint32(data[at:], length)
			readAny(data)
		}
	}
	for want, data := range map[string]string{
		"byte order":       "x\x02\x00\x01" + strings.Repeat("\x00", 12),
		"expected at most": "l\x02\x00\x01\xff\xff\xff\xff\x01\x00\x00\x00\xff\xff\xff\xff",
	} {
		if _, err := readMessage(bufio.NewReader(strings.NewReader(data)), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// readAny reads data as a message with any values.
func readAny(data []byte) {
	m, err := readMessage(bufio.NewReader(bytes.NewReader(data)), true)
	if err != nil || m == nil {
		return
	}
	_ = m.asError()
	for _, values := range [][]any{
		{new([]objectPath), new([]objectPath)}, {new(variant), new(objectPath)}, {new(secret)}, {new([]string)}, {new(bool), new(uint32)}, {new(string)},
	} {
		again := *m
		again.body.at, again.body.err = 0, nil
		_ = again.store(values...)
	}
}

// The number of a message may have any bytes, also those of a signature: 10536 is "()".
func TestMessagesOfAnyNumber(t *testing.T) {
	t.Parallel()
	data := busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(2))
	for serial := range uint32(1 << 16) {
		binary.LittleEndian.PutUint32(data[8:], serial+1)
		if m, err := readMessage(bufio.NewReader(bytes.NewReader(data)), false); err != nil || m.replyTo != 2 {
			t.Fatalf("message %d: %v", serial+1, err)
		}
	}
}

// Whatever the bus sends, reading it ends, and without a panic.
func FuzzReadMessage(f *testing.F) {
	reply := map[dbus.HeaderField]dbus.Variant{dbus.FieldReplySerial: dbus.MakeVariant(uint32(2))}
	for _, body := range [][]any{{"text"}, {[]dbus.ObjectPath{"/a"}, []dbus.ObjectPath{}}, {dbus.MakeVariant(""), dbus.ObjectPath("/a")}} {
		m := &dbus.Message{Type: dbus.TypeMethodReply, Headers: reply, Body: body}
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
		var b bytes.Buffer
		if err := m.EncodeTo(&b, binary.LittleEndian); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(_ *testing.T, data []byte) { readAny(data) })
}
