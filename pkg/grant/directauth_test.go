package grant

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"okauth/pkg/okta"
)

// signer is a grant of this file that asks nothing but the factor.
func signer(name, login string, f Factor, otp func(context.Context) (okta.Secret, error)) Grant {
	username, scopes := login+"@example.com", []string{"openid", "api:read"}
	if name == "otp" {
		return OTP{Username: username, Scopes: scopes, OTP: otp}
	}
	return OOB{Username: username, Scopes: scopes, Factor: f, Last: "sms", OTP: otp}
}

// A factor alone, and a second one where Okta wants it. No password is sent.
func TestFactorAlone(t *testing.T) {
	t.Parallel()
	source := func(context.Context) (okta.Secret, error) { return okta.NewSecret("123456"), nil }
	broken := func(context.Context) (okta.Secret, error) { return okta.Secret{}, errors.New("no oathtool") }
	const menu = "menu [push sms voice]"
	push := []string{"primary-authenticate", "oob authorization_pending", "oob"}
	for _, test := range []struct {
		name, grant, user string
		fixed             Factor
		otp               func(context.Context) (okta.Secret, error)
		choices           []Factor
		codes             []string
		asked             []string // beginnings
		steps             []string
		factor            string // "" where the sign-in fails
	}{
		{"code", "otp", "otp", "", nil, nil, []string{"123456"}, []string{"code of otp"}, []string{"otp"}, "otp"},
		{"the factor is another one", "otp", "otp", "push", nil, nil, []string{"123456"}, []string{"code of otp"},
			[]string{"otp"}, "otp"},
		{"source", "otp", "otp", "", source, nil, nil, nil, []string{"otp"}, "otp"},
		{"broken source", "otp", "otp", "", broken, nil, nil, nil, nil, ""},
		{"wrong code three times", "otp", "otp", "", nil, nil, []string{"1", "2", "3", "123456"},
			[]string{"code of otp", "code of otp The", "code of otp The"},
			slices.Repeat([]string{"otp invalid_grant"}, 3), ""},
		{"code, then another factor", "otp", "two", "", source, []Factor{"sms"}, []string{"436575"},
			[]string{menu, "code of sms"}, []string{"otp mfa_required", "challenge", "mfa-oob"}, "sms"},
		{"push", "oob", "push", "push", nil, nil, nil, []string{"push "}, push, "push"},
		{"number", "oob", "number", "", nil, []Factor{"push"}, nil, []string{menu, "push 95"}, push, "push"},
		{"text message, wrong code first", "oob", "sms", "", nil, []Factor{"sms"}, []string{"1", "436575"},
			[]string{menu, "code of sms", "code of sms The"},
			[]string{"primary-authenticate", "oob invalid_grant", "oob"}, "sms"},
		{"refused push, then a call", "oob", "refuse", "", nil, []Factor{"push"}, nil,
			[]string{menu, "push ", menu + "Okta refused the sign-in: User rejected"},
			[]string{"primary-authenticate", "oob invalid_grant"}, ""},
		{"factor that the user lacks", "oob", "voice", "", nil, []Factor{"sms", "voice"}, []string{"436575"},
			[]string{menu, menu + "Okta refused the sign-in: The required authenticator", "code of voice"},
			[]string{"primary-authenticate access_denied", "primary-authenticate", "oob"}, "voice"},
		{"call, then a code", "oob", "two", "voice", nil, []Factor{"otp"}, []string{"436575", "123456"},
			[]string{"code of voice", "menu [push otp sms]", "code of otp"},
			[]string{"primary-authenticate", "oob mfa_required", "mfa-otp"}, "otp"},
		{"call, then a source", "oob", "two", "voice", source, nil, []string{"436575"}, []string{"code of voice"},
			[]string{"primary-authenticate", "oob mfa_required", "mfa-otp"}, "otp"},
		{"not out of band", "oob", "otp", "otp", source, nil, nil, nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, client := startDirect(t)
			p := &phone{choices: test.choices, codes: test.codes}
			tokens, err := signer(test.grant, test.user, test.fixed, test.otp).Token(t.Context(), client, p)
			if (err == nil) != (test.factor != "") || err == nil &&
				(tokens.Factor != test.factor || tokens.Username != test.user+"@example.com") {
				t.Errorf("got %+v, %v", tokens, err)
			}
			if !slices.EqualFunc(p.asked, test.asked, strings.HasPrefix) {
				t.Errorf("asked %q, want %q", p.asked, test.asked)
			}
			if !slices.Equal(steps(s), test.steps) {
				t.Errorf("sent %q, want %q", steps(s), test.steps)
			}
			for _, r := range s.Requests() {
				token := strings.HasSuffix(r.Path, "/token")
				if token != (r.Form.Get("scope") == "openid api:read") || r.Form.Has("password") {
					t.Errorf("%s: got the scope %q", r, r.Form["scope"])
				}
			}
			if p.done != len(p.pushes) {
				t.Errorf("%d pushes shown, %d done", len(p.pushes), p.done)
			}
		})
	}
}

