package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"okauth/pkg/okta/clientauth"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

// startOrg returns an Okta and a client of its app that just works.
func startOrg(t *testing.T, options ...oktatest.Options) (*oktatest.Server, *Client) {
	t.Helper()
	org, err := oktatest.Start(append(options, oktatest.Options{})[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { org.Close() })
	client := clientFor(t, org.URL(), transport.Config{Timeout: 5 * time.Second})
	client.ID, client.Auth = oktatest.DefaultClientID, clientauth.ForSecret(NewSecret(oktatest.DefaultClientSecret))
	client.Wait = func(context.Context, time.Duration, string) error { return nil }
	return org, client
}

// sendAny is send for every errand.
func sendAny(t *testing.T, about operation, client *Client) (err error) {
	t.Helper()
	ctx, token := t.Context(), NewSecret(refreshToken)
	switch about {
	case introspection:
		_, err = client.Introspect(ctx, token, "")
	case probe:
		err = client.ProbeGrant(ctx, "password")
	case discovery:
		_, err = client.Metadata(ctx)
	case keys:
		_, err = client.Keys(ctx, client.Server.Endpoint("keys"))
	case userInfo:
		_, err = client.UserInfo(ctx, token)
	case organization:
		_, err = client.Organization(ctx)
	default:
		return send(ctx, t, about, client)
	}
	checkHarmless(t, err)
	return err
}

// refusalOf is an answer that shows a row: with its status or a likely one, its code and its words, in the shape that has such codes.
func refusalOf(row explanation) (status int, body string) {
	status, code := row.status, row.code
	if status == 0 {
		status = http.StatusBadRequest
	}
	if code == "" {
		code = "brand_new_error"
	}
	names := [2]string{"error", "error_description"}
	if strings.HasPrefix(code, "E0") {
		names = [2]string{"errorCode", "errorSummary"}
	}
	text, _ := json.Marshal(map[string]string{names[0]: code, names[1]: row.says})
	return status, string(text)
}

// place is where an administrator or a user can mend something, or what else they can do.
var place = regexp.MustCompile(`Admin Console, |okauth (config|login|token) |run okauth login|HTTPS_PROXY|in a browser|status\.okta\.com|Applications › |try again|then try again|wait a few seconds`)

// Every row is reached over HTTP with its own example, from each errand that it is for or from one at least, and says where to go.
func TestEveryRowIsReached(t *testing.T) {
	t.Parallel()
	org, client := startOrg(t)
	for _, part := range chapters() {
		for _, row := range part.rows() {
			status, body := refusalOf(row)
			org.ClearFaults()
			org.FailAlways("", oktatest.Respond(status, http.Header{"Content-Type": {"application/json"}, "X-Okta-Request-Id": {"reqExample"}}, body))
			reached := 0
			for about := signIn; about <= organization; about++ {
				if !row.about.has(about) {
					continue
				}
				err := sendAny(t, about, client)
				refusal, ok := errors.AsType[*Error](err)
				switch {
				case about == probe && err == nil && row.id == "parameter_missing": // the answer that a probe hopes for
					continue
				case !ok:
					t.Errorf("%s, %s: got %v", row.id, about.words().name, err)
					continue
				case refusal.explain().id == row.id:
					reached++
				case row.about != 0:
					t.Errorf("%s, %s: got the row %s", row.id, about.words().name, refusal.explain().id)
				}
				if hint := refusal.Hint(); !place.MatchString(hint) || strings.ContainsAny(hint, "{}") {
					t.Errorf("%s, %s: the hint names no place: %s", row.id, about.words().name, hint)
				}
				if !strings.Contains(err.Error(), "reqExample") || !strings.Contains(err.Error(), refusal.Code) {
					t.Errorf("%s: got %v", row.id, err)
				}
			}
			if reached == 0 {
				t.Errorf("%s: no request comes to this row", row.id)
			}
		}
	}
}

// What oktatest's org refuses by itself: nobody told it which words would fit our table.
func TestEveryRefusalOfTheScenariosIsExplained(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"wrong password": "wrong_password", "unknown user": "wrong_password", "locked user": "wrong_password", "expired password": "expired_password",
		"user without a password": "no_password", "MFA is required": "mfa_enabled", "the sign-on policy denies": "sign_on_policy",
		"MFA is required, and the app could do it": "mfa_required", "user not assigned to the app": "user_not_assigned", "no access policy matches": "no_matching_policy",
		"policy rejects every scope": "no_scope_allowed", "policy rejects one scope": "scope_denied", "password grant not enabled": "grant_off", "scope needs consent": "consent_required",
		"unknown scope": "unknown_scope", "custom scope at the org server": "custom_scope_at_org", "OIDC scope without openid": "openid_missing", "no scope": "no_default_scopes",
		"no scope at the org server": "no_scopes", "offline_access without the refresh grant": "offline_access_not_allowed", "no user name": "parameter_missing",
		"no password": "parameter_missing", "too many tries for this user": "user_rate_limited", "wrong network zone": "network_zone", "lite user": "lite_user",
		"DPoP is required": "dpop_required", "unknown client": "unknown_client", "deactivated app": "unknown_client", "wrong client secret": "wrong_client_secret",
		"no client secret": "client_authentication", "secret sent by the wrong method": "client_authentication", "unknown authorization server": "unknown_server",
		"a client asks for openid": "client_user_scope", "a client asks for an unknown scope": "unknown_scope", "a client names no scope": "client_no_default_scopes",
		"a client at the org server": "client_at_org", "no access policy matches the client": "client_no_matching_policy", "policy rejects the client's scope": "no_scope_allowed",
		"a client asks for a scope that needs consent": "client_consent_required", "client credentials not enabled": "client_grant_off",
		"a public client cannot act for itself": "client_grant_off", "wrong secret of a client": "wrong_client_secret",
	}
	org, client := startOrg(t, oktatest.Options{Limits: &oktatest.Limits{}})
	for _, example := range oktatest.Scenarios() {
		if example.Error == "" {
			continue
		}
		server, err := NewAuthorizationServer(org.URL(), example.Server)
		if err != nil {
			t.Fatal(err)
		}
		asking := *client
		asking.Server, asking.ID, asking.Auth = server, example.ClientID, clientauth.ForSecret(NewSecret(example.Secret))
		form := form()
		form.Set("grant_type", example.Grant)
		for name, value := range map[string]string{"username": example.Login, "password": example.Password, "scope": example.Scope} {
			if form.Set(name, value); value == "" {
				form.Del(name)
			}
		}
		_, err = asking.Token(t.Context(), form)
		refusal, ok := errors.AsType[*Error](err)
		if !ok || refusal.explain().id != want[example.Description] || refusal.explain().id == "" {
			t.Errorf("%s: got %v, want the row %q", example.Description, err, want[example.Description])
		}
	}
}

