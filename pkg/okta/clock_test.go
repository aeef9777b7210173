package okta_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
)

// AT-29: a sign-in reports a clock that is far from Okta's, also one that fails; a refresh does not.
func TestAT29_ClockSkew(t *testing.T) {
	t.Parallel()
	clock := oktatest.NewClock(time.Now())
	server := oktatest.ForTest(t, oktatest.Options{Clock: clock})
	for _, test := range []struct {
		ahead time.Duration
		want  string
	}{
		{4 * time.Minute, ""}, {-4 * time.Minute, ""},
		{20 * time.Minute, "20 minutes ahead of Okta's"}, {-26*time.Hour - time.Minute, "26 hours behind Okta's"},
	} {
		at, err := okta.NewAuthorizationServer(server.URL(), oktatest.DefaultServerID)
		if err != nil {
			t.Fatal(err)
		}
		client := &okta.Client{
			Server: at, ID: oktatest.DefaultClientID,
			Auth: clientauth.ForSecret(okta.NewSecret(oktatest.DefaultClientSecret)), HTTP: server.Client(),
			Now: func() time.Time { return clock.Now().Add(test.ahead) },
		}
		form := url.Values{"grant_type": {"password"}, "username": {oktatest.DefaultUser},
			"password": {oktatest.DefaultPassword}, "scope": {"openid offline_access"}}
		clock.Advance(time.Minute) // Okta's limit of sign-ins per second
		tokens, err := client.Token(t.Context(), form)
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(tokens.Warnings, "\n")
		if test.want == "" && notes != "" || !strings.Contains(notes, test.want) {
			t.Errorf("%v ahead: got notes %q, want %q", test.ahead, notes, test.want)
		}
		tokens, err = client.Token(t.Context(),
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken.Reveal()}})
		if err != nil || len(tokens.Warnings) != 0 {
			t.Errorf("refresh: got %v and notes %q", err, tokens.Warnings)
		}
	}
}
