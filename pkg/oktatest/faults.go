package oktatest

import (
	"bytes"
	"compress/gzip"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Fault answers one request instead of the server, or lets next answer once and changes how that answer arrives. It
// ends with r.Context(), which ends when the server is closed or the client has disconnected.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Fail injects each of the faults, in this order, into one request to a path that ends with suffix ("/token"; "" is
// every path). Requests has these requests too. Paths below /sandbox/ have no faults.
func (s *Server) Fail(suffix string, faults ...Fault) {
	defer s.lock()()
	for _, f := range faults {
		s.faults = append(s.faults, queuedFault{suffix, true, f})
	}
}

// FailAlways injects the fault into every such request, once those of Fail are used up, until ClearFaults. It replaces
// the one for the same suffix.
func (s *Server) FailAlways(suffix string, fault Fault) {
	defer s.lock()()
	s.faults = slices.DeleteFunc(s.faults, func(f queuedFault) bool { return !f.once && f.suffix == suffix })
	s.faults = append(s.faults, queuedFault{suffix, false, fault})
}

// ClearFaults removes the faults of Fail and FailAlways; one that has begun goes on.
func (s *Server) ClearFaults() {
	defer s.lock()()
	s.faults = nil
}

type queuedFault struct {
	suffix string
	once   bool
	fault  Fault
}

// Response is the server's answer before the client has it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Alter lets the server answer, and sends the answer that edit has changed.
func Alter(edit func(*Response)) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		res := capture(w, r, next)
		edit(res)
		res.Header.Set("Content-Length", strconv.Itoa(len(res.Body)))
		res.ServeHTTP(w, r)
	}
}

// capture lets the server answer into a Response, whose headers are those of w.
func capture(w http.ResponseWriter, r *http.Request, next http.Handler) *Response {
	c := &capturer{w, Response{Header: w.Header()}}
	next.ServeHTTP(c, r)
	c.res.Header.Set("Content-Length", strconv.Itoa(len(c.res.Body)))
	return &c.res
}

type capturer struct {
	http.ResponseWriter
	res Response
}

func (c *capturer) WriteHeader(status int) { c.res.Status = status }

func (c *capturer) Write(p []byte) (int, error) {
	c.res.Body = append(c.res.Body, p...)
	return len(p), nil
}

// ServeHTTP sends the response, whatever the request was.
func (res *Response) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(res.Status)
	_, _ = w.Write(res.Body) // a client that has disconnected needs no answer
}

// Respond answers with this; the server does not see the request. header may be nil.
func Respond(status int, header http.Header, body string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		maps.Copy(w.Header(), header)
		(&Response{status, w.Header(), []byte(body)}).ServeHTTP(w, r)
	}
}

// JSON is Respond with 200 and Content-Type application/json.
func JSON(body string) Fault {
	return Respond(200, http.Header{"Content-Type": {"application/json"}}, body)
}

// HTML is a page of a proxy, a content delivery network or a captive portal: 200, 502, 503, 511.
func HTML(status int) Fault {
	title := http.StatusText(status)
	return Respond(status, http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		"<!DOCTYPE html>\n<html><head><title>"+title+"</title></head><body><h1>"+title+"</h1></body></html>\n")
}

// Redirect sends the client elsewhere: 301, 302, 303, 307, 308.
func Redirect(status int, location string) Fault {
	return Respond(status, http.Header{"Location": {location}}, "")
}

// Header sets a header of the answer, or removes it if value is "".
func Header(name, value string) Fault {
	return Alter(func(res *Response) {
		res.Header.Set(name, value)
		if value == "" {
			res.Header.Del(name)
		}
	})
}

// Override changes one member of the answer's JSON: Override("expires_in", `"3600"`). The raw value "" removes it; a
// new name is added. The value need not be JSON.
func Override(name, raw string) Fault {
	return Alter(func(res *Response) { res.Body = patch(res.Body, map[string]string{name: raw}) })
}

// Gzip adds n bytes of white space and compresses the answer, whether the client accepts it or not.
func Gzip(n int) Fault {
	return Alter(func(res *Response) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed) // writes to memory do not fail
		_, _ = z.Write(append(res.Body, bytes.Repeat([]byte(" "), n)...))
		_ = z.Close()
		res.Body = packed.Bytes()
		res.Header.Set("Content-Encoding", "gzip")
	})
}
