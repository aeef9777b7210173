package grant

import (
	"context"
	"net/url"
	"strings"

	"okauth/pkg/okta"
)

// Refresh exchanges the refresh token of an earlier sign-in for new tokens.
// RFC 6749 §6: https://www.rfc-editor.org/rfc/rfc6749#section-6
type Refresh struct {
	RefreshToken okta.Secret // from TokenResponse.RefreshToken, at the same server and for the same client
	// Scopes are the scopes of the new tokens; none means all of the sign-in. "The requested scope MUST NOT include any
	// scope not originally granted by the resource owner" (§6). Without openid in a list there is no ID token.
	Scopes []string
}

// Token makes one POST and asks the user nothing.
//
// A server that rotates refresh tokens accepts each once and treats a late second use as a theft that ends the whole
// session. So the caller makes sure that no other process uses RefreshToken meanwhile, stores the response's
// RefreshToken, where there is one, in its place before anything else, and passes an error to
// okta.MayHaveBeenProcessed: where that is true, RefreshToken may be used up, and calling Token again at once is the
// only way to get its successor.
func (r Refresh) Token(ctx context.Context, c *okta.Client, _ Interaction) (*okta.TokenResponse, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {r.RefreshToken.Reveal()}}
	if len(r.Scopes) > 0 {
		form.Set("scope", strings.Join(r.Scopes, " "))
	}
	return c.Token(ctx, form)
}

func (r Refresh) check() error {
	if err := okta.CheckToken(r.RefreshToken.Reveal()); err != nil {
		return &InputError{"refresh token", err.Error()}
	}
	return checkScopes(r.Scopes)
}
