package cli

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// Okta writes the same refusal with quotes or back-ticks, and with or without apostrophes.
func TestRefusalsOfAFactorAreKnownInOtherWords(t *testing.T) {
	t.Parallel()
	short := strings.NewReplacer("'", "`", "is not", "isn't", "are not", "aren't", "cannot", "can't", "does not", "doesn't")
	long := strings.NewReplacer("'", "`", "isn't", "is not", "wasn't", "was not", "couldn't", "could not", "’", "'")
	for _, row := range Explanations() {
		if row.Topic != "second factor" {
			continue
		}
		for _, kind := range row.For {
			for _, words := range []string{row.Says, short.Replace(row.Says), long.Replace(row.Says)} {
				e := refusalFor(t, kind, row.Status, row.Code, words)
				switch kind {
				case "challenge", "primary-authenticate":
					e.Operation = okta.Operation(kind)
				}
				if got := rowOf(e); got != row.ID {
					t.Errorf("%s %q: got the row %s, want %s", kind, words, got, row.ID)
				}
				hint := Hint(e)
				if strings.Contains(hint, "password") && kind != "password" || strings.Contains(hint, "Password") {
					t.Errorf("%s %q: got %q", kind, words, hint)
				}
			}
		}
	}
}

// What oktatest's org refuses by itself on the way to a factor, in the order in which a client would ask.
func TestRefusalsOfAFactorOfOktatestAreExplained(t *testing.T) {
	t.Parallel()
	type asking struct { // a client on its way
		t     *testing.T
		org   *oktatest.Server
		as    *okta.Client
		token okta.Secret // mfa_token
	}
	challenge := func(a *asking, token okta.Secret, login, channel string) (*okta.Challenge, error) {
		return a.as.Challenge(a.t.Context(), okta.ChallengeRequest{MFAToken: token, LoginHint: login, Channel: channel})
	}
	send := func(a *asking, form url.Values) error {
		if form.Has("mfa_token") {
			form.Set("mfa_token", a.token.Reveal())
		}
		if !form.Has("scope") {
			form.Set("scope", "openid")
		}
		_, err := a.as.Token(a.t.Context(), form)
		return err
	}
	code := func(code string) url.Values {
		return url.Values{"grant_type": {mfaOTPGrant}, "mfa_token": {""}, "otp": {code}}
	}
	pushed := func(a *asking, grantType string) error { // the second poll has the answer
		login, token := "refuse@example.com", a.token
		if grantType == oobGrant {
			token = okta.Secret{}
		}
		c, err := challenge(a, token, login, "push")
		if err != nil {
			return err
		}
		form := url.Values{"grant_type": {grantType}, "oob_code": {c.OOBCode.Reveal()}}
		if grantType == mfaOOBGrant {
			form.Set("mfa_token", "")
		}
		a.org.Clock().Advance(5 * time.Second)
		return send(a, form)
	}
	for _, test := range []struct {
		user, want string
		ask        func(a *asking) error
	}{
		{"otp@", "wrong_code", func(a *asking) error { return send(a, code("000000")) }},
		{"", "wrong_code_alone", func(a *asking) error {
			return send(a, url.Values{"grant_type": {otpGrant}, "login_hint": {"otp@example.com"}, "otp": {"000000"}})
		}},
		{"push@", "factor_unusable", func(a *asking) error { return send(a, code("123456")) }},
		{"otp@", "factor_unusable", func(a *asking) error {
			_, err := challenge(a, a.token, "", "push")
			return err
		}},
		{"", "factor_unusable_alone", func(a *asking) error {
			_, err := challenge(a, okta.Secret{}, "nobody@example.com", "push")
			return err
		}},
		{"refuse@", "push_rejected", func(a *asking) error { return pushed(a, mfaOOBGrant) }},
		{"", "push_rejected", func(a *asking) error { return pushed(a, oobGrant) }},
		{"otp@", "second_factor_expired", func(a *asking) error {
			a.org.Clock().Advance(time.Hour)
			return send(a, code("123456"))
		}},
		{"otp@", "factor_for_other_scopes", func(a *asking) error {
			form := code("123456")
			form.Set("scope", "openid profile")
			return send(a, form)
		}},
		{"otp@", "factor_at_other_server", func(a *asking) (err error) {
			if a.as.Server, err = okta.NewAuthorizationServer(a.org.URL(), okta.OrgServer); err != nil {
				return err
			}
			return send(a, code("123456"))
		}},
		{"otp@", "factor_of_other_client", func(a *asking) error {
			a.as.ID = "0oaOTPOnlyClient0001"
			return send(a, code("123456"))
		}},
		{"mfa@", "factor_of_other_sign_in", func(a *asking) error {
			c, err := challenge(a, a.token, "", "push")
			if err == nil {
				err = send(a, url.Values{"grant_type": {oobGrant}, "oob_code": {c.OOBCode.Reveal()}})
			}
			return err
		}},
		{"mfa@", "channel_unsupported", func(a *asking) error {
			_, err := challenge(a, a.token, "", "fax")
			return err
		}},
		{"", "policy_not_satisfied", func(a *asking) error {
			return send(a, url.Values{"grant_type": {otpGrant}, "login_hint": {"denied@example.com"}, "otp": {"123456"}})
		}},
		{"", "direct_grant_off", func(a *asking) error {
			a.as.ID = oktatest.DefaultClientID
			_, err := challenge(a, okta.Secret{}, "push@example.com", "push")
			return err
		}},
		{"", "factor_grants_off", func(a *asking) error {
			a.as.ID = "0oaOTPOnlyClient0001"
			_, err := a.as.Token(a.t.Context(), passwordForm("push@example.com"))
			return err
		}},
	} {
		org, client := startOrg(t, oktatest.Options{PollInterval: time.Second})
		client.ID, client.Auth = oktatest.DirectAuthClientID, clientauth.ForSecret(okta.NewSecret(oktatest.DefaultClientSecret))
		a := &asking{t: t, org: org, as: client}
		if test.user != "" {
			_, err := client.Token(t.Context(), passwordForm(test.user+"example.com"))
			if e, ok := errors.AsType[*okta.Error](err); ok {
				a.token = e.MFAToken
			}
			if a.token.IsZero() {
				t.Fatalf("%s: got %v", test.user, err)
			}
		}
		if err := test.ask(a); rowOf(err) != test.want {
			t.Errorf("got %v with the row %q, want %q", err, rowOf(err), test.want)
		}
	}
}

