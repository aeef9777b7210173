package oktatest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// mustRefuse checks that the answer is a refusal with this code.
func mustRefuse(t *testing.T, what string, got answer, want string) {
	t.Helper()
	if code, _ := got.error(t); code != want {
		t.Errorf("%s: got %d %s, want %q", what, got.Status, got.Text, want)
	}
}

// Each code and token is good for one sign-in, and a wrong code uses up none.
func TestFactorsAreUsedOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Change(func(o *oktatest.Options) { o.Limits.MessagesPer30Seconds = 0 })
	form := challenged(t, s, "mfa@example.com", "sms")
	mustRefuse(t, "wrong code", direct(t, s, "token", with(form, "binding_code", "000000")), "invalid_grant")
	mustHaveMethods(t, "then the right one", direct(t, s, "token", with(form, "binding_code", "436575")), `["sms","mfa","pwd"]`)
	mustRefuse(t, "used mfa_token", direct(t, s, "token", form), "access_denied")
	mustRefuse(t, "used oob_code", direct(t, s, "token", with(form, "mfa_token", mfaToken(t, s, "mfa@example.com"))), "access_denied")

	form = alone(t, s, "voice@example.com", "voice")
	mustHaveMethods(t, "a first factor", direct(t, s, "token", with(form, "binding_code", "436575")), `["tel"]`)
	mustRefuse(t, "used twice", direct(t, s, "token", form), "access_denied")
}

// A request for a new push leaves the mfa_token as it is, also after the user rejected one.
func TestAnotherFactorAfterRejection(t *testing.T) {
	t.Parallel()
	s := start(t)
	user, _ := s.User("refuse@example.com")
	user.Factors = map[string]string{"push": "reject", "otp": "123456"}
	s.AddUser(user)
	form := challenged(t, s, "refuse@example.com", "push")
	s.Clock().Advance(5 * time.Second)
	mustRefuse(t, "rejected", direct(t, s, "token", form), "invalid_grant")
	mustHaveMethods(t, "a code instead", direct(t, s, "token", otpAfter(form.Get("mfa_token"))), `["otp","mfa","pwd"]`)
}

// The lifetime of what a sign-in waits with can be set, and is announced.
func TestLifetimeOfFactors(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Lifetimes: oktatest.Lifetimes{Factor: time.Minute}, PollInterval: 1500 * time.Millisecond})
	a := direct(t, s, "primary-authenticate", primary("push@example.com", "push"))
	if !strings.Contains(a.Text, `"expires_in":60,"interval":2,`) {
		t.Errorf("got %s", a.Text)
	}
	form := values("grant_type", oktatest.GrantOOB, "oob_code", a.member(t, "oob_code"), "scope", "openid")
	token := mfaToken(t, s, "otp@example.com")
	s.Clock().Advance(time.Minute - time.Nanosecond)
	mustRefuse(t, "in time", direct(t, s, "token", form), "authorization_pending")
	s.Clock().Advance(time.Nanosecond)
	mustRefuse(t, "too late", direct(t, s, "token", form), "access_denied")
	mustRefuse(t, "too late, too", direct(t, s, "token", otpAfter(token)), "access_denied")
}

// Where a policy wants two factors, any of them can be the first.
func TestTwoFactors(t *testing.T) {
	t.Parallel()
	s := start(t)
	const login = "two@example.com"
	mustHaveMethods(t, "password, code", direct(t, s, "token", otpAfter(mfaToken(t, s, login))), `["otp","mfa","pwd"]`)

	a := direct(t, s, "token", with(alone(t, s, login, "sms"), "binding_code", "436575"))
	mustRefuse(t, "text message", a, "mfa_required")
	mustHaveMethods(t, "text message, code", direct(t, s, "token", otpAfter(a.member(t, "mfa_token"))), `["otp","mfa","sms"]`)

	s.Clock().Advance(5 * time.Minute)
	a = direct(t, s, "token", otpAlone(login, oktatest.DefaultOTP))
	mustRefuse(t, "code", a, "mfa_required")
	token := a.member(t, "mfa_token")
	form := values("grant_type", oktatest.GrantMFAOOB, "mfa_token", token, "scope", "openid",
		"oob_code", direct(t, s, "challenge", challenge(token, "push")).member(t, "oob_code"))
	for _, want := range []string{"authorization_pending", ""} {
		s.Clock().Advance(5 * time.Second)
		a = direct(t, s, "token", form)
		mustRefuse(t, "code, push", a, want)
	}
	mustHaveMethods(t, "code, push", a, `["swk","mfa","otp"]`)
}

