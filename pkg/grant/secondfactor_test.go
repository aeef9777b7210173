package grant

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// phone is the Interaction of a person with factors. It answers with what it holds, and keeps what it was asked.
type phone struct {
	Interaction
	choices []Factor
	codes   []string
	last    Factor // that the menus proposed
	asked   []string
	pushes  []Push
	done    int
}

func (p *phone) ChooseFactor(_ context.Context, all []Factor, last Factor, problem string) (Factor, error) {
	p.asked = append(p.asked, fmt.Sprint("menu ", all, problem))
	p.last = last
	if len(p.choices) == 0 {
		return "", errors.New("the person has left")
	}
	f := p.choices[0]
	p.choices = p.choices[1:]
	return f, nil
}

func (p *phone) AskCode(_ context.Context, f Factor, problem string) (okta.Secret, error) {
	p.asked = append(p.asked, strings.TrimSpace("code of "+string(f)+" "+problem))
	code := p.codes[0]
	p.codes = p.codes[1:]
	return okta.NewSecret(code), nil
}

func (p *phone) ShowPush(_ context.Context, push Push) (func(), error) {
	p.asked = append(p.asked, "push "+push.Number)
	p.pushes = append(p.pushes, push)
	return func() { p.done++ }, nil
}

// startDirect starts an Okta with Direct Authentication that is polled each second.
func startDirect(t *testing.T) (*oktatest.Server, *okta.Client) {
	t.Helper()
	s := oktatest.ForTest(t, oktatest.Options{PollInterval: time.Second, Limits: &oktatest.Limits{}})
	return s, clientAt(t, s, oktatest.DirectAuthClientID, oktatest.DefaultServerID)
}

// steps returns the requests that were answered, as "grant type or path: error".
func steps(s *oktatest.Server) (all []string) {
	for _, r := range s.Requests() {
		name := r.Form.Get("grant_type")
		if name == "" {
			name = r.Path
		}
		name = name[strings.LastIndexAny(name, "/:")+1:]
		all = append(all, strings.TrimSpace(name+" "+r.ErrorCode))
	}
	return all
}

const wrongCode = "The 'otp' provided is either empty or incorrect. Use the correct OTP and try again."

