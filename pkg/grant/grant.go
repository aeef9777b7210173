// Package grant turns credentials into tokens: one OAuth 2.0 grant per file, each a plain struct with an Exchange method that makes
// one call to the token endpoint.
//
// Password, the resource owner password credentials grant, is a last resort. "The resource owner password credentials grant MUST NOT
// be used": RFC 9700 §2.4 (https://www.rfc-editor.org/rfc/rfc9700.html#section-2.4), because it shows the user's password to a program that
// is not the authorization server, trains people to type it in more places, and leaves no room for a second factor. OAuth 2.1 has dropped it.
// It is right where nothing else can be had: a test or service user without a browser and without a second factor, an application that
// cannot be changed.
//
// ClientCredentials is for a job that has no user: the client signs in for itself, with the secret that it has anyway.
//
// Refresh carries on from a user's sign-in: it turns the refresh token into new tokens, without the password and without the user.
package grant

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"okauth/pkg/okta"
)

// maxScopes bounds the scope parameter, in bytes.
const maxScopes = 4096

// InputError says that a credential cannot be sent as it is. Nothing has been sent; the value is not in it.
type InputError struct {
	Field   string // "username", "password", "client secret", "refresh token" or "scopes"
	Problem string // "is empty"
	hint    string
}

func (e *InputError) Error() string { return e.Field + " " + e.Problem }

// Hint says where the value comes from.
func (e *InputError) Hint() string { return e.hint }

// checkText refuses what no Okta user name or password can be, and what would be cut short on its way.
func checkText(field, text, hint string) error {
	switch {
	case text == "":
		return &InputError{field, "is empty", hint}
	case !utf8.ValidString(text):
		return &InputError{field, "is not valid UTF-8", hint}
	case strings.ContainsRune(text, 0):
		return &InputError{field, "contains a NUL character", hint}
	}
	return nil
}

// checkScopes refuses a list that is not a scope parameter.
func checkScopes(scopes []string) error {
	const hint = "set scopes (OKAUTH_SCOPES, --scope) to names with spaces between them; to sign a user in, at least openid"
	if len(scopes) == 0 {
		return &InputError{"scopes", "are empty", hint}
	}
	for _, scope := range scopes {
		if !okta.ValidScope(scope) {
			return &InputError{"scopes", fmt.Sprintf("contain %q, which is no scope name", okta.Sanitize(scope, 40)), hint}
		}
	}
	if size := len(strings.Join(scopes, " ")); size > maxScopes {
		return &InputError{"scopes", fmt.Sprintf("have %d bytes, expected at most %d", size, maxScopes), hint}
	}
	return nil
}
