package transport

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"
)

// Trace tells of each request and its answer in one line each, with the times that its phases took in milliseconds; "first byte" counts
// from the start, and a phase that did not happen is left out:
//
//	> POST https://dev-1.okta.com/oauth2/default/v1/token via proxy 10.0.0.1:3128
//	< 200 after 132 ms (dns 3, connect 20, tls 41, first byte 130), request id reqVy8, rate limit 1198 of 1200 until 12:04:05Z
//	< no answer after 10000 ms while connecting (dns 3)
//
// With Detail it adds the headers of both, the fields of a form, the server's certificate, and the size of the answer; the
// answer's body is never shown. What is secret is hidden twice over: by name, and by value wherever the server says it again; see hider.
// Every line is printable, whatever the server wrote.
type Trace struct {
	Base   http.RoundTripper // nil means http.DefaultTransport
	Say    func(line string)
	Detail bool
}

// RoundTrip hands the request on with the same body, of which it has read a copy if that is a form.
func (t *Trace) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	req, form := readForm(req)
	x := &exchange{say: t.Say, detail: t.Detail, hide: newHider(req, form)}
	proxy := ""
	if to := routeOf(req.Context()); to != nil && to.proxy != nil {
		proxy = to.proxy.Host
	}
	x.request(req, proxy, form)
	clock := startStopwatch()
	resp, err := base.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), clock.hooks())))
	if err != nil {
		// Not err's text: it quotes what came, and the caller has it.
		at, times, certs := clock.stop()
		x.certificates(certs)
		x.line("< no answer after %d ms while %s%s", milliseconds(time.Since(clock.start)), at, times)
		return nil, err
	}
	_, times, certs := clock.stop()
	x.certificates(certs)
	x.answer(resp, milliseconds(time.Since(clock.start)), times)
	return resp, nil
}

// exchange is one request with its answer.
type exchange struct {
	say    func(string)
	detail bool
	hide   *redactor
}

func (x *exchange) line(format string, args ...any) { x.say(printable(fmt.Sprintf(format, args...))) }

// request tells of what is about to be sent. What the request says in public, its address and the public fields, is not searched for
// secrets: dots in a word that everybody knows would give away what the secret is.
func (x *exchange) request(req *http.Request, proxy string, form []field) {
	via := ""
	if proxy != "" {
		via = " via proxy " + proxy
	}
	x.line("> %s %s%s", req.Method, address(req.URL), via)
	if !x.detail {
		return
	}
	x.headers(">", req.Header)
	if len(form) > 0 {
		x.line("> form: %s", show(form))
	}
}

// answer tells of the head of an answer, and sees to it that its end is told.
func (x *exchange) answer(resp *http.Response, took int64, times string) {
	text := fmt.Sprintf("< %d after %d ms%s", resp.StatusCode, took, times)
	if id := resp.Header.Get("X-Okta-Request-Id"); id != "" {
		text += ", request id " + x.foreign(id)
	}
	x.line("%s%s", text, rateLimit(resp.Header))
	if !x.detail {
		return
	}
	x.headers("<", resp.Header)
	kind := resp.Header.Get("Content-Type")
	if kind == "" {
		kind = "no type"
	}
	resp.Body = &countedBody{ReadCloser: resp.Body, tell: func(size int, cut bool) {
		how := "%d bytes"
		if cut {
			how = "cut short after %d bytes"
		}
		x.line("< body: %s, "+how, x.foreign(kind), size)
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

// certificates tells of the handshakes there were: with the server, before that with a proxy that speaks TLS.
func (x *exchange) certificates(shown []handshakeDone) {
	if !x.detail {
		return
	}
	for _, h := range shown {
		parts := []string{"TLS"}
		if h.protocol != "" {
			parts[0] = h.protocol
		}
		if h.cert != nil {
			parts = append(parts, "certificate "+x.foreign(h.cert.Subject.String()), "issued by "+x.foreign(h.cert.Issuer.String()),
				"until "+h.cert.NotAfter.UTC().Format(time.RFC3339))
		}
		if h.failed {
			parts = append(parts, "refused")
		}
		x.line("* %s", strings.Join(parts, ", "))
	}
}

// countedBody tells once how much was read of it, and whether it broke.
type countedBody struct {
	io.ReadCloser
	tell func(size int, cut bool)
	size int
	told bool
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.size += n
	if err != nil {
		b.end(err != io.EOF)
	}
	return n, err
}

func (b *countedBody) Close() error {
	b.end(false)
	return b.ReadCloser.Close()
}

func (b *countedBody) end(cut bool) {
	if !b.told {
		b.told = true
		b.tell(b.size, cut)
	}
}
