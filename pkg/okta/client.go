// Package okta speaks to one Okta authorization server.
//
// An [AuthorizationServer] knows the server's addresses; a [Client] is an application registered there. Client.Token
// sends the form of a grant to the token endpoint, once, and returns a [TokenResponse] or an error that says what
// failed. Revoke, Introspect and UserInfo are about one token. Metadata, Keys, Organization and ProbeGrant are about
// the server and its settings.
//
// The errors:
//
//	*Error          Okta answered with an error: it rejected the request, or cannot handle it now
//	*NetworkError   there was no complete response
//	*ResponseError  there was one, but it is not the endpoint's
//	*IssuerError    the metadata is another authorization server's
//
// [MayHaveBeenProcessed] tells whether the server may have handled a request that failed.
//
// Nothing from outside is trusted: tokens must have the grammar of tokens, JSON must be exact, and foreign text in an
// error is sanitized and contains no secret of the request.
package okta

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/secret"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/okta/dpop"
)

// Secret is text that belongs on the wire or in the store and nowhere else: a password, a client secret, a token.
// Printing and marshaling it in any way yields "••••"; Reveal alone returns the text. The zero Secret is empty. Secrets
// are not comparable with ==: use Equal.
type Secret = secret.Secret

// NewSecret wraps text. An empty text gives the zero Secret.
func NewSecret(text string) Secret { return secret.New(text) }

// Client is one application registered at an authorization server. Without an ID it can ask for public documents only.
// Set the fields before the first call; the methods may be used concurrently.
type Client struct {
	Server AuthorizationServer
	ID     string // client id, "0oa…"
	// Auth authenticates the client; nil means clientauth.None, a public client.
	Auth clientauth.Method
	// SecretSource says where the caller got the secret in Auth from. Errors repeat it; it is not sent.
	SecretSource string
	// DPoP proves to the token endpoint and to userinfo that the client has a key, and the tokens are bound to that; nil
	// means bearer tokens.
	DPoP *dpop.Prover
	// HTTP sends the requests: a client of transport.New. It must be set. Redirects are never followed and cookies neither
	// kept nor sent, whatever its fields say.
	HTTP      *http.Client
	UserAgent string           // "okauth/1.2.3"; "" means "okauth"
	Now       func() time.Time // nil means time.Now
	// Wait is called before a request is sent again, with the time to wait and the reason, a clause for people. It
	// returns after that time, or an error, and then the request is not sent again. nil means Sleep.
	Wait func(ctx context.Context, d time.Duration, why string) error
}

// Token sends form to the token endpoint and decodes the response. form holds the parameters of the grant (grant_type,
// scope, …) without the client's authentication.
//
// It is one POST: a response can be lost after the server counted the password or used up the refresh token, so nothing
// is sent again, no second client authentication method is tried and no redirect is followed. There are two exceptions:
// where Okta's rate limit rejected the request before anything else looked at it (429 E0000047) and names a time, Token
// waits and sends the request once more; and it does so at once where Okta asks for a nonce in the DPoP proof and names
// it (use_dpop_nonce).
//
// The error is an *Error, a *NetworkError, a *ResponseError, a *transport.ProxySettingError, or wraps context.Canceled.
// None contains a secret of the form.
func (c *Client) Token(ctx context.Context, form url.Values) (*TokenResponse, error) {
	info := c.info(OperationToken)
	info.GrantType = form.Get("grant_type")
	r, err := c.post(ctx, info, form)
	if err != nil {
		return nil, err
	}
	tokens, err := r.object.tokens(c.tokenType(), form)
	if err != nil {
		return nil, r.unusable("an unusable token response", err)
	}
	if c.DPoP != nil {
		tokens.DPoPKey, tokens.DPoPNonce = c.DPoP.Key.Text(), c.DPoP.Nonce(r.Request.URL)
	}
	tokens.ObtainedAt = r.sent
	tokens.ServerTime, _ = http.ParseTime(r.Header.Get("Date"))
	requested := strings.Fields(form.Get("scope"))
	for i, name := range tokens.Scope {
		if !slices.Contains(requested, name) { // it may be something else that was sent
			tokens.Scope[i] = r.redact(name)
		}
	}
	tokens.compareScopes(info.GrantType, requested)
	// Not after a refresh: once per session is enough.
	if skew := clockSkew(r.Header, c.now()); skew != 0 && info.GrantType != "refresh_token" {
		tokens.Warnings = append(tokens.Warnings, clockWarning(skew))
	}
	return tokens, nil
}

// AuthMethod returns the name of the client's authentication method: "none" for a public client.
func (c *Client) AuthMethod() string { return c.auth().Name() }

func (c *Client) auth() clientauth.Method {
	if c.Auth == nil {
		return clientauth.None{}
	}
	return c.Auth
}

// Bound returns a copy of c whose tokens are bound to key, the text of a dpop.Key, or to a new one for the zero Secret.
// nonce is the one that the server gave last, "" where it gave none. The error says that key is none.
func (c *Client) Bound(key Secret, nonce string) (*Client, error) {
	read := dpop.GenerateKey
	if !key.IsZero() {
		read = func() (dpop.Key, error) { return dpop.ParseKey(key) }
	}
	k, err := read()
	if err != nil {
		return nil, err
	}
	bound := *c
	bound.DPoP = &dpop.Prover{Key: k}
	if u, err := url.Parse(c.Server.BaseURL()); err == nil && nonce != "" {
		bound.DPoP.SetNonce(u, nonce)
	}
	return &bound, nil
}

// tokenType returns the type that an access token must have. With a proof it is DPoP: "The client MUST discard the
// response in this case, if this protection is deemed important". RFC 9449 §5:
// https://www.rfc-editor.org/rfc/rfc9449#section-5
func (c *Client) tokenType() string {
	if c.DPoP != nil {
		return TypeDPoP
	}
	return TypeBearer
}

func (c *Client) info(op Operation) RequestInfo {
	return RequestInfo{Operation: op, Server: c.Server, ClientID: c.ID}
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
