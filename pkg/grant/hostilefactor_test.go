package grant

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"okauth/pkg/okta"
)

const (
	mfaRequired = `403 {"error":"mfa_required","error_description":"Verify.","mfa_token":"canary-mfa"}`
	pushSent    = `200 {"challenge_type":"http://auth0.com/oauth/grant-type/mfa-oob","oob_code":"canary-oob",` +
		`"expires_in":300,"interval":5,"channel":"push","binding_method":"none"}`
	messageSent = `200 {"oob_code":"canary-oob","expires_in":300,"channel":"sms","binding_method":"prompt"}`
	wrongAnswer = `400 {"error":"invalid_grant","error_description":"The 'otp' provided is either empty or incorrect."}`
)

// signInWith signs in with a password and the factor f, in the time of a synctest bubble.
func signInWith(ctx context.Context, t *testing.T, s *script, p *phone, f Factor) (*okta.TokenResponse, error) {
	client := s.client(t)
	client.Wait = nil
	s.began = time.Now()
	return Password{Username: "alice", Password: okta.NewSecret("canary-password"), Scopes: []string{"openid"},
		Factor: f}.Token(ctx, client, p)
}

// Each hostile or broken answer ends the sign-in in time, and nothing is returned or sent again.
func TestHostileSecondFactor(t *testing.T) {
	t.Parallel()
	with := func(old, new string) string { return strings.Replace(pushSent, old, new, 1) }
	const denied = `400 {"error":"access_denied"}`
	for _, test := range []struct {
		name    string
		factor  Factor
		answers []string // after mfa_required
		asked   []int    // when, in seconds
		end     time.Duration
		err     string
	}{
		{"interval 0", "push", []string{with(`:5`, `:0`), pending, denied}, []int{0, 0, 1, 2}, 2 * time.Second,
			"access_denied"},
		{"interval 1e9", "push", []string{with(`:5`, `:1e9`), pending, denied}, []int{0, 0, 60, 120}, 2 * time.Minute,
			"access_denied"},
		{"no interval", "push", []string{with(`"interval":5,`, ``), denied}, []int{0, 0, 5}, 5 * time.Second,
			"access_denied"},
		{"expires_in -1", "push", []string{with("300", "-1")}, []int{0, 0}, 0, "expires_in"},
		{"expires_in 1e9", "push", []string{with("300", "1e9"), slower}, []int{0, 0, 5, 15, 30, 50, 75, 105, 140, 180, 225,
			275, 330, 390, 455, 525, 600, 680, 765, 855, 950, 1050, 1155, 1265, 1380, 1500, 1625, 1755}, 30 * time.Minute,
			"push has expired"},
		{"never", "push", []string{with("300", "20"), pending}, []int{0, 0, 5, 10, 15}, 20 * time.Second,
			"push has expired"},
		{"slow down each time", "push", []string{with("300", "100"), slower}, []int{0, 0, 5, 15, 30, 50, 75},
			100 * time.Second, "push has expired"},
		{"network error while polling", "push", []string{with("300", "30"), ""}, []int{0, 0, 5, 15}, 30 * time.Second,
			"push has expired"},
		{"number with an escape sequence", "push", []string{with(`"none"`, `"transfer","binding_code":"\u001b[2J"`)},
			[]int{0, 0}, 0, "binding_code"},
		{"a code to type for a push", "push", []string{with(`"none"`, `"prompt"`)}, []int{0, 0}, 0, "binding_method"},
		{"network error after the code", "otp", []string{"", goodTokens}, []int{0, 0}, 0, "okta.example.com"},
		{"server down after the code", "otp", []string{`503 {"errorCode":"E0000010"}`, goodTokens}, []int{0, 0}, 0,
			"could not handle"},
		{"page of a proxy after the code", "otp", []string{"502 <html>", goodTokens}, []int{0, 0}, 0, "HTML"},
		{"too many codes", "otp", []string{`429 {"error":"invalid_grant"}`, goodTokens}, []int{0, 0}, 0, "rate-limited"},
		{"wrong code three times", "otp", []string{wrongAnswer, wrongAnswer, wrongAnswer, goodTokens}, []int{0, 0, 0, 0}, 0,
			"empty or incorrect"},
		{"network error after the code of a message", "sms", []string{messageSent, "", goodTokens}, []int{0, 0, 0}, 0,
			"okta.example.com"},
		{"wrong code of a message three times", "sms", []string{messageSent, wrongAnswer, wrongAnswer, wrongAnswer,
			goodTokens}, []int{0, 0, 0, 0, 0}, 0, "empty or incorrect"},
		{"network error at the challenge", "sms", []string{"", messageSent, goodTokens}, []int{0, 0}, 0,
			"okta.example.com"},
		{"mfa_required without end", "otp", []string{mfaRequired}, []int{0, 0}, 0, "the person has left"},
		{"no mfa_token", "otp", []string{`403 {"error":"mfa_required"}`}, []int{0, 0}, 0, "mfa_required"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: append([]string{mfaRequired}, test.answers...)}
			p := &phone{codes: []string{"canary-1", "canary-2", "canary-3", "canary-4"}}
			tokens, err := signInWith(t.Context(), t, s, p, test.factor)
			if !slices.Equal(s.seconds(), test.asked) || time.Since(s.began) != test.end {
				t.Errorf("%s: asked at %v, ended after %s", test.name, s.seconds(), time.Since(s.began))
			}
			if tokens != nil || err == nil || !strings.Contains(err.Error(), test.err) ||
				strings.Contains(err.Error(), "canary") || okta.Sanitize(err.Error(), 500) != err.Error() {
				t.Errorf("%s: got %+v, %v", test.name, tokens, err)
			}
			if p.done != len(p.pushes) {
				t.Errorf("%s: %d pushes shown, %d done", test.name, len(p.pushes), p.done)
			}
			sent := map[string]bool{}
			for _, form := range s.forms {
				code := form.Get("otp") + form.Get("binding_code")
				if code != "" && sent[code] {
					t.Errorf("%s: the code %s was sent twice", test.name, code)
				}
				sent[code] = true
			}
		})
	}
}

