package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
)

// An error of a stream of tokens has the members of every error in JSON.
func TestWriteErrorJSON(t *testing.T) {
	t.Parallel()
	_, opaque := jwt.Parse("canary-refresh-token")
	notAToken := &ExitError{Err: errors.New("line is > 1 \x1b"), Code: ExitInvalidToken}
	for want, err := range map[string]error{
		`{"error":{"code":"invalid_token","exit":7,"message":"line 2: token is opaque: it has one part, expected three",` +
			`"hint":"a refresh token or authorization code has nothing inside to show; okauth introspect asks Okta what it stands for","reason":"opaque"}}`: fmt.Errorf("line 2: %w", opaque),
		`{"error":{"code":"invalid_token","exit":7,"message":"line is > 1 \u001b"}}`: notAToken,
	} {
		var b bytes.Buffer
		if err := WriteErrorJSON(&b, err); err != nil || b.String() != want+"\n" {
			t.Errorf("got  %s%v\nwant %s", b.String(), err, want)
		}
	}
}

func TestClaimAdvice(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*output.ClaimError{
		"okauth decode -o json shows the whole token, with control characters escaped": {Problem: "the list is empty"},
		"there are: sub, \ufffd[2J":                     {Names: []string{"sub", "\x1b[2J"}},
		"did you mean \"sub\ufffd\"? there are: sub, a": {Names: []string{"sub", "a"}, Suggestion: "sub\x1b"},
	} {
		if got := Hint(fmt.Errorf("decode: %w", err)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
