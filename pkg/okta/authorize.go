package okta

import (
	"maps"
	"net/url"
)

// AuthorizationURL returns the address that a browser opens to sign a user in: the authorization endpoint with params
// and this client's id. RFC 6749 §4.1.1: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
func (c *Client) AuthorizationURL(params url.Values) string {
	query := maps.Clone(params) // the caller's stays as it is
	query.Set("client_id", c.ID)
	query.Set("response_type", "code")
	return c.Server.Endpoint("authorize") + "?" + query.Encode()
}

// AuthorizationCode reads the parameters that the browser has brought to the redirect URI, whose state is known to be
// right. The code may be empty. The error is an *Error without a status, where Okta refused the sign-in in the browser,
// or an *IssuerError: "If the value does not match the expected issuer identifier, clients MUST reject the
// authorization response and MUST NOT proceed with the authorization grant." RFC 9207 §2.4:
// https://www.rfc-editor.org/rfc/rfc9207#section-2.4
func (c *Client) AuthorizationCode(answer url.Values) (Secret, error) {
	if issuer := answer.Get("iss"); answer.Has("iss") && issuer != c.Server.Issuer() {
		return Secret{}, &IssuerError{
			Source: "answer to the sign-in", Expected: c.Server.Issuer(), Got: Sanitize(issuer, 300),
		}
	}
	if answer.Has("error") {
		info := c.info(OperationAuthorize)
		info.GrantType = "authorization_code"
		return Secret{}, &Error{
			RequestInfo: info,
			Code:        Sanitize(answer.Get("error"), 80),
			Description: Sanitize(answer.Get("error_description"), 300),
		}
	}
	return NewSecret(answer.Get("code")), nil
}
