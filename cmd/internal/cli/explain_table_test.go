package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

// clientFor returns a confidential client for the server "default" at base.
func clientFor(t *testing.T, base string, config transport.Config) *okta.Client {
	t.Helper()
	server, err := okta.NewAuthorizationServer(base, "default")
	if err != nil {
		t.Fatal(err)
	}
	httpClient, err := transport.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(httpClient.CloseIdleConnections)
	secret := okta.NewSecret(oktatest.DefaultClientSecret)
	return &okta.Client{Server: server, ID: oktatest.DefaultClientID, Auth: clientauth.ForSecret(secret),
		HTTP: httpClient}
}

// form is the sign-in of a user that no org of oktatest has.
func form() map[string][]string {
	return map[string][]string{
		"grant_type": {"password"}, "username": {"nobody@example.com"}, "password": {"wrong-horse"}, "scope": {"openid"},
	}
}

// kinds are the requests of a Client, as requestKind calls them.
func kinds() []string {
	return []string{
		"password", "client_credentials", "refresh_token", "revoke", "introspect", "probe", "metadata", "keys",
		"userinfo",
		"organization", "authorization_code", "authorize", "device",
		deviceGrant, "challenge", "primary-authenticate", mfaOTPGrant, mfaOOBGrant, otpGrant, oobGrant,
		okta.TokenExchangeGrant, okta.JWTBearerGrant,
	}
}

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	mfaOTPGrant = "http://auth0.com/oauth/grant-type/mfa-otp"
	mfaOOBGrant = "http://auth0.com/oauth/grant-type/mfa-oob"
	otpGrant    = "urn:okta:params:oauth:grant-type:otp"
	oobGrant    = "urn:okta:params:oauth:grant-type:oob"
)

// send makes a request of that kind.
func send(t *testing.T, kind string, client *okta.Client) (err error) {
	t.Helper()
	ctx, token := t.Context(), okta.NewSecret("canary-token")
	switch kind {
	case "revoke":
		err = client.Revoke(ctx, token, "")
	case "introspect":
		_, err = client.Introspect(ctx, token, "")
	case "probe":
		err = client.ProbeGrant(ctx, "password", "username")
	case "metadata":
		_, err = client.Metadata(ctx)
	case "keys":
		_, err = client.Keys(ctx, client.Server.Endpoint("keys"))
	case "userinfo":
		_, err = client.UserInfo(ctx, token)
	case "organization":
		_, err = client.Organization(ctx)
	case "client_credentials":
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "scope": {"api:read"}})
	case "authorization_code":
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "code": {"canary-code"}})
	case "device":
		_, err = client.AuthorizeDevice(ctx, []string{"openid"})
	case deviceGrant:
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "device_code": {"canary-code"}})
	case "challenge":
		_, err = client.Challenge(ctx, okta.ChallengeRequest{MFAToken: token, Channel: "push"})
	case "primary-authenticate":
		_, err = client.Challenge(ctx, okta.ChallengeRequest{LoginHint: "nobody@example.com", Channel: "push"})
	case okta.TokenExchangeGrant:
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "subject_token": {"canary-token"}})
	case okta.JWTBearerGrant:
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "assertion": {"canary-token"}})
	case mfaOTPGrant, otpGrant:
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "otp": {"123456"}})
	case mfaOOBGrant, oobGrant:
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "oob_code": {"canary-code"}})
	case "authorize": // the browser brings what Okta would answer
		if e, ok := errors.AsType[*okta.Error](send(t, "authorization_code", client)); ok {
			_, err = client.AuthorizationCode(url.Values{"error": {e.Code}, "error_description": {e.Description}})
		}
	case "refresh_token":
		_, err = client.Token(ctx, map[string][]string{"grant_type": {kind}, "refresh_token": {"canary-token"}})
	default:
		_, err = client.Token(ctx, form())
	}
	return err
}

// rowOf returns the ID of the row that explains err.
func rowOf(err error) string {
	x, _ := explanationOf(err)
	return x.ID
}

// startOrg returns an Okta and a client of its app that just works.
func startOrg(t *testing.T, options ...oktatest.Options) (*oktatest.Server, *okta.Client) {
	t.Helper()
	org := oktatest.ForTest(t, append(options, oktatest.Options{})[0])
	client := clientFor(t, org.URL(), transport.Config{Timeout: 5 * time.Second})
	client.Wait = func(context.Context, time.Duration, string) error { return nil }
	return org, client
}

// refusalOf is an answer that shows a row: with its status or a likely one, its code and its words, in the shape that
// has such codes.
func refusalOf(row Explanation) (status int, body string) {
	status, code := row.Status, row.Code
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
	text, _ := json.Marshal(map[string]string{names[0]: code, names[1]: row.Says})
	return status, string(text)
}

