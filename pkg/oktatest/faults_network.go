package oktatest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"regexp"
	"time"
)

// HoldRequest sends on arrived when the request is there, and passes it to the server when release is closed or sends.
// The request of a client that disconnects before has no effect. arrived may be nil; it gets one value for each
// request, and a request stays where it is until that is received.
func HoldRequest(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		gone := r.Context().Done()
		if arrived != nil {
			select {
			case arrived <- struct{}{}:
			case <-gone:
			}
		}
		select {
		case <-release:
		case <-gone:
		}
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	}
}

// HoldAnswer is HoldRequest for the answer, which the server has made when arrived is sent.
func HoldAnswer(arrived chan<- struct{}, release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		HoldRequest(arrived, release)(w, r, capture(w, r, next))
	}
}

// Silence reads the request and never answers.
func Silence() Fault { return HoldRequest(nil, nil) }

// HangUp loses the answer: the server does what it is asked to (the attempt is counted, the tokens are issued, the
// refresh token is retired), and the connection ends without an answer.
func HangUp() Fault { return Alter(func(*Response) { panic(http.ErrAbortHandler) }) }

// Truncated ends the connection after half of the body that the headers announce.
func Truncated() Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		res := capture(w, r, next)
		res.Body = res.Body[:len(res.Body)/2]
		res.ServeHTTP(w, r)
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
		conn, _, _ := http.NewResponseController(w).Hijack() // which HTTP/1.1 allows
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
			time.Sleep(interval)
			_, err = io.WriteString(conn, "x")
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

// NamedFault is a Fault that can be switched on by its name, from outside.
type NamedFault struct {
	Name        string // "html"
	Description string // what happens to a request, in a few words
	Fault       Fault
}

// DefaultFaultPath is the end of the paths that a named fault is for if nothing else is said.
const DefaultFaultPath = "/token"

// NamedFaults are what networks, proxies and servers do to a client, and what an attacker might do.
func NamedFaults() []NamedFault {
	// "\x1b]0;" sets a terminal's title, "\x1b[2K\r" deletes the line, U+202E writes from right to left.
	const control = "\x1b[31mred\x1b[0m \x1b]0;title\a \x1b[2K\r\u202eokauth: all is well"
	return []NamedFault{
		{"slow", "a byte of the headers per second, without end", SlowHeaders(time.Second)},
		{"silent", "the request is read and never answered", Silence()},
		{"cut", "the connection ends after half of the answer", Truncated()},
		{"reset", "the connection is reset in the middle of the answer", Reset()},
		{"lost-answer", "the request is carried out, and the answer is lost", HangUp()},
		{"garbage", "the answer is not HTTP", Raw("SSH-2.0-OpenSSH_9.9\r\n")},
		{"huge", "the answer never ends", Endless()},
		{"gzip-bomb", "50 MB, compressed to about 50 kB", Gzip(50 << 20)},

		{"html", "a captive portal's page, with 200", Respond(200, http.Header{"Content-Type": {"text/html; charset=utf-8"}},
			"<!DOCTYPE html><title>Guest network</title><h1>Sign in to the guest network</h1>\n")},
		{"empty", "200 and nothing else", Respond(200, nil, "")},
		{"redirect", "307 to another path of this server", Redirect(307, "/elsewhere")},
		{"redirect-other-host", "307 to another host", Redirect(307, "https://elsewhere.invalid/")},
		{"wrong-type", "the right answer, as text/plain", Header("Content-Type", "text/plain")},
		{"json-twice", "the right answer, twice", Alter(func(res *Response) { res.Body = append(res.Body, res.Body...) })},
		{"duplicate-member", "the right answer, its first member twice", Alter(func(res *Response) {
			first := regexp.MustCompile(`^\{("[^"]+":)`) // parsers differ about which of the two counts
			res.Body = first.ReplaceAll(res.Body, []byte("{${1}null,${1}"))
		})},
		{"clock-behind", "the right answer, its Date a day ago", Alter(func(res *Response) {
			setDate(res.Header, dateOf(res.Header).AddDate(0, 0, -1))
		})},

		{"429", "the org's rate limit is exceeded, for 2 seconds", rateLimited},
		{"429-user", "the user's rate limit is exceeded", refusing("too_many_attempts")},
		{"500", "Okta's internal error", refusing("internal_error")},
		{"500-factor", "Okta cannot reach the user for a second factor", refusing("oob_failed")},
		{"502-html", "a proxy's page: Bad Gateway", HTML(502)},
		{"503-read-only", "Okta's maintenance", refusing("read_only")},
		{"control-characters", "a refusal whose text controls the terminal", respond(400,
			object{{"error", "invalid_scope"}, {"error_description", control}})},
	}
}

// refusing answers with a refusal of refusals.txt; the server does not see the request.
func refusing(name string) Fault {
	status, _, body := refusal(name)
	return respond(status, body)
}

func respond(status int, body object) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		noStore(w.Header())
		newResponse(w.Header(), status, body).ServeHTTP(w, r)
	}
}

func rateLimited(w http.ResponseWriter, r *http.Request, next http.Handler) {
	setRateLimit(w.Header(), 1200, 0, dateOf(w.Header()).Add(2*time.Second))
	refusing("too_many_requests")(w, r, next)
}

// dateOf is the time by the server's clock.
func dateOf(h http.Header) time.Time {
	date, _ := http.ParseTime(h.Get("Date")) // set by handle
	return date
}
