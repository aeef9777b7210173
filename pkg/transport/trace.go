package transport

import (
	"fmt"
	"net/http"
	"time"
)

// Trace tells of each request and its answer in one line each: method, address, status, time taken and Okta's request id.
// Headers and bodies have the secrets, and are left out; an address of ours never has one in its query.
type Trace struct {
	Base http.RoundTripper // nil means http.DefaultTransport
	Say  func(line string)
}

// RoundTrip hands the request on unchanged.
func (t *Trace) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	t.Say(fmt.Sprintf("> %s %s://%s%s", req.Method, req.URL.Scheme, req.URL.Host, req.URL.EscapedPath()))
	start := time.Now()
	resp, err := base.RoundTrip(req)
	took := time.Since(start).Round(time.Millisecond)
	if err != nil {
		t.Say(fmt.Sprintf("< no answer after %s", took))
		return nil, err
	}
	line := fmt.Sprintf("< %d after %s", resp.StatusCode, took)
	if id := resp.Header.Get("X-Okta-Request-Id"); id != "" {
		line += ", request id " + id
	}
	t.Say(line)
	return resp, nil
}
