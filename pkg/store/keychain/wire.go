//go:build unix && !darwin

package keychain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The part of D-Bus's format that the Secret Service needs: the types in the switches of add and take, and no more.
// https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-marshaling

type (
	objectPath string
	variant    struct{ value any }
)

// secret is the struct (oayays) of the Secret Service.
// https://specifications.freedesktop.org/secret-service-spec/latest/ref-type-Secret.html
type secret struct {
	session     objectPath
	parameters  []byte
	value       []byte
	contentType string
}

// writer writes values one after the other, little-endian, and notes their signature.
type writer struct {
	data      []byte
	signature string
}

func (w *writer) align(n int) {
	for len(w.data)%n != 0 {
		w.data = append(w.data, 0)
	}
}

func (w *writer) uint32(v uint32) {
	w.align(4)
	w.data = binary.LittleEndian.AppendUint32(w.data, v)
}

func (w *writer) text(s string) {
	w.uint32(uint32(len(s)))
	w.data = append(append(w.data, s...), 0)
}

func (w *writer) shortText(s string) {
	w.data = append(append(append(w.data, byte(len(s))), s...), 0)
}

// array writes what elements writes, which are aligned to n, with its length before it.
func (w *writer) array(n int, elements func()) {
	w.uint32(0)
	at := len(w.data)
	w.align(n)
	begin := len(w.data)
	elements()
	binary.LittleEndian.PutUint32(w.data[at-4:], uint32(len(w.data)-begin))
}

// add writes a value. It panics for a type that okauth does not send.
func (w *writer) add(value any) {
	switch v := value.(type) {
	case string:
		w.signature += "s"
		w.text(v)
	case objectPath:
		w.signature += "o"
		w.text(string(v))
	case uint32:
		w.signature += "u"
		w.uint32(v)
	case bool:
		w.signature += "b"
		w.uint32(map[bool]uint32{true: 1}[v])
	case variant:
		w.signature += "v"
		inner := writer{}
		inner.add(v.value)
		w.shortText(inner.signature)
		w.value(v.value)
	case []objectPath:
		w.signature += "ao"
		w.array(4, func() {
			for _, path := range v {
				w.text(string(path))
			}
		})
	case map[string]string:
		w.signature += "a{ss}"
		w.array(8, func() {
			for key, text := range v {
				w.align(8)
				w.text(key)
				w.text(text)
			}
		})
	case map[string]variant:
		w.signature += "a{sv}"
		w.array(8, func() {
			for key, inner := range v {
				w.align(8)
				w.text(key)
				w.value(inner)
			}
		})
	case secret:
		w.signature += "(oayays)"
		w.align(8)
		w.text(string(v.session))
		w.array(1, func() { w.data = append(w.data, v.parameters...) })
		w.array(1, func() { w.data = append(w.data, v.value...) })
		w.text(v.contentType)
	default:
		panic(fmt.Sprintf("no D-Bus type for %T", value))
	}
}

// value writes a value within another, whose signature is written already.
func (w *writer) value(value any) {
	signature := w.signature
	w.add(value)
	w.signature = signature
}

// errWire says that a message is not what the specification allows.
var errWire = errors.New("the session bus sent a malformed message")

// reader reads values one after the other. After an error it returns zero values.
type reader struct {
	order     binary.ByteOrder
	data      []byte
	at        int    // in data
	signature string // of what follows
	err       error
}

// next returns the next n bytes, which are aligned to size.
func (r *reader) next(size, n int) []byte {
	at := (r.at + size - 1) / size * size
	if r.err != nil || n < 0 || at > len(r.data) || n > len(r.data)-at {
		r.fail(errWire)
		return make([]byte, min(max(n, 0), 8)) // enough for a number
	}
	r.at = at + n
	return r.data[at:r.at]
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) uint32() uint32 { return r.order.Uint32(r.next(4, 4)) }

func (r *reader) text() string {
	n := int64(r.uint32())
	text := string(r.bytes(n))
	r.next(1, 1)
	return text
}

func (r *reader) shortText() string {
	n := int64(r.next(1, 1)[0])
	text := string(r.bytes(n))
	r.next(1, 1)
	return text
}

func (r *reader) bytes(n int64) []byte {
	if n > int64(len(r.data)) {
		r.fail(errWire)
		return nil
	}
	return r.next(1, int(n))
}

// strings returns an array of strings or paths. Each takes five bytes at least, so the array ends.
func (r *reader) strings() []string {
	n := int(r.uint32())
	end := r.at + n
	if n > len(r.data)-r.at {
		r.fail(errWire)
	}
	var all []string
	for r.err == nil && r.at < end {
		all = append(all, r.text())
	}
	return all
}

// take reads a value of the type that into points to.
func (r *reader) take(into any) {
	type known struct {
		signature string
		read      func()
	}
	var k known
	switch v := into.(type) {
	case *string:
		k = known{"s", func() { *v = r.text() }}
	case *objectPath:
		k = known{"o", func() { *v = objectPath(r.text()) }}
	case *uint32:
		k = known{"u", func() { *v = r.uint32() }}
	case *bool:
		k = known{"b", func() { *v = r.uint32() == 1 }}
	case *variant: // as OpenSession returns it: an empty text, or with KWallet no bytes
		k = known{"v", func() {
			switch inner := r.shortText(); inner {
			case "s":
				v.value = r.text()
			case "ay":
				v.value = r.bytes(int64(r.uint32()))
			default:
				r.fail(fmt.Errorf("expected a text or bytes in the variant, got %q", inner))
			}
		}}
	case *[]objectPath:
		k = known{"ao", func() {
			for _, text := range r.strings() {
				*v = append(*v, objectPath(text))
			}
		}}
	case *[]string:
		k = known{"as", func() { *v = r.strings() }}
	case *secret:
		k = known{"(oayays)", func() {
			r.next(8, 0)
			v.session = objectPath(r.text())
			v.parameters = r.bytes(int64(r.uint32()))
			v.value = r.bytes(int64(r.uint32()))
			v.contentType = r.text()
		}}
	default:
		panic(fmt.Sprintf("no D-Bus type for %T", into))
	}
	rest, ok := strings.CutPrefix(r.signature, k.signature)
	if !ok {
		r.fail(fmt.Errorf("the answer has values of the types %q, expected %q", r.signature, k.signature))
		return
	}
	r.signature = rest
	k.read()
}
