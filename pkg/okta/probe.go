package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ProbeGrant finds out whether Okta knows the client and the grant type "password" or "refresh_token" is switched on for it, with a request to the token
// endpoint that lacks what the grant is about. It carries no password and no token, so that nothing is counted and nothing made. It is sent like a
// sign-in, without a retry.
//
// nil means that what is missing is all that Okta minds. An *Error is about the client or the grant, explained as a sign-in's would be; the other errors
// are those of Token. That Okta looks at the client first, then at the grant and then at what is missing is not documented: where it looks at what is
// missing earlier, nil says less.
func (c *Client) ProbeGrant(ctx context.Context, grantType string) error {
	missing := map[string]string{"password": "username", "refresh_token": "refresh_token"}[grantType]
	if missing == "" {
		return fmt.Errorf("grant type is %q, expected %q or %q: a request for it could make a token", Sanitize(grantType, 80), "password", "refresh_token")
	}
	form := url.Values{"grant_type": {grantType}, "scope": {"openid"}}
	a, err := c.post(ctx, probe, form)
	if err == nil {
		_, err = a.object()
	}
	refusal, ok := errors.AsType[*Error](err)
	switch {
	case ok && refusal.Status == http.StatusBadRequest && refusal.Code == "invalid_request" && strings.Contains(refusal.Description, missing):
		return nil // https://developer.okta.com/docs/reference/error-codes/
	case ok:
		refusal.about = errandOf(form)
	case err == nil:
		return a.unusable("an answer that is no refusal", nil)
	}
	return err
}
