package okta

import (
	"context"
	"errors"
	"net/http"
)

// UserInfo asks the server whose accessToken is: the claims that its scopes allow, as a JSON object, as it was received. The token goes to the configured
// server, and must be one of that server's with the scope openid.
//
// The error is one of Token's; an *Error with 401 invalid_token means that Okta does not take the token (any more).
// OpenID Connect Core §5.3: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
func (c *Client) UserInfo(ctx context.Context, accessToken Secret) ([]byte, error) {
	if !ValidToken(accessToken.Reveal()) {
		return nil, errors.New("access token is empty or has characters that no token has")
	}
	a, err := c.get(ctx, userInfo, c.Server.Endpoint("userinfo"), accessToken)
	if err != nil {
		return nil, err
	}
	if _, err := a.document(); err != nil {
		return nil, err
	}
	return a.body, nil
}

// challenge reads the refusal of a bearer token, which stands in a header before an empty body. nil where there is none.
// RFC 6750 §3: https://www.rfc-editor.org/rfc/rfc6750#section-3
func (a response) challenge() error {
	if a.StatusCode < 400 || a.StatusCode >= 500 {
		return nil
	}
	for _, c := range readChallenges(a.Header.Values("WWW-Authenticate")) {
		if code := c.params["error"]; code != "" && (c.scheme == "bearer" || c.scheme == "dpop") {
			return a.refused(code, c.params["error_description"], "")
		}
	}
	if a.ContentLength != 0 && a.Header.Get("Content-Type") != "" {
		return nil // the body may tell more
	}
	switch a.StatusCode {
	case http.StatusUnauthorized:
		return a.refused("invalid_token", "", "")
	case http.StatusForbidden:
		return a.refused("insufficient_scope", "", "")
	}
	return nil
}
