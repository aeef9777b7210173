package oktatest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is one request as it arrived, and what became of it. Everything is kept as it was sent, secrets too, so that
// a test can check it; String and GoString do not show them.
type Request struct {
	Time      time.Time // by the server's clock
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	Form      url.Values // of a form-urlencoded body; nil otherwise
	Body      []byte     // as it came, at most 1 MiB
	Status    int        // 0: not answered (yet), or by a fault that took the connection over
	RequestID string     // X-Okta-Request-Id of the answer
	ErrorCode string     // error or errorCode of the answer; "" for a success or a fault
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
	defer s.lock()()
	for _, r := range s.requests {
		list = append(list, *r)
	}
	return list
}

// ResetRequests forgets the requests so far.
func (s *Server) ResetRequests() {
	defer s.lock()()
	s.requests = nil
}

// log adds a request to Requests, and returns its fault: the first that is meant for one request, else the newest that
// is meant for all, else none.
func (s *Server) log(r *Request) Fault {
	defer s.lock()()
	s.requests = append(s.requests[max(0, len(s.requests)-9_999):], r) // a sandbox may run for days
	fault := Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) })
	for i, f := range s.faults {
		switch {
		case !strings.HasSuffix(r.Path, f.suffix), strings.HasPrefix(r.Path, "/sandbox/"):
		case f.once:
			s.faults = slices.Delete(s.faults, i, i+1)
			return f.fault
		default:
			fault = f.fault
		}
	}
	return fault
}

// recorder logs the status before the client can have seen it, so that a test never reads a log that is behind.
type recorder struct {
	http.ResponseWriter
	server *Server
	entry  *Request
}

func (r *recorder) WriteHeader(status int) {
	if status >= 200 { // interim answers are not the answer
		r.record(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.record(http.StatusOK) // unless WriteHeader did
	return r.ResponseWriter.Write(p)
}

func (r *recorder) record(status int) {
	defer r.server.lock()()
	r.entry.Status = cmp.Or(r.entry.Status, status)
}

// Unwrap lets http.ResponseController flush and take over the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
