package oktatest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Respond answers with this and nothing else; the server is not asked. header may be nil.
func Respond(status int, header http.Header, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// JSON is Respond with 200 and Content-Type application/json: for answers whose content is wrong.
func JSON(body string) Fault {
	return Respond(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body)
}

// HTML is a page of a proxy, a content delivery network or a captive portal: 200, 502, 503, 511.
func HTML(status int) Fault {
	page := "<!DOCTYPE html>\n<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" + http.StatusText(status) + "</h1></body></html>\n"
	return Respond(status, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page)
}

// Redirect sends the client elsewhere: 301, 302, 303, 307, 308.
func Redirect(status int, location string) Fault {
	return Respond(status, http.Header{"Location": {location}}, "")
}

// Header lets the server answer, with a header set ("Retry-After") or, if value is "", left out.
func Header(name, value string) Fault {
	return altered(func(a *answerBuffer) {
		a.header.Del(name)
		if value != "" {
			a.header.Set(name, value)
		}
	})
}

// Override lets the server answer and changes one member of its JSON: Override("expires_in", `"3600"`). The raw value "" leaves the member out; a name
// that was not there is added at the end. The value need not be JSON.
func Override(name, raw string) Fault {
	return altered(func(a *answerBuffer) {
		var object members
		if json.Unmarshal(a.body.Bytes(), &object) != nil {
			return
		}
		var out []string
		done := false
		for _, m := range object {
			value := string(m.value.(json.RawMessage))
			if m.name == name {
				value, done = raw, true
			}
			if value != "" {
				out = append(out, strconv.Quote(m.name)+":"+value)
			}
		}
		if !done && raw != "" {
			out = append(out, strconv.Quote(name)+":"+raw)
		}
		a.body.Reset()
		a.body.WriteString("{" + strings.Join(out, ",") + "}")
	})
}

// FormEncoded lets the server answer and writes the answer as a form, as servers did before RFC 6749.
func FormEncoded() Fault {
	return altered(func(a *answerBuffer) {
		var object members
		if json.Unmarshal(a.body.Bytes(), &object) != nil {
			return
		}
		form := url.Values{}
		for _, m := range object {
			form.Set(m.name, strings.Trim(string(m.value.(json.RawMessage)), `"`))
		}
		a.body.Reset()
		a.body.WriteString(form.Encode())
		a.header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

// Huge lets the server answer, with n bytes of white space behind the JSON.
func Huge(n int) Fault {
	return altered(func(a *answerBuffer) { a.body.Write(bytes.Repeat([]byte(" "), n)) })
}

// Gzip lets the server answer, compressed whether the client asked for it or not, with n bytes of white space behind the JSON: a bomb if n is large.
func Gzip(n int) Fault {
	return altered(func(a *answerBuffer) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed) // writes to memory do not fail
		_, _ = z.Write(a.body.Bytes())
		blank := bytes.Repeat([]byte(" "), 64<<10)
		for left := n; left > 0; left -= len(blank) {
			_, _ = z.Write(blank[:min(left, len(blank))])
		}
		_ = z.Close()
		a.body = packed
		a.header.Set("Content-Encoding", "gzip")
	})
}

// BigHeaders lets the server answer, with n bytes of headers more.
func BigHeaders(n int) Fault {
	return altered(func(a *answerBuffer) {
		line := strings.Repeat("x", 1000)
		for i := 0; i*len(line) < n; i++ {
			a.header.Set("X-Padding-"+strconv.Itoa(i), line)
		}
	})
}

// Interim lets the server answer, after n answers 103 Early Hints.
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
		a := captured(w, r, next)
		a.header.Set("Content-Length", strconv.Itoa(a.body.Len()))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body.Bytes()[:a.body.Len()/2])
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

// HangUp loses the answer: the server does what it is asked (the attempt is counted, the tokens are made, the refresh token is spent), and the connection
// ends without a word.
func HangUp() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		captured(w, r, next)
		hangUp(w, false)
	}
}

// Raw writes these bytes to the connection instead of an answer, and ends it: for lying lengths and for what is no HTTP at all.
func Raw(text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = buffered.WriteString(text)
		_ = buffered.Flush()
		_ = conn.Close()
	}
}

// answerBuffer is the server's answer before the client has it.
type answerBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answerBuffer) Header() http.Header { return a.header }

func (a *answerBuffer) WriteHeader(status int) { a.status = status }

func (a *answerBuffer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answerBuffer) send(w http.ResponseWriter) {
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // a client that has gone needs no answer
}

// captured lets the server answer into a buffer, whose headers are those of w.
func captured(w http.ResponseWriter, r *http.Request, next http.Handler) *answerBuffer {
	a := &answerBuffer{header: w.Header(), status: http.StatusOK}
	next.ServeHTTP(a, r)
	return a
}

// altered lets the server answer and sends what change makes of it, with the length it then has.
func altered(change func(*answerBuffer)) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := captured(w, r, next)
		change(a)
		a.header.Set("Content-Length", strconv.Itoa(a.body.Len()))
		a.send(w)
	}
}

// hangUp ends the connection, with a reset instead of a farewell if asked to.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	plain := conn
	if secure, ok := conn.(*tls.Conn); ok {
		plain = secure.NetConn()
	}
	if tcp, ok := plain.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = plain.Close()
}
