package oktatest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

func startDevice(t *testing.T, s *oktatest.Server, scope string) answer {
	t.Helper()
	return send(t, s, byClient(t, s, s.Issuer("default")+"/v1/device/authorize", url.Values{"scope": {scope}}))
}

// poll returns the error of a poll, or "" and the tokens.
func poll(t *testing.T, s *oktatest.Server, a answer) (code, text string, tokens answer) {
	t.Helper()
	form := url.Values{"grant_type": {deviceGrantType}, "device_code": {a.member(t, "device_code")}}
	got := send(t, s, byClient(t, s, tokenURL(s, "default"), form))
	code, text = got.error(t)
	return code, text, got
}

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := startDevice(t, s, "openid profile offline_access")
	mustMatch(t, "answer", a.Text, `\{"device_code":"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}","user_code":"[A-Z]{8}","verification_uri":"`+s.URL()+`/activate",`+
		`"verification_uri_complete":"`+s.URL()+`/activate\?user_code=[A-Z]{8}","expires_in":600,"interval":5\}`)
	s.Clock().Advance(5 * time.Second)
	if code, text, _ := poll(t, s, a); code != "authorization_pending" || text != "The device authorization is pending. Please try again later." {
		t.Errorf("pending: got %q %q", code, text)
	}

	user := a.member(t, "user_code")
	b := newBrowser(t, s)
	p := b.open(t, a.member(t, "verification_uri_complete"))
	if p.title() != "Connect a device" || p.form(nil).Get("user_code") != user {
		t.Fatalf("got %q: %s", p.title(), p.Text)
	}
	p = p.submit(t, map[string]string{"user_code": "ABCD"})
	if p.title() != "Error: Connect a device" || p.alert() != "The user code is invalid or has expired." || p.form(nil).Get("user_code") != "ABCD" {
		t.Errorf("wrong code: got %q %q", p.title(), p.alert())
	}
	p = p.submit(t, map[string]string{"user_code": " " + strings.ToLower(user[:4]) + "-" + user[4:]})
	if p.title() != "Sign in" || !strings.Contains(p.Text, "<strong>Sandbox</strong>") {
		t.Fatalf("got %q: %s", p.title(), p.Text)
	}
	p = p.password(t, oktatest.DefaultUser)
	if p.title() != "Allow access?" || !strings.Contains(p.Text, user[:4]+"-"+user[4:]) || !strings.Contains(p.Text, "Scopes: <code>offline_access openid profile</code>") {
		t.Fatalf("got %q: %s", p.title(), p.Text)
	}
	p = p.submit(t, map[string]string{"decision": "allow"})
	if p.Status != 200 || p.title() != "Device connected" || !strings.Contains(p.Text, "<strong>"+oktatest.DefaultUser+"</strong>") {
		t.Errorf("got %d %q: %s", p.Status, p.title(), p.Text)
	}

	s.Clock().Advance(5 * time.Second)
	code, _, tokens := poll(t, s, a)
	if code != "" || tokens.member(t, "refresh_token") == "" {
		t.Fatalf("got %s", tokens.Text)
	}
	if _, claims, _ := open(t, tokens.member(t, "id_token"), nil); strings.Contains(claims, "nonce") || !strings.Contains(claims, `"preferred_username":"alice@example.com"`) ||
		!strings.Contains(claims, `"auth_time":1785585605,`) {
		t.Errorf("ID token: %s", claims)
	}
	s.Clock().Advance(5 * time.Second)
	if code, text, _ := poll(t, s, a); code != "invalid_grant" || text != "The device code is invalid or has expired." {
		t.Errorf("used again: got %q %q", code, text)
	}
	if p := b.open(t, a.member(t, "verification_uri_complete")).submit(t, nil); p.alert() != "The user code is invalid or has expired." {
		t.Errorf("user code used again: got %q", p.alert())
	}
}

func allowDevice(t *testing.T, s *oktatest.Server, a answer) {
	t.Helper()
	p := newBrowser(t, s).open(t, a.member(t, "verification_uri_complete")).submit(t, nil).password(t, oktatest.DefaultUser)
	if p = p.submit(t, map[string]string{"decision": "allow"}); p.title() != "Device connected" {
		t.Errorf("got %q %q", p.title(), p.alert())
	}
}

// Whoever enters the code last has the device, and has to sign in.
func TestDeviceCodeEnteredTwice(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := startDevice(t, s, "openid")
	enter := func(b *browser) page { return b.open(t, a.member(t, "verification_uri_complete")).submit(t, nil) }
	first, second := newBrowser(t, s), newBrowser(t, s)
	consent := enter(first).password(t, oktatest.DefaultUser)
	if p := enter(second); p.title() != "Sign in" {
		t.Errorf("another browser: got %q", p.title())
	}
	if p := consent.submit(t, map[string]string{"decision": "allow"}); p.title() != "Sign-in failed" {
		t.Errorf("the first browser: got %q", p.title())
	}
	s.Clock().Advance(time.Second)
	old, consent := enter(second), enter(second).password(t, oktatest.DefaultUser)
	consent.submit(t, map[string]string{"decision": "deny"})
	if p := old.password(t, oktatest.DefaultUser); p.title() != "Sign-in failed" {
		t.Errorf("another tab, afterwards: got %q", p.title())
	}
}

