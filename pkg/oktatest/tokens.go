package oktatest

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"slices"
	"time"
)

// signIn is what a user, a client and a server agreed on once, or a client and a server alone. Every token points to the sign-in it comes from, also one that came by a refresh.
type signIn struct {
	server    string // id of the authorization server
	clientID  string
	login     string // "" where the client signed in for itself
	grantType string
	scopes    []string // the most that a refresh may ask for
	time      time.Time

	refreshID string        // "oar…"; "" without offline_access
	expires   time.Time     // of its refresh tokens, also of those that come by rotation; zero: never
	idle      time.Duration // a refresh token that is not used for so long is dead; 0: it never is
	used      time.Time     // when its refresh token was last used, or made
	newest    string        // the refresh token that is not spent
	over      bool          // revoked, or ended by a reuse: no refresh, and no access token is active
}

// grant is what an access token or an ID token stands for.
type grant struct {
	in      *signIn
	scopes  []string
	claims  members
	custom  members // those of claims that an administrator added
	expires time.Time
	revoked bool
}

// begin writes a sign-in down. The second value is its refresh token, "" unless offline_access is granted.
func (s *Server) begin(c *call) (*signIn, string) {
	in := &signIn{
		server: c.as.ID, clientID: c.app.ClientID, grantType: c.form.Get("grant_type"), scopes: c.scopes, time: c.now, used: c.now,
	}
	if c.user != nil {
		in.login = c.user.Login
	}
	if !slices.Contains(c.scopes, "offline_access") {
		return in, ""
	}
	in.refreshID = "oar" + randomText(17)
	lifetime, idle := s.options.Lifetimes.refresh(c.as.ID)
	if lifetime > 0 {
		in.expires = c.now.Add(lifetime)
	}
	in.idle, in.newest = idle, randomBase64()
	s.refresh[in.newest] = &refreshToken{of: in}
	return in, in.newest
}

// issue makes the tokens and the answer: an ID token if openid is asked for, the refresh token that it is given ("" for none).
// Order and shape of the members are those of recorded answers.
func (s *Server) issue(c *call, in *signIn, lifetime time.Duration, refresh string) *reply {
	access, err := s.accessToken(c, in, lifetime)
	if err != nil {
		return internalError()
	}
	body := members{
		{"token_type", "Bearer"}, {"expires_in", int64(lifetime / time.Second)}, {"access_token", access}, {"scope", joinScopes(c.scopes)},
	}
	if refresh != "" {
		body = append(body, member{"refresh_token", refresh})
	}
	if slices.Contains(c.scopes, "openid") {
		id, err := s.idToken(c, in, access)
		if err != nil {
			return internalError()
		}
		body = append(body, member{"id_token", id})
	}
	return &reply{status: http.StatusOK, body: body}
}

func internalError() *reply {
	return apiError(http.StatusInternalServerError, "E0000009", "Internal Server Error")
}

// accessClaims are in the order that was recorded. sub is the login and uid the user, or sub is the client and there is no uid:
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
func (s *Server) accessClaims(c *call, in *signIn, expires time.Time) members {
	jti := "AT." + randomBase64()
	if in.refreshID != "" {
		jti += "." + in.refreshID
	}
	audience := any(c.as.Audience)
	if s.options.Quirks.AudienceArray {
		audience = []string{c.as.Audience}
	}
	claims := members{{"ver", 1}, {"jti", jti}, {"iss", s.issuerOf(c)}, {"aud", audience}}
	times := members{{"iat", c.now.Unix()}, {"exp", expires.Unix()}, {"cid", c.app.ClientID}}
	if c.user == nil {
		claims = append(append(claims, times...), members{{"scp", c.scopes}, {"sub", c.app.ClientID}}...)
	} else {
		claims = append(append(claims, member{"sub", c.user.Login}), times...)
		claims = append(claims, members{{"uid", c.user.ID}, {"scp", c.scopes}, {"auth_time", in.time.Unix()}}...)
	}
	return append(claims, customClaims(c.as)...)
}

func customClaims(as *AuthServer) members {
	var claims members
	for _, name := range slices.Sorted(maps.Keys(as.Claims)) {
		claims = append(claims, member{name, as.Claims[name]})
	}
	return claims
}

func (s *Server) accessToken(c *call, in *signIn, lifetime time.Duration) (string, error) {
	expires := c.now.Add(lifetime)
	claims := s.accessClaims(c, in, expires)
	ring := c.as.ID
	if ring == OrgServerID {
		ring = secretRing
	}
	key, err := s.keys.active(ring)
	if err != nil {
		return "", err
	}
	token, err := key.sign(claims)
	if err != nil {
		return "", err
	}
	s.access[token] = &grant{in: in, scopes: c.scopes, claims: claims, custom: customClaims(c.as), expires: expires}
	return token, nil
}

// idToken is thin, because an access token comes with it: the rest of the profile is at userinfo. One that came by a refresh has the auth_time of the
// sign-in: https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
func (s *Server) idToken(c *call, in *signIn, access string) (string, error) {
	claims := members{{"sub", c.user.ID}}
	if slices.Contains(c.scopes, "profile") {
		claims = append(claims, member{"name", c.user.name()})
	}
	if slices.Contains(c.scopes, "email") {
		claims = append(claims, member{"email", c.user.email()})
	}
	expires := c.now.Add(orElse(s.options.Lifetimes.ID, defaultLifetime))
	claims = append(claims, members{
		{"ver", 1}, {"iss", s.issuerOf(c)}, {"aud", c.app.ClientID}, {"iat", c.now.Unix()}, {"exp", expires.Unix()},
		{"jti", "ID." + randomBase64()}, {"amr", []string{"pwd"}}, {"idp", s.orgID},
	}...)
	if slices.Contains(c.scopes, "profile") {
		claims = append(claims, member{"preferred_username", c.user.Login})
	}
	claims = append(claims, members{{"auth_time", in.time.Unix()}, {"at_hash", accessTokenHash(access)}}...)
	key, err := s.keys.active(c.as.ID)
	if err != nil {
		return "", err
	}
	token, err := key.sign(claims)
	if err != nil {
		return "", err
	}
	s.ids[token] = &grant{in: in, scopes: c.scopes, claims: claims, expires: expires}
	return token, nil
}

// activeAccess is what the text stands for, nil unless it is an access token that is active now.
func (s *Server) activeAccess(token string, now time.Time) *grant {
	g := s.access[token]
	if g == nil || g.revoked || g.in.over || !now.Before(g.expires) || !s.inOrder(g.in) {
		return nil
	}
	return g
}

// inOrder: are the user and the app of a sign-in still what they should be? Nobody is ever removed.
func (s *Server) inOrder(in *signIn) bool {
	active := in.login == "" || s.users[userKey(in.login)].Status != Deactivated
	return active && !s.apps[in.clientID].Inactive
}

// accessTokenHash: "the left-most half of the hash of the octets of the ASCII representation of the access_token value".
// https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
func accessTokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64url(sum[:len(sum)/2])
}
