package okta

import (
	"context"
	"errors"
	"net/url"
)

// Introspection is what a server says about a token.
type Introspection struct {
	Active bool   // the token is good
	Text   []byte // the answer, a JSON object, as it was received: who the token is about, and until when
}

// Introspect asks the server about token. hint says what it is, "refresh_token", "access_token" or "id_token"; "" says nothing. It must be the server
// that issued the token. Asking spends nothing: unlike a refresh, it may be done with a refresh token that may be used up.
//
// The error is one of Token's, and then nothing is known of the token.
// RFC 7662 §2: https://www.rfc-editor.org/rfc/rfc7662#section-2
func (c *Client) Introspect(ctx context.Context, token Secret, hint string) (*Introspection, error) {
	if !ValidToken(token.Reveal()) {
		return nil, errors.New("token to introspect has no character, or one that no token has")
	}
	form := url.Values{"token": {token.Reveal()}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	a, err := c.post(ctx, introspection, form)
	if err != nil {
		return nil, err
	}
	m, err := a.document()
	if err != nil {
		return nil, err
	}
	active, err := m.truth("active")
	if err != nil {
		return nil, a.unusable("an unusable answer", err)
	}
	return &Introspection{Active: active, Text: a.body}, nil
}

// Active asks, as Introspect does, whether token is good, and for nothing else.
func (c *Client) Active(ctx context.Context, token Secret, hint string) (bool, error) {
	said, err := c.Introspect(ctx, token, hint)
	return err == nil && said.Active, err
}
