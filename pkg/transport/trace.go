package transport

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
)

// maxTraceLine is the length of a line of the trace, in runes. A scope can be long, and a server can write anything.
const maxTraceLine = 1000

// trace logs each request and its response in one line each, with the times that its phases took in milliseconds, of
// which "first byte" counts from the start:
//
//	> POST https://dev-1.okta.com/oauth2/default/v1/token via proxy 10.0.0.1:3128
//	< 200 after 132 ms (dns 3, connect 20, tls 41, first byte 130), request id reqVy8, rate limit …
//	< no response after 10000 ms (dns 3), phase: connect
//
// With detail it adds the headers of both, the fields of a form, the server's certificate and the size of the response.
// It never shows a response's body. Headers and fields are redacted by name, see redact.go.
type trace struct {
	Base    http.RoundTripper
	log     func(line string)
	detail  bool
	streams bool // bodies pass unread
}

// RoundTrip sends the request unchanged.
func (t *trace) RoundTrip(req *http.Request) (*http.Response, error) {
	req, err := t.request(req)
	if err != nil {
		return nil, err
	}
	_, seen := observe(req.Context())
	resp, err := t.Base.RoundTrip(req)
	took, times, met := time.Since(seen.start).Milliseconds(), seen.summary(), seen.connection()
	if t.detail && met.TLS != nil {
		cert := met.TLS.PeerCertificates[0]
		t.logf("* %s, certificate %s, issued by %s, until %s", tls.VersionName(met.TLS.Version),
			cert.Subject, cert.Issuer, cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if err != nil {
		// Without err's text: it quotes what came, and the caller has it.
		t.logf("< no response after %d ms%s, phase: %s", took, times, met.Phase)
		return nil, err
	}
	t.response(resp, fmt.Sprintf("< %d after %d ms%s", resp.StatusCode, took, times))
	return resp, nil
}

func (t *trace) logf(format string, args ...any) {
	t.log(safetext.Sanitize(fmt.Sprintf(format, args...), maxTraceLine))
}

// request logs a request, and returns one to send in its place: with detail a form has been read.
func (t *trace) request(req *http.Request) (*http.Request, error) {
	via := ""
	if proxy := routeOf(req.Context()).proxy; proxy != nil {
		via = " via proxy " + proxy.Host
	}
	t.logf("> %s %s%s", req.Method, redactURL(req.URL), via)
	if !t.detail {
		return req, nil
	}
	t.headers(">", req.Header)
	kind, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
	if t.streams || req.Body == nil || req.Body == http.NoBody || kind != "application/x-www-form-urlencoded" {
		return req, nil
	}
	text, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, err
	}
	if form, err := url.ParseQuery(string(text)); err == nil && len(form) > 0 {
		t.logf("> form: %s", redactForm(form))
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(text))
	return req, nil
}

func (t *trace) headers(mark string, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			t.logf("%s %s: %s", mark, name, redactHeader(name, value))
		}
	}
}

// response logs the head of a response. With detail its end is logged when the caller has read it.
func (t *trace) response(resp *http.Response, line string) {
	if id := resp.Header.Get("X-Okta-Request-Id"); id != "" {
		line += ", request id " + id
	}
	t.logf("%s", line+rateLimit(resp.Header))
	if !t.detail {
		return
	}
	t.headers("<", resp.Header)
	if t.streams { // a body of an upgraded connection is more than a reader
		return
	}
	kind := cmp.Or(resp.Header.Get("Content-Type"), "no type")
	resp.Body = &watchedBody{ReadCloser: resp.Body, ended: func(size int, err error) {
		if err != nil {
			t.logf("< body: %s, cut short after %d bytes", kind, size)
			return
		}
		t.logf("< body: %s, %d bytes", kind, size)
	}}
}

// rateLimit reads Okta's three headers; Reset is in seconds since 1970.
// https://developer.okta.com/docs/reference/rl-best-practices/
func rateLimit(h http.Header) string {
	limit, err1 := strconv.ParseInt(h.Get("X-Rate-Limit-Limit"), 10, 64)
	left, err2 := strconv.ParseInt(h.Get("X-Rate-Limit-Remaining"), 10, 64)
	reset, err3 := strconv.ParseInt(h.Get("X-Rate-Limit-Reset"), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return ""
	}
	return fmt.Sprintf(", rate limit %d of %d until %s", left, limit, time.Unix(reset, 0).UTC().Format("15:04:05Z"))
}
