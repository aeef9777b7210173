package okta

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Revoke tells the server to forget token, with one POST. hint says what it is, "refresh_token" or "access_token", so that the
// server finds it faster; "" says nothing. At Okta a refresh token takes its access tokens with it, an access token goes alone.
//
// nil means that the token is of no use to Okta any more, also when Okta never knew it. Whoever judges an access token by its signature
// takes it until it expires all the same. The error is one of Token's, and the token is then to be taken for valid: "the client must assume
// the token still exists and may retry after a reasonable delay". RFC 7009 §2.2.1: https://www.rfc-editor.org/rfc/rfc7009#section-2.2.1
func (c *Client) Revoke(ctx context.Context, token Secret, hint string) error {
	if token.IsZero() {
		return errors.New("token to revoke is empty")
	}
	form := url.Values{"token": {token.Reveal()}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	a, err := c.post(ctx, revocation, form)
	if err != nil {
		return err
	}
	return a.receipt()
}

// receipt judges the answer to a revocation. "The content of the response body is ignored by the client as all necessary information is
// conveyed in the response code": RFC 7009 §2.2, https://www.rfc-editor.org/rfc/rfc7009#section-2.2. Two bodies are no receipt all the
// same: a page, which somebody in between wrote, and an error that came with 200.
func (a response) receipt() error {
	_, err := a.object()
	if a.StatusCode != http.StatusOK {
		if err == nil {
			err = a.unusable("JSON that is not an error", nil)
		}
		return err
	}
	if odd, ok := errors.AsType[*ResponseError](err); ok && odd.What != htmlPage {
		return nil
	}
	return err
}
