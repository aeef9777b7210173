package oktatest

import (
	"net/http"
	"slices"
	"strings"
)

// userinfo tells the claims of the granted scopes. Errors are in the header, the body is empty, as RFC 6750 §3 has it and Okta does:
// https://www.rfc-editor.org/rfc/rfc6750#section-3
func (s *Server) userinfo(c *call, id string, h http.Header) *reply {
	if c.Method != http.MethodGet && c.Method != http.MethodPost {
		return wrongMethod()
	}
	if rep := s.spend(c, id, "userinfo", h); rep != nil {
		return rep
	}
	if rep := s.find(c, id); rep != nil {
		return rep
	}
	token, _ := bearer(c.Header)
	g := s.activeAccess(token, c.now)
	if g == nil || g.in.server != id {
		return s.challenge(c, http.StatusUnauthorized, "invalid_token", "The access token is invalid")
	}
	if !slices.Contains(g.scopes, "openid") {
		return s.challenge(c, http.StatusForbidden, "insufficient_scope",
			"The access token must provide access to at least one of these scopes - profile, email, address or phone")
	}
	return &reply{status: http.StatusOK, body: profileOf(s.users[userKey(g.in.login)], g.scopes)}
}

func profileOf(user *User, scopes []string) members {
	claims := members{{"sub", user.ID}}
	if slices.Contains(scopes, "profile") {
		claims = append(claims, members{
			{"name", user.name()}, {"locale", "en_US"}, {"preferred_username", user.Login}, {"given_name", user.GivenName}, {"family_name", user.FamilyName},
			{"zoneinfo", "America/Los_Angeles"}, {"updated_at", 1700000000},
		}...)
	}
	if slices.Contains(scopes, "email") {
		claims = append(claims, members{{"email", user.email()}, {"email_verified", true}}...)
	}
	if slices.Contains(scopes, "groups") {
		claims = append(claims, member{"groups", append([]string{"Everyone"}, user.Groups...)})
	}
	return claims
}

func bearer(h http.Header) (string, bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

func bearerError(status int, code, text string) *reply {
	return &reply{status: status, code: code, header: http.Header{
		"Www-Authenticate": {`Bearer error="` + code + `", error_description="` + text + `"`},
	}}
}

// challenge is a refusal of userinfo. The long form was seen in the wild, at an org server with insufficient_scope; of the others it is a guess.
func (s *Server) challenge(c *call, status int, code, text string) *reply {
	if !s.options.Quirks.LongChallenges {
		return bearerError(status, code, text)
	}
	if code == "insufficient_scope" {
		text = "The access token provided does not contain the required scopes."
	}
	rep := bearerError(status, code, text)
	authorize := strings.TrimSuffix(c.URL.Path, "userinfo") + "authorize"
	rep.header.Set("Www-Authenticate", `Bearer authorization_uri="`+c.base+authorize+`", realm="`+c.base+`", scope="openid", error="`+code+
		`", error_description="`+text+`", resource="`+c.URL.Path+`"`)
	return rep
}