// Each factor after a password, as Okta's guides have it: the password is sent once.
func TestSecondFactors(t *testing.T) {
	t.Parallel()
	const menu = "menu [push otp sms voice]"
	unusable := " Okta refused the request for the second factor: The required authenticator cannot be used."
	for _, test := range []struct {
		name, user string
		fixed      Factor
		choices    []Factor
		codes      []string
		asked      []string // beginnings
		steps      []string // after the password
		factor     string   // "" where the sign-in fails
	}{
		{"code", "otp", "", []Factor{"otp"}, []string{"123456"}, []string{menu, "code of otp"}, []string{"mfa-otp"}, "otp"},
		{"wrong code first", "otp", "otp", nil, []string{"1", "123456"}, []string{"code of otp", "code of otp " + wrongCode},
			[]string{"mfa-otp invalid_grant", "mfa-otp"}, "otp"},
		{"wrong code three times", "otp", "", []Factor{"otp"}, []string{"1", "2", "3", "123456"},
			[]string{menu, "code of otp", "code of otp " + wrongCode, "code of otp " + wrongCode},
			[]string{"mfa-otp invalid_grant", "mfa-otp invalid_grant", "mfa-otp invalid_grant"}, ""},
		{"push", "push", "push", nil, nil, []string{"push "},
			[]string{"challenge", "mfa-oob authorization_pending", "mfa-oob"}, "push"},
		{"number", "number", "", []Factor{"push"}, nil, []string{menu, "push 95"},
			[]string{"challenge", "mfa-oob authorization_pending", "mfa-oob"}, "push"},
		{"text message", "sms", "", []Factor{"sms"}, []string{"436575"}, []string{menu, "code of sms"},
			[]string{"challenge", "mfa-oob"}, "sms"},
		{"call, wrong code first", "voice", "voice", nil, []string{"1", "436575"},
			[]string{"code of voice", "code of voice " + wrongCode},
			[]string{"challenge", "mfa-oob invalid_grant", "mfa-oob"}, "voice"},
		{"factor that the user lacks", "otp", "", []Factor{"sms", "otp"}, []string{"123456"},
			[]string{menu, menu + unusable, "code of otp"}, []string{"challenge access_denied", "mfa-otp"}, "otp"},
		{"it is fixed", "otp", "sms", nil, nil, nil, []string{"challenge access_denied"}, ""},
		{"refused push", "refuse", "", []Factor{"push"}, nil,
			[]string{menu, "push ", menu + " Okta refused the sign-in: User rejected out-of-band authentication prompt."},
			[]string{"challenge", "mfa-oob invalid_grant"}, ""},
		{"it is fixed", "refuse", "push", nil, nil, []string{"push "}, []string{"challenge", "mfa-oob invalid_grant"}, ""},
		{"nothing works", "otp", "", []Factor{"sms", "voice", "push", "sms", "voice", "push"}, nil,
			[]string{menu, menu + unusable, menu + unusable, menu + unusable, menu + unusable},
			slices.Repeat([]string{"challenge access_denied"}, 5), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, client := startDirect(t)
			p := &phone{choices: test.choices, codes: test.codes}
			login := test.user + "@example.com"
			tokens, err := Password{Username: login, Password: okta.NewSecret(oktatest.DefaultPassword),
				Scopes: []string{"openid", "api:read"}, Factor: test.fixed, Last: "sms"}.Token(t.Context(), client, p)
			if (err == nil) != (test.factor != "") || err == nil && (tokens.Factor != test.factor || tokens.Username != login) {
				t.Errorf("got %+v, %v", tokens, err)
			}
			if !slices.EqualFunc(p.asked, test.asked, func(got, want string) bool {
				return strings.HasPrefix(got, strings.Replace(want, "] ", "]", 1))
			}) {
				t.Errorf("asked %q, want %q", p.asked, test.asked)
			}
			if want := append([]string{"password mfa_required"}, test.steps...); !slices.Equal(steps(s), want) {
				t.Errorf("sent %q, want %q", steps(s), want)
			}
			for _, r := range s.Requests() {
				if scope := r.Form["scope"]; !strings.HasSuffix(r.Path, "/challenge") && !slices.Equal(scope, []string{"openid api:read"}) {
					t.Errorf("%s: got the scope %q", r, scope)
				}
			}
			if p.done != len(p.pushes) || len(p.choices)+len(test.choices) > 0 && p.last != "sms" {
				t.Errorf("%d pushes shown, %d done; proposed %q", len(p.pushes), p.done, p.last)
			}
		})
	}
}

// What is sent in each step.
func TestSecondFactorForms(t *testing.T) {
	t.Parallel()
	s, client := startDirect(t)
	for _, f := range []Factor{"otp", "sms"} {
		s.ResetRequests()
		p := &phone{codes: []string{map[Factor]string{"otp": "123456", "sms": "436575"}[f]}}
		if _, err := (Password{Username: "mfa@example.com", Password: okta.NewSecret(oktatest.DefaultPassword),
			Scopes: []string{"openid"}, Factor: f}).Token(t.Context(), client, p); err != nil {
			t.Fatal(err)
		}
		got := s.Requests()
		last := got[len(got)-1].Form
		token := last.Get("mfa_token")
		want := url.Values{"grant_type": {f.MFAGrantType()}, "scope": {"openid"}, "mfa_token": {token}}
		if f == FactorOTP {
			want.Set("otp", "123456")
		} else {
			want.Set("oob_code", last.Get("oob_code"))
			want.Set("binding_code", "436575")
			ask := url.Values{"mfa_token": {token}, "channel_hint": {"sms"}, "challenge_types_supported": {f.MFAGrantType()}}
			if got[1].Form.Encode() != ask.Encode() {
				t.Errorf("challenge: got %v", got[1].Form)
			}
		}
		if last.Encode() != want.Encode() || len(token) != 20 {
			t.Errorf("%s: got %v", f, last)
		}
	}
}

