package okauth_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/store/memory"
)

// phone is a person with a phone. The methods of a terminal are not called.
type phone struct {
	grant.Interaction
	pushes, codes atomic.Int32
	chose         grant.Factor // from the menu
	last          grant.Factor // that the menu proposed
	code          string
	pushed        func() // called when a push is shown
	answered      func() // called when it is shown no longer
}

func (p *phone) CanPrompt() bool { return true }
func (p *phone) ChooseFactor(
	_ context.Context, _ []grant.Factor, last grant.Factor, _ string,
) (grant.Factor, error) {
	p.last = last
	return p.chose, nil
}
func (p *phone) AskCode(context.Context, grant.Factor, string) (okta.Secret, error) {
	p.codes.Add(1)
	return okta.NewSecret(p.code), nil
}
func (p *phone) ShowPush(context.Context, grant.Push) (func(), error) {
	p.pushes.Add(1)
	if p.pushed != nil {
		p.pushed()
	}
	return func() {
		if p.answered != nil {
			p.answered()
		}
	}, nil
}

// newFactorOrg is an org whose user, "push" or "otp", must prove a second factor after the password of the settings.
func newFactorOrg(t *testing.T, user string, vars map[string]string) *org {
	t.Helper()
	server := oktatest.ForTest(t, oktatest.Options{PollInterval: time.Second})
	env := map[string]string{
		"OKAUTH_USERNAME": user + "@example.com", "OKAUTH_PASSWORD": oktatest.DefaultPassword,
		"OKAUTH_CLIENT_SECRET": oktatest.DefaultClientSecret,
	}
	maps.Copy(env, vars)
	keeps, home := &memory.Store{}, t.TempDir()
	return &org{server, nil, okauth.Options{
		Settings: map[string]string{
			"domain": server.URL(), "client_id": oktatest.DirectAuthClientID, "scopes": "openid offline_access",
		},
		LookupEnv:     func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		UserConfigDir: func() (string, error) { return home, nil },
		Keychain:      keeps, LockDir: filepath.Join(home, "locks"),
	}, keeps}
}

// count returns how many requests went to a path with that grant type or, without one, with any.
func (o *org) count(path, grantType string) (n int) {
	for _, r := range o.Requests() {
		if strings.HasSuffix(r.Path, path) && (grantType == "" || r.Form.Get("grant_type") == grantType) {
			n++
		}
	}
	return n
}

// Many processes with a password in the settings: one sends it and one rings the phone, and all have its token.
func TestOneCallRingsThePhone(t *testing.T) {
	t.Parallel()
	const calls = 8
	o := newFactorOrg(t, "push", map[string]string{"OKAUTH_FACTOR": "push"})
	who := new(phone)
	o.options.Interaction = who
	tokens := make([]string, calls)
	var all sync.WaitGroup
	for i := range calls {
		client := o.open(t, o.options)
		all.Go(func() {
			token, err := client.Token(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = token.AccessToken
		})
	}
	all.Wait()
	for _, token := range tokens {
		if token == "" || token != tokens[0] {
			t.Errorf("got different tokens")
		}
	}
	if n := o.count("/token", "password"); who.pushes.Load() != 1 || o.count("/challenge", "") != 1 || n != 1 {
		t.Errorf("%d pushes, %d challenges, %d passwords, want one of each",
			who.pushes.Load(), o.count("/challenge", ""), n)
	}
}

// Where nothing is stored each call needs a sign-in of its own, and the phone rings for one after the other.
func TestNothingStoredAndThePhoneRingsInTurn(t *testing.T) {
	t.Parallel()
	const calls = 2
	o := newFactorOrg(t, "push", map[string]string{"OKAUTH_FACTOR": "push", "OKAUTH_STORAGE": "none"})
	var atOnce, most atomic.Int32
	who := &phone{pushed: func() { most.Store(max(most.Load(), atOnce.Add(1))) }, answered: func() { atOnce.Add(-1) }}
	o.options.Interaction = who
	var all sync.WaitGroup
	for range calls {
		client := o.open(t, o.options)
		all.Go(func() {
			if _, err := client.Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if who.pushes.Load() != calls || most.Load() != 1 {
		t.Errorf("%d pushes, %d at once, want %d, 1", who.pushes.Load(), most.Load(), calls)
	}
}

// Who ends while the phone rings stores nothing, and the next one may ask.
func TestStoppedWhileThePhoneRings(t *testing.T) {
	t.Parallel()
	o := newFactorOrg(t, "push", map[string]string{"OKAUTH_FACTOR": "push"})
	ctx, stop := context.WithCancel(t.Context())
	first, second := &phone{pushed: stop}, new(phone)
	o.options.Interaction = first
	if _, err := o.open(t, o.options).Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(o.keeps.Accounts()); n != 0 {
		t.Errorf("%d items are stored", n)
	}
	o.options.Interaction = second
	if _, err := o.open(t, o.options).Token(t.Context()); err != nil || second.pushes.Load() != 1 {
		t.Errorf("the next: got %v after %d pushes", err, second.pushes.Load())
	}
}

// The factor of the last sign-in is proposed at the next one, and status foretells it.
func TestTheLastFactorIsProposed(t *testing.T) {
	t.Parallel()
	o := newFactorOrg(t, "mfa", nil)
	who := &phone{chose: grant.FactorOTP, code: "123456"}
	o.options.Interaction = who
	client := o.open(t, o.options)
	next := func() okauth.NextAction {
		st, err := client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.Next
	}
	if got := next(); got != okauth.SignIn {
		t.Errorf("before the first: status says %s", got) // it cannot know
	}
	signedIn, err := client.Login(t.Context())
	if err != nil || signedIn.Factor != "otp" || who.last != "" || who.codes.Load() != 1 {
		t.Fatalf("got %+v, %v; %q was proposed, %d codes", signedIn, err, who.last, who.codes.Load())
	}
	if got := next(); got != okauth.UseCached {
		t.Errorf("after it: status says %s", got)
	}
	o.options.Scopes = []string{"openid", "profile"}
	client = o.open(t, o.options)
	if got := next(); got != okauth.Ask {
		t.Errorf("for other scopes: status says %s", got)
	}
	if _, err := client.Token(t.Context()); err != nil || who.last != grant.FactorOTP {
		t.Errorf("got %v; %q was proposed", err, who.last)
	}
}

// Without a person and without a code, the error says both that a person must sign in and that it is for a factor;
// with a code, no person is needed.
func TestAFactorWithoutAPerson(t *testing.T) {
	t.Parallel()
	o := newFactorOrg(t, "otp", nil)
	_, err := o.open(t, o.options).Token(t.Context())
	required, ok := errors.AsType[*okauth.LoginRequiredError](err)
	missing, _ := errors.AsType[*grant.InteractionRequiredError](err)
	if !ok || missing == nil || missing.Resume == nil || !strings.Contains(required.Error(), "second factor") {
		t.Errorf("got %v", err)
	}
	o = newFactorOrg(t, "otp", map[string]string{"OKAUTH_OTP": "123 456"})
	st, _ := o.open(t, o.options).Status(t.Context())
	if _, err := o.open(t, o.options).Token(t.Context()); err != nil || st.Next != okauth.SignIn {
		t.Errorf("with a code: status says %s, got %v", st.Next, err)
	}
}
