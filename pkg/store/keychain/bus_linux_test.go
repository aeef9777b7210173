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

// busMessage encodes a message of the bus; its own number is of no interest.
func busMessage(t *testing.T, order binary.ByteOrder, kind dbus.Type, headers map[dbus.HeaderField]dbus.Variant, body ...any) []byte {
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

// The greeting and the first call go out at once. Before the answer may come signals, and what claims to be one.
func TestBusAnswersAmongOtherMessages(t *testing.T) {
	t.Parallel()
	var greeting string
	path := talk(t, func(conn net.Conn, in *bufio.Reader) {
		for range 2 {
			line, _ := in.ReadString('\n')
			greeting += line
		}
		for range 2 { // Hello and a call, before the bus has said a word
			if _, err := dbus.DecodeMessage(in); err != nil {
				t.Error(err)
			}
		}
		signal := map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/DBus")), dbus.FieldInterface: dbus.MakeVariant("org.freedesktop.DBus"),
			dbus.FieldMember: dbus.MakeVariant("NameAcquired"),
		}
		forged := busMessage(t, binary.LittleEndian, dbus.TypeMethodCall, map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/a")), dbus.FieldMember: dbus.MakeVariant("M"), dbus.FieldReplySerial: dbus.MakeVariant(uint32(2)),
		}, "forged")
		_, _ = io.WriteString(conn, "OK 0123456789abcdef0123456789abcdef\r\n")
		for _, m := range [][]byte{
			busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(1), ":1.7"),
			busMessage(t, binary.BigEndian, dbus.TypeSignal, signal, ":1.7", strings.Repeat("x", 9000)),
			busMessage(t, binary.LittleEndian, dbus.TypeSignal, signal, ":1.7"),
			forged, // another client's
			busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(3), "three"),
			busMessage(t, binary.BigEndian, dbus.TypeMethodReply, replyTo(2), "two"),
		} {
			_, _ = conn.Write(m)
		}
	})
	b := connect(t, path)
	var two string
	if err := b.call("/a", "a.b.Second", nil, &two); err != nil || two != "two" {
		t.Errorf("got %q, %v", two, err)
	}
	if want := "\x00AUTH EXTERNAL "; !strings.HasPrefix(greeting, want) || !strings.HasSuffix(greeting, "\r\nBEGIN\r\n") {
		t.Errorf("greeted with %q", greeting)
	}
}

func TestBusRefuses(t *testing.T) {
	t.Parallel()
	said := map[string]string{
		`refuses okauth: it says "REJECTED EXTERNAL"`: "REJECTED EXTERNAL\r\n",
		"refuses okauth: it hangs up":                 "OK 0123\r\n",
		"okauth: it hangs up":                         "",
	}
	for want, says := range said {
		b := connect(t, talk(t, func(conn net.Conn, in *bufio.Reader) {
			_, _ = io.WriteString(conn, says)
			_ = conn.(*net.UnixConn).CloseWrite()
			_, _ = io.Copy(io.Discard, in) // until the client goes
		}))
		if err := b.call("/a", "a.b.C", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", says, err, want)
		}
	}
}

// A service is not left with a call that nobody waits for: its answer has a moment more, and nothing follows it.
func TestBusWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	path := talk(t, func(conn net.Conn, in *bufio.Reader) {
		for range 2 {
			_, _ = in.ReadString('\n')
		}
		for range 2 {
			_, _ = dbus.DecodeMessage(in)
		}
		cancel()
		_, _ = io.WriteString(conn, "OK 0123\r\n")
		_, _ = conn.Write(busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(2), "answer"))
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("then it sends %q", rest)
		}
	})
	b, err := openBus(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	var answer string
	if err := b.call("/a", "a.b.C", nil, &answer); err != nil || answer != "answer" {
		t.Errorf("got %q, %v", answer, err)
	}
	if err := b.call("/a", "a.b.D", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a call afterwards: got %v", err)
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
	if err := b.call("/a", "a.b.C", nil); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}

// KR-04: an array of empty values keeps a careless reader busy without end.
func TestKR04_HostileBusIsBounded(t *testing.T) {
	t.Parallel()
	path := talk(t, func(conn net.Conn, in *bufio.Reader) {
		_, _ = io.WriteString(conn, "OK 0123456789abcdef0123456789abcdef\r\n")
		endless := busMessage(t, binary.LittleEndian, dbus.TypeMethodReply, replyTo(2), [][]byte{{}, {}})
		_, _ = conn.Write(bytes.Replace(endless, []byte("aay"), []byte("a()"), 1))
		_, _ = io.Copy(io.Discard, in)
	})
	short := Options{ReadTimeout: 300 * time.Millisecond}
	r := child(t, orders{Options: short, Steps: []step{{Do: "Get", Account: "a"}}}, busAddressVar+"=unix:path="+path)
	r[0].wantKind(t, "failed", "values of the types")
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
