package oktatest

import (
	"net/http"
	"slices"
	"strings"
)

// revoke is /v1/revoke, RFC 7009. A refresh token's revocation ends the session with its access tokens; an access
// token's leaves the refresh token alive. token_type_hint is not needed, and ignored.
// https://www.rfc-editor.org/rfc/rfc7009#section-2
func (c *call) revoke() { c.run(c.authenticateRequest, c.checkToken, c.revokeToken) }

func (c *call) checkToken() { c.refuseIf(c.form.Get("token") == "", "token_missing") }

func (c *call) revokeToken() {
	token := c.form.Get("token")
	own := func(in *session) bool { return in.server == c.as.ID && in.clientID == c.app.ClientID }
	if t := c.s.refresh[token]; t != nil && own(t.session) && !c.s.isRetired(t, c.now) {
		t.session.ended = true
	}
	if t := c.s.issued[token]; t != nil && own(t.session) {
		t.revoked = true
	}
	// "invalid tokens do not cause an error response": https://www.rfc-editor.org/rfc/rfc7009#section-2.2
	c.respond(200, nil)
}

// introspect is /v1/introspect: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
func (c *call) introspect() { c.run(c.authenticateRequest, c.checkToken, c.describeToken) }

// describeToken says less of a refresh token. token_type is Bearer whatever the kind.
func (c *call) describeToken() {
	token := c.form.Get("token")
	var in *session
	var scopes []string
	var rest object
	if t := c.s.active(token, c.now); t != nil {
		in, scopes = t.session, t.scopes
		for _, name := range []string{"exp", "iat", "sub", "aud", "iss", "jti", "uid"} {
			has := func(m member) bool { return m.name == name && m.value != nil }
			if i := slices.IndexFunc(t.claims, has); i >= 0 {
				rest = append(rest, t.claims[i])
			}
		}
		if !t.isID {
			rest = append(rest, customClaims(c.as)...)
		}
	} else if t := c.s.refresh[token]; c.s.refreshAlive(t, c.now) {
		in, scopes = t.session, t.session.scopes
		rest = object{{"exp", in.end().Unix()}, {"sub", in.login}}
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

// userinfo returns the claims of the granted scopes. Errors are in the header and the body is empty:
// https://www.rfc-editor.org/rfc/rfc6750#section-3
func (c *call) userinfo() { c.run(c.spend, c.findServer, c.describeUser) }

func (c *call) describeUser() {
	token, _ := bearer(c.r.Header)
	t := c.s.active(token, c.now)
	if t == nil || t.isID || t.session.server != c.as.ID {
		c.challenge(401, "invalid_token", "The access token is invalid")
		return
	}
	if !slices.Contains(t.scopes, "openid") {
		c.challenge(403, "insufficient_scope", "The access token must provide access to at least one of these "+
			"scopes - profile, email, address or phone")
		return
	}
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
	if slices.Contains(t.scopes, "groups") {
		claims = append(claims, member{"groups", append([]string{"Everyone"}, user.Groups...)})
	}
	c.respond(200, claims)
}

func bearer(h http.Header) (string, bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

func (c *call) bearerError(status int, code, text string) {
	c.header.Set("Www-Authenticate", `Bearer error="`+code+`", error_description="`+text+`"`)
	c.entry.ErrorCode = code
	c.respond(status, nil)
}

// challenge is a refusal of userinfo. The long form was observed with insufficient_scope, and is otherwise a guess.
func (c *call) challenge(status int, code, text string) {
	c.bearerError(status, code, text)
	if c.s.options.Quirks.LongChallenges {
		if code == "insufficient_scope" {
			text = "The access token provided does not contain the required scopes."
		}
		authorize := c.base + strings.TrimSuffix(c.r.URL.Path, "userinfo") + "authorize"
		c.header.Set("Www-Authenticate", `Bearer authorization_uri="`+authorize+`", realm="`+c.base+`", scope="openid", `+
			`error="`+code+`", error_description="`+text+`", resource="`+c.r.URL.Path+`"`)
	}
}
