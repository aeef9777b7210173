package oktatest

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// Slow lets the server answer at once, so that what was asked has happened, and hands the answer over after the delay.
func Slow(delay time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := captured(w, r, next)
		if !pause(r.Context(), delay) {
			hangUp(w, false)
			return
		}
		a.send(w)
	}
}

// HoldRequest says on arrived that the request is there, and lets the server see it when release is closed or sends. A client that leaves before has asked
// for nothing. arrived may be nil; it gets one value for each request, and a request whose arrival nobody takes stays where it is.
func HoldRequest(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !hold(r.Context(), arrived, release) {
			hangUp(w, false)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// HoldAnswer lets the server answer, so that what was asked has happened, says so on arrived, and hands the answer over when release is closed or sends.
// The channels are those of HoldRequest.
func HoldAnswer(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := captured(w, r, next)
		if !hold(r.Context(), arrived, release) {
			hangUp(w, false)
			return
		}
		a.send(w)
	}
}

// Silence reads the request and never answers.
func Silence() Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		<-r.Context().Done()
		hangUp(w, false)
	}
}

// SlowHeaders sends one byte of the headers per interval and never comes to their end.
func SlowHeaders(interval time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		write := func(text string) bool {
			_, err := buffered.WriteString(text)
			return err == nil && buffered.Flush() == nil
		}
		for ok := write("HTTP/1.1 200 OK\r\nX-Slow: "); ok && pause(r.Context(), interval); {
			ok = write("x")
		}
	}
}

// SlowBody lets the server answer, and sends one byte of the body per interval.
func SlowBody(interval time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := captured(w, r, next)
		w.Header().Del("Content-Length")
		w.WriteHeader(a.status)
		flusher := http.NewResponseController(w)
		for _, b := range a.body.Bytes() {
			if _, err := w.Write([]byte{b}); err != nil || flusher.Flush() != nil || !pause(r.Context(), interval) {
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
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// hold announces and waits; false if the server is closing or the client has gone.
func hold(ctx context.Context, arrived chan<- struct{}, release <-chan struct{}) bool {
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

// pause waits; false if the server is closing or the client has gone.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
