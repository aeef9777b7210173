package oktatest

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// agreement is what a user, a client and a server agree on at a sign-in, or a client and a server alone.
type agreement struct {
	server   string // id of the authorization server
	clientID string
	login    string // "" where the client acts for itself, and before the user is known
	methods  []string
	grant    string   // its grant_type
	scopes   []string // the most that a refresh may ask for
	acr      string   // the level of acr_values that this reaches; "" if the request had none
}

func (c *call) agreement() agreement {
	login := cmp.Or(c.user, &User{}).Login
	return agreement{c.as.ID, c.app.ClientID, login, c.methods, c.grant, c.scopes, ""}
}

// session is a sign-in that has succeeded. Every token belongs to one, also one that came by a refresh.
type session struct {
	agreement
	begin time.Time
	jkt   string // of the DPoP key that its tokens are bound to; "": to none
	ended bool   // revoked, or ended by a reuse: no refresh, and no access token is active

	refreshID string        // "oar…"; "" without offline_access
	expires   time.Time     // of its refresh tokens, rotated or not
	idle      time.Duration // how long a refresh token may be unused
	used      time.Time     // when a refresh token was last used or made
	newest    string        // the refresh token that is not retired
}

// end is when the refresh token expires if it is not used.
func (in *session) end() time.Time {
	if idle := in.used.Add(in.idle); idle.Before(in.expires) {
		return idle
	}
	return in.expires
}

const unlimited = 100 * 365 * 24 * time.Hour

// issuedToken is an access token or an ID token that the server issued.
type issuedToken struct {
	session *session
	isID    bool
	scopes  []string
	expires time.Time
	revoked bool
}

// startSession sets c.session, and c.refresh if offline_access is granted.
func (c *call) startSession() {
	c.session = &session{agreement: c.agreement(), begin: c.now, used: c.now, jkt: c.jkt}
	if c.subject != nil {
		c.session.begin = c.subject.begin
	}
	if c.has("offline_access") {
		// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-lifetime
		lifetime, idle := unlimited, 7*24*time.Hour
		if c.as.ID == OrgServerID {
			lifetime, idle = 90*24*time.Hour, unlimited
		}
		lifetime = cmp.Or(c.rule.Refresh, c.s.options.Lifetimes.Refresh, lifetime)
		idle = cmp.Or(c.rule.Idle, c.s.options.Lifetimes.Idle, idle)
		c.session.refreshID, c.session.expires, c.session.idle = oktaID("oar", rand.Text()), c.now.Add(lifetime), idle
		c.newRefreshToken()
	}
}

// issue answers with tokens: an ID token if openid is granted, and c.refresh if it is set. Order and names of the
// members are those of recorded answers.
func (c *call) issue() {
	access, id, tokenType, secret, issuedType := c.accessToken(), "", "Bearer", "", ""
	if c.has("openid") {
		id = c.idToken(access)
	}
	if c.session.jkt != "" {
		tokenType = "DPoP"
	}
	switch grantType := c.form.Get("grant_type"); {
	case grantType == GrantTokenExchange:
		issuedType = typeAccessToken
	case grantType == GrantAuthorizationCode && c.has("device_sso") && c.refresh != "":
		secret = randomBase64(32)
		c.s.deviceSecrets.put(secret, c.session, c.s.limit)
	}
	c.respond(200, object{
		{"token_type", tokenType}, {"expires_in", int64(c.lifetime / time.Second)}, {"access_token", access},
		{"scope", strings.Join(c.scopes, " ")}, {"refresh_token", c.refresh}, {"id_token", id},
		{"device_secret", secret}, {"issued_token_type", issuedType},
	})
}

// accessClaims are in the order that was recorded. sub is the login and uid the user; or sub is the client, at the end,
// and there is no uid: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
func (c *call) accessClaims() object {
	jti := strings.TrimSuffix("AT."+randomBase64(32)+"."+c.session.refreshID, ".")
	var sub, uid, authTime, cnf, client any = nil, nil, nil, nil, c.app.ClientID // nil is left out
	if c.user != nil {
		sub, uid, authTime, client = c.user.Login, c.user.ID, c.session.begin.Unix(), nil
	}
	if c.session.jkt != "" {
		cnf = object{{"jkt", c.session.jkt}}
	}
	return append(object{
		{"ver", 1}, {"jti", jti}, {"iss", c.issuer()}, {"aud", c.as.Audience}, {"sub", sub}, {"iat", c.now.Unix()},
		{"exp", c.now.Add(c.lifetime).Unix()}, {"cid", c.app.ClientID}, {"uid", uid}, {"scp", c.scopes},
		{"auth_time", authTime}, {"acr", c.session.acr}, {"cnf", cnf}, {"sub", client},
	}, customClaims(c.as, c.user)...)
}

