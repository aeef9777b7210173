package okauth

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/okta/dpop"
	"okauth/pkg/session"
)

// bearerTransport adds the access token to requests, and the proof that goes with one that is bound to a key.
// RFC 6750 §2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
// RFC 9449 §7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
type bearerTransport struct {
	client *Client
	ctx    context.Context   // ends the token requests, as that of the request does which needs the token
	base   http.RoundTripper // for https, and for requests without a token
	plain  http.RoundTripper // for http to this machine

	replacing chan struct{} // holds a value while a request replaces a token, and guards the next two
	renewed   okta.Secret   // the last token that was obtained because of a 401
	renewedAt time.Time

	mu     sync.Mutex
	prover *dpop.Prover // of the last token that was bound to a key
}

// RoundTrip sends a copy of req with a token, and once more with a new token after a 401. A redirect to another origin
// goes out without the token, as net/http does with an Authorization header.
func (t *bearerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if leftOrigin(req) {
		return t.base.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	defer context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })()
	var token session.CachedToken
	err := checkDestination(req)
	if err == nil {
		token, err = t.client.usable(t.client.Get(ctx, session.Access))
	}
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.send(req, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || wantsNonce(resp) || !repeatable(req) {
		return resp, err
	}
	next, ok := t.replace(ctx, token.Value)
	if !ok {
		return resp, nil // the API's refusal is the answer
	}
	if req, err = again(req, resp); err != nil {
		return resp, nil
	}
	return t.send(req, next)
}

// send sends a copy of req with a token, and once more where its server wants a nonce in the proof and names it.
// https://www.rfc-editor.org/rfc/rfc9449#section-9
func (t *bearerTransport) send(req *http.Request, token session.CachedToken) (*http.Response, error) {
	prover, err := t.proverOf(token)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, named, err := t.sendOnce(req, token.Value, prover)
	if err != nil || !named || !wantsNonce(resp) || !repeatable(req) {
		return resp, err
	}
	if req, err = again(req, resp); err != nil {
		return resp, nil
	}
	resp, _, err = t.sendOnce(req, token.Value, prover)
	return resp, err
}

// sendOnce sends a copy of req: "RoundTrip should not modify the request" (net/http). named reports whether the
// response has a nonce for the next proof.
func (t *bearerTransport) sendOnce(
	req *http.Request, token okta.Secret, prover *dpop.Prover,
) (resp *http.Response, named bool, err error) {
	base := t.base
	if req.URL.Scheme != "https" {
		base = t.plain // even "localhost" may lead to another machine
	}
	c := req.Clone(req.Context())
	c.Header.Set("Authorization", okta.TypeBearer+" "+token.Reveal())
	if prover != nil {
		proof, err := prover.Proof(cmp.Or(req.Method, http.MethodGet), req.URL, token, t.client.o.Now())
		if err != nil {
			closeBody(req)
			return nil, false, err
		}
		c.Header.Set("Authorization", okta.TypeDPoP+" "+token.Reveal())
		c.Header.Set("DPoP", proof.Reveal())
	}
	resp, err = base.RoundTrip(c)
	return resp, err == nil && prover != nil && prover.Remember(req.URL, resp.Header), err
}

// proverOf returns what makes the proofs for a token, nil for a bearer token. That of a session is kept, because it
// knows the nonces.
func (t *bearerTransport) proverOf(token session.CachedToken) (*dpop.Prover, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.prover != nil && t.prover.Key.Text().Equal(token.DPoPKey) {
		return t.prover, nil
	}
	prover, err := token.Prover()
	if prover != nil {
		t.prover = prover
	}
	return prover, err
}

// wantsNonce reports whether the server asks for a nonce in the proof.
func wantsNonce(resp *http.Response) bool {
	code, _ := okta.ErrorIn(resp.Header)
	return resp.StatusCode == http.StatusUnauthorized && code == "use_dpop_nonce"
}

// renewEvery is how soon a token that was obtained because of a 401 may be replaced because of another.
const renewEvery = time.Minute

// replace returns a token in place of one that the API refused. ok is false if there is none, or if the refused token
// was new already: an API that refuses every token must not cost a refresh for each request.
func (t *bearerTransport) replace(ctx context.Context, refused okta.Secret) (next session.CachedToken, ok bool) {
	select {
	case t.replacing <- struct{}{}:
		defer func() { <-t.replacing }()
	case <-ctx.Done():
		return session.CachedToken{}, false
	}
	if refused.Equal(t.renewed) && t.client.o.Now().Sub(t.renewedAt).Abs() < renewEvery {
		return session.CachedToken{}, false
	}
	next, err := t.client.usable(t.client.Get(ctx, session.Access))
	if err == nil && next.Value.Equal(refused) {
		next, err = t.client.usable(t.client.Renew(ctx, session.Access, true))
		t.renewed, t.renewedAt = next.Value, t.client.o.Now()
	}
	return next, err == nil
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

// repeatable reports whether the request can be sent a second time.
func repeatable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// again returns req with its body from the start, and ends the response before.
func again(req *http.Request, resp *http.Response) (*http.Request, error) {
	c := req.WithContext(req.Context())
	if req.GetBody != nil {
		var err error
		if c.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
	return c, nil
}

// closeBody closes the body of a request that is not sent: "RoundTrip must always close the body, including on errors"
// (net/http).
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
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
