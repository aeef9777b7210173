package keychain

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"okauth/pkg/store/fakesecretservice"
)

func TestBusSocket(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:path=/run/user/1000/bus":             "/run/user/1000/bus",
		"unix:path=/run/user/1000/bus,guid=0123":   "/run/user/1000/bus",
		"unix:guid=0123,path=/tmp/a%20b%2c":        "/tmp/a b,",
		"unix:path=/first;unix:path=/second":       "/first",
		"unix:abstract=/tmp/dbus-aBcDeF,guid=0123": "@/tmp/dbus-aBcDeF",
		"":                          "",
		"unix:":                     "",
		"unix:path=":                "",
		"unix:path=%zz":             "",
		"unix:runtime=yes":          "",
		"unixexec:path=/bin/sh":     "",
		"tcp:host=127.0.0.1,port=1": "",
		"tcp:host=127.0.0.1,port=1;unix:path=/run/user/1000/bus": "",
		"autolaunch:":        "",
		"/run/user/1000/bus": "",
	} {
		got, err := busSocket(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q and %v, want %q", address, got, err, want)
		}
	}
}

// talk returns the socket of a bus that takes one connection and leaves the conversation to says.
func talk(t *testing.T, says func(conn net.Conn, in *bufio.Reader)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		says(conn, bufio.NewReader(conn))
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return path
}

// connect is dialBus without the environment.
func connect(t *testing.T, path string) *busConn {
	t.Helper()
	b, err := openBus(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close) // before the bus is waited for
	return b
}

// message encodes a message of the bus; its own number is of no interest.
func message(t *testing.T, order binary.ByteOrder, kind dbus.Type, headers map[dbus.HeaderField]dbus.Variant, body ...any) []byte {
	t.Helper()
	m := &dbus.Message{Type: kind, Headers: headers, Body: body}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, order); err != nil {
		t.Error(err)
	}
	order.PutUint32(b.Bytes()[8:], 1)
	return b.Bytes()
}

func replyTo(serial uint32) map[dbus.HeaderField]dbus.Variant {
	return map[dbus.HeaderField]dbus.Variant{dbus.FieldReplySerial: dbus.MakeVariant(serial)}
}

// Everything goes out at once. Answers may come in any order, in either byte order, with signals between them.
func TestBusAnswersInAnyOrder(t *testing.T) {
	t.Parallel()
	var greeting string
	path := talk(t, func(conn net.Conn, in *bufio.Reader) {
		for range 2 {
			line, _ := in.ReadString('\n')
			greeting += line
		}
		for range 3 { // Hello and two calls, before the bus has said a word
			if _, err := dbus.DecodeMessage(in); err != nil {
				t.Error(err)
			}
		}
		signal := map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/DBus")), dbus.FieldInterface: dbus.MakeVariant("org.freedesktop.DBus"),
			dbus.FieldMember: dbus.MakeVariant("NameAcquired"),
		}
		forged := message(t, binary.LittleEndian, dbus.TypeMethodCall, map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/a")), dbus.FieldMember: dbus.MakeVariant("M"), dbus.FieldReplySerial: dbus.MakeVariant(uint32(2)),
		}, "forged")
		_, _ = io.WriteString(conn, "OK 0123456789abcdef0123456789abcdef\r\n")
		for _, m := range [][]byte{
			message(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(3), "three"),
			message(t, binary.BigEndian, dbus.TypeSignal, signal, ":1.7", strings.Repeat("x", 9000)),
			message(t, binary.LittleEndian, dbus.TypeSignal, signal, ":1.7"),
			forged, // another client's
			message(t, binary.BigEndian, dbus.TypeMethodReply, replyTo(2), "two"),
		} {
			_, _ = conn.Write(m)
		}
	})
	b := connect(t, path)
	second, third := b.send(secretsName, "/a", "a.b.Second"), b.send(secretsName, "/a", "a.b.Third", "argument")
	var two, three string
	if err := errors.Join(b.receive(second, &two), b.receive(third, &three)); err != nil || two != "two" || three != "three" {
		t.Errorf("got %q, %q, %v", two, three, err)
	}
	if want := "\x00AUTH EXTERNAL "; !strings.HasPrefix(greeting, want) || !strings.HasSuffix(greeting, "\r\nBEGIN\r\n") {
		t.Errorf("greeted with %q", greeting)
	}
}

