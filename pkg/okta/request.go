package okta

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/internal/safetext"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/transport"
)

// maxBody is the most that is read of a response's body, in bytes, after decompression: 50 KB may swell to 50 MB. A
// token response has a few thousand.
const maxBody = 1 << 20

// request is what is sent, possibly more than once.
type request struct {
	info   RequestInfo
	url    string
	form   url.Values // nil: a GET, without client authentication
	access Secret     // the access token for the Authorization header of a GET
	began  time.Time  // when it was sent first
}

// post sends form to the endpoint of the operation.
func (c *Client) post(ctx context.Context, info RequestInfo, form url.Values) (response, error) {
	if c.ID == "" {
		return response{}, errors.New("client id is empty")
	}
	path := map[Operation]string{
		OperationChallenge: "challenge", OperationPrimaryAuthenticate: "primary-authenticate",
		OperationDevice: "device/authorize", OperationRevoke: "revoke", OperationIntrospect: "introspect",
	}[info.Operation]
	info.AuthMethod, info.SecretSource = c.AuthMethod(), c.SecretSource
	if auth, ok := c.Auth.(clientauth.PrivateKeyJWT); ok {
		info.KeyID = auth.Key.ID()
	}
	return c.send(ctx, request{info: info, url: c.Server.Endpoint(cmp.Or(path, "token")), form: form})
}

// get asks for the JSON object at address, with an access token unless that is empty.
func (c *Client) get(ctx context.Context, op Operation, address string, access Secret) (response, error) {
	return c.send(ctx, request{info: c.info(op), url: address, access: access})
}

// once sends r one time and reads the response. Beside an error, the response has what is known of it: its header, or
// nothing.
func (c *Client) once(ctx context.Context, client *http.Client, r request) (response, error) {
	ctx, seen := transport.Observe(ctx)
	req, form, err := c.build(ctx, r)
	if err != nil {
		return response{}, err
	}
	res := response{request: r, redact: redactor(req, form), start: time.Now(), sent: c.now(), seen: seen}
	if res.Response, err = client.Do(req); err != nil {
		return response{}, res.failure(ctx, err)
	}
	defer res.Body.Close()
	res.received = c.now()
	res.namesNonce = r.info.DPoP && c.DPoP.Remember(req.URL, res.Header)
	if err := res.checkHeader(); err != nil {
		return res, err
	}
	res.body, err = io.ReadAll(http.MaxBytesReader(nil, res.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return res, res.unusable("a response larger than 1 MiB", nil)
	}
	if err != nil {
		return response{}, res.failure(ctx, err)
	}
	return res, res.readBody()
}

// build makes the HTTP request and returns the form in its body as well. There is no Origin header: Okta takes a
// request with one for a browser's and refuses it.
func (c *Client) build(ctx context.Context, r request) (*http.Request, url.Values, error) {
	method := http.MethodGet
	if r.form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url, nil)
	if err != nil {
		return nil, nil, errors.New("make the request: server address is not a URL")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", cmp.Or(c.UserAgent, "okauth"))
	if !r.access.IsZero() {
		// "Clients SHOULD make authenticated requests with a bearer token using the 'Authorization' request header
		// field": RFC 6750 §2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1
		req.Header.Set("Authorization", c.tokenType()+" "+r.access.Reveal())
	}
	if r.info.DPoP {
		proof, err := c.DPoP.Proof(method, req.URL, r.access, c.now())
		if err != nil {
			return nil, nil, err
		}
		req.Header.Set("DPoP", proof.Reveal())
	}
	if r.form == nil {
		return req, nil, nil
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := maps.Clone(r.form) // the caller's stays as it is
	auth := clientauth.Request{ClientID: c.ID, URL: r.url, Now: c.now(), Header: req.Header, Form: form}
	if err := c.auth().Authenticate(auth); err != nil {
		return nil, nil, err
	}
	body := form.Encode()
	// Without GetBody, which would let net/http send the body again by itself.
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return req, form, nil
}

// redactor returns a function that removes the secrets of a request from foreign text: a server or a proxy may echo
// what it was sent.
func redactor(req *http.Request, form url.Values) func(string) string {
	_, credentials, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	secrets := []string{credentials}
	if _, password, ok := req.BasicAuth(); ok {
		plain, _ := url.QueryUnescape(password)
		secrets = append(secrets, password, plain)
	}
	for _, name := range []string{
		"password", "refresh_token", "token", "client_secret", "client_assertion", "code", "code_verifier", "device_code",
		"otp", "mfa_token", "oob_code", "binding_code", "assertion", "subject_token", "actor_token",
	} {
		secrets = append(secrets, form[name]...)
	}
	return safetext.Redactor(secrets...)
}
