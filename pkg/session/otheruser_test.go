package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// elsewhere is a grant whose user signs in on a page, so that its response does not say who it was.
type elsewhere struct{ grant.Grant }

func (g elsewhere) Token(ctx context.Context, c *okta.Client, i grant.Interaction) (*okta.TokenResponse, error) {
	tokens, err := g.Grant.Token(ctx, c, i)
	if err == nil {
		tokens.Username = ""
	}
	return tokens, err
}

// The ID token says who signed in on a page; another user than the one who was asked for is not stored.
func TestWhoSignedInOnAPage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wanted string
		claims map[string]any
		want   string // who signed in; "" where that is an error
	}{
		"no name set":     {"", map[string]any{"preferred_username": "bob@example.com"}, "bob@example.com"},
		"no username":     {"", map[string]any{"email": "bob@mail.example"}, "bob@mail.example"},
		"sub alone":       {"", map[string]any{"sub": "00ubob"}, "00ubob"},
		"as asked":        {"Bob@example.com", map[string]any{"preferred_username": "bob@example.com"}, "Bob@example.com"},
		"local part":      {"bob", map[string]any{"preferred_username": "bob@example.com"}, "bob"},
		"not to compare":  {"bob", map[string]any{"sub": "00ualice"}, "bob"},
		"another":         {"alice@example.com", map[string]any{"preferred_username": "bob@example.com"}, ""},
		"another's local": {"alice", map[string]any{"preferred_username": "bob@example.com"}, ""},
		"another domain":  {"bob@example.org", map[string]any{"preferred_username": "bob@example.com"}, ""},
	} {
		o := newOrg(t, oktatest.Rotation{})
		o.server.Fail("/token", o.withIDToken(test.claims))
		o.want.Username, o.want.Identity.User = test.wanted, test.wanted
		tokens, err := o.manager.Login(t.Context(), o.client, session.Credentials{Grant: elsewhere{o.password()}}, o.want)
		if test.want == "" {
			if _, ok := errors.AsType[*session.OtherUserError](err); !ok || len(o.items.Accounts()) != 0 {
				t.Errorf("%s: got %v, and stored %q", name, err, o.items.Accounts())
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := o.session(t).Username; got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if err == nil && (name == "not to compare") != slices.ContainsFunc(tokens.Warnings, func(w string) bool {
			return strings.Contains(w, "cannot tell whether it is bob who signed in")
		}) {
			t.Errorf("%s: got the warnings %q", name, tokens.Warnings)
		}
	}
}

// asksSecond is a password grant that Okta wants a second factor after.
type asksSecond struct{ first, second grant.Grant }

func (g asksSecond) Token(ctx context.Context, c *okta.Client, i grant.Interaction) (*okta.TokenResponse, error) {
	if _, err := g.first.Token(ctx, c, i); err != nil {
		return nil, err
	}
	return nil, &grant.InteractionRequiredError{Field: "factor", Resume: g.second}
}

// nobody is an Interaction whose methods are not called.
type nobody struct{ grant.Interaction }

// A password that leads to a second factor was accepted; it is not sent again, and the record no longer counts it.
func TestASecondFactorGoesOnWithoutThePassword(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	right := okta.NewSecret(oktatest.DefaultPassword)
	o.server.Fail("/token", oktatest.Respond(400, http.Header{"Content-Type": {"application/json"}},
		`{"error":"invalid_grant","error_description":"The credentials provided were invalid."}`))
	o.wantRefused(t, o.loginWith(t, oktatest.DefaultPassword, false), 1)
	o.server.ResetRequests()
	c := session.Credentials{
		Grant: asksSecond{o.password(), o.password("openid")}, Password: right, Typed: true, Interaction: nobody{},
	}
	if _, err := o.manager.Login(t.Context(), o.client, c, o.want); err != nil {
		t.Fatal(err)
	}
	if forms := o.forms(); len(forms) != 2 || forms[1].Get("scope") != "openid" {
		t.Errorf("got %d requests, want one of each step", len(forms))
	}
	if err := o.manager.Guard.Check(o.want.Identity.Issuer, o.want.Username, right); err != nil {
		t.Errorf("after the password was accepted: %v", err)
	}
}

// A wrong one-time code of a program says nothing against the password, which is sent with the next code.
func TestAWrongCodeDoesNotBlockThePassword(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.client.ID = oktatest.DirectAuthClientID
	o.want.Identity.ClientID, o.want.Username = oktatest.DirectAuthClientID, "otp@example.com"
	right := okta.NewSecret(oktatest.DefaultPassword)
	login := func(text string) error {
		code := &session.GuardedCode{Next: func(context.Context) (okta.Secret, error) { return okta.NewSecret(text), nil }}
		_, err := o.manager.Login(t.Context(), o.client, session.Credentials{
			Password: right, Code: code, Grant: grant.Password{
				Username: o.want.Username, Password: right, Scopes: o.want.Scopes, OTP: code.Read,
			},
		}, o.want)
		return err
	}
	refused := func(code string) {
		t.Helper()
		if e, ok := errors.AsType[*okta.Error](login(code)); !ok || e.Code != "invalid_grant" {
			t.Fatalf("a wrong code: got %v", e)
		}
	}
	sent := func() (n int) {
		for _, r := range o.server.Requests() {
			if r.Form.Get("otp") != "" {
				n++
			}
		}
		return n
	}
	blocked := func(code string, tooMany bool) {
		t.Helper()
		before := sent()
		err := login(code)
		if e, ok := errors.AsType[*session.PasswordBlockedError](err); !ok || e.What != "one-time code" ||
			e.TooMany != tooMany || !strings.Contains(err.Error(), "one-time code") || sent() != before {
			t.Fatalf("got %v and %d codes sent", err, sent()-before)
		}
	}
	refused("111111")
	blocked("111111", false)
	if err := login("123456"); err != nil {
		t.Fatalf("the right code after it: %v", err)
	}
	blocked("111111", false)
	refused("222222")
	refused("333333")
	refused("444444")
	blocked("123456", true)
}