func customClaims(as *AuthServer, user *User) (claims object) {
	for _, name := range slices.Sorted(maps.Keys(as.Claims)) {
		value := as.Claims[name]
		text, _ := value.(string)
		if attribute, ok := strings.CutPrefix(text, "user."); ok {
			if value = user.attribute(attribute); value == nil {
				continue
			}
		}
		claims = append(claims, member{name, json.RawMessage(marshal(value))}) // an empty one is not left out
	}
	return claims
}

func (c *call) accessToken() string {
	return c.sign(&issuedToken{expires: c.now.Add(c.lifetime)}, c.accessClaims())
}

// idToken is thin, because an access token comes with it: the rest of the profile is at userinfo. One that came by a
// refresh has the auth_time of the sign-in: https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
func (c *call) idToken(access string) string {
	expires := c.now.Add(cmp.Or(c.s.options.Lifetimes.ID, time.Hour))
	// "the left-most half of the hash of the octets of the ASCII representation of the access_token value":
	// https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
	hash := sha256.Sum256([]byte(access))
	var name, login, email string
	if c.has("profile") {
		name, login = c.user.name(), c.user.Login
	}
	if c.has("email") {
		email = c.user.email()
	}
	return c.sign(&issuedToken{isID: true, expires: expires}, object{
		{"sub", c.user.ID}, {"name", name}, {"email", email}, {"ver", 1}, {"iss", c.issuer()}, {"aud", c.app.ClientID},
		{"iat", c.now.Unix()}, {"exp", expires.Unix()}, {"jti", "ID." + randomBase64(32)}, {"amr", amr(c.session.methods)},
		{"idp", orgID}, {"preferred_username", login}, {"auth_time", c.session.begin.Unix()},
		{"at_hash", base64url(hash[:len(hash)/2])}, {"nonce", c.nonce}, {"acr", c.session.acr},
	})
}

// sign makes a token and remembers it.
func (c *call) sign(t *issuedToken, claims object) string {
	ring := c.as.ID
	if ring == OrgServerID && !t.isID {
		ring = secretRing
	}
	t.session, t.scopes = c.session, c.scopes
	key := c.s.keys.ring(ring)[1]
	input := signingInput(object{{"kid", key.kid}, {"alg", "RS256"}}, claims) // no typ
	// A signature takes long, and nothing knows the token yet.
	c.s.mu.Unlock()
	token := input + "." + base64url(key.sign(crypto.SHA256, input))
	c.s.mu.Lock()
	c.s.issued.put(digest(token), t, c.s.limit)
	return token
}

// active reports whether the access or ID token is active now. Revocation ends access tokens alone.
func (s *Server) active(t *issuedToken, now time.Time) bool {
	return t != nil && now.Before(t.expires) && s.inOrder(t.session.agreement) &&
		(t.isID || !t.revoked && !t.session.ended)
}

// inOrder reports whether the user and the app are still there, and active.
func (s *Server) inOrder(in agreement) bool {
	user, app := s.users[userKey(in.login)], s.apps[in.clientID]
	return (in.login == "" || user != nil && user.Status != Deactivated) && app != nil && !app.Inactive
}

// signingInput is what a JWT's signature is of: https://www.rfc-editor.org/rfc/rfc7515#section-5.1
func signingInput(header, claims any) string {
	return base64url(marshal(header)) + "." + base64url(marshal(claims))
}

// payload are the claims of a token that this server has signed.
func payload(token string) (claims map[string]json.RawMessage) {
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	_ = json.Unmarshal(text, &claims)
	return claims
}

// digest stands for a token where the token would take too much room.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return string(sum[:])
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// randomBase64 is n random bytes: 32 of them are 43 characters, the size of Okta's refresh tokens, token and key ids.
func randomBase64(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64url(b)
}
