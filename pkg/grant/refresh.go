package grant

import (
	"context"
	"net/url"
	"strings"

	"okauth/pkg/okta"
)

// Refresh turns the refresh token of an earlier sign-in into new tokens.
// RFC 6749 §6: https://www.rfc-editor.org/rfc/rfc6749#section-6
type Refresh struct {
	Token okta.Secret // from Tokens.RefreshToken, at the same server and for the same client
	// Scopes are those that the new tokens are for; none means all of the sign-in. "The requested scope MUST NOT include any
	// scope not originally granted by the resource owner" (§6). Without openid in a list there is no ID token.
	Scopes []string
}

// Exchange makes one POST. The error is an *InputError, in which case nothing was sent, or one of okta.Client.Token.
//
// A server that rotates takes a refresh token once, and takes a late second use for a theft that ends the whole session. So the caller lets
// nobody else use Token meanwhile, stores Tokens.RefreshToken, where there is one, in its place before anything else, and asks okta.Lost about
// an error: where it is true, Token may be used up, and the same Exchange at once is the only way to find its successor.
func (r Refresh) Exchange(ctx context.Context, client *okta.Client) (*okta.TokenResponse, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {r.Token.Reveal()}}
	if len(r.Scopes) > 0 {
		form.Set("scope", strings.Join(r.Scopes, " "))
	}
	return client.Token(ctx, form)
}

func (r Refresh) check() error {
	const hint = "run okauth login"
	switch {
	case r.Token.IsZero():
		return &InputError{"refresh token", "is empty", hint}
	case !okta.ValidToken(r.Token.Reveal()):
		return &InputError{"refresh token", "has characters or a length that no token has", hint}
	case len(r.Scopes) == 0:
		return nil
	}
	return checkScopes(r.Scopes)
}
