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

	"okauth/pkg/internal/safetext"
	"okauth/pkg/okta/clientauth"
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
	req, form, err := c.build(ctx, r)
	if err != nil {
		return response{}, err
	}
	a := response{about: r.about, client: c, hide: redactor(req, form), sent: c.now()}
	progress := watch(req, a.about, a.hide)
	a.Response, err = client.Do(progress.req)
	if err != nil {
		return response{}, progress.explain(client.Timeout, err)
	}
	defer a.Body.Close()
	if err := a.accept(); err != nil {
		return a, err
	}
	progress.answered = true
	a.body, err = io.ReadAll(a.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return a, a.unusable("an answer larger than 1 MiB", nil)
	}
	if err != nil {
		return response{}, progress.explain(client.Timeout, err)
	}
	return a, nil
}

// build makes the request. No Origin header: Okta takes it for a browser and refuses.
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
	if !r.bearer.IsZero() {
		// "Clients SHOULD make authenticated requests with a bearer token using the 'Authorization' request header field":
		// RFC 6750 §2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	if r.form == nil {
		return req, nil, nil
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form := maps.Clone(r.form) // the caller's stays as it is
	c.auth().Authenticate(clientauth.Request{ClientID: c.ID, Header: req.Header, Form: form})
	body := form.Encode()
	// Without GetBody, which would let net/http send the body again by itself.
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return req, form, nil
}

// redactor returns a function that takes the secrets of a request out of foreign text: a server or a proxy may echo what
// it was sent.
func redactor(req *http.Request, form url.Values) func(string) string {
	_, credentials, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	secrets := []string{credentials}
	if _, password, ok := req.BasicAuth(); ok {
		plain, _ := url.QueryUnescape(password)
		secrets = append(secrets, password, plain)
	}
	for _, name := range []string{
		"password", "refresh_token", "token", "client_secret", "client_assertion", "code", "code_verifier", "device_code",
		"otp", "mfa_token", "assertion", "subject_token",
	} {
		secrets = append(secrets, form[name]...)
	}
	return safetext.Redactor(secrets...)
}