// Wrong codes and wrong passwords lock the user together. A right password alone forgives none of them, a sign-in does.
func TestWrongCodesLockOut(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{MaxAttempts: 3}})
	const login = "otp@example.com"
	wrong := func() { mustRefuse(t, "wrong code", direct(t, s, "token", otpAlone(login, "000000")), "invalid_grant") }
	wrong()
	wrong()
	mustHaveMethods(t, "a sign-in", direct(t, s, "token", otpAfter(mfaToken(t, s, login))), `["otp","mfa","pwd"]`)
	wrong()
	wrong()
	mfaToken(t, s, login)
	if u, _ := s.User(login); u.Status != oktatest.Active {
		t.Errorf("after two: got %q", u.Status)
	}
	mustRefuse(t, "wrong password", direct(t, s, "token", with(password(login), "password", "wrong-horse")), "invalid_grant")
	if u, _ := s.User(login); u.Status != oktatest.Locked {
		t.Errorf("after three: got %q", u.Status)
	}
	mustRefuse(t, "the right code", direct(t, s, "token", otpAlone(login, "123456")), "invalid_grant")
}

// The limits are those of a user, whatever the grant, and pass.
func TestLimitsOfFactors(t *testing.T) {
	t.Parallel()
	s := start(t)
	const login = "mfa@example.com"
	for range 5 {
		direct(t, s, "token", otpAlone(login, "000000"))
	}
	token := mfaToken(t, s, login)
	got := direct(t, s, "token", otpAfter(token))
	if mustRefuse(t, "sixth", got, "invalid_grant"); got.Status != 429 {
		t.Errorf("sixth: got %d", got.Status)
	}
	mustHaveMethods(t, "another user", direct(t, s, "token", otpAlone("otp@example.com", "123456")), `["otp"]`)
	form := challenged(t, s, login, "sms")
	if got := direct(t, s, "challenge", challenge(token, "voice")); got.Status != 429 {
		t.Errorf("second message: got %d %s", got.Status, got.Text)
	}
	if got := direct(t, s, "challenge", challenge(token, "push")); got.Status != 200 {
		t.Errorf("a push is no message: got %d %s", got.Status, got.Text)
	}
	s.Clock().Advance(30 * time.Second)
	if got := direct(t, s, "challenge", challenge(token, "voice")); got.Status != 200 {
		t.Errorf("after 30 seconds: got %d %s", got.Status, got.Text)
	}
	s.Clock().Advance(4 * time.Minute)
	if got := direct(t, s, "token", with(form, "binding_code", "436575")); got.Status != 429 {
		t.Errorf("a code of a message: got %d %s", got.Status, got.Text)
	}
	s.Clock().Advance(time.Minute)
	mustHaveMethods(t, "after 5 minutes", direct(t, s, "token", otpAfter(mfaToken(t, s, login))), `["otp","mfa","pwd"]`)
}

// Every poll is recorded with its answer; one that comes too early makes the interval longer, and is not counted.
func TestPollsAreRecorded(t *testing.T) {
	t.Parallel()
	s := start(t)
	form := challenged(t, s, "push@example.com", "push")
	s.ResetRequests()
	want := []string{"slow_down", "authorization_pending", "slow_down", "slow_down", ""}
	for _, seconds := range []int{4, 10, 9, 14, 20} {
		s.Clock().Advance(time.Duration(seconds) * time.Second)
		direct(t, s, "token", form)
	}
	var got []string
	for _, r := range s.Requests() {
		got = append(got, r.ErrorCode)
		if r.Form.Get("oob_code") != form.Get("oob_code") || strings.Contains(r.String(), form.Get("oob_code")) {
			t.Errorf("got %v", r)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A code needs no challenge, but has one. What a client cannot do is left out.
func TestChallengeTypes(t *testing.T) {
	t.Parallel()
	s := start(t)
	form := challenge(mfaToken(t, s, "mfa@example.com"), "")
	form.Set("challenge_types_supported", oktatest.GrantMFAOOB+" "+oktatest.GrantMFAOTP)
	if got := direct(t, s, "challenge", form); got.Text != `{"challenge_type":"`+oktatest.GrantMFAOTP+`"}` {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
	form.Set("channel_hint", "push")
	if got := direct(t, s, "challenge", form); got.Status != 200 || got.member(t, "challenge_type") != oktatest.GrantMFAOOB {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
	form.Set("challenge_types_supported", oktatest.GrantMFAOTP)
	mustRefuse(t, "a push, by one who cannot poll", direct(t, s, "challenge", form), "invalid_request")
}