// passwordForm is the sign-in of one of oktatest's users.
func passwordForm(login string) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {login}, "password": {oktatest.DefaultPassword},
		"scope": {"openid"}}
}

// Where no one can give a second factor, the hint names what would help with it, for the same session.
func TestHintsToAMissingFactor(t *testing.T) {
	t.Parallel()
	flags := SessionFlags{Set: map[string]string{"username": "push@example.com"}}
	for _, test := range []struct {
		field   string
		noStore session.NoStore
		want    []string
		absent  string
	}{
		{"factor", "", []string{"terminal with: okauth login --username push@example.com;",
			"okauth login --username push@example.com --factor push", "OKAUTH_OTP", "otp_command"}, "PASSWORD"},
		{"otp", "", []string{"okauth login --username push@example.com", "OKAUTH_OTP", "otp_command"}, "--factor"},
		{"factor", session.StoreOff, []string{"OKAUTH_OTP", "otp_command", "config set storage file"}, "PASSWORD"},
	} {
		err := flags.Advise(&okauth.LoginRequiredError{NoStore: test.noStore,
			Err: &grant.InteractionRequiredError{Field: test.field, Resume: grant.Device{}}})
		hint := Hint(err)
		for _, part := range test.want {
			if !strings.Contains(hint, part) || strings.Contains(hint, test.absent) || ExitCode(err) != ExitLoginRequired {
				t.Errorf("%s: got exit code %d, %q", test.field, ExitCode(err), hint)
			}
		}
	}
	for _, code := range []grant.Factor{grant.FactorSMS, grant.FactorVoice} {
		if hint := factorAdvice(code); strings.Contains(hint, "OTP") {
			t.Errorf("%s: got %q", code, hint)
		}
	}
}
