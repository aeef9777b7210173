package oktatest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// refreshToken is what a refresh token stands for.
type refreshToken struct {
	of    *signIn
	spent time.Time // when rotation put another in its place; zero: it is the newest
}

// renew is the refresh grant, RFC 6749 §6 (https://www.rfc-editor.org/rfc/rfc6749#section-6), with Okta's rotation and Okta's words:
// https://developer.okta.com/docs/guides/refresh-tokens/main/
func (s *Server) renew(c *call) *reply {
	shown := c.form.Get("refresh_token")
	token, rep := s.redeem(c, shown)
	if rep != nil {
		return rep
	}
	in := token.of
	if rep := chooseRefreshScopes(c, in); rep != nil {
		return rep
	}
	c.user = s.users[userKey(in.login)]
	lifetime, rep := s.evaluate(c, in.login, in.grantType)
	if rep != nil {
		return rep
	}
	next, told := s.successor(c, token, shown)
	rep = s.issue(c, in, lifetime, told)
	if rep.status == http.StatusOK { // a refresh that fails spends nothing
		s.replace(in, next, c.now)
	}
	return rep
}

// successor is the refresh token that is good after a refresh, and what the answer says of it.
func (s *Server) successor(c *call, token *refreshToken, shown string) (next, told string) {
	rotate := c.app.Rotation.Rotate
	switch {
	case !rotate && s.options.Quirks.RefreshNotEchoed:
		return shown, ""
	case !rotate:
		return shown, shown
	case s.options.Quirks.OneSuccessor && !token.spent.IsZero():
		return token.of.newest, token.of.newest
	}
	next = randomBase64()
	return next, next
}

// redeem finds what the refresh token stands for, or says why it is good for nothing. One that is spent ends the sign-in: somebody else may have its copy.
// "The authorization server cannot determine which party submitted the invalid refresh token, but it will revoke the active refresh token."
// https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
func (s *Server) redeem(c *call, shown string) (*refreshToken, *reply) {
	invalid := invalidGrant("The refresh token is invalid or expired.")
	token := s.refresh[shown]
	switch {
	case token == nil:
		return nil, invalid
	case token.of.server != c.as.ID:
		return nil, oauthError(http.StatusBadRequest, "invalid_request", "The grant was issued for another authorization server.")
	case token.of.clientID != c.app.ClientID:
		return nil, invalidGrant("The grant was issued to another client. Please make sure the 'client_id' matches the one used at the authorize request.")
	case s.isSpent(token, c.now):
		token.of.over = true
		s.reuses++
		return nil, invalid
	case !s.canRefresh(token.of, c.now):
		return nil, invalid
	}
	return token, nil
}

// isSpent: has rotation replaced it, and is its leeway over?
func (s *Server) isSpent(t *refreshToken, now time.Time) bool {
	ago := now.Sub(t.spent)
	return !t.spent.IsZero() && (ago < 0 || ago >= s.apps[t.of.clientID].Rotation.Leeway)
}

func (s *Server) canRefresh(in *signIn, now time.Time) bool {
	switch {
	case in.over, !s.inOrder(in), !matchesLogin(s.apps[in.clientID].Assigned, in.login):
		return false
	case !in.expires.IsZero() && !now.Before(in.expires):
		return false
	}
	return in.idle == 0 || now.Before(in.used.Add(in.idle))
}

// chooseRefreshScopes: "The requested scope MUST NOT include any scope not originally granted by the resource owner, and if omitted is treated as equal
// to the scope originally granted". https://www.rfc-editor.org/rfc/rfc6749#section-6
func chooseRefreshScopes(c *call, in *signIn) *reply {
	asked, rep := readScopes(c)
	if rep != nil {
		return rep
	}
	var denied []string
	for _, scope := range asked {
		if !slices.Contains(in.scopes, scope) {
			denied = append(denied, scope)
		}
	}
	switch {
	case len(denied) > 0:
		return oauthError(http.StatusBadRequest, "access_denied", "Some of the scopes requested for the refresh request were not granted in the original "+
			"authorize request. Denied scopes: "+strings.Join(denied, ", ")+".")
	case len(asked) == 0:
		asked = in.scopes
	}
	c.scopes = asked
	return nil
}

// replace notes a refresh that brought next. Where that is a token that there was not before, the newest until now is spent, also if it was an older one
// that was shown: one refresh token of a sign-in is not spent.
func (s *Server) replace(in *signIn, next string, now time.Time) {
	in.used = now
	if s.refresh[next] != nil {
		return
	}
	s.refresh[in.newest].spent = now
	s.refresh[next] = &refreshToken{of: in}
	in.newest = next
}

// Reuses is how often a refresh token was shown to its server by its client when it was spent and its leeway over. The first time ends the sign-in.
func (s *Server) Reuses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reuses
}

// RefreshAlive reports whether a refresh with this token would be answered with tokens now. It is false for a token that rotation has replaced, once its
// leeway is over, and for every token of a sign-in that has expired, was revoked or was ended by a reuse. Asking changes nothing.
func (s *Server) RefreshAlive(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	t := s.refresh[token]
	return t != nil && !s.isSpent(t, now) && s.canRefresh(t.of, now)
}