// A person who stops is not signed in by a push that is approved afterwards.
func TestPushAfterTheContextEnded(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Duration{"asleep": 7 * time.Second, "at the answer": 0} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := &script{answers: []string{mfaRequired, pushSent, pending, goodTokens}}
			if at > 0 {
				time.AfterFunc(at, cancel)
			}
			s.after = func(n int) {
				if at == 0 && n == 4 {
					cancel()
				}
			}
			p := new(phone)
			tokens, err := signInWith(ctx, t, s, p, "push")
			if tokens != nil || !errors.Is(err, context.Canceled) || p.done != 1 {
				t.Errorf("%s: got %+v, %v, done %d times", name, tokens, err, p.done)
			}
			if asked := len(s.asked); at > 0 && (asked != 3 || time.Since(s.began) != at) {
				t.Errorf("%s: asked %d times, ended after %s", name, asked, time.Since(s.began))
			}
		})
	}
}

// A push that no one answers leaves the other factors, as long as Okta remembers the password.
func TestExpiredPushOffersTheMenu(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		brief := strings.Replace(pushSent, "300", "12", 1)
		s := &script{answers: []string{mfaRequired, brief, pending, pending, goodTokens}}
		p := &phone{choices: []Factor{"push", "otp"}, codes: []string{"123456"}}
		tokens, err := signInWith(t.Context(), t, s, p, "")
		if err != nil || tokens.Factor != "otp" || tokens.Username != "alice" {
			t.Errorf("got %+v, %v", tokens, err)
		}
		if want := []int{0, 0, 5, 10, 12}; !slices.Equal(s.seconds(), want) {
			t.Errorf("asked at %v, want %v", s.seconds(), want)
		}
		if len(p.asked) != 4 || !strings.HasSuffix(p.asked[2], "push has expired: no one approved it in time") {
			t.Errorf("asked %q", p.asked)
		}
	})
}
