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

// Request is one request as it arrived, and what became of it. Everything is kept as it was sent, secrets too, so that
// a test can check it; String and GoString do not show them.
type Request struct {
	Time       time.Time // by the server's clock
	RemoteAddr string    // distinguishes connections
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

// String is the request and the status of its answer in one printable line, without any value that was sent:
//
//	POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 400 invalid_grant
func (r Request) String() string {
	names := slices.Sorted(maps.Keys(r.Form))
	return strings.TrimSpace(fmt.Sprintf("%s %q %q: %d %s", r.Method, r.Path, names, r.Status, r.ErrorCode))
}

// GoString is String, so that %#v shows no secret either.
func (r Request) GoString() string { return r.String() }

// Requests are all requests since the start or ResetRequests (at most the last 10,000) in the order of their arrival,
// including those that are still unanswered.
func (s *Server) Requests() (list []Request) {
	s.traffic.locked(func() {
		for _, r := range s.traffic.requests {
			list = append(list, *r)
		}
	})
	return list
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() { s.traffic.locked(func() { s.traffic.requests = nil }) }

// traffic is the log of requests, and the faults for those that come.
type traffic struct {
	mu       sync.Mutex
	requests []*Request
	faults   []queuedFault
}

// maxRequests keeps a sandbox that runs for days from growing.
const maxRequests = 10_000

func (t *traffic) locked(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do()
}

// add logs the request and returns the fault that answers it, nil if none does.
func (t *traffic) add(r *Request) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests[max(0, len(t.requests)+1-maxRequests):], r)
	return t.takeFault(r.Path)
}

// recorder logs the status before the client can have seen it, so that a test never reads a log that is behind.
type recorder struct {
	http.ResponseWriter
	traffic *traffic
	entry   *Request
}

func (r *recorder) WriteHeader(status int) {
	if status >= 200 { // interim answers are not the answer
		r.traffic.locked(func() { r.entry.Status = status })
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.traffic.locked(func() {
		if r.entry.Status == 0 {
			r.entry.Status = http.StatusOK
		}
	})
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush and take over the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
