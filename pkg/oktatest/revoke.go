package oktatest

import (
	"net/http"
	"slices"
	"time"
)

// revoke is POST …/v1/revoke, RFC 7009 §2 (https://www.rfc-editor.org/rfc/rfc7009#section-2). Revoking a refresh token ends the sign-in, access tokens
// and all; revoking an access token leaves the refresh token alive. token_type_hint is not needed and not looked at.
func (s *Server) revoke(c *call, id string, h http.Header) *reply {
	token, rep := s.tokenOf(c, id, "revoke", h)
	if rep != nil {
		return rep
	}
	own := func(in *signIn) bool { return in.server == id && in.clientID == c.app.ClientID }
	if t := s.refresh[token]; t != nil && own(t.of) && !s.isSpent(t, c.now) {
		t.of.over = true
	}
	if g := s.access[token]; g != nil && own(g.in) {
		g.revoked = true
	}
	// "invalid tokens do not cause an error response": https://www.rfc-editor.org/rfc/rfc7009#section-2.2
	return &reply{status: http.StatusOK}
}

// introspect is POST …/v1/introspect, RFC 7662: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (s *Server) introspect(c *call, id string, h http.Header) *reply {
	token, rep := s.tokenOf(c, id, "introspect", h)
	if rep != nil {
		return rep
	}
	body := members{{"active", false}}
	if g := s.activeAccess(token, c.now); g != nil && g.in.server == id {
		body = describe(g)
	} else if g := s.ids[token]; g != nil && g.in.server == id && c.now.Before(g.expires) && s.inOrder(g.in) {
		body = describe(g)
	} else if t := s.refresh[token]; t != nil && t.of.server == id && !s.isSpent(t, c.now) && s.canRefresh(t.of, c.now) {
		body = active(t.of, t.of.scopes)
		if end := t.of.end(); !end.IsZero() {
			body = append(body, member{"exp", end.Unix()})
		}
		body = append(body, member{"sub", t.of.login})
	}
	return &reply{status: http.StatusOK, body: body}
}

// tokenOf is the token that a client asks about, once the client is known.
func (s *Server) tokenOf(c *call, id, endpoint string, h http.Header) (string, *reply) {
	if rep := s.enter(c, id, endpoint, h); rep != nil {
		return "", rep
	}
	token := c.form.Get("token")
	if token == "" {
		return "", oauthError(http.StatusBadRequest, "invalid_request", "The 'token' parameter is required.")
	}
	return token, nil
}

// describe is what introspect says of an access token or an ID token: custom claims come last.
func describe(g *grant) members {
	body := active(g.in, g.scopes)
	for _, name := range []string{"exp", "iat", "sub", "aud", "iss", "jti", "uid"} {
		if i := slices.IndexFunc(g.claims, func(m member) bool { return m.name == name }); i >= 0 {
			body = append(body, g.claims[i])
		}
	}
	return append(body, g.custom...)
}

// active begins what introspect says of every kind of token. token_type is Bearer, whatever the kind; without a user there is no username.
func active(in *signIn, scopes []string) members {
	body := members{{"active", true}, {"token_type", "Bearer"}, {"scope", joinScopes(scopes)}, {"client_id", in.clientID}}
	if in.login != "" {
		body = append(body, member{"username", in.login})
	}
	return body
}

// end is when the refresh token dies if nobody uses it; zero: never.
func (in *signIn) end() time.Time {
	if in.idle == 0 {
		return in.expires
	}
	idle := in.used.Add(in.idle)
	if in.expires.IsZero() || idle.Before(in.expires) {
		return idle
	}
	return in.expires
}
