package okta

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Active asks the server whether token is good, with one POST. hint says what it is, "refresh_token" or "access_token"; "" says nothing. Asking
// spends nothing: unlike a refresh, it may be done with a refresh token that may be used up.
//
// The error is one of Token's, and then nothing is known of the token.
// RFC 7662 §2: https://www.rfc-editor.org/rfc/rfc7662#section-2
func (c *Client) Active(ctx context.Context, token Secret, hint string) (bool, error) {
	if token.IsZero() {
		return false, errors.New("token to introspect is empty")
	}
	form := url.Values{"token": {token.Reveal()}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	a, err := c.post(ctx, introspection, form)
	if err != nil {
		return false, err
	}
	m, err := a.object()
	if err != nil {
		return false, err
	}
	if a.StatusCode != http.StatusOK {
		return false, a.unusable("JSON that is not an error", nil)
	}
	active, err := m.truth("active")
	if err != nil {
		return false, a.unusable("an unusable answer", err)
	}
	return active, nil
}
