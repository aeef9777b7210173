package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Revoke tells the server to invalidate token, with one POST. hint says what it is, "refresh_token" or
// "access_token", so that the server finds it faster; "" says nothing. At Okta a refresh token takes its access
// tokens with it, an access token is revoked alone.
//
// nil means that Okta no longer accepts the token, also when Okta never knew it. A resource server that verifies the
// signature alone accepts an access token until it expires. The error is one of Token's, and then "the client must
// assume the token still exists and may retry after a reasonable delay". RFC 7009 §2.2.1:
// https://www.rfc-editor.org/rfc/rfc7009#section-2.2.1
func (c *Client) Revoke(ctx context.Context, token Secret, hint string) error {
	if token.IsZero() {
		return errors.New("token to revoke is empty")
	}
	_, err := c.post(ctx, c.info(OperationRevoke), tokenForm(token, hint))
	return err
}

func tokenForm(token Secret, hint string) url.Values {
	form := url.Values{"token": {token.Reveal()}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	return form
}

// Introspection is the response to an introspection request.
type Introspection struct {
	Active bool   // the token is valid
	Text   []byte // the response, a JSON object, as it was received
}

// Introspect asks the server about token, which it must have issued. hint says what it is, "refresh_token",
// "access_token" or "id_token"; "" says nothing. A refresh token stays as it is.
//
// The error is one of Token's, and then nothing is known about the token.
// RFC 7662 §2: https://www.rfc-editor.org/rfc/rfc7662#section-2
func (c *Client) Introspect(ctx context.Context, token Secret, hint string) (*Introspection, error) {
	if err := CheckToken(token.Reveal()); err != nil {
		return nil, fmt.Errorf("token to introspect %w", err)
	}
	r, err := c.post(ctx, c.info(OperationIntrospect), tokenForm(token, hint))
	if err != nil {
		return nil, err
	}
	active := string(r.object["active"])
	if active != "true" && active != "false" {
		return nil, r.unusable("an unusable response", errors.New("active is neither true nor false"))
	}
	return &Introspection{Active: active == "true", Text: r.body}, nil
}

// UserInfo gets the claims of the user whose accessToken it is, as far as the token's scopes allow: a JSON object, as
// it was received. The token must be the configured server's and have the scope openid.
//
// The error is one of Token's; an *Error with 401 invalid_token means that Okta does not accept the token. OpenID
// Connect Core §5.3: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
func (c *Client) UserInfo(ctx context.Context, accessToken Secret) ([]byte, error) {
	if err := CheckToken(accessToken.Reveal()); err != nil {
		return nil, fmt.Errorf("access token %w", err)
	}
	r, err := c.get(ctx, OperationUserInfo, c.Server.Endpoint("userinfo"), accessToken)
	if err != nil {
		return nil, err
	}
	return r.body, nil
}

// ProbeGrant finds out whether Okta knows the client and the grant type is enabled for it, with a request to the token
// endpoint that lacks the parameter missing, which the grant type requires: "username" for "password". It carries no
// credential but the client's, so that nothing is counted and no token is made. It is sent like a sign-in, without a
// retry.
//
// nil means that Okta complains about the missing parameter alone. An *Error is about the client or the grant, as it
// would be at a sign-in; the other errors are those of Token. It is not documented that Okta checks the client first,
// then the grant, and then the parameters: a server with another order returns nil too often.
func (c *Client) ProbeGrant(ctx context.Context, grantType, missing string) error {
	if missing == "" {
		return errors.New("grant type requires no parameter: a request for it could make a token")
	}
	info := c.info(OperationProbe)
	info.GrantType = grantType
	r, err := c.post(ctx, info, url.Values{"grant_type": {grantType}, "scope": {"openid"}})
	refusal, ok := errors.AsType[*Error](err)
	switch {
	case ok && refusal.Status == http.StatusBadRequest && refusal.Code == "invalid_request" &&
		strings.Contains(refusal.Description, missing):
		return nil // https://developer.okta.com/docs/reference/error-codes/
	case ok:
		refusal.Operation = OperationToken
	case err == nil:
		return r.unusable("a response that is not an error", nil)
	}
	return err
}