func TestBusRefuses(t *testing.T) {
	t.Parallel()
	said := map[string]string{
		"refuses the connection": "REJECTED EXTERNAL\r\n",
		"EOF":                    "OK 0123\r\n",
		"invalid byte order":     "OK 0123\r\nx\x02\x00\x01" + strings.Repeat("\x00", 60),
		"expected at most":       "OK 0123\r\nl\x02\x00\x01\xff\xff\xff\xff\x01\x00\x00\x00\xff\xff\xff\xff",
	}
	for want, says := range said {
		b := connect(t, talk(t, func(conn net.Conn, in *bufio.Reader) {
			_, _ = io.WriteString(conn, says)
			_ = conn.(*net.UnixConn).CloseWrite()
			_, _ = io.Copy(io.Discard, in) // until the client goes
		}))
		if err := b.receive(b.send(secretsName, "/a", "a.b.C")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", says, err, want)
		}
	}
	b := connect(t, talk(t, func(_ net.Conn, in *bufio.Reader) { _, _ = io.Copy(io.Discard, in) }))
	if err := b.receive(b.send(secretsName, "no path", "a.b.C")); err == nil || !strings.Contains(err.Error(), "path") {
		t.Errorf("a call that cannot be sent: %v", err)
	}
}

func TestBusEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	path := talk(t, func(_ net.Conn, in *bufio.Reader) {
		_, _ = in.ReadString('\n') // the client has sent what it had to say, and waits
		cancel()
		_, _ = io.Copy(io.Discard, in)
	})
	b, err := openBus(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if err := b.receive(b.send(secretsName, "/a", "a.b.C")); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}

// KR-04: an array of empty values keeps godbus busy without end. No call waits for that.
func TestKR04_HostileBusIsBounded(t *testing.T) {
	t.Parallel()
	path := talk(t, func(conn net.Conn, in *bufio.Reader) {
		_, _ = io.WriteString(conn, "OK 0123456789abcdef0123456789abcdef\r\n")
		endless := message(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(2), [][]byte{{}, {}})
		_, _ = conn.Write(bytes.Replace(endless, []byte("aay"), []byte("a()"), 1))
		_, _ = io.Copy(io.Discard, in)
	})
	short := Options{ReadTimeout: 300 * time.Millisecond}
	r := child(t, orders{Options: short, Steps: []step{{Do: "Get", Account: "a"}}}, busAddressVar+"=unix:path="+path)
	r[0].wantKind(t, "timed_out", "in time")
	if r[0].Took > 2*time.Second {
		t.Errorf("took %v", r[0].Took)
	}
}

// Where there is no collection "login", KWallet's and KeePassXC's for example, the default one is read in the same way.
func TestReadOfTheDefaultCollection(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{NoLogin: true})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))
	if r[0].Value != "canary" || f.Calls()["Unlock"] != 0 || f.Calls()["connections"] != 1 {
		t.Errorf("got %+v after %v", r[0], f.Calls())
	}
}

// An abstract socket is what DBUS_SESSION_BUS_ADDRESS names on some systems.
func TestReadOverAnAbstractSocket(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary")
	name := "okauth-test-" + filepath.Base(f.Dir())
	listener, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			bus, err := net.Dial("unix", filepath.Join(f.Dir(), "bus"))
			if err != nil {
				_ = conn.Close()
				return
			}
			go func() { _, _ = io.Copy(bus, conn); _ = bus.Close() }()
			go func() { _, _ = io.Copy(conn, bus); _ = conn.Close() }()
		}
	}()
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, busAddressVar+"=unix:abstract="+name)
	if r[0].Value != "canary" || f.Calls()["Unlock"] != 0 {
		t.Errorf("got %+v after %v", r[0], f.Calls())
	}
}

// A bus that is not a socket of this machine is godbus's business.
func TestReadOverAnotherBusGoesTheLongWay(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, busAddressVar+"=unix:runtime=yes;unix:path="+filepath.Join(f.Dir(), "bus"))
	if r[0].Value != "canary" || f.Calls()["Unlock"] == 0 {
		t.Errorf("got %+v after %v", r[0], f.Calls())
	}
}
