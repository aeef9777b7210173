// Package grant gets tokens from the token endpoint: one OAuth 2.0 grant per file.
//
// A [Grant] makes the request or requests of one sign-in or one refresh. All lists the grants that sign in, with what
// a caller must know to choose one and to collect what it needs. To add a grant, write its file and its row in All.
//
// [Password], the resource owner password credentials grant, is a last resort. "The resource owner password
// credentials grant MUST NOT be used": RFC 9700 §2.4 (https://www.rfc-editor.org/rfc/rfc9700.html#section-2.4),
// because it shows the user's password to a program that is not the authorization server, trains people to type it in
// more places, and leaves no room for most second factors. OAuth 2.1 has dropped it. Use it only where no browser is
// available: for a test or service user, or an application that cannot be changed.
//
// Where Okta wants a second factor after the password, Password goes on with Okta's Direct Authentication: a one-time
// code, a push, a text message or a call. [OTP] and [OOB] sign in with such a factor alone.
//
// [AuthorizationCode] lets the user sign in in a browser, with whatever factors the org asks for, and is what RFC 8252
// recommends for programs such as this one. [Device] does that where this machine has no browser.
//
// [ClientCredentials] is for a job that has no user: the client signs in for itself.
//
// [TokenExchange] and [JWTBearer] get a token for another API, or another server, for one that is there.
//
// [Refresh] continues a user's session: it exchanges the refresh token for new tokens, without the password and
// without the user.
package grant

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"okauth/pkg/jwt"
	"okauth/pkg/okta"
)

// Grant is one way to get tokens.
type Grant interface {
	// Token gets tokens for client c. It asks the user through i for what it lacks; i is nil where no user can be
	// asked. The error is an *InputError or an *InteractionRequiredError without Resume, and then nothing was sent, one
	// of i's, or one of okta.Client.Token.
	Token(ctx context.Context, c *okta.Client, i Interaction) (*okta.TokenResponse, error)
}

// InputError says that a credential cannot be sent as it is. Nothing has been sent, or before a one-time code no more
// than the password; the value is not in it.
type InputError struct {
	// "username", "password", "one-time code", "factor", "client secret", "refresh token", "subject token",
	// "actor token", "requested token type", "resource", "audience", "assertion", "scopes" or "redirect URI"
	Field   string
	Problem string // "is empty"
}

func (e *InputError) Error() string { return e.Field + " " + e.Problem }

// maxScopes bounds the scope parameter, in bytes.
const maxScopes = 4096

// checkText refuses what no Okta user name or password can be, and what would be truncated on its way.
func checkText(field, text string) error {
	switch {
	case text == "":
		return &InputError{field, "is empty"}
	case !utf8.ValidString(text):
		return &InputError{field, "is not valid UTF-8"}
	case strings.ContainsRune(text, 0):
		return &InputError{field, "contains a NUL character"}
	}
	return nil
}

// checkUserScopes is checkScopes for the sign-in of a user, which needs at least one.
func checkUserScopes(scopes []string) error {
	if len(scopes) == 0 {
		return &InputError{"scopes", "are empty"}
	}
	return checkScopes(scopes)
}

// checkScopes refuses a list that cannot be a scope parameter. An empty list can: the parameter is left out.
func checkScopes(scopes []string) error {
	for _, scope := range scopes {
		if !okta.ValidScope(scope) {
			problem := fmt.Sprintf("contain %q, which is not a scope name", okta.Sanitize(scope, 40))
			return &InputError{"scopes", problem}
		}
	}
	if size := len(strings.Join(scopes, " ")); size > maxScopes {
		return &InputError{"scopes", fmt.Sprintf("have %d bytes, expected at most %d", size, maxScopes)}
	}
	return nil
}

// CheckIDToken checks the ID token of a response to that client, if it has one: that it comes from the issuer, is for
// the client, belongs to the access token and answers the sign-in. The error is one of jwt.CheckIDToken.
func CheckIDToken(tokens *okta.TokenResponse, issuer, clientID string) error {
	if tokens.IDToken.IsZero() {
		return nil
	}
	// The token's times are compared with the clock of the server, which set them: okauth works even if the clock of
	// this machine is wrong.
	now := tokens.ServerTime
	if now.IsZero() {
		now = tokens.ObtainedAt
	}
	return jwt.CheckIDToken(tokens.IDToken.Reveal(), tokens.Nonce, jwt.Config{
		Issuer: issuer, ClientID: clientID, AccessToken: tokens.AccessToken.Reveal(),
		Now: func() time.Time { return now }, Leeway: jwt.DefaultLeeway,
	})
}
