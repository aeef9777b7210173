package session

import (
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

// checkIDToken checks the ID token of a response, if it has one. The error is an *IDTokenError.
func checkIDToken(tokens *okta.TokenResponse, id store.Identity) error {
	if tokens.IDToken.IsZero() {
		return nil
	}
	// The token's times are compared with the clock of the server, which set them: okauth works even if the clock of
	// this machine is wrong.
	now := tokens.ServerTime
	if now.IsZero() {
		now = tokens.ObtainedAt
	}
	err := jwt.CheckIDToken(tokens.IDToken.Reveal(), jwt.IDTokenClaims{
		Issuer: id.Issuer, ClientID: id.ClientID, AccessToken: tokens.AccessToken.Reveal(),
		Now: now, Leeway: jwt.DefaultLeeway,
	})
	if err != nil {
		return &IDTokenError{err}
	}
	return nil
}
