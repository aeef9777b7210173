package output

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"okauth/pkg/okta"
)

// encodeHeader gives a header line, for curl -H @<(okauth token -o header): in a file, even a pipe, it is in no process list.
// https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func encodeHeader(t Token, _ time.Time) ([]byte, error) {
	if t.Type == "refresh" {
		return nil, errors.New("a refresh token is for the authorization server alone and never for an API")
	}
	if t.TokenType != "" && !strings.EqualFold(t.TokenType, "Bearer") {
		return nil, fmt.Errorf("token type is %q, expected \"Bearer\"", okta.Printable(t.TokenType, 40))
	}
	return []byte("Authorization: Bearer " + t.Value.Reveal() + "\n"), nil
}