// The quirks of orgs, the endpoints beside /token, and sessions.
func TestRefusalsElsewhereAreExplained(t *testing.T) {
	t.Parallel()
	with := func(scope string) func(*testing.T, *Client) error {
		return func(t *testing.T, client *Client) error {
			_, err := client.Token(t.Context(), signInForm(scope))
			return err
		}
	}
	for _, test := range []struct {
		want   string
		quirks oktatest.Quirks
		id     string // of another app
		server string // another one
		ask    func(*testing.T, *Client) error
	}{
		{"no_custom_servers", oktatest.Quirks{NoAPIAccessManagement: true}, "", "", with("openid")},
		{"openid_missing_denied", oktatest.Quirks{OpenIDRequired403: true}, "", "", with("profile")},
		{"offline_access_denied", oktatest.Quirks{OfflineDeniedByPolicy: true}, oktatest.NoRefreshClientID, "", with("openid offline_access")},
		{"session_ended", oktatest.Quirks{}, "", "", func(t *testing.T, client *Client) error {
			_, err := client.Token(t.Context(), refreshForm())
			return err
		}},
		{"unknown_server", oktatest.Quirks{}, "", "ausNobodyKnowsMe0001", func(t *testing.T, client *Client) error {
			_, err := client.Metadata(t.Context())
			return err
		}},
		{"unknown_client", oktatest.Quirks{}, "0oaNobodyKnowsMe0001", "", func(t *testing.T, client *Client) error {
			_, err := client.Introspect(t.Context(), NewSecret("canary"), "")
			return err
		}},
		{"token_not_taken", oktatest.Quirks{}, "", "", func(t *testing.T, client *Client) error {
			_, err := client.UserInfo(t.Context(), NewSecret("canary"))
			return err
		}},
		{"token_lacks_scope", oktatest.Quirks{LongChallenges: true}, "", "", func(t *testing.T, client *Client) error {
			tokens, err := client.Token(t.Context(), signInForm("api:read"))
			if err != nil {
				return err
			}
			_, err = client.UserInfo(t.Context(), tokens.AccessToken)
			return err
		}},
		{"token_not_taken", oktatest.Quirks{}, "", "", func(t *testing.T, client *Client) error { // of a custom server, at the org server
			tokens, err := client.Token(t.Context(), signInForm("openid"))
			if err != nil {
				return err
			}
			other := *client
			if other.Server, err = NewAuthorizationServer(client.Server.BaseURL(), OrgServer); err != nil {
				return err
			}
			_, err = other.UserInfo(t.Context(), tokens.AccessToken)
			return err
		}},
	} {
		org, client := startOrg(t, oktatest.Options{Quirks: test.quirks})
		if test.id != "" {
			client.ID = test.id
		}
		if test.server != "" {
			var err error
			if client.Server, err = NewAuthorizationServer(org.URL(), test.server); err != nil {
				t.Fatal(err)
			}
		}
		err := test.ask(t, client)
		checkHarmless(t, err)
		if refusal, ok := errors.AsType[*Error](err); !ok || refusal.explain().id != test.want {
			t.Errorf("got %v, want the row %s", err, test.want)
		}
	}
}

