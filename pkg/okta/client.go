package okta

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/okta/clientauth"
	"okauth/pkg/transport"
)

// Client is one application registered at an authorization server; without an ID, somebody who asks what everybody may know. Its fields are set once;
// its methods may be used concurrently.
type Client struct {
	Server AuthorizationServer
	ID     string // client id, "0oa…"
	// Auth authenticates the client; nil means clientauth.None, a public client.
	Auth clientauth.Method
	// SecretFrom is where the secret was taken from, for the advice of an error: "OKAUTH_CLIENT_SECRET". "" means: from where
	// okauth config set client_secret puts it.
	SecretFrom string
	// HTTP sends the requests; nil means the client of transport.New with its defaults. Whatever is given, a redirect
	// is not followed and a cookie neither kept nor sent.
	HTTP      *http.Client
	UserAgent string           // "okauth/1.2.3"; "" means "okauth"
	Now       func() time.Time // nil means time.Now
	// Wait is called before a request is sent again, with the time to wait and the reason, a clause for people. It returns when the time is over, or an
	// error, and then nothing is sent again. nil waits in silence. Which requests are sent again, and when: patience.go.
	Wait func(ctx context.Context, d time.Duration, why string) error
}

// TokenResponse is what a grant yields.
type TokenResponse struct {
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
	// ServerTime is the time of the response by the server's clock; zero where the response has no Date.
	ServerTime time.Time
	// Username is who signed in, as a grant that sends a user name sent it; "" otherwise.
	Username string
	// Warnings are warnings for the user, one sentence each: what the server did other than asked.
	Warnings []string
}

// Token sends form to the token endpoint and decodes the answer. It is one POST: an answer can be lost after the server counted
// the password or used up the refresh token, so nothing is sent again, no second style of client authentication is tried and no
// redirect followed. A caller who may ask again learns from Lost whether the first request may have been handled. There is one exception: where
// Okta's front put the request off before anything looked at it (429 E0000047) and says for how long, Token waits and sends it once more.
//
// form holds the parameters of the grant (grant_type, scope, …) and not the client's id or secret.
//
// The error is an *Error where Okta refused, a *NetworkError where there was no answer, a *ResponseError where the answer is none of a
// token endpoint, or wraps context.Canceled. None contains a secret of the form.
func (c *Client) Token(ctx context.Context, form url.Values) (*TokenResponse, error) {
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
	tokens.ServerTime, _ = http.ParseTime(a.Header.Get("Date"))
	tokens.compare(about, strings.Fields(form.Get("scope")))
	if skew := clockSkew(a.Header, c.now()); skew != 0 && about != refresh { // once per session is enough
		tokens.Warnings = append(tokens.Warnings, clockWarning(skew))
	}
	return tokens, nil
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// AuthMethod returns the name of the client's authentication method: "none" for a public client.
func (c *Client) AuthMethod() string { return c.auth().Name() }

func (c *Client) auth() clientauth.Method {
	if c.Auth == nil {
		return clientauth.None{}
	}
	return c.Auth
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
