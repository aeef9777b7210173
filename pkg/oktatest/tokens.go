package oktatest

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// grant is what a token stands for.
type grant struct {
	server    string // id of the authorization server
	clientID  string
	login     string
	scopes    []string
	authTime  time.Time
	expires   time.Time
	refreshID string // "oar…"; of a refresh token, and of an access token that came with one
}

// issue makes the tokens and the answer: an ID token if openid is granted, a refresh token if offline_access is.
// Order and shape of the members are those of recorded answers.
func (s *Server) issue(c *call, user *User, lifetime time.Duration) *reply {
	g := &grant{
		server: c.as.ID, clientID: c.app.ClientID, login: user.Login, scopes: c.scopes, authTime: c.now, expires: c.now.Add(lifetime),
	}
	if slices.Contains(c.scopes, "offline_access") {
		g.refreshID = "oar" + randomText(17)
	}
	access, err := s.accessToken(c, user, g)
	if err != nil {
		return internalError()
	}
	s.access[access] = g
	body := members{
		{"token_type", "Bearer"}, {"expires_in", int64(lifetime / time.Second)}, {"access_token", access}, {"scope", strings.Join(c.scopes, " ")},
	}
	if g.refreshID != "" {
		refresh := randomBase64()
		s.refresh[refresh] = g
		body = append(body, member{"refresh_token", refresh})
	}
	if slices.Contains(c.scopes, "openid") {
		id, err := s.idToken(c, user, access)
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

// accessToken has its claims in the order that was recorded. sub is the login, uid the user: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
func (s *Server) accessToken(c *call, user *User, g *grant) (string, error) {
	jti := "AT." + randomBase64()
	if g.refreshID != "" {
		jti += "." + g.refreshID
	}
	audience := any(c.as.Audience)
	if s.quirks.AudienceArray {
		audience = []string{c.as.Audience}
	}
	claims := members{
		{"ver", 1}, {"jti", jti}, {"iss", issuer(c.base, c.as.ID)}, {"aud", audience}, {"sub", user.Login},
		{"iat", c.now.Unix()}, {"exp", g.expires.Unix()}, {"cid", c.app.ClientID}, {"uid", user.ID}, {"scp", g.scopes}, {"auth_time", g.authTime.Unix()},
	}
	for _, name := range slices.Sorted(maps.Keys(c.as.Claims)) {
		claims = append(claims, member{name, c.as.Claims[name]})
	}
	ring := c.as.ID
	if ring == OrgServerID {
		ring = secretRing
	}
	key, err := s.keys.active(ring)
	if err != nil {
		return "", err
	}
	return key.sign(claims)
}

// idToken is thin, because an access token comes with it: the rest of the profile is at userinfo.
func (s *Server) idToken(c *call, user *User, access string) (string, error) {
	claims := members{{"sub", user.ID}}
	if slices.Contains(c.scopes, "profile") {
		claims = append(claims, member{"name", user.name()})
	}
	if slices.Contains(c.scopes, "email") {
		claims = append(claims, member{"email", user.email()})
	}
	claims = append(claims, members{
		{"ver", 1}, {"iss", issuer(c.base, c.as.ID)}, {"aud", c.app.ClientID}, {"iat", c.now.Unix()}, {"exp", c.now.Add(defaultLifetime).Unix()},
		{"jti", "ID." + randomBase64()}, {"amr", []string{"pwd"}}, {"idp", s.orgID},
	}...)
	if slices.Contains(c.scopes, "profile") {
		claims = append(claims, member{"preferred_username", user.Login})
	}
	claims = append(claims, members{{"auth_time", c.now.Unix()}, {"at_hash", accessTokenHash(access)}}...)
	key, err := s.keys.active(c.as.ID)
	if err != nil {
		return "", err
	}
	return key.sign(claims)
}

// accessTokenHash: "the left-most half of the hash of the octets of the ASCII representation of the access_token value".
// https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
func accessTokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64url(sum[:len(sum)/2])
}
