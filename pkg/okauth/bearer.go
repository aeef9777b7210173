package okauth

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/session"
)

// bearerTransport adds the access token to requests.
// RFC 6750 §2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
type bearerTransport struct {
	client *Client
	ctx    context.Context   // of the token requests; the request's own ends them as well
	base   http.RoundTripper // for https, and for requests without a token
	plain  http.RoundTripper // for http to this machine

	mu        sync.Mutex
	renewed   okta.Secret // the last token that was obtained because of a 401
	renewedAt time.Time
}

// RoundTrip sends a copy of req with a token, and once more with a new token after a 401. A redirect to another origin
// goes out without the token, as net/http does with an Authorization header.
func (t *bearerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if leftOrigin(req) {
		return t.base.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(t.ctx)
	defer cancel(nil)
	defer context.AfterFunc(req.Context(), func() { cancel(context.Cause(req.Context())) })()
	var token session.CachedToken
	err := checkDestination(req)
	if err == nil {
		token, err = t.client.usable(t.client.Get(ctx, session.Access))
	}
	if err != nil {
		if req.Body != nil { // "RoundTrip must always close the body, including on errors" (net/http)
			req.Body.Close()
		}
		return nil, err
	}
	base := t.base
	if req.URL.Scheme != "https" {
		base = t.plain // even "localhost" may lead to another machine
	}
	resp, err := base.RoundTrip(withToken(req, token.Value))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !repeatable(req) {
		return resp, err
	}
	next, ok := t.replace(ctx, token.Value)
	if !ok {
		return resp, nil // the API's refusal is the answer
	}
	again := withToken(req, next)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return resp, nil
		}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
	return base.RoundTrip(again)
}

// renewEvery is how soon a token that was obtained because of a 401 may be replaced because of another.
const renewEvery = time.Minute

// replace returns a token in place of one that the API refused. ok is false if there is none, or if the refused token
// was new already: an API that refuses every token must not cost a refresh for each request.
func (t *bearerTransport) replace(ctx context.Context, refused okta.Secret) (token okta.Secret, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refused.Equal(t.renewed) && t.client.o.Now().Sub(t.renewedAt).Abs() < renewEvery {
		return okta.Secret{}, false
	}
	next, err := t.client.usable(t.client.Get(ctx, session.Access))
	if err == nil && next.Value.Equal(refused) {
		next, err = t.client.usable(t.client.Renew(ctx, session.Access, true))
		t.renewed, t.renewedAt = next.Value, t.client.o.Now()
	}
	return next.Value, err == nil
}

// leftOrigin reports whether a redirect on the way to req led to another origin. From then on another server chooses
// the address, even if that is at the first origin again.
func leftOrigin(req *http.Request) bool {
	for req.Response != nil && req.Response.Request != nil {
		before := req.Response.Request
		if before.URL.Scheme != req.URL.Scheme || before.URL.Host != req.URL.Host {
			return true
		}
		req = before
	}
	return false
}

// withToken returns a copy of req: "RoundTrip should not modify the request" (net/http).
func withToken(req *http.Request, token okta.Secret) *http.Request {
	c := req.Clone(req.Context())
	c.Header.Set("Authorization", "Bearer "+token.Reveal())
	return c
}

// repeatable reports whether the request can be sent a second time.
func repeatable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// checkDestination refuses to send a token in the clear.
// RFC 6750 §5.3: "Clients MUST always use TLS … when making requests with bearer tokens."
func checkDestination(req *http.Request) error {
	host := req.URL.Hostname()
	ip := net.ParseIP(host)
	if req.URL.Scheme == "https" || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("send the token to %q: expected https", req.URL.Scheme+"://"+req.URL.Host)
}
