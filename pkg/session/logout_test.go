package session_test

import (
	"errors"
	"net/http"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// A server that does not revoke access tokens has revoked the refresh token, and with it the sign-in. Any other refusal,
// and that of the refresh token, is a failure. RFC 7009 §2.2.1.
func TestLogoutWhereAccessTokensAreNotRevoked(t *testing.T) {
	t.Parallel()
	const unsupported = "unsupported_token_type"
	refuse := func(hint, code string) oktatest.Fault {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.FormValue("token_type_hint") != hint {
				next.ServeHTTP(w, r)
				return
			}
			refusal(400, `{"error":"`+code+`","error_description":"no"}`)(w, r, next)
		}
	}
	for name, test := range map[string]struct {
		scopes     []string
		hint, code string
		revoked    int
		fails      bool
	}{
		"all revoked":                 {[]string{"openid", "offline_access"}, "", "", 2, false},
		"access token unsupported":    {[]string{"openid", "offline_access"}, "access_token", unsupported, 1, false},
		"access token, other refusal": {[]string{"openid", "offline_access"}, "access_token", "invalid_request", 1, true},
		"no refresh token":            {[]string{"openid"}, "access_token", unsupported, 0, true},
		"refresh token unsupported":   {[]string{"openid", "offline_access"}, "refresh_token", unsupported, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{})
			o.want.Scopes = test.scopes
			o.login(t)
			o.server.FailAlways("/revoke", refuse(test.hint, test.code))
			got, found := o.logout(t)
			refused, _ := errors.AsType[*okta.Error](got.RevokeErr)
			if !found || got.Revoked != test.revoked || got.DeleteErr != nil || (got.RevokeErr != nil) != test.fails ||
				test.fails && (refused == nil || refused.Code != test.code) {
				t.Errorf("got %+v, want %d revoked, fails: %v", got, test.revoked, test.fails)
			}
			if left := o.items.Accounts(); len(left) != 0 {
				t.Errorf("still stored: %q", left)
			}
		})
	}
}