// place is where an administrator or a user can change something, or what else they can do.
var place = regexp.MustCompile(`Admin Console, |okauth (config|exchange|login|token) |run okauth login|HTTPS_PROXY|in a browser|status\.okta\.com|Applications › |try again|then try again|wait a few seconds|timedatectl`)

// Every row is reached over HTTP with its own example, from each request that it is for or from one at least, and
// says where to go.
func TestEveryRowIsReached(t *testing.T) {
	t.Parallel()
	org, client := startOrg(t)
	for _, row := range Explanations() {
		if row.When != nil {
			continue
		}
		status, body := refusalOf(row)
		org.ClearFaults()
		org.FailAlways("", oktatest.Respond(status,
			http.Header{"Content-Type": {"application/json"}, "X-Okta-Request-Id": {"reqExample"}}, body))
		reached := 0
		for _, kind := range kinds() {
			if len(row.For) > 0 && !slices.Contains(row.For, kind) {
				continue
			}
			err := send(t, kind, client)
			refusal, ok := errors.AsType[*okta.Error](err)
			switch {
			case kind == "probe" && err == nil && row.ID == "parameter_missing": // the response that a probe expects
				continue
			case !ok:
				t.Errorf("%s, %s: got %v", row.ID, kind, err)
				continue
			case rowOf(err) == row.ID:
				reached++
			case len(row.For) > 0:
				t.Errorf("%s, %s: got the row %s", row.ID, kind, rowOf(err))
			}
			if hint := Hint(err); !place.MatchString(hint) || strings.ContainsAny(hint, "{}") {
				t.Errorf("%s, %s: the hint names no place: %s", row.ID, kind, hint)
			}
			if !strings.Contains(err.Error(), "reqExample") && kind != "authorize" || !strings.Contains(err.Error(), refusal.Code) {
				t.Errorf("%s: got %v", row.ID, err)
			}
		}
		if reached == 0 {
			t.Errorf("%s: no request comes to this row", row.ID)
		}
	}
}

// What oktatest's org refuses by itself: it does not know our table.
func TestEveryRefusalOfTheScenariosIsExplained(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"wrong password": "wrong_password", "unknown user": "wrong_password", "locked user": "wrong_password",
		"expired password":        "expired_password",
		"user without a password": "no_password", "MFA is required": "mfa_enabled",
		"the sign-on policy denies":                "sign_on_policy",
		"MFA is required, and the app could do it": "mfa_required",
		"user not assigned to the app":             "user_not_assigned", "no access policy matches": "no_matching_policy",
		"policy rejects every scope": "no_scope_allowed", "policy rejects one scope": "scope_denied",
		"password grant not enabled": "grant_off", "scope needs consent": "consent_required",
		"unknown scope": "unknown_scope", "custom scope at the org server": "custom_scope_at_org",
		"OIDC scope without openid": "openid_missing", "no scope": "no_default_scopes",
		"no scope at the org server":               "no_scopes",
		"offline_access without the refresh grant": "offline_access_not_allowed", "no user name": "parameter_missing",
		"no password": "parameter_missing", "too many tries for this user": "user_rate_limited",
		"wrong network zone": "network_zone", "lite user": "lite_user",
		"DPoP is required": "dpop_required", "unknown client": "unknown_client", "deactivated app": "unknown_client",
		"wrong client secret": "wrong_client_secret",
		"no client secret":    "client_authentication", "secret sent by the wrong method": "client_authentication",
		"unknown authorization server": "unknown_server",
		"a client asks for openid":     "client_user_scope", "a client asks for an unknown scope": "unknown_scope",
		"a client names no scope":                      "client_no_default_scopes",
		"a client at the org server":                   "client_at_org",
		"no access policy matches the client":          "client_no_matching_policy",
		"policy rejects the client's scope":            "no_scope_allowed",
		"a client asks for a scope that needs consent": "client_consent_required",
		"client credentials not enabled":               "client_grant_off",
		"a public client cannot act for itself":        "client_grant_off",
		"wrong secret of a client":                     "wrong_client_secret",
		"MFA is required, and the user has no factor":  "no_factor",
		"MFA is required, and the app cannot do it":    "factor_grants_off",
		"wrong code":                                 "wrong_code_alone",
		"code of an unknown user":                    "wrong_code_alone",
		"no one-time code":                           "parameter_missing",
		"user without an authenticator app":          "factor_unusable_alone",
		"the sign-on policy denies a code alone":     "policy_not_satisfied",
		"a second factor is required after the code": "mfa_required",
		"too many codes of this user":                "codes_rate_limited",
		"one-time codes not enabled":                 "direct_grant_off",
	}
	org, client := startOrg(t, oktatest.Options{Limits: &oktatest.Limits{}})
	for _, example := range oktatest.Scenarios() {
		if example.Error == "" {
			continue
		}
		server, err := okta.NewAuthorizationServer(org.URL(), example.Server)
		if err != nil {
			t.Fatal(err)
		}
		asking := *client
		asking.Server, asking.ID, asking.Auth = server, example.ClientID, clientauth.ForSecret(okta.NewSecret(example.Secret))
		form := url.Values(form())
		form.Set("grant_type", example.Grant)
		for name, value := range map[string]string{"username": example.Login, "login_hint": example.Login,
			"password": example.Password, "otp": example.OTP, "scope": example.Scope} {
			if form.Set(name, value); value == "" {
				form.Del(name)
			}
		}
		_, err = asking.Token(t.Context(), form)
		if id := rowOf(err); id == "" || id != want[example.Description] {
			t.Errorf("%s: got %v, want the row %q", example.Description, err, want[example.Description])
		}
	}
}

