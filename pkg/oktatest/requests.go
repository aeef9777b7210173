package oktatest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Request is one request as it arrived, and what became of it. Everything is kept as it was sent, secrets too, so that a test can say what was sent;
// String and GoString do not show them.
type Request struct {
	Time       time.Time // by the server's clock
	RemoteAddr string    // tells connections apart
	Method     string
	Path       string
	Query      url.Values
	Header     http.Header
	Form       url.Values // of a form-urlencoded body; nil otherwise
	Body       []byte     // as it came, at most 1 MiB
	Status     int        // 0: not answered (yet), or by a fault that took the connection over
	RequestID  string     // X-Okta-Request-Id of the answer
	ErrorCode  string     // error or errorCode of the answer; "" for a success or a fault
}

// String says what was asked and answered, in one printable line and without any value that was sent:
//
//	POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 400 invalid_grant
func (r Request) String() string {
	names := slices.Sorted(maps.Keys(r.Form))
	return strings.TrimSpace(fmt.Sprintf("%s %q %q: %d %s", r.Method, r.Path, names, r.Status, r.ErrorCode))
}

// GoString is String, so that %#v shows no secret either.
func (r Request) GoString() string { return r.String() }

// Requests are all requests since the start or ResetRequests (at most the last 10,000), in the order of their arrival: also those that are still unanswered.
func (s *Server) Requests() []Request { return s.log.list() }

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() { s.log.reset() }

type requestLog struct {
	mu      sync.Mutex
	entries []*Request
}

// maxLog keeps a sandbox that runs for days from growing; a test never comes near it.
const maxLog = 10_000

func (l *requestLog) add(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) == maxLog {
		l.entries = l.entries[1:]
	}
	l.entries = append(l.entries, r)
}

func (l *requestLog) edit(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

func (l *requestLog) list() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Request, len(l.entries))
	for i, r := range l.entries {
		out[i] = *r
	}
	return out
}

// recorder notes the status in the log before the client can have seen it, so that a test never reads a log that is behind.
type recorder struct {
	http.ResponseWriter
	log   *requestLog
	entry *Request
}

func (r *recorder) WriteHeader(status int) {
	if status >= 200 { // interim answers are not the answer
		r.log.edit(func() { r.entry.Status = status })
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.log.edit(func() {
		if r.entry.Status == 0 {
			r.entry.Status = http.StatusOK
		}
	})
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush and take over the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