func TestFactorAloneForms(t *testing.T) {
	t.Parallel()
	s, client := startDirect(t)
	p := &phone{codes: []string{"123456", "436575"}}
	for name, f := range map[string]Factor{"otp": "", "oob": "voice"} {
		p.codes = []string{"123456"}
		if name == "oob" {
			p.codes = []string{"436575"}
		}
		if _, err := signer(name, "mfa", f, nil).Token(t.Context(), client, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.Requests() {
		scope := []string{"openid api:read"}
		login := []string{"mfa@example.com"}
		want := url.Values{"grant_type": {oobGrantType}, "oob_code": r.Form["oob_code"], "binding_code": {"436575"},
			"scope": scope}
		switch {
		case strings.HasSuffix(r.Path, "/primary-authenticate"):
			want = url.Values{"login_hint": login, "channel_hint": {"voice"}, "challenge_hint": {oobGrantType}}
		case r.Form.Get("grant_type") == otpGrantType:
			want = url.Values{"grant_type": {otpGrantType}, "login_hint": login, "otp": {"123456"}, "scope": scope}
		}
		if r.Form.Encode() != want.Encode() {
			t.Errorf("%s: got %v, want %v", r, r.Form, want)
		}
	}
	if got := len(s.Requests()); got != 3 {
		t.Errorf("%d requests, want 3", got)
	}
}

// Without a person nothing is sent, unless a source has the code; mistakes are seen before anything is sent.
func TestFactorAloneWithoutAPerson(t *testing.T) {
	t.Parallel()
	s, client := startDirect(t)
	for _, name := range []string{"otp", "oob"} {
		for what, params := range map[string]Params{
			"otp": {Username: "push@example.com", Scopes: []string{"openid"}}, "username": {Scopes: []string{"openid"}},
			"scopes": {Username: "push@example.com"}, "one-time code": {Username: "x", Scopes: []string{"openid"},
				OTP: func(context.Context) (okta.Secret, error) { return okta.Secret{}, nil }},
		} {
			var g Grant = OOB{Username: params.Username, Scopes: params.Scopes, OTP: params.OTP}
			if name == "otp" {
				g = OTP{Username: params.Username, Scopes: params.Scopes, OTP: params.OTP}
			}
			_, err := g.Token(t.Context(), client, nil)
			required, asks := errors.AsType[*InteractionRequiredError](err)
			mistake, wrong := errors.AsType[*InputError](err)
			switch {
			case name == "oob" && asks && required.Field == "" && required.Resume == nil:
			case name == "otp" && asks && required.Field == what && required.Resume == nil:
			case name == "otp" && wrong && mistake.Field == what:
			default:
				t.Errorf("%s without %s: got %v", name, what, err)
			}
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	_, err := signer("otp", "two", "", func(context.Context) (okta.Secret, error) {
		return okta.NewSecret("123456"), nil
	}).Token(t.Context(), client, nil)
	required, ok := errors.AsType[*InteractionRequiredError](err)
	if !ok || required.Resume == nil {
		t.Fatalf("a second factor after a code: got %v", err)
	}
	p := &phone{choices: []Factor{"voice"}, codes: []string{"436575"}}
	if tokens, err := required.Resume.Token(t.Context(), client, p); err != nil || tokens.Factor != "voice" {
		t.Errorf("its continuation: got %+v, %v", tokens, err)
	}
}

// A broken connection or a hostile answer ends the sign-in; no code and no request for a push is sent twice.
func TestHostileFactorAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, grant string
		factor      Factor
		answers     []string
		asked       []int
		err         string
	}{
		{"network error after the code", "otp", "", []string{"", goodTokens}, []int{0}, "okta.example.com"},
		{"server down after the code", "otp", "", []string{`503 {"errorCode":"E0000010"}`, goodTokens}, []int{0},
			"could not handle"},
		{"network error at the push", "oob", "push", []string{"", goodTokens}, []int{0}, "okta.example.com"},
		{"expires_in -1", "oob", "push", []string{strings.Replace(pushSent, "300", "-1", 1), goodTokens}, []int{0},
			"expires_in"},
		{"interval 0, and never", "oob", "push", []string{
			strings.Replace(strings.Replace(pushSent, `:5`, `:0`, 1), "300", "4", 1), pending}, []int{0, 1, 2, 3},
			"push has expired"},
		{"mfa_required without end", "oob", "push", []string{pushSent, mfaRequired, pushSent, mfaRequired},
			[]int{0, 5}, "the person has left"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: test.answers, began: time.Now()}
			client := s.client(t)
			client.Wait = nil
			p := &phone{codes: []string{"canary-1", "canary-2"}}
			tokens, err := signer(test.grant, "alice", test.factor, nil).Token(t.Context(), client, p)
			if tokens != nil || err == nil || !strings.Contains(err.Error(), test.err) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %+v, %v", test.name, tokens, err)
			}
			if !slices.Equal(s.seconds(), test.asked) {
				t.Errorf("%s: asked at %v, want %v", test.name, s.seconds(), test.asked)
			}
		})
	}
}