// No row is behind another that takes all that it would take; no word stands for two things; every text is fit to be printed anywhere.
func TestExplanationsKeepTheirRules(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, one := range append(Explanations(), NetworkExplanations()...) {
		if slices.Contains(ids, one.ID) {
			t.Errorf("%s stands for two things", one.ID)
		}
		ids = append(ids, one.ID)
		if regexp.MustCompile(`^[a-z0-9_]+$`).FindString(one.ID) == "" || one.About == "" || one.Means == "" || one.Do == "" {
			t.Errorf("%+v is not whole", one)
		}
		for _, text := range []string{one.Means, one.Do, one.Means + ": " + one.Do} {
			if strings.HasSuffix(text, ".") || strings.ContainsAny(text, "{}") || Sanitize(text, 500) != text || utf8.RuneCountInString(text) > 500 {
				t.Errorf("%s: got %d runes, %q", one.ID, utf8.RuneCountInString(text), text)
			}
		}
		if strings.ContainsAny(one.Says, "{}|\n") {
			t.Errorf("%s: got %q", one.ID, one.Says)
		}
	}
	if about := Explanations()[0]; !slices.Equal(about.For, []string{"sign-in"}) || about.Status != 429 || about.Code != "invalid_grant" {
		t.Errorf("got %+v", about)
	}
}

// A wrong clock makes good tokens look expired, so a refusal says when it sees one.
func TestClockSkewIsNoted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for skew, want := range map[time.Duration]string{
		0: "", 4 * time.Minute: "", -4 * time.Minute: "",
		6*time.Minute + 30*time.Second: "6 minutes ahead of Okta's", -(6*time.Minute + 30*time.Second): "6 minutes behind Okta's",
		3*time.Hour + time.Minute: "3 hours ahead", -(72*time.Hour + time.Minute): "3 days behind", -1e6 * time.Hour: "41666 days behind",
	} {
		clock := oktatest.NewClock(now.Add(-skew))
		_, client := startOrg(t, oktatest.Options{Clock: clock})
		client.Now = func() time.Time { return now }
		_, err := client.Token(t.Context(), form())
		refusal, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(refusal.Hint(), want) || (want == "") != (refusal.ClockSkew == 0) || (want == "") == strings.Contains(refusal.Hint(), "clock") {
			t.Errorf("%s: got %v, %+v", skew, err, refusal)
			continue
		}
		if want != "" && (refusal.ClockSkew-skew).Abs() > 2*time.Second {
			t.Errorf("%s: got %s", skew, refusal.ClockSkew)
		}
	}
	for _, date := range []string{"", "soon", "Thu, 01 Jan 10000 00:00:00 GMT"} {
		if got := clockSkew(http.Header{"Date": {date}}, now); got != 0 {
			t.Errorf("%q: got %s", date, got)
		}
	}
}

// signInForm is the sign-in of the sandbox's user.
func signInForm(scope string) map[string][]string {
	return map[string][]string{"grant_type": {"password"}, "username": {oktatest.DefaultUser}, "password": {oktatest.DefaultPassword}, "scope": {scope}}
}

// A client id or a server id may look like a place to fill in.
func TestNothingIsFilledInTwice(t *testing.T) {
	t.Parallel()
	e := &Error{Status: 401, Code: "access_denied", Description: "Policy evaluation failed", client: &Client{ID: "{server}{grant}", Server: AuthorizationServer{id: "aus1"}}}
	if hint := e.Hint(); !strings.Contains(hint, "add a policy for {server}{grant} and") {
		t.Errorf("got %s", hint)
	}
	if text := fmt.Sprint(Explanations()); strings.Contains(text, "no the ") || strings.Contains(text, "than the ap") || strings.Contains(text, "id the application") {
		t.Errorf("got %s", text)
	}
}
