package oktatest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// HoldRequest sends on arrived when the request is there, and passes it to the server when release is closed or sends.
// The request of a client that disconnects before has no effect. arrived may be nil; it gets one value for each
// request, and a request stays where it is until that is received.
func HoldRequest(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		hold(r.Context(), arrived, release)
		next.ServeHTTP(w, r)
	}
}

// HoldAnswer lets the server answer, then sends on arrived, and sends the answer when release is closed or sends. The
// channels are those of HoldRequest.
func HoldAnswer(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		res := capture(w, r, next)
		hold(r.Context(), arrived, release)
		res.send(w)
	}
}

// Silence reads the request and never answers.
func Silence() Fault { return HoldRequest(nil, nil) }

// hold announces and waits. It ends the request if the server is closing or the client has disconnected.
func hold(ctx context.Context, arrived chan<- struct{}, release <-chan struct{}) {
	if arrived != nil {
		select {
		case <-ctx.Done():
			panic(http.ErrAbortHandler)
		case arrived <- struct{}{}:
		}
	}
	select {
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	case <-release:
	}
}

// HangUp loses the answer: the server does what it is asked to (the attempt is counted, the tokens are issued, the
// refresh token is retired), and the connection ends without an answer.
func HangUp() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		capture(w, r, next)
		panic(http.ErrAbortHandler)
	}
}

// Truncated ends the connection after half of the body that the headers announce.
func Truncated() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		res := capture(w, r, next)
		res.Body = res.Body[:len(res.Body)/2]
		res.send(w)
	}
}

// Endless answers 200 with JSON that has no end, in chunks, as fast as the client takes it.
func Endless() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		block := bytes.Repeat([]byte(" "), 16<<10)
		for err := error(nil); err == nil; {
			_, err = w.Write(block)
		}
	}
}

// raw takes the connection over and lets send write to it.
func raw(send func(ctx context.Context, conn net.Conn)) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		send(r.Context(), conn)
	}
}

// Raw writes these bytes instead of an answer: for wrong lengths, and for what is not HTTP at all.
func Raw(text string) Fault {
	return raw(func(_ context.Context, conn net.Conn) { _, _ = io.WriteString(conn, text) })
}

// SlowHeaders sends one byte of the headers per interval, without end.
func SlowHeaders(interval time.Duration) Fault {
	return raw(func(ctx context.Context, conn net.Conn) {
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Slow: ")
		for err == nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(interval):
				_, err = io.WriteString(conn, "x")
			}
		}
	})
}

// Reset resets the connection in the middle of the body.
func Reset() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		Truncated()(w, r, next)
		_ = http.NewResponseController(w).Flush()
		raw(func(_ context.Context, conn net.Conn) {
			if secure, ok := conn.(*tls.Conn); ok { // whose Close would say goodbye
				conn = secure.NetConn()
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		})(w, r, nil)
	}
}
