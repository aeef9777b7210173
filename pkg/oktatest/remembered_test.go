package oktatest_test

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// A browser that has signed in is sent back at once, to any app, with the time of that sign-in, unless the request is
// for another user, another sign-in, or too late.
func TestRememberedBrowser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		later   time.Duration
		changes map[string]string
		edit    func(*oktatest.Server)
		title   string // of the page; "" for a code
	}{
		"soon":               {time.Minute, nil, nil, ""},
		"no hint":            {time.Minute, map[string]string{"login_hint": ""}, nil, ""},
		"hint without case":  {time.Minute, map[string]string{"login_hint": "ALICE@example.com"}, nil, ""},
		"another user":       {time.Minute, map[string]string{"login_hint": "bob@example.com"}, nil, "Sign in"},
		"another app":        {time.Minute, map[string]string{"client_id": oktatest.PublicClientID}, nil, ""},
		"prompt=login":       {time.Minute, map[string]string{"prompt": "login"}, nil, "Sign in"},
		"prompt=consent":     {time.Minute, map[string]string{"prompt": "consent"}, nil, "Allow access?"},
		"young enough":       {time.Minute, map[string]string{"max_age": "60"}, nil, ""},
		"too old":            {time.Minute, map[string]string{"max_age": "59"}, nil, "Sign in"},
		"two hours":          {2*time.Hour - 1, nil, nil, ""},
		"more":               {2 * time.Hour, nil, nil, "Sign in"},
		"second factor":      {time.Minute, map[string]string{"acr_values": "urn:okta:loa:2fa:any"}, otpForAlice, "Enter a code"},
		"locked":             {time.Minute, nil, setAlice(oktatest.Locked), "Sign in"},
		"deactivated":        {time.Minute, nil, setAlice(oktatest.Deactivated), "Sign in"},
		"removed":            {time.Minute, nil, func(s *oktatest.Server) { s.RemoveUser(oktatest.DefaultUser) }, "Sign in"},
		"reset":              {time.Minute, nil, (*oktatest.Server).Reset, "Sign in"},
		"scope with consent": {time.Minute, map[string]string{"scope": "openid api:consent"}, nil, "Allow access?"},
	} {
		s := start(t)
		b := newBrowser(t, s)
		first := s.Clock().Now()
		b.open(t, authorizeURL(s, nil)).password(t, oktatest.DefaultUser).result(t)
		s.Clock().Advance(test.later)
		if test.edit != nil {
			test.edit(s)
		}
		p := b.open(t, authorizeURL(s, test.changes))
		if p.title() != test.title {
			t.Errorf("%s: got %d %q, want %q", name, p.Status, p.title(), test.title)
		}
		if test.title == "" && test.changes["client_id"] == "" {
			tokens := send(t, s, redeeming(t, s, p.result(t).Get("code"), nil))
			_, claims, _ := open(t, tokens.member(t, "id_token"), nil)
			mustMatch(t, name, claims, `.*"amr":\["pwd"\],.*"auth_time":`+strconv.FormatInt(first.Unix(), 10)+`,.*`)
		}
		silent := maps.Clone(test.changes)
		if silent == nil {
			silent = map[string]string{}
		}
		if silent["prompt"] == "" {
			silent["prompt"] = "none"
			want := map[string]string{"": "", "Allow access?": "consent_required"}
			code, ok := want[test.title]
			if !ok {
				code = "login_required"
			}
			if got := b.open(t, authorizeURL(s, silent)).result(t); got.Get("error") != code || got.Has("code") != (code == "") {
				t.Errorf("%s, prompt=none: got %q", name, got)
			}
		}
	}
}

func otpForAlice(s *oktatest.Server) {
	alice, _ := s.User(oktatest.DefaultUser)
	alice.Factors = map[string]string{oktatest.FactorOTP: oktatest.DefaultOTP}
	s.AddUser(alice)
}

func setAlice(status oktatest.UserStatus) func(*oktatest.Server) {
	return func(s *oktatest.Server) { s.SetUserStatus(oktatest.DefaultUser, status) }
}