func TestDeviceOfAUserWhoIsGone(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := startDevice(t, s, "openid")
	allowDevice(t, s, a)
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	s.Clock().Advance(5 * time.Second)
	if code, _, got := poll(t, s, a); code != "invalid_grant" {
		t.Errorf("got %s", got.Text)
	}
}

func TestDevicePolling(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{PollInterval: 2 * time.Second})
	a := startDevice(t, s, "openid")
	if !strings.Contains(a.Text, `"interval":2}`) {
		t.Errorf("got %s", a.Text)
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{2 * time.Second, "authorization_pending"}, {2 * time.Second, "authorization_pending"},
		{1999 * time.Millisecond, "slow_down"}, {6 * time.Second, "slow_down"},
		{12 * time.Second, "authorization_pending"}, {600 * time.Second, "expired_token"},
	} {
		s.Clock().Advance(step.after)
		if code, _, got := poll(t, s, a); code != step.want || got.Status != 400 {
			t.Errorf("after %v: got %d %q, want %q", step.after, got.Status, code, step.want)
		}
	}
	if p := newBrowser(t, s).open(t, a.member(t, "verification_uri_complete")).submit(t, nil); p.alert() != "The user code is invalid or has expired." {
		t.Errorf("an expired user code: got %q", p.alert())
	}
}

// Who denies, or may not sign in, tells the device so.
func TestDeviceDenied(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct{ login, decision, alert string }{
		{oktatest.DefaultUser, "deny", "The resource owner or authorization server denied the request."},
		{"unassigned@example.com", "", "User is not assigned to the client application."},
	} {
		a := startDevice(t, s, "openid")
		p := newBrowser(t, s).open(t, a.member(t, "verification_uri_complete")).submit(t, nil).password(t, test.login)
		if test.decision != "" {
			p = p.submit(t, map[string]string{"decision": test.decision})
		}
		if p.title() != "Sign-in failed" || p.alert() != test.alert || !strings.Contains(p.Text, "The device does not get access.") {
			t.Errorf("%s: got %q %q", test.login, p.title(), p.alert())
		}
		s.Clock().Advance(5 * time.Second)
		if code, text, got := poll(t, s, a); got.Status != 400 || code != "access_denied" || text != "The resource owner or authorization server denied the request." {
			t.Errorf("%s: got %d %q %q", test.login, got.Status, code, text)
		}
	}
}

func TestDeviceAuthorizationRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{UserCodes: 2}})
	if code, text := startDevice(t, s, "").error(t); code != "invalid_scope" || text != "No scopes were requested." {
		t.Errorf("no scope: got %q %q", code, text)
	}
	r := newPost(t, s.Issuer("default")+"/v1/device/authorize", url.Values{"client_id": {oktatest.PublicClientID}, "scope": {"openid"}})
	if got := send(t, s, r); got.Status != 200 {
		t.Errorf("a public client: got %d %s", got.Status, got.Text)
	}
	r = newPost(t, s.Issuer("default")+"/v1/device/authorize", url.Values{"scope": {"openid"}})
	r.SetBasicAuth(oktatest.NoPasswordClientID, oktatest.DefaultClientSecret)
	if code, _ := send(t, s, r).error(t); code != "unauthorized_client" {
		t.Errorf("without the grant: got %q", code)
	}
	a := startDevice(t, s, "openid")
	allowDevice(t, s, startDevice(t, s, "openid")) // waits for no user
	if got := startDevice(t, s, "openid"); got.Status != 200 {
		t.Errorf("the second: got %s", got.Text)
	}
	got := startDevice(t, s, "openid")
	if code, text := got.error(t); got.Status != 429 || code != "too_many_user_codes" || text != "Too many user codes generated. Please try again later." {
		t.Errorf("the third: got %d %q %q", got.Status, code, text)
	}
	s.Clock().Advance(600 * time.Second)
	if got := startDevice(t, s, "openid"); got.Status != 200 {
		t.Errorf("after the first expired: got %s", got.Text)
	}
	form := url.Values{"grant_type": {deviceGrantType}, "device_code": {a.member(t, "device_code")}, "client_id": {oktatest.PublicClientID}}
	if code, text := send(t, s, newPost(t, tokenURL(s, "default"), form)).error(t); code != "invalid_grant" || !strings.HasPrefix(text, "The grant was issued to another client.") {
		t.Errorf("another client: got %q %q", code, text)
	}
	org := byClient(t, s, tokenURL(s, "org"), url.Values{"grant_type": {deviceGrantType}, "device_code": {a.member(t, "device_code")}})
	if code, _ := send(t, s, org).error(t); code != "invalid_request" {
		t.Errorf("another server: got %q", code)
	}
	unknown := byClient(t, s, tokenURL(s, "default"), url.Values{"grant_type": {deviceGrantType}, "device_code": {"canary-code"}})
	if code, _ := send(t, s, unknown).error(t); code != "invalid_grant" {
		t.Errorf("unknown: got %q", code)
	}
}
