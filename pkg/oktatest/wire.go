package oktatest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Respond answers with this instead of the server. header may be nil.
func Respond(status int, header http.Header, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// JSON is Respond with 200 and Content-Type application/json: for answers whose content is wrong.
func JSON(body string) Fault {
	return Respond(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body)
}

// HTML is the page of a proxy, a content delivery network or a captive portal: 200, 502, 503, 511.
func HTML(status int) Fault { return page(status, http.StatusText(status), http.StatusText(status)) }

func page(status int, title, heading string) Fault {
	return Respond(status, http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		"<!DOCTYPE html>\n<html><head><title>"+title+"</title></head><body><h1>"+heading+"</h1></body></html>\n")
}

// Redirect sends the client to another location: 301, 302, 303, 307, 308.
func Redirect(status int, location string) Fault {
	return Respond(status, http.Header{"Location": {location}}, "")
}

// Header lets the server answer, with a header set ("Retry-After") or, if value is "", left out.
func Header(name, value string) Fault {
	return altered(func(a *heldAnswer) {
		a.header.Del(name)
		if value != "" {
			a.header.Set(name, value)
		}
	})
}

// Override changes one member of the server's JSON: Override("expires_in", `"3600"`). The raw value "" leaves the
// member out; a new name is added at the end. The value need not be JSON.
func Override(name, raw string) Fault {
	return alteredObject(func(a *heldAnswer, object members) {
		object.set(name, json.RawMessage(raw))
		var out []string
		for _, m := range object {
			if value := string(m.value.(json.RawMessage)); value != "" {
				out = append(out, strconv.Quote(m.name)+":"+value)
			}
		}
		a.body = []byte("{" + strings.Join(out, ",") + "}")
	})
}

// FormEncoded writes the server's answer as a form, as servers did before RFC 6749.
func FormEncoded() Fault {
	return alteredObject(func(a *heldAnswer, object members) {
		form := url.Values{}
		for _, m := range object {
			form.Set(m.name, strings.Trim(string(m.value.(json.RawMessage)), `"`))
		}
		a.body = []byte(form.Encode())
		a.header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

// Huge appends n bytes of white space to the server's answer.
func Huge(n int) Fault {
	return altered(func(a *heldAnswer) { a.body = append(a.body, bytes.Repeat([]byte(" "), n)...) })
}

// Gzip compresses the server's answer, asked or not, with n bytes of white space appended: a bomb if n is large.
func Gzip(n int) Fault {
	return altered(func(a *heldAnswer) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed) // writes to memory do not fail
		_, _ = z.Write(a.body)
		blank := bytes.Repeat([]byte(" "), 64<<10)
		for left := n; left > 0; left -= len(blank) {
			_, _ = z.Write(blank[:min(left, len(blank))])
		}
		_ = z.Close()
		a.body = packed.Bytes()
		a.header.Set("Content-Encoding", "gzip")
	})
}

// BigHeaders adds n bytes of headers to the server's answer.
func BigHeaders(n int) Fault {
	return altered(func(a *heldAnswer) {
		line := strings.Repeat("x", 1000)
		for i := 0; i*len(line) < n; i++ {
			a.header.Set("X-Padding-"+strconv.Itoa(i), line)
		}
	})
}

// Interim sends n answers 103 Early Hints before the server's.
func Interim(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		for range n {
			w.WriteHeader(http.StatusEarlyHints)
		}
		next.ServeHTTP(w, r)
	}
}

// Truncated lets the server answer, and ends the connection after half of the body it announced.
func Truncated() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := hold(w, r, next)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
		a.send(w)
	}
}

// Reset lets the server answer, and resets the connection in the middle of the body.
func Reset() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		Truncated()(w, r, next)
		_ = http.NewResponseController(w).Flush()
		hangUp(w, true)
	}
}

// HangUp loses the answer: the server does what it is asked (counts the attempt, makes the tokens, spends the refresh
// token), and the connection ends without an answer.
func HangUp() Fault { return delayed(func(context.Context) bool { return false }) }

// Raw writes these bytes to the connection instead of an answer, and ends it.
func Raw(text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn := takeOver(w)
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// Slow lets the server answer at once, so that what was asked has happened, and sends the answer after the delay.
func Slow(delay time.Duration) Fault {
	return delayed(func(ctx context.Context) bool { return pause(ctx, delay) })
}

// HoldRequest sends on arrived when the request is there, and lets the server see it when release is closed or sends.
// If the client leaves before, the server never sees the request. arrived may be nil; otherwise each request waits until
// its value is received.
func HoldRequest(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !announce(r.Context(), arrived, release) {
			hangUp(w, false)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// HoldAnswer lets the server answer, so that what was asked has happened, sends on arrived, and sends the answer when
// release is closed or sends. The channels are those of HoldRequest.
func HoldAnswer(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return delayed(func(ctx context.Context) bool { return announce(ctx, arrived, release) })
}

// Silence reads the request and never answers.
func Silence() Fault { return HoldRequest(nil, nil) }

// SlowHeaders sends one byte of the headers per interval, without end.
func SlowHeaders(interval time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		conn := takeOver(w)
		defer conn.Close()
		for text := "HTTP/1.1 200 OK\r\nX-Slow: "; ; text = "x" {
			if _, err := io.WriteString(conn, text); err != nil || !pause(r.Context(), interval) {
				return
			}
		}
	}
}

// SlowBody sends one byte of the body of the server's answer per interval.
func SlowBody(interval time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := hold(w, r, next)
		w.Header().Del("Content-Length")
		w.WriteHeader(a.status)
		flusher := http.NewResponseController(w)
		for i := range a.body {
			_, err := w.Write(a.body[i : i+1])
			if err != nil || flusher.Flush() != nil || !pause(r.Context(), interval) {
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