// Without a person: a source's code is sent, once; everything else waits for a person, who goes on without the password.
func TestSecondFactorWithoutAPerson(t *testing.T) {
	t.Parallel()
	broken := errors.New("ykman is not there")
	source := func(code string, err error) func(context.Context) (okta.Secret, error) {
		return func(context.Context) (okta.Secret, error) { return okta.NewSecret(code), err }
	}
	for _, test := range []struct {
		name  string
		fixed Factor
		otp   func(context.Context) (okta.Secret, error)
		steps []string // after the password
		err   string   // "" for tokens
	}{
		{"source", "", source("123456", nil), []string{"mfa-otp"}, ""},
		{"source and factor", "otp", source("123456", nil), []string{"mfa-otp"}, ""},
		{"wrong code", "", source("1", nil), []string{"mfa-otp invalid_grant"}, wrongCode},
		{"broken source", "", source("", broken), nil, broken.Error()},
		{"empty code", "", source("", nil), nil, "one-time code is empty"},
		{"nothing", "", nil, nil, "factor"},
		{"push, and a source", "push", source("123456", nil), nil, "factor"},
		{"no source", "otp", nil, nil, "otp"},
	} {
		s, client := startDirect(t)
		tokens, err := Password{Username: "mfa@example.com", Password: okta.NewSecret(oktatest.DefaultPassword),
			Scopes: []string{"openid"}, Factor: test.fixed, OTP: test.otp}.Token(t.Context(), client, nil)
		if required, ok := errors.AsType[*InteractionRequiredError](err); ok {
			if required.Field != test.err || required.Resume == nil {
				t.Fatalf("%s: got %+v", test.name, required)
			}
			if _, err := required.Resume.Token(t.Context(), client, nil); err == nil {
				t.Errorf("%s: it went on without a person", test.name)
			}
			p := &phone{choices: []Factor{"sms"}, codes: []string{"123456"}}
			if test.fixed == "" {
				p.codes = []string{"436575"}
			}
			tokens, err = required.Resume.Token(t.Context(), client, p)
			if err != nil || tokens.Username != "mfa@example.com" || tokens.Factor == "" {
				t.Errorf("%s: the continuation got %+v, %v", test.name, tokens, err)
			}
			if all := steps(s); slices.Index(all[1:], "password mfa_required") >= 0 {
				t.Errorf("%s: the password was sent again: %q", test.name, all)
			}
			continue
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %v", test.name, err)
		}
		if err == nil && (tokens.Username != "mfa@example.com" || tokens.Factor != "otp") {
			t.Errorf("%s: got %+v", test.name, tokens)
		}
		if want := append([]string{"password mfa_required"}, test.steps...); !slices.Equal(steps(s), want) {
			t.Errorf("%s: sent %q", test.name, steps(s))
		}
	}
}

// A sign-in that took too long starts again: nothing is asked for in vain.
func TestSecondFactorExpires(t *testing.T) {
	t.Parallel()
	s, client := startDirect(t)
	_, err := Password{Username: "otp@example.com", Password: okta.NewSecret(oktatest.DefaultPassword),
		Scopes: []string{"openid"}}.Token(t.Context(), client, nil)
	required, ok := errors.AsType[*InteractionRequiredError](err)
	if !ok {
		t.Fatal(err)
	}
	s.Clock().Advance(5 * time.Minute)
	p := &phone{choices: []Factor{"otp", "otp"}, codes: []string{"123456", "123456"}}
	_, err = required.Resume.Token(t.Context(), client, p)
	if e, ok := errors.AsType[*okta.Error](err); !ok || !strings.Contains(e.Description, "'mfa_token' has expired") {
		t.Errorf("got %v", err)
	}
	if want := []string{"password mfa_required", "mfa-otp access_denied"}; !slices.Equal(steps(s), want) {
		t.Errorf("sent %q", steps(s))
	}
}
