package okta

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"okauth/pkg/transport"
)

// request is what is sent. It can be built any number of times.
type request struct {
	about  operation
	url    string
	form   url.Values // nil: a GET, which never carries the client's secret
	bearer Secret     // goes into the Authorization header of a GET
}

// post sends form where the errand wants it and reads the answer. It leaves to the caller what the body says.
func (c *Client) post(ctx context.Context, about operation, form url.Values) (response, error) {
	if c.ID == "" {
		return response{}, errors.New("client id is empty")
	}
	return c.send(ctx, request{about: about, url: c.Server.Endpoint(about.words().path), form: form})
}

// get asks for the document at url, with bearer unless that is empty. It leaves to the caller what the body says.
func (c *Client) get(ctx context.Context, about operation, url string, bearer Secret) (response, error) {
	return c.send(ctx, request{about: about, url: url, bearer: bearer})
}

// once sends r one time and reads the answer. Beside an error, the answer is what is known of it: its header, or nothing.
func (c *Client) once(ctx context.Context, client *http.Client, r request) (response, error) {
	req, err := c.build(ctx, r)
	if err != nil {
		return response{}, err
	}
	a := response{about: r.about, client: c, hide: hider(c.ID, c.Secret, r), sent: c.now()}
	progress := watch(req, a.about, a.hide)
	a.Response, err = client.Do(progress.req)
	if err != nil {
		return response{}, progress.explain(client.Timeout, err)
	}
	defer a.Body.Close()
	if err := a.accept(); err != nil {
		return a, err
	}
	progress.enter(PhaseRead)
	a.body, err = io.ReadAll(a.Body)
	if errors.Is(err, transport.ErrBodyTooLarge) {
		return a, a.unusable("an answer larger than 1 MiB", nil)
	}
	if err != nil {
		return response{}, progress.explain(client.Timeout, err)
	}
	return a, nil
}

// build makes the request. No Origin header: Okta takes it for a browser and refuses.
func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if r.form != nil {
		method, body = http.MethodPost, c.body(r.form)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url, body)
	if err != nil {
		return nil, errors.New("make the request: server address is not a URL")
	}
	req.GetBody = nil // with it, net/http may send the body again by itself
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "okauth")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	switch {
	case r.form != nil:
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if !c.Secret.IsZero() {
			req.Header.Set("Authorization", basic(c.ID, c.Secret))
		}
	case !r.bearer.IsZero():
		// "Clients SHOULD make authenticated requests with a bearer token using the 'Authorization' request header field":
		// RFC 6750 §2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	return req, nil
}

// body adds to a form the id of a public client, and leaves the caller's form as it is.
func (c *Client) body(form url.Values) io.Reader {
	body := make(url.Values, len(form)+1)
	for name, values := range form {
		body[name] = values
	}
	if c.Secret.IsZero() {
		body.Set("client_id", c.ID)
	}
	return strings.NewReader(body.Encode())
}

// basic encodes both parts before it joins them: "The client identifier is encoded using the 'application/x-www-form-urlencoded'
// encoding algorithm … and the encoded value is used as the username; the client password is encoded using the same algorithm".
// RFC 6749 §2.3.1: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1. What Okta generates is not changed by it.
//
// With the header set, the id is not repeated in the form: Okta answers 401 "Cannot supply multiple client credentials".
func basic(id string, secret Secret) string {
	pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret.Reveal())
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// hider returns a function that takes the secrets of a request out of foreign text: a server or a proxy may echo what it was sent.
func hider(clientID string, clientSecret Secret, r request) func(string) string {
	secrets := []string{clientSecret.Reveal(), r.bearer.Reveal()}
	for _, name := range []string{"password", "refresh_token", "token", "client_secret", "client_assertion", "code", "code_verifier", "device_code", "otp", "mfa_token", "assertion", "subject_token"} {
		secrets = append(secrets, r.form[name]...)
	}
	if !clientSecret.IsZero() {
		secrets = append(secrets, strings.TrimPrefix(basic(clientID, clientSecret), "Basic "))
	}
	return transport.Hide(secrets...)
}
