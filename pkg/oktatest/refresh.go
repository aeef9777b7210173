package oktatest

import (
	"slices"
	"strings"
	"time"
)

type refreshToken struct {
	session *session
	retired time.Time // when rotation replaced it; zero: it is the newest
}

// redeem sets c.session and c.user. A retired refresh token ends the session, because someone else may have a copy:
// "The authorization server cannot determine which party submitted the invalid refresh token, but it will revoke the
// active refresh token." https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
func (c *call) redeem() {
	token := c.s.refresh[c.form.Get("refresh_token")]
	switch {
	case token == nil:
		c.refuse("refresh_token_invalid")
	case token.session.server != c.as.ID:
		c.refuse("other_server")
	case token.session.clientID != c.app.ClientID:
		c.refuse("other_client")
	case c.s.isRetired(token, c.now):
		token.session.ended = true
		c.s.reuses++
		c.refuse("refresh_token_invalid")
	case !c.s.refreshAlive(token, c.now):
		c.refuse("refresh_token_invalid")
	default:
		c.session, c.user = token.session, c.s.users[userKey(token.session.login)]
		c.grant = c.session.grant // for evaluatePolicies: no rule can name the refresh grant
	}
}

// narrowScopes: "The requested scope MUST NOT include any scope not originally granted by the resource owner, and if
// omitted is treated as equal to the scope originally granted". https://www.rfc-editor.org/rfc/rfc6749#section-6
func (c *call) narrowScopes() {
	c.readScopes()
	granted := func(scope string) bool { return slices.Contains(c.session.scopes, scope) }
	denied := slices.DeleteFunc(slices.Clone(c.scopes), granted)
	c.refuseIf(len(denied) > 0, "refresh_scopes_denied", strings.Join(denied, ", "))
	if len(c.scopes) == 0 {
		c.scopes = c.session.scopes
	}
}

// rotate chooses the refresh token of the answer. A new one retires the newest so far, even if an older one was sent.
func (c *call) rotate() {
	sent, in := c.form.Get("refresh_token"), c.session
	in.used = c.now
	switch {
	case !c.app.Rotation.Rotate && c.s.options.Quirks.RefreshNotEchoed:
	case !c.app.Rotation.Rotate:
		c.refresh = sent
	default:
		c.s.refresh[in.newest].retired = c.now
		c.newRefreshToken()
	}
}

func (c *call) newRefreshToken() {
	c.refresh = randomBase64(32)
	c.session.newest = c.refresh
	c.s.refresh[c.refresh] = &refreshToken{session: c.session}
}

// isRetired reports whether rotation has replaced the token and its leeway is over.
func (s *Server) isRetired(t *refreshToken, now time.Time) bool {
	ago := now.Sub(t.retired)
	return !t.retired.IsZero() && (ago < 0 || ago >= s.apps[t.session.clientID].Rotation.Leeway)
}

// Reuses is how often a client sent a refresh token that was retired and out of its leeway, which ends the session.
func (s *Server) Reuses() int {
	defer s.lock()()
	return s.reuses
}

// RefreshAlive reports whether a refresh with this token would return tokens now. It changes nothing.
func (s *Server) RefreshAlive(token string) bool {
	defer s.lock()()
	return s.refreshAlive(s.refresh[token], s.clock.Now())
}

func (s *Server) refreshAlive(t *refreshToken, now time.Time) bool {
	if t == nil || s.isRetired(t, now) || t.session.ended || !s.inOrder(t.session.agreement) {
		return false
	}
	return matchesLogin(s.apps[t.session.clientID].Assigned, t.session.login) && now.Before(t.session.end())
}