// Each browser is remembered for itself, until it signs out. A refused sign-in is not remembered, and a policy counts
// each time.
func TestBrowserIsForgotten(t *testing.T) {
	t.Parallel()
	s := start(t)
	silent := authorizeURL(s, map[string]string{"prompt": "none"})
	b := newBrowser(t, s)
	if got := b.open(t, silent).result(t); got.Get("error") != "login_required" || got.Get("state") != "state <&>" {
		t.Errorf("new: got %q", got)
	}
	code := b.open(t, authorizeURL(s, nil)).password(t, oktatest.DefaultUser).result(t).Get("code")
	idToken := send(t, s, redeeming(t, s, code, nil)).member(t, "id_token")
	if got := newBrowser(t, s).open(t, silent).result(t); got.Get("error") != "login_required" {
		t.Errorf("another browser: got %q", got)
	}
	if got := b.open(t, strings.Replace(silent, "/default/", "/"+oktatest.NoPolicyServerID+"/", 1)).result(t); got.Get("error") != "access_denied" {
		t.Errorf("a server without a policy: got %q", got)
	}
	b.open(t, s.URL()+defaultBase+"logout?id_token_hint=x")
	if got := b.open(t, silent).result(t); got.Get("code") == "" {
		t.Errorf("after a refused sign-out: got %q", got)
	}
	b.open(t, s.URL()+defaultBase+"logout?id_token_hint="+idToken)
	if got := b.open(t, silent).result(t); got.Get("error") != "login_required" {
		t.Errorf("after the sign-out: got %q", got)
	}
	s.Clock().Advance(time.Second)
	b.open(t, authorizeURL(s, map[string]string{"prompt": "consent"})).password(t, oktatest.DefaultUser).submit(t, map[string]string{"decision": "deny"}).result(t)
	if got := b.open(t, silent).result(t); got.Get("error") != "login_required" {
		t.Errorf("after a refused consent: got %q", got)
	}
}

// The answer comes as the app wants it, a refusal too, and arrives unchanged.
func TestResponseModes(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, mode := range []string{"query", "fragment", "form_post", "okta_post_message"} {
		for _, prompt := range []string{"login", "none"} {
			s.Clock().Advance(time.Second)
			p := newBrowser(t, s).open(t, authorizeURL(s, map[string]string{"response_mode": mode, "prompt": prompt}))
			if prompt == "login" {
				p = p.password(t, oktatest.DefaultUser)
			}
			got := p.form(nil)
			to, err := url.Parse(p.Header.Get("Location"))
			switch {
			case err != nil:
				t.Fatal(err)
			case mode == "query":
				got = to.Query()
			case mode == "fragment":
				got, _ = url.ParseQuery(to.EscapedFragment())
			case p.Status != 200 || p.title() != answerTitle || !strings.Contains(p.Text, ` action="`+oktatest.DefaultRedirectURI+`"`):
				t.Errorf("%s: got %d %q: %s", mode, p.Status, p.title(), p.Text)
			}
			names := []string{"code", "iss", "state"}
			if prompt == "none" {
				names = []string{"error", "error_description", "iss", "state"}
			}
			if !slices.Equal(slices.Sorted(maps.Keys(got)), names) || got.Get("state") != "state <&>" || got.Get("iss") != s.Issuer("default") {
				t.Errorf("%s %s: got %q", mode, prompt, got)
			}
			if p.Status == 200 {
				checkAnswerPage(t, p, mode)
			}
			if prompt == "login" {
				send(t, s, redeeming(t, s, got.Get("code"), nil)).member(t, "id_token")
			}
		}
	}
}

// checkAnswerPage: it has one script, which its policy allows, and may go, and be shown, at the app alone.
func checkAnswerPage(t *testing.T, p page, mode string) {
	t.Helper()
	_, nonce, _ := strings.Cut(p.Text, `<script nonce="`)
	nonce, _, _ = strings.Cut(nonce, `"`)
	want := "default-src 'none'; style-src 'nonce-" + nonce + "'; form-action http://127.0.0.1:8085; frame-ancestors http://127.0.0.1:8085; " +
		"script-src 'nonce-" + nonce + "'; base-uri 'none'"
	if got := p.Header.Get("Content-Security-Policy"); got != want || strings.Count(p.Text, "<script") != 1 {
		t.Errorf("%s: got the policy %q, want %q", mode, got, want)
	}
	if posts := strings.Contains(p.Text, "postMessage("); posts != (mode == "okta_post_message") {
		t.Errorf("%s: got %s", mode, p.Text)
	}
}
