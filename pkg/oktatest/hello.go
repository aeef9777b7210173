package oktatest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// hello is GET /api/hello: a protected API for demonstrations. It is not Okta's. It stands for the service somebody wants to call with a token, and
// judges the token as such a service should: signature, issuer, audience and expiry on its own. What the token itself cannot tell, that it was revoked,
// it asks the authorization server.
func (s *Server) hello(c *call) *reply {
	if c.Method != http.MethodGet {
		return wrongMethod()
	}
	token, ok := bearer(c.Header)
	if !ok {
		// No credentials, no error code: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
		return &reply{status: http.StatusUnauthorized, code: "no_token", header: http.Header{"Www-Authenticate": {`Bearer realm="oktatest"`}}}
	}
	claims, problem := s.judge(token, c.now.Unix())
	if problem == "" && s.activeAccess(token, c.now) == nil {
		problem = "the token has been revoked"
	}
	if problem != "" {
		return bearerError(http.StatusUnauthorized, "invalid_token", problem)
	}
	return &reply{status: http.StatusOK, body: members{{"hello", claims.Subject}, {"scopes", claims.Scopes}}}
}

type helloClaims struct {
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	Subject  string          `json:"sub"`
	Expires  int64           `json:"exp"` // seconds since 1970
	Scopes   []string        `json:"scp"`
}

// judge returns what is wrong with the token, "" if nothing is. Access tokens of the org server never pass: their keys are nobody's business.
func (s *Server) judge(token string, now int64) (helloClaims, string) {
	var header struct{ Alg, Kid string }
	var claims helloClaims
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return claims, "not a JWT"
	}
	base, id, _ := strings.Cut(claims.Issuer, "/oauth2/")
	as, ok := s.servers[id]
	if !ok || !s.isIssuerBase(base) {
		return claims, "issued by another authorization server"
	}
	keys, err := s.keys.published(id)
	if err != nil || header.Alg != "RS256" {
		return claims, "not signed with RS256"
	}
	signed := false
	for _, k := range keys {
		signed = signed || (k.kid == header.Kid && k.verifies(token))
	}
	var one string
	var many []string
	if json.Unmarshal(claims.Audience, &one) != nil {
		_ = json.Unmarshal(claims.Audience, &many) // neither a text nor a list: no audience
	}
	switch {
	case !signed:
		return claims, "the signature is not valid"
	case one != as.Audience && !(many != nil && matches(many, as.Audience)):
		return claims, "meant for another audience"
	case now >= claims.Expires:
		return claims, "the token has expired"
	}
	return claims, ""
}

// isIssuerBase: is it one that our tokens may name?
func (s *Server) isIssuerBase(base string) bool {
	if s.isOwnBase(base) || (base != "" && base == s.options.Issuer) {
		return true
	}
	for _, app := range s.apps {
		if base != "" && base == app.Issuer {
			return true
		}
	}
	return false
}

func decodePart(part string, v any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, v) == nil
}