// The quirks of orgs, the endpoints beside /token, and sessions.
func TestRefusalsElsewhereAreExplained(t *testing.T) {
	t.Parallel()
	with := func(scope string) func(*testing.T, *okta.Client) error {
		return func(t *testing.T, client *okta.Client) error {
			_, err := client.Token(t.Context(), signInForm(scope))
			return err
		}
	}
	for _, test := range []struct {
		want   string
		quirks oktatest.Quirks
		id     string // of another app
		server string // another one
		ask    func(*testing.T, *okta.Client) error
	}{
		{"no_custom_servers", oktatest.Quirks{NoAPIAccessManagement: true}, "", "", with("openid")},
		{"openid_missing_denied", oktatest.Quirks{OpenIDRequired403: true}, "", "", with("profile")},
		{"offline_access_denied", oktatest.Quirks{OfflineDeniedByPolicy: true}, oktatest.NoRefreshClientID, "",
			with("openid offline_access")},
		{"session_ended", oktatest.Quirks{}, "", "", func(t *testing.T, client *okta.Client) error {
			_, err := client.Token(t.Context(),
				map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {"canary-token"}})
			return err
		}},
		{"unknown_server", oktatest.Quirks{}, "", "ausNobodyKnowsMe0001", func(t *testing.T, client *okta.Client) error {
			_, err := client.Metadata(t.Context())
			return err
		}},
		{"unknown_client", oktatest.Quirks{}, "0oaNobodyKnowsMe0001", "", func(t *testing.T, client *okta.Client) error {
			_, err := client.Introspect(t.Context(), okta.NewSecret("canary"), "")
			return err
		}},
		{"token_not_taken", oktatest.Quirks{}, "", "", func(t *testing.T, client *okta.Client) error {
			_, err := client.UserInfo(t.Context(), okta.NewSecret("canary"))
			return err
		}},
		{"token_lacks_scope", oktatest.Quirks{}, "", "",
			func(t *testing.T, client *okta.Client) error {
				tokens, err := client.Token(t.Context(), signInForm("api:read"))
				if err != nil {
					return err
				}
				_, err = client.UserInfo(t.Context(), tokens.AccessToken)
				return err
			}},
		{"token_not_taken", oktatest.Quirks{}, "", "",
			func(t *testing.T, client *okta.Client) error { // of a custom server, at the org server
				tokens, err := client.Token(t.Context(), signInForm("openid"))
				if err != nil {
					return err
				}
				other := *client
				if other.Server, err = okta.NewAuthorizationServer(client.Server.BaseURL(), okta.OrgServer); err != nil {
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
			if client.Server, err = okta.NewAuthorizationServer(org.URL(), test.server); err != nil {
				t.Fatal(err)
			}
		}
		err := test.ask(t, client)
		if rowOf(err) != test.want {
			t.Errorf("got %v, want the row %s", err, test.want)
		}
	}
}

// Every row has its own ID and all texts, and the texts can be printed anywhere.
func TestExplanationsKeepTheirRules(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, one := range Explanations() {
		one = one.Printable()
		if slices.Contains(ids, one.ID) {
			t.Errorf("%s stands for two things", one.ID)
		}
		ids = append(ids, one.ID)
		if regexp.MustCompile(`^[a-z0-9_]+$`).FindString(one.ID) == "" || one.Topic == "" || one.Means == "" ||
			one.Do == "" {
			t.Errorf("%+v is not whole", one)
		}
		for _, text := range []string{one.Means, one.Do, one.Means + ": " + one.Do} {
			if strings.HasSuffix(text, ".") || strings.ContainsAny(text, "{}") || okta.Sanitize(text, 500) != text ||
				utf8.RuneCountInString(text) > 500 {
				t.Errorf("%s: got %d runes, %q", one.ID, utf8.RuneCountInString(text), text)
			}
		}
		if strings.ContainsAny(one.Says, "{}|\n") {
			t.Errorf("%s: got %q", one.ID, one.Says)
		}
	}
	for _, x := range Explanations() {
		for _, kind := range x.For {
			if _, ok := explanations().Requests[kind]; !ok {
				t.Errorf("%s is for %q, of which there are no texts", x.ID, kind)
			}
		}
		if x.When == nil && x.Topic == "network" {
			t.Errorf("%s: nothing matches it", x.ID)
		}
	}
	for id := range matchers() {
		if !slices.Contains(ids, id) {
			t.Errorf("explanations.yaml has no row %s", id)
		}
	}
	if about := Explanations()[0].Printable(); !slices.Equal(about.For, []string{"sign-in"}) || about.Status != 429 ||
		about.Code != "invalid_grant" {
		t.Errorf("got %+v", about)
	}
}

// A wrong clock makes good tokens look expired, so a refusal says when it sees one.
func TestClockSkewIsNoted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for skew, want := range map[time.Duration]string{
		0: "", 4 * time.Minute: "", -4 * time.Minute: "",
		6*time.Minute + 30*time.Second: "6 minutes ahead of Okta's", -(6*time.Minute +
			30*time.Second): "6 minutes behind Okta's",
		3*time.Hour + time.Minute: "3 hours", -(72*time.Hour + time.Minute): "3 days", -1e6 * time.Hour: " behind Okta's",
	} {
		clock := oktatest.NewClock(now.Add(-skew))
		_, client := startOrg(t, oktatest.Options{Clock: clock})
		client.Now = func() time.Time { return now }
		_, err := client.Token(t.Context(), form())
		refusal, ok := errors.AsType[*okta.Error](err)
		if !ok || !strings.Contains(Hint(err), want) || (want == "") != (refusal.ClockSkew == 0) ||
			(want == "") == strings.Contains(Hint(err), "clock") {
			t.Errorf("%s: got %v, %+v", skew, err, refusal)
			continue
		}
		if want != "" && (refusal.ClockSkew-skew).Abs() > 2*time.Second {
			t.Errorf("%s: got %s", skew, refusal.ClockSkew)
		}
	}
}

