package okta

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/transport"
)

// Client is one application registered at an authorization server. Its fields are set once; its methods may be used concurrently.
type Client struct {
	Server Server
	ID     string // client id, "0oa…"
	Secret Secret // client secret; the zero Secret makes a public client, which sends its id in the form instead
	// HTTP sends the requests; nil means the client of transport.New with its defaults. Whatever is given, a redirect
	// is not followed and a cookie neither kept nor sent.
	HTTP      *http.Client
	UserAgent string           // "okauth/1.2.3"; "" means "okauth"
	Now       func() time.Time // nil means time.Now
}

// Tokens is what a grant yields.
type Tokens struct {
	AccessToken Secret
	IDToken     Secret // zero where the scope had no openid
	// RefreshToken is what came: zero where the scope had no offline_access or the application may not refresh. After a refresh it is the
	// token that was sent, a new one, or zero, and then the one that was sent stays good.
	RefreshToken Secret
	TokenType    string // always "Bearer"
	// Scope is what was granted. It is nil where neither the request nor the answer named a scope: after a refresh, that is as at the sign-in, and
	// otherwise the server's default.
	Scope []string
	// ExpiresIn is the life of the access token, counted from ObtainedAt: more than 0, at most a year.
	ExpiresIn time.Duration
	// ObtainedAt is read just before the request is sent, so that the token is never believed to live longer than it does.
	ObtainedAt time.Time
	// Notes are warnings for the user, one sentence each: what the server did other than asked.
	Notes []string
}

// Token sends form to the token endpoint and decodes the answer. It is exactly one POST: an answer can be lost after the server counted
// the password or used up the refresh token, so nothing is ever sent again, no second style of client authentication is tried and no
// redirect followed. A caller who may ask again learns from Lost whether the first request may have been handled.
//
// form holds the parameters of the grant (grant_type, scope, …) and not the client's id or secret.
//
// The error is an *Error where Okta refused, a *NetworkError where there was no answer, a *ResponseError where the answer is none of a
// token endpoint, a *transport.CAFileError where ca_file cannot be read, or wraps context.Canceled. None contains a secret of the form.
func (c *Client) Token(ctx context.Context, form url.Values) (*Tokens, error) {
	about := errandOf(form)
	a, err := c.post(ctx, about, form)
	if err != nil {
		return nil, err
	}
	tokens, err := a.tokens()
	if err != nil {
		return nil, err
	}
	tokens.ObtainedAt = a.sent
	tokens.compare(about, strings.Fields(form.Get("scope")))
	return tokens, nil
}

// post sends form where the errand wants it, once, and reads the answer. It leaves to the caller what the body says.
func (c *Client) post(ctx context.Context, about errand, form url.Values) (answer, error) {
	client, err := c.http()
	if err != nil {
		return answer{}, err
	}
	req, err := c.request(ctx, about, form)
	if err != nil {
		return answer{}, err
	}
	a := answer{about: about, client: c, hide: hider(c.ID, c.Secret, form), sent: c.now()}
	progress := watch(req, a.about, a.hide)
	a.Response, err = client.Do(progress.req)
	if err != nil {
		return answer{}, progress.explain(client.Timeout, err)
	}
	defer a.Body.Close()
	if err := a.accept(); err != nil {
		return answer{}, err
	}
	progress.enter(PhaseRead)
	a.body, err = io.ReadAll(a.Body)
	if errors.Is(err, transport.ErrBodyTooLarge) {
		return answer{}, a.unusable("an answer larger than 1 MiB", nil)
	}
	if err != nil {
		return answer{}, progress.explain(client.Timeout, err)
	}
	return a, nil
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Client) http() (*http.Client, error) {
	given := c.HTTP
	if given == nil {
		var err error
		if given, err = transport.New(transport.Config{}); err != nil {
			return nil, err
		}
	}
	client := *given
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client, nil
}

// request builds the POST. No Origin header: Okta takes it for a browser and refuses.
func (c *Client) request(ctx context.Context, about errand, form url.Values) (*http.Request, error) {
	if c.ID == "" {
		return nil, errors.New("client id is empty")
	}
	body := make(url.Values, len(form)+1)
	for name, values := range form {
		body[name] = values
	}
	if c.Secret.IsZero() {
		body.Set("client_id", c.ID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Server.Endpoint(about.words().path), strings.NewReader(body.Encode()))
	if err != nil {
		return nil, errors.New("make the request: server address is not a URL")
	}
	req.GetBody = nil // with it, net/http may send the body again by itself
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "okauth")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	if !c.Secret.IsZero() {
		req.Header.Set("Authorization", basic(c.ID, c.Secret))
	}
	return req, nil
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
func hider(clientID string, clientSecret Secret, form url.Values) func(string) string {
	secrets := []string{clientSecret.Reveal()}
	for _, name := range []string{"password", "refresh_token", "token", "client_secret", "client_assertion", "code", "code_verifier", "device_code", "otp", "mfa_token", "assertion", "subject_token"} {
		secrets = append(secrets, form[name]...)
	}
	if !clientSecret.IsZero() {
		secrets = append(secrets, strings.TrimPrefix(basic(clientID, clientSecret), "Basic "))
	}
	var pairs []string
	for _, secret := range secrets {
		if len(secret) < 4 { // "a" would turn an explanation into dots
			continue
		}
		pairs = append(pairs, secret, redacted)
		if encoded := url.QueryEscape(secret); encoded != secret {
			pairs = append(pairs, encoded, redacted)
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
