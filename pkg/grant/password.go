package grant

import (
	"context"
	"net/url"
	"strings"

	"okauth/pkg/okta"
)

// Password is the resource owner password credentials grant.
// RFC 6749 §4.3: https://www.rfc-editor.org/rfc/rfc6749#section-4.3
type Password struct {
	Username string // Okta login, as the user types it
	Password okta.Secret
	Scopes   []string // at least one; without openid there is no ID token
}

// Exchange signs in with one POST. The error is an *InputError, in which case nothing was sent, or one of okta.Client.Token.
// The caller forgets the password afterwards: "The client MUST discard the credentials once an access token has been obtained" (§4.3.1).
func (p Password) Exchange(ctx context.Context, client *okta.Client) (*okta.TokenResponse, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return client.Token(ctx, url.Values{
		"grant_type": {"password"},
		"username":   {p.Username},
		"password":   {p.Password.Reveal()},
		"scope":      {strings.Join(p.Scopes, " ")},
	})
}

func (p Password) check() error {
	err := checkText("username", p.Username, "set username (OKAUTH_USERNAME), or sign in on a terminal, where okauth asks for it")
	if err == nil {
		err = checkText("password", p.Password.Reveal(), "give the password with --password-stdin or OKAUTH_PASSWORD, or sign in on a terminal, where okauth asks for it")
	}
	if err == nil {
		err = checkScopes(p.Scopes)
	}
	return err
}
