//go:build unix && !darwin

package keychain

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/store"
)

// busConn is a connection to the session bus on which one goroutine sends a call and waits for its answer.
//
// Like systemd's sd-bus, it sends at once all that needs no answer first: a usual connection takes four round trips
// before the first call, and hands each answer to another thread.
// https://dbus.freedesktop.org/doc/dbus-specification.html#auth-protocol
type busConn struct {
	ctx     context.Context // of the one call that the connection is for
	conn    *os.File
	unwatch func() bool // stops watching the context
	in      *bufio.Reader
	out     []byte   // calls to write
	serial  uint32   // of the last call
	answer  *message // to the last call

	prompting objectPath // the prompt that is open
	completed *message   // the signal that ended it
}

// The names of the bus itself.
const (
	dbusName = "org.freedesktop.DBus"
	dbusPath = objectPath("/org/freedesktop/DBus")
)

// dialBus connects to the session bus. The connection ends with ctx. The error is a *store.Error of kind Unavailable if
// there is no bus, or the error of ctx; a bus that refuses okauth says so at the first call.
func dialBus(ctx context.Context) (*busConn, error) {
	sockets, err := busSockets(os.Getenv)
	if err != nil {
		return nil, store.NewError(store.Unavailable, "", err)
	}
	for _, path := range sockets {
		var b *busConn
		if b, err = openBus(ctx, path); err == nil {
			return b, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, store.NewError(store.Unavailable, "", fmt.Errorf("no D-Bus session bus answers: %w", err))
}

func openBus(ctx context.Context, path string) (*busConn, error) {
	conn, err := dialSocket(path)
	if err != nil {
		return nil, err
	}
	b := &busConn{ctx: ctx, conn: conn, in: bufio.NewReader(conn)}
	b.unwatch = context.AfterFunc(ctx, func() { time.AfterFunc(answerTime, b.hangUp) })
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	b.out = []byte("\x00AUTH EXTERNAL " + uid + "\r\nBEGIN\r\n")
	b.send(dbusName, dbusPath, dbusName+".Hello", nil)
	return b, nil
}

// dialSocket connects to a Unix socket as a file that blocks. With package net, each wait would pass through the poller
// and to another thread: a tenth of the time that getting a token takes.
func dialSocket(path string) (*os.File, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	conn := os.NewFile(uintptr(fd), "session bus")
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to %q: %w", path, err)
	}
	return conn, nil
}

// hangUp ends what waits for the bus.
func (b *busConn) hangUp() {
	if raw, err := b.conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
	}
}

func (b *busConn) close() {
	b.unwatch()
	_ = b.conn.Close()
}

// send prepares a call of a service; receive writes it. method is "interface.member".
func (b *busConn) send(name string, path objectPath, method string, args []any) {
	b.serial++
	b.out = append(b.out, encodeCall(b.serial, name, path, method, args)...)
}

// call calls a method of the secret service and stores the values of the answer.
func (b *busConn) call(path objectPath, method string, args []any, values ...any) error {
	b.send(secretsName, path, method, args)
	return b.receive(values...)
}

// callBus calls a method of the bus itself and stores the values of the answer.
func (b *busConn) callBus(member string, args []any, values ...any) error {
	b.send(dbusName, dbusPath, dbusName+"."+member, args)
	return b.receive(values...)
}

// receive writes the prepared calls, waits for the answer to the last one and stores its values. An error that the
// service returned is a *busError. When the context ends, the answer to what was sent may take a moment more, and
// nothing more is sent.
func (b *busConn) receive(values ...any) error {
	err := b.ctx.Err()
	if err == nil {
		err = b.exchange()
	}
	switch {
	case err != nil && b.ctx.Err() != nil:
		return b.ctx.Err()
	case err != nil:
		return err
	case b.answer.kind == errorReply:
		return b.answer.asError()
	}
	return b.answer.store(values...)
}

// exchange writes the prepared calls and reads until the answer to the last one. A bus that does not want okauth, as
// another user's under sudo -E, says so in its first line or hangs up before its first message.
func (b *busConn) exchange() error {
	first := b.serial == 2
	_, err := b.conn.Write(b.out)
	b.out = nil
	if err == nil && first {
		var line string
		if line, err = b.in.ReadString('\n'); err == nil && !strings.HasPrefix(line, "OK ") {
			err = fmt.Errorf("it says %q", safetext.Sanitize(strings.TrimSpace(line), 100))
		}
		if err == nil {
			_, err = b.in.Peek(1)
		}
	}
	if err != nil && first {
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			err = errors.New("it hangs up")
		}
		return store.NewError(store.Unavailable, "", fmt.Errorf("the D-Bus session bus refuses okauth: %w", err))
	}
	for b.answer = nil; err == nil && b.answer == nil; {
		err = b.next()
	}
	return err
}

// prompt lets the service show a prompt and waits for the answer of the user. Without a prompt it does nothing.
func (b *busConn) prompt(path objectPath) (dismissed bool, err error) {
	const iface = "org.freedesktop.Secret.Prompt"
	if path == noPrompt {
		return false, nil
	}
	b.prompting, b.completed = path, nil
	rule := "type='signal',interface='" + iface + "',member='Completed',path='" + string(path) + "'"
	if err := b.callBus("AddMatch", []any{rule}); err != nil {
		return false, err
	}
	if err := b.call(path, iface+".Prompt", []any{""}); err != nil {
		return false, err
	}
	for b.completed == nil {
		if err := b.next(); err != nil {
			return false, cmp.Or(b.ctx.Err(), err)
		}
	}
	err = b.completed.store(&dismissed)
	return dismissed, err
}

// next reads a message and keeps an answer to the last call, and the signal that ends a prompt. It skips the rest.
func (b *busConn) next() error {
	m, err := readMessage(b.in, b.prompting != "")
	switch {
	case err != nil || m == nil:
		return err
	case m.kind == signal && m.path == b.prompting && m.member == "Completed":
		b.completed = m
	case m.kind != signal && m.replyTo == b.serial:
		b.answer = m
	}
	return nil
}
