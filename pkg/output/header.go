package output

import (
	"errors"
	"fmt"
	"strings"

	"okauth/pkg/okta"
)

// encodeHeader gives a header line, for curl -H @<(okauth token -o header): in a file, even a pipe, it is in no process list.
func encodeHeader(t Token, _ TokenOptions) ([]byte, error) {
	header, err := authorization(t)
	return []byte(header + "\n"), err
}

// authorization gives the header that takes t to an API, without a line break.
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func authorization(t Token) (string, error) {
	if err := checkBearer(t); err != nil {
		return "", err
	}
	return "Authorization: Bearer " + t.Value.Reveal(), nil
}

// checkBearer refuses a token that an API must not get, or does not take as a bearer token.
func checkBearer(t Token) error {
	if t.Type == "refresh" {
		return errors.New("a refresh token is for the authorization server alone and never for an API")
	}
	if t.TokenType != "" && !strings.EqualFold(t.TokenType, "Bearer") {
		return fmt.Errorf("token type is %q, expected \"Bearer\"", okta.Sanitize(t.TokenType, 40))
	}
	return nil
}
