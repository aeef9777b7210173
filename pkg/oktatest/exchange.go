package oktatest

import (
	"crypto"
	"slices"
	"strings"
	"time"
)

// Token types: https://www.rfc-editor.org/rfc/rfc8693#section-3, and Okta's.
const (
	typeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	typeIDToken      = "urn:ietf:params:oauth:token-type:id_token"
	typeIDJAG        = "urn:ietf:params:oauth:token-type:id-jag"
	typeDeviceSecret = "urn:x-oath:params:oauth:token-type:device-secret"
)

const jagLifetime = 5 * time.Minute

// exchangeToken is one of Okta's three token exchanges.
// https://developer.okta.com/docs/guides/set-up-token-exchange/main/
// https://developer.okta.com/docs/guides/configure-native-sso/main/
func (c *call) exchangeToken() {
	requested, actor := c.form.Get("requested_token_type"), c.form.Get("actor_token_type")
	purpose, types := c.actOnBehalf, typeAccessToken
	switch {
	case c.as.ID == OrgServerID && requested == typeIDJAG:
		purpose, types = c.issueJAG, typeAccessToken+" "+typeIDToken
	case c.as.ID == OrgServerID:
		c.refuse("exchange_unsupported")
	case requested != "" && requested != typeAccessToken:
		c.refuse("type_unsupported", "requested_token_type")
	case actor == typeDeviceSecret:
		purpose, types = c.shareSignIn, typeIDToken
	case actor != "":
		c.refuse("type_unsupported", "actor_token_type")
	}
	c.run(func() { c.takeSubject(types) }, purpose, c.checkScopes, c.evaluatePolicies, c.checkConsent, c.startSession,
		c.issue)
}

// takeSubject sets c.subject and c.user, from a user's token of one of these types. The org server's access tokens are
// for Okta's own APIs.
func (c *call) takeSubject(types string) {
	kind, t := c.form.Get("subject_token_type"), c.s.issued.entries[digest(c.form.Get("subject_token"))]
	c.refuseIf(!slices.Contains(strings.Fields(types), kind), "type_unsupported", "subject_token_type")
	c.refuseIf(t == nil || t.isID != (kind == typeIDToken) || t.session.login == "", "token_invalid", "subject_token")
	c.refuseIf(c.reply == nil && !t.isID && t.session.server == OrgServerID, "token_invalid", "subject_token")
	c.refuseIf(c.reply == nil && (!c.s.active(t, c.now) || t.session.ended), "subject_ended")
	if c.reply == nil {
		c.subject, c.user, c.methods = t.session, c.s.users[userKey(t.session.login)], t.session.methods
	}
}

// actOnBehalf is the exchange of a service that calls another one for its caller.
func (c *call) actOnBehalf() {
	audience, scopes := c.form.Get("audience"), strings.Fields(c.form.Get("scope"))
	c.refuseIf(!c.app.Service, "exchange_service")
	c.refuseIf(audience != "" && audience != c.as.Audience, "audience_invalid")
	c.refuseIf(slices.ContainsFunc(scopes, isOIDCScope), "exchange_openid")
}

// shareSignIn is Native SSO: the sign-in of one app is good for another, on the device that has both its ID token and
// its device_secret.
func (c *call) shareSignIn() {
	c.requireParameters("actor_token audience")
	secret := c.s.deviceSecrets.entries[c.form.Get("actor_token")]
	c.refuseIf(secret != c.subject || c.subject.server != c.as.ID, "token_invalid", "actor_token")
	c.refuseIf(c.form.Get("audience") != c.as.Audience, "audience_invalid")
	c.run(func() { c.checkAccess("denied") })
}

// issueJAG answers with an identity assertion, with which the client gets a token from the custom server that audience
// names. https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-assertion-authz-grant/
func (c *call) issueJAG() {
	audience := c.form.Get("audience")
	id, found := strings.CutPrefix(audience, c.issuer()+"/oauth2/")
	c.readScopes(nil)
	c.refuseIf(c.app.AuthMethod == NoSecret, "confidential_only")
	c.refuseIf(!found || c.s.servers[id] == nil, "audience_invalid")
	if c.reply != nil {
		return
	}
	in := &session{agreement: c.agreement(), begin: c.subject.begin, expires: c.now.Add(jagLifetime)}
	in.server = id
	key := c.s.keys.ring(c.as.ID)[1]
	input := signingInput(object{{"kid", key.kid}, {"alg", "RS256"}, {"typ", "oauth-id-jag+jwt"}}, object{
		{"jti", "JAG." + randomBase64(32)}, {"iss", c.issuer()}, {"sub", c.user.ID}, {"aud", audience},
		{"client_id", c.app.ClientID}, {"iat", c.now.Unix()}, {"exp", in.expires.Unix()},
		{"scope", strings.Join(c.scopes, " ")},
	})
	jag := input + "." + base64url(key.sign(crypto.SHA256, input))
	c.s.jags.put(jag, in, c.s.limit)
	c.respond(200, object{
		{"token_type", "N_A"}, {"expires_in", int64(jagLifetime / time.Second)}, {"issued_token_type", typeIDJAG},
		{"access_token", jag}, {"scope", strings.Join(c.scopes, " ")},
	})
}

// redeemJAG takes an identity assertion once, from the client and at the server that it was made for. It limits the
// scopes, if it names some.
func (c *call) redeemJAG() {
	jag := c.form.Get("assertion")
	in := c.s.jags.entries[jag]
	if in == nil || in.server != c.as.ID || in.clientID != c.app.ClientID || !c.now.Before(in.expires) ||
		!c.s.inOrder(in.agreement) {
		c.refuse("jag_invalid")
		return
	}
	delete(c.s.jags.entries, jag)
	c.subject, c.user, c.methods = in, c.s.users[userKey(in.login)], in.methods
	c.readScopes(in.scopes)
	foreign := slices.DeleteFunc(slices.Clone(c.scopes), func(scope string) bool {
		return !isOIDCScope(scope) && (in.scopes == nil || slices.Contains(in.scopes, scope))
	})
	c.refuseIf(len(foreign) > 0, "scopes_not_allowed", sortedList(foreign))
}