// Which refusals are about the factor alone. A code that was wrong three times is none: the account would be locked.
func TestWhatTheMenuIsOfferedFor(t *testing.T) {
	t.Parallel()
	refusal := func(code, text string) error { return &okta.Error{Status: 403, Code: code, Description: text} }
	for _, test := range []struct {
		err         error
		push, typed bool
	}{
		{&ExpiredError{What: "push"}, true, true},
		{refusal("invalid_grant", "User rejected out-of-band authentication prompt."), true, false},
		{&okta.Error{Status: 429, Code: "invalid_grant"}, true, true},
		{refusal("unauthorized_client", "x"), true, true},
		{refusal("access_denied", "Unable to prompt for the requested authenticators. Review the …"), true, true},
		{refusal("access_denied", "The required authenticator cannot be used. Check if it is …"), true, true},
		{refusal("access_denied", "'oob_code' has expired. Use a new 'oob_code' and try again."), true, true},
		{refusal("access_denied", "The grant types required to satisfy sign on policy are disabled for the client."), true,
			true},
		{refusal("invalid_request", "'sms' is not supported as a 'channel_hint'. Try again with another value."), true, true},
		{refusal("access_denied", "'mfa_token' has expired. Use a new 'mfa_token' and try again."), false, false},
		{refusal("access_denied", "No supported authenticators are available."), false, false},
		{refusal("access_denied", "The user is not challenged for any authenticators by the current policy."), false, false},
		{refusal("invalid_client", ""), false, false},
		{refusal("invalid_scope", ""), false, false},
		{&okta.NetworkError{Err: errors.New("x")}, false, false},
		{context.Canceled, false, false},
	} {
		if push, typed := mayChooseAgain(FactorPush, test.err), mayChooseAgain(FactorSMS, test.err); push != test.push ||
			typed != test.typed {
			t.Errorf("%v: got %t after a push, %t after a code", test.err, push, typed)
		}
	}
}
