package grant

import (
	"context"
	"net/url"
	"strings"

	"okauth/pkg/okta"
)

// ClientCredentials is the grant of a client that signs in for itself. It yields an access token alone: no ID token,
// because there is no user, and no refresh token, because the client can ask again at any time (RFC 6749 §4.4.3).
// RFC 6749 §4.4: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
type ClientCredentials struct {
	// Scopes are custom scopes of the authorization server; none means the server's default scopes. Okta refuses openid
	// and the other scopes that are about a user. The org server has the scopes of Okta's own API ("okta.users.read"), for
	// service applications that authenticate with a private key.
	// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
	Scopes []string
}

// Token makes one POST and asks the user nothing. No lost answer does harm: a caller may call Token again.
func (g ClientCredentials) Token(ctx context.Context, c *okta.Client, _ Interaction) (*okta.TokenResponse, error) {
	if err := g.check(c); err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(g.Scopes) > 0 {
		form.Set("scope", strings.Join(g.Scopes, " "))
	}
	return c.Token(ctx, form)
}

// check: "The client credentials grant type MUST only be used by confidential clients." RFC 6749 §4.4
func (g ClientCredentials) check(c *okta.Client) error {
	if c.AuthMethod() == "none" {
		return &InputError{"client secret", "is empty, and without one or a private key a client cannot sign in for itself"}
	}
	return checkScopes(g.Scopes)
}
