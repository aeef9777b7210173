package session

import (
	"context"

	"okauth/pkg/grant"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// IDTokenError says that a response had an ID token with a wrong claim. Its tokens were neither stored nor returned.
type IDTokenError struct {
	Err error // a *jwt.IDTokenError or *jwt.FormatError
}

func (e *IDTokenError) Error() string { return "the response is not accepted: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *IDTokenError) Unwrap() error { return e.Err }

// exchange gets tokens with g and checks the ID token among them. The error is one of g or an *IDTokenError.
func exchange(ctx context.Context, g grant.Grant, c *okta.Client, i grant.Interaction, id store.Identity) (*okta.TokenResponse, error) {
	tokens, err := g.Token(ctx, c, i)
	if err != nil || tokens.IDToken.IsZero() {
		return tokens, err
	}
	// The token's times are compared with the clock of the server, which set them: the clock of this machine may be
	// wrong, and okauth works with that.
	now := tokens.ServerTime
	if now.IsZero() {
		now = tokens.ObtainedAt
	}
	err = jwt.CheckIDToken(tokens.IDToken.Reveal(), jwt.IDTokenClaims{
		Issuer: id.Issuer, ClientID: id.ClientID, AccessToken: tokens.AccessToken.Reveal(),
		Now: now, Leeway: jwt.DefaultLeeway,
	})
	if err != nil {
		return nil, &IDTokenError{err}
	}
	return tokens, nil
}
