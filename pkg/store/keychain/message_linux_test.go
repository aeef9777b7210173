package keychain

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

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
	_ = asError(m)
	for _, values := range [][]any{
		{new([]objectPath), new([]objectPath)}, {new(dbus.Variant), new(objectPath)}, {new(secret)}, {new([]string)}, {new(bool), new(uint32)}, {new(string)},
	} {
		_ = storeValues(m, values...)
	}
}

// The number of a message is no signature: the 10536th of a service has the bytes "()".
func TestMessagesOfAnyNumber(t *testing.T) {
	t.Parallel()
	for serial := range uint32(1 << 16) {
		data := busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(2))
		binary.LittleEndian.PutUint32(data[8:], serial+1)
		if m, err := readMessage(bufio.NewReader(bytes.NewReader(data)), false); err != nil || field[uint32](m, dbus.FieldReplySerial) != 2 {
			t.Fatalf("message %d: %v", serial+1, err)
		}
	}
}
