package oktatest

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// waiting passes the request to the server, or with answered sends the answer that the server has already given, after
// wait has returned true.
func waiting(answered bool, wait func(context.Context) bool) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		var res *Response
		if answered {
			res = capture(w, r, next)
		}
		switch {
		case !wait(r.Context()):
			hangUp(w, false)
		case answered:
			res.send(w)
		default:
			next.ServeHTTP(w, r)
		}
	}
}

// Slow lets the server answer at once, and sends the answer after the delay.
func Slow(delay time.Duration) Fault { return waiting(true, pause(delay)) }

// HoldRequest sends on arrived when the request is there, and passes it to the server when release is closed or sends.
// The request of a client that disconnects before has no effect. arrived may be nil; it gets one value for each
// request, and a request stays where it is until that is received.
func HoldRequest(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return waiting(false, hold(arrived, release))
}

// HoldAnswer lets the server answer, then sends on arrived, and sends the answer when release is closed or sends. The
// channels are those of HoldRequest.
func HoldAnswer(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return waiting(true, hold(arrived, release))
}

// Silence reads the request and never answers.
func Silence() Fault { return HoldRequest(nil, nil) }

// hold announces and waits; false if the server is closing or the client has disconnected.
func hold(arrived chan<- struct{}, release <-chan struct{}) func(context.Context) bool {
	return func(ctx context.Context) bool {
		if arrived != nil {
			select {
			case <-ctx.Done():
				return false
			case arrived <- struct{}{}:
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-release:
			return true
		}
	}
}

// pause waits; false if the server is closing or the client has disconnected.
func pause(d time.Duration) func(context.Context) bool {
	return func(ctx context.Context) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
}

// SlowBody lets the server answer, and sends one byte of the body per interval.
func SlowBody(interval time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		res := capture(w, r, next)
		res.Header.Del("Content-Length")
		w.WriteHeader(res.Status)
		for i := range res.Body {
			_, err := w.Write(res.Body[i : i+1])
			if err != nil || http.NewResponseController(w).Flush() != nil || !pause(interval)(r.Context()) {
				return
			}
		}
	}
}

// Endless answers 200 with JSON that has no end, in chunks, as fast as the client takes it.
func Endless() Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		block := bytes.Repeat([]byte(" "), 16<<10)
		for err := error(nil); err == nil && r.Context().Err() == nil; {
			_, err = w.Write(block)
		}
	}
}

// raw takes the connection over and lets send write to it.
func raw(send func(ctx context.Context, write func(text string) bool)) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		send(r.Context(), func(text string) bool {
			_, err := buffered.WriteString(text)
			return err == nil && buffered.Flush() == nil
		})
	}
}

// Raw writes these bytes instead of an answer: for wrong lengths, and for what is not HTTP at all.
func Raw(text string) Fault {
	return raw(func(_ context.Context, write func(string) bool) { write(text) })
}

// SlowHeaders sends one byte of the headers per interval, without end.
func SlowHeaders(interval time.Duration) Fault {
	return raw(func(ctx context.Context, write func(string) bool) {
		for ok := write("HTTP/1.1 200 OK\r\nX-Slow: "); ok && pause(interval)(ctx); {
			ok = write("x")
		}
	})
}
