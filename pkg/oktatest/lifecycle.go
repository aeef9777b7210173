package oktatest

import (
	"cmp"
	"net/http"
	"net/url"
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
	token := c.s.refresh.entries[c.form.Get("refresh_token")]
	switch {
	case token == nil:
		c.refuse("refresh_token_invalid")
	case token.session.server != c.as.ID:
		c.refuse("other_server")
	case token.session.clientID != c.app.ClientID:
		c.refuse("other_client")
	case token.session.jkt != c.jkt: // also of a session without a key
		c.refuse("dpop_refresh")
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
	c.readScopes(c.session.scopes)
	granted := func(scope string) bool { return slices.Contains(c.session.scopes, scope) }
	denied := slices.DeleteFunc(slices.Clone(c.scopes), granted)
	c.refuseIf(len(denied) > 0, "refresh_scopes_denied", strings.Join(denied, ", "))
}

// rotate chooses the refresh token of the answer. A new one retires the newest so far, even if an older one was sent.
func (c *call) rotate() {
	in := c.session
	in.used, c.refresh = c.now, c.form.Get("refresh_token")
	if c.app.Rotation.Rotate {
		c.s.refresh.entries[in.newest].retired = c.now
		c.newRefreshToken()
	}
}

func (c *call) newRefreshToken() {
	c.refresh = randomBase64(32)
	c.session.newest = c.refresh
	c.s.refresh.put(c.refresh, &refreshToken{session: c.session}, c.s.limit)
}

// isRetired reports whether rotation has replaced the token and its leeway is over.
func (s *Server) isRetired(t *refreshToken, now time.Time) bool {
	ago := now.Sub(t.retired)
	app := cmp.Or(s.apps[t.session.clientID], &App{})
	return !t.retired.IsZero() && (ago < 0 || ago >= app.Rotation.Leeway)
}

// Reuses is how often a client sent a refresh token that was retired and out of its leeway, which ends the session.
func (s *Server) Reuses() int {
	defer s.lock()()
	return s.reuses
}

// RefreshAlive reports whether a refresh with this token would return tokens now. It changes nothing.
func (s *Server) RefreshAlive(token string) bool {
	defer s.lock()()
	return s.refreshAlive(s.refresh.entries[token], s.clock.Now())
}

func (s *Server) refreshAlive(t *refreshToken, now time.Time) bool {
	if t == nil || s.isRetired(t, now) || t.session.ended || !s.inOrder(t.session.agreement) {
		return false
	}
	return matchesLogin(s.apps[t.session.clientID].Assigned, t.session.login) && now.Before(t.session.end())
}

// revoke is /v1/revoke, RFC 7009. A refresh token's revocation ends the session with its access tokens; an access
// token's leaves the refresh token alive. token_type_hint is not needed, and ignored.
// https://www.rfc-editor.org/rfc/rfc7009#section-2
func (c *call) revoke() { c.run(c.authenticateRequest, c.checkToken, c.revokeToken) }

func (c *call) checkToken() { c.refuseIf(c.form.Get("token") == "", "token_missing") }

func (c *call) revokeToken() {
	token := c.form.Get("token")
	own := func(in *session) bool { return in.server == c.as.ID && in.clientID == c.app.ClientID }
	if t := c.s.refresh.entries[token]; t != nil && own(t.session) && !c.s.isRetired(t, c.now) {
		t.session.ended = true
	}
	if t := c.s.issued.entries[digest(token)]; t != nil && own(t.session) {
		t.revoked = true
	}
	if in := c.s.deviceSecrets.entries[token]; in != nil && own(in) {
		delete(c.s.deviceSecrets.entries, token)
	}
	// "invalid tokens do not cause an error response": https://www.rfc-editor.org/rfc/rfc7009#section-2.2
	c.respond(200, nil)
}

// logout is /v1/logout. No page remembers a sign-in, so there is none to end; tokens live on, as at Okta.
// https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout
func (c *call) logout() {
	if c.r.Method == http.MethodGet {
		c.form = c.r.URL.Query()
	}
	c.visit = &visit{}
	target, state := c.form.Get("post_logout_redirect_uri"), c.form.Get("state")
	c.run(c.spend, c.findServer, c.checkLogout)
	if cookie, err := c.r.Cookie(browserCookie); err == nil && c.reply == nil {
		delete(c.s.browsers.entries, cookie.Value)
	}
	if c.reply != nil || target == "" {
		c.showPage("signedout")
		return
	}
	c.respond(http.StatusFound, nil)
	if state != "" {
		target = withQuery(target, url.Values{"state": {state}})
	}
	c.header.Set("Location", target)
}

// checkLogout refuses what is no ID token of this server, and an address that its app has not registered.
func (c *call) checkLogout() {
	hint, target := c.form.Get("id_token_hint"), c.form.Get("post_logout_redirect_uri")
	c.refuseIf(hint == "", "parameter_missing", "id_token_hint")
	token := c.s.issued.entries[digest(hint)]
	if token == nil || !token.isID || token.session.server != c.as.ID {
		c.refuse("logout_hint")
		return
	}
	c.refuseIf(target != "" && !slices.Contains(c.s.apps[token.session.clientID].LogoutURIs, target), "logout_uri")
}

// introspect is /v1/introspect: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (c *call) introspect() { c.run(c.authenticateRequest, c.checkToken, c.describeToken) }

// describeToken says less of a refresh token, and little of a device secret. token_type is Bearer for all the others.
func (c *call) describeToken() {
	token := c.form.Get("token")
	var in *session
	var scopes []string
	var rest object
	if t := c.s.issued.entries[digest(token)]; c.s.active(t, c.now) {
		in, scopes = t.session, t.scopes
		claims := payload(token)
		for _, name := range []string{"exp", "iat", "sub", "aud", "iss", "jti", "uid", "cnf"} {
			if value, ok := claims[name]; ok {
				rest = append(rest, member{name, value})
			}
		}
		if !t.isID {
			rest = append(rest, customClaims(c.as, c.s.users[userKey(in.login)])...)
		}
	} else if t := c.s.refresh.entries[token]; c.s.refreshAlive(t, c.now) {
		in, scopes = t.session, t.session.scopes
		rest = object{{"exp", in.end().Unix()}, {"sub", in.login}, {"device_id", oktaID("q4S", in.refreshID)}}
	}
	if secret := c.s.deviceSecrets.entries[token]; secret != nil && secret.server == c.as.ID && !secret.ended {
		c.respond(200, object{
			{"active", true}, {"sid", oktaID("idx", secret.refreshID)}, {"token_type", typeDeviceSecret},
			{"exp", secret.end().Unix()},
		})
		return
	}
	if in == nil || in.server != c.as.ID {
		c.respond(200, object{{"active", false}})
		return
	}
	c.respond(200, append(object{
		{"active", true}, {"token_type", "Bearer"}, {"scope", strings.Join(scopes, " ")}, {"client_id", in.clientID},
		{"username", in.login},
	}, rest...))
}

// userinfo returns the claims of the granted scopes.
func (c *call) userinfo() {
	c.run(c.spend, c.findServer, func() { c.protect(c.checkUserinfo, c.describeUser) })
}

func (c *call) checkUserinfo() {
	t := c.presented
	isOpenID := t != nil && slices.Contains(t.scopes, "openid")
	foreign := t == nil || t.isID || t.session.server != c.as.ID || !c.s.active(t, c.now)
	c.refuseIf(foreign, "userinfo_token")
	c.refuseIf(!isOpenID, "userinfo_scope")
}

func (c *call) describeUser() {
	t := c.presented
	user := c.s.users[userKey(t.session.login)]
	claims := object{{"sub", user.ID}}
	if slices.Contains(t.scopes, "profile") {
		claims = append(claims, object{
			{"name", user.name()}, {"locale", "en_US"}, {"preferred_username", user.Login}, {"given_name", user.GivenName},
			{"family_name", user.FamilyName}, {"zoneinfo", "America/Los_Angeles"}, {"updated_at", 1700000000},
		}...)
	}
	if slices.Contains(t.scopes, "email") {
		claims = append(claims, object{{"email", user.email()}, {"email_verified", true}}...)
	}
	if slices.Contains(t.scopes, "address") {
		of := user.attribute
		claims = append(claims, member{"address", object{
			{"street_address", of("streetAddress")}, {"locality", of("city")}, {"region", of("state")},
			{"postal_code", of("zipCode")}, {"country", of("countryCode")},
		}})
	}
	if slices.Contains(t.scopes, "phone") {
		claims = append(claims, member{"phone_number", user.attribute("primaryPhone")})
	}
	if slices.Contains(t.scopes, "groups") {
		claims = append(claims, member{"groups", append([]string{"Everyone"}, user.Groups...)})
	}
	c.respond(200, claims)
}
