package okauth

import (
	"cmp"
	"fmt"
	"io"
	"net/http"

	"okauth/pkg/internal/orgurl"
	"okauth/pkg/okta"
)

// bearerTransport adds the access token to requests, and the proof that goes with one that is bound to a key.
// RFC 6750 §2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
// RFC 9449 §7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
type bearerTransport struct {
	token *sharedToken
	base  http.RoundTripper // for https, and for requests without a token
	plain http.RoundTripper // for http to this machine
}

// RoundTrip sends a copy of req with a token, and once more with a new token after a 401. A redirect to another origin
// goes out without the token, as net/http does with an Authorization header.
func (t *bearerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if leftOrigin(req) {
		return t.base.RoundTrip(req)
	}
	var token accessToken
	err := checkDestination(req)
	if err == nil {
		token, err = t.token.get(req.Context())
	}
	if err != nil {
		closeBody(req)
		return nil, err
	}
	resp, err := t.send(req, token)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || wantsNonce(resp) ||
		!t.token.refuse(token.Value) || !repeatable(req) {
		return resp, err
	}
	next, err := t.token.get(req.Context())
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if next.Value.Equal(token.Value) {
		return resp, nil // the API's refusal is the answer
	}
	if req, err = again(req, resp); err != nil {
		return resp, nil
	}
	return t.send(req, next)
}

// send sends a copy of req with a token, and once more where its server wants a nonce in the proof and names it.
// https://www.rfc-editor.org/rfc/rfc9449#section-9
func (t *bearerTransport) send(req *http.Request, token accessToken) (*http.Response, error) {
	resp, named, err := t.sendOnce(req, token)
	if err != nil || !named || !wantsNonce(resp) || !repeatable(req) {
		return resp, err
	}
	if req, err = again(req, resp); err != nil {
		return resp, nil
	}
	resp, _, err = t.sendOnce(req, token)
	return resp, err
}

// sendOnce sends a copy of req: "RoundTrip should not modify the request" (net/http). The copy shares the trailer,
// which gets its values while the body is read. named reports whether the response has a nonce for the next proof.
func (t *bearerTransport) sendOnce(req *http.Request, token accessToken) (resp *http.Response, named bool, err error) {
	base := t.base
	if req.URL.Scheme != "https" {
		base = t.plain // even "localhost" may lead to another machine
	}
	c := req.WithContext(req.Context())
	c.Header = req.Header.Clone()
	if c.Header == nil {
		c.Header = make(http.Header)
	}
	c.Header.Set("Authorization", okta.TypeBearer+" "+token.Value.Reveal())
	if token.prover != nil {
		method := cmp.Or(req.Method, http.MethodGet)
		proof, err := token.prover.Proof(method, req.URL, token.Value, t.token.client.o.Now())
		if err != nil {
			closeBody(req)
			return nil, false, err
		}
		c.Header.Set("Authorization", okta.TypeDPoP+" "+token.Value.Reveal())
		c.Header.Set("DPoP", proof.Reveal())
	}
	resp, err = base.RoundTrip(c)
	return resp, err == nil && token.prover != nil && token.prover.Remember(req.URL, resp.Header), err
}

// wantsNonce reports whether the server asks for a nonce in the proof.
func wantsNonce(resp *http.Response) bool {
	code, _ := okta.ErrorIn(resp.Header)
	return resp.StatusCode == http.StatusUnauthorized && code == "use_dpop_nonce"
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
	if req.URL.Scheme == "https" || orgurl.IsLoopback(req.URL.Hostname()) {
		return nil
	}
	return fmt.Errorf("send the token to %q: expected https", req.URL.Scheme+"://"+req.URL.Host)
}
