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
	Username string      // Okta login, as the user types it; "" is asked for
	Password okta.Secret // the zero Secret is asked for
	Scopes   []string    // at least one; without openid there is no ID token

	Factor Factor // the second factor, where Okta wants one; "" asks
	Last   Factor // the one to propose
	// OTP is Params.OTP.
	OTP func(context.Context) (okta.Secret, error)
}

// Token sends the password with one POST. Where Okta wants a second factor, it goes on with that; the error may then
// also be one of okta.Client.Challenge, an *ExpiredError, or an *InteractionRequiredError after the password was sent.
// The response's Username is who signed in. The caller forgets the password afterwards: "The client MUST discard the
// credentials once an access token has been obtained" (RFC 6749 §4.3.1).
func (p Password) Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error) {
	p, err := p.complete(ctx, i)
	if err != nil {
		return nil, err
	}
	tokens, err := c.Token(ctx, url.Values{
		"grant_type": {"password"},
		"username":   {p.Username},
		"password":   {p.Password.Reveal()},
		"scope":      {strings.Join(p.Scopes, " ")},
	})
	if err != nil {
		second := direct{username: p.Username, scopes: p.Scopes, usable: Factors(), fixed: p.Factor, last: p.Last, otp: p.OTP}
		return second.goOn(ctx, c, i, err)
	}
	tokens.Username = p.Username
	return tokens, nil
}

// complete asks for what is missing and checks the whole, first what can be checked before a question.
func (p Password) complete(ctx context.Context, i Interaction) (Password, error) {
	var err error
	if p.Username, err = completeUsername(ctx, i, p.Username, p.Scopes); err != nil {
		return p, err
	}
	if p.Password.IsZero() {
		if i == nil {
			return p, &InteractionRequiredError{Field: "password"}
		}
		p.Password, err = i.AskPassword(ctx, p.Username)
	}
	if err == nil {
		err = checkText("password", p.Password.Reveal())
	}
	return p, err
}

// completeUsername checks the scopes of a user's sign-in, and returns the user name, which it asks for if it is "".
func completeUsername(ctx context.Context, i Interaction, username string, scopes []string) (string, error) {
	err := checkUserScopes(scopes)
	if err == nil && username == "" {
		if i == nil {
			return "", &InteractionRequiredError{Field: "username"}
		}
		username, err = i.AskUsername(ctx)
	}
	if err == nil {
		err = checkText("username", username)
	}
	return username, err
}