// Where a wrong clock is the reason for a refusal, the hint says so once, and how far it is off if that is known.
func TestST35_AWrongClockIsSaidOnce(t *testing.T) {
	t.Parallel()
	for words, side := range map[string]string{
		"The DPoP proof JWT is issued in the future.":                      "ahead of",
		"The DPoP proof JWT is issued more than five minutes in the past.": "behind",
	} {
		e := refusalFor(t, "password", 400, "invalid_dpop_proof", words)
		if hint := Hint(e); !strings.HasPrefix(hint, "this machine's clock is "+side+" Okta's: set the clock") {
			t.Errorf("got %q", hint)
		}
		e.ClockSkew = map[string]time.Duration{"ahead of": time.Hour, "behind": -time.Hour}[side]
		if hint := Hint(e); !strings.HasPrefix(hint, "this machine's clock is 1 hour "+side+" Okta's: set the clock") ||
			strings.Count(hint, "clock is") != 1 {
			t.Errorf("got %q", hint)
		}
	}
}

// signInForm is the sign-in of the sandbox's user.
func signInForm(scope string) map[string][]string {
	return map[string][]string{"grant_type": {"password"}, "username": {oktatest.DefaultUser},
		"password": {oktatest.DefaultPassword}, "scope": {scope}}
}

// A client id or a server id may look like a place to fill in.
func TestNothingIsFilledInTwice(t *testing.T) {
	t.Parallel()
	e := refusalFor(t, "password", 401, "access_denied", "Policy evaluation failed")
	e.ClientID = "{server}{grant}"
	if hint := Hint(e); !strings.Contains(hint, "add a policy for {server}{grant} and") {
		t.Errorf("got %s", hint)
	}
	var all []Explanation
	for _, one := range Explanations() {
		all = append(all, one.Printable())
	}
	if text := fmt.Sprint(all); strings.Contains(text, "no the ") || strings.Contains(text, "than the ap") ||
		strings.Contains(text, "id the application") {
		t.Errorf("got %s", text)
	}
}
