package oktatest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// direct sends a form of the app for Direct Authentication to an endpoint of the server "default".
func direct(t *testing.T, s *oktatest.Server, endpoint string, form url.Values) answer {
	t.Helper()
	r := newPost(t, s.Issuer("default")+"/v1/"+endpoint, form)
	r.SetBasicAuth(oktatest.DirectAuthClientID, oktatest.DefaultClientSecret)
	return send(t, s, r)
}

// mfaToken is that of a user whose password was right.
func mfaToken(t *testing.T, s *oktatest.Server, login string) string {
	t.Helper()
	got := direct(t, s, "token", url.Values{
		"grant_type": {"password"}, "username": {login}, "password": {oktatest.DefaultPassword}, "scope": {"openid"},
	})
	if code, _ := got.error(t); got.Status != 403 || code != "mfa_required" || len(got.member(t, "mfa_token")) != 20 {
		t.Fatalf("%s: got %d %s", login, got.Status, got.Text)
	}
	return got.member(t, "mfa_token")
}

// mustHaveMethods checks an answer with tokens.
func mustHaveMethods(t *testing.T, what string, got answer, want string) {
	t.Helper()
	if got.Status != 200 {
		t.Fatalf("%s: got %d %s", what, got.Status, got.Text)
	}
	if _, claims, _ := open(t, got.member(t, "id_token"), nil); !strings.Contains(claims, `"amr":`+want) {
		t.Errorf("%s: got %s, want %s", what, claims, want)
	}
}

func TestOneTimeCodes(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := mfaToken(t, s, "otp@example.com")
	form := url.Values{"grant_type": {oktatest.GrantMFAOTP}, "mfa_token": {token}, "otp": {"000000"}, "scope": {"openid"}}
	if code, text := direct(t, s, "token", form).error(t); code != "invalid_grant" || !strings.HasPrefix(text, "The 'otp' provided is either empty or incorrect.") {
		t.Errorf("wrong code: got %q %q", code, text)
	}
	form.Set("scope", "openid profile")
	form.Set("otp", "123456")
	if code, _ := direct(t, s, "token", form).error(t); code != "invalid_scope" {
		t.Errorf("another scope: got %q", code)
	}
	form.Set("scope", "openid")
	mustHaveMethods(t, "the same token again", direct(t, s, "token", form), `["otp","mfa","pwd"]`)
	if got := direct(t, s, "token", form); got.Status != 403 || !strings.Contains(got.Text, "'mfa_token' has expired. Use a new 'mfa_token' and try again.") {
		t.Errorf("used up: got %d %s", got.Status, got.Text)
	}
	form.Set("mfa_token", mfaToken(t, s, "otp@example.com"))
	s.Clock().Advance(5 * time.Minute)
	if code, _ := direct(t, s, "token", form).error(t); code != "access_denied" {
		t.Errorf("expired: got %q", code)
	}
	alone := url.Values{"grant_type": {oktatest.GrantOTP}, "login_hint": {"otp@example.com"}, "otp": {"123456"}, "scope": {"openid"}}
	mustHaveMethods(t, "alone", direct(t, s, "token", alone), `["otp"]`)
}

func TestOutOfBand(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct {
		login, channel, binding string
		answers                 []string // errors of the polls; "" is tokens
		methods                 string
	}{
		{"push@example.com", "push", `"binding_method":"none"`, []string{"authorization_pending", ""}, `["swk","mfa","pwd"]`},
		{"number@example.com", "push", `"binding_method":"transfer","binding_code":"95"`, []string{"authorization_pending", ""}, `["swk","mfa","pwd"]`},
		{"refuse@example.com", "push", `"binding_method":"none"`, []string{"invalid_grant", "access_denied"}, ""},
		{"silent@example.com", "push", `"binding_method":"none"`, []string{"authorization_pending", "authorization_pending"}, ""},
		{"sms@example.com", "sms", `"binding_method":"prompt"`, []string{""}, `["sms","mfa","pwd"]`},
		{"voice@example.com", "voice", `"binding_method":"prompt"`, []string{""}, `["tel","mfa","pwd"]`},
	} {
		token := mfaToken(t, s, test.login)
		a := direct(t, s, "challenge", url.Values{
			"mfa_token": {token}, "challenge_types_supported": {oktatest.GrantMFAOOB}, "channel_hint": {test.channel},
		})
		if a.Status != 200 || !strings.Contains(a.Text, test.binding) || !strings.Contains(a.Text, `"channel":"`+test.channel+`"`) ||
			strings.Contains(a.Text, `"interval":5`) != (test.channel == "push") || !strings.Contains(a.Text, `"expires_in":300`) {
			t.Errorf("%s: got %d %s", test.login, a.Status, a.Text)
		}
		form := url.Values{"grant_type": {oktatest.GrantMFAOOB}, "mfa_token": {token}, "oob_code": {a.member(t, "oob_code")}, "scope": {"openid"}}
		if test.channel != "push" {
			form.Set("binding_code", "436575")
		}
		for _, want := range test.answers {
			s.Clock().Advance(5 * time.Second)
			got := direct(t, s, "token", form)
			if code, _ := got.error(t); code != want {
				t.Errorf("%s: got %s, want %q", test.login, got.Text, want)
			} else if want == "" {
				mustHaveMethods(t, test.login, got, test.methods)
			}
		}
	}
}

func TestOutOfBandAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := direct(t, s, "primary-authenticate", url.Values{
		"login_hint": {"number@example.com"}, "channel_hint": {"push"}, "challenge_hint": {oktatest.GrantOOB},
	})
	if !strings.Contains(a.Text, `"binding_code":"95"`) || strings.Contains(a.Text, "challenge_type") {
		t.Errorf("got %s", a.Text)
	}
	form := url.Values{"grant_type": {oktatest.GrantOOB}, "oob_code": {a.member(t, "oob_code")}, "scope": {"openid"}}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{4 * time.Second, "slow_down"}, {10 * time.Second, "authorization_pending"}, {10 * time.Second, ""}} {
		s.Clock().Advance(step.after)
		got := direct(t, s, "token", form)
		if code, _ := got.error(t); code != step.want {
			t.Errorf("after %v: got %s, want %q", step.after, got.Text, step.want)
		} else if code == "" {
			mustHaveMethods(t, "alone", got, `["swk"]`)
		}
	}
}
