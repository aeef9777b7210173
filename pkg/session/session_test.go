package session_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

// start is when the tests' sign-ins happen, far from the real clock.
var start = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

// canned is a grant that brings the same tokens every time.
type canned struct {
	tokens okta.TokenResponse
	err    error
}

func (c canned) Token(context.Context, *okta.Client, grant.Interaction) (*okta.TokenResponse, error) {
	if c.err != nil {
		return nil, c.err
	}
	tokens := c.tokens
	return &tokens, nil
}

func tokensNamed(name string) okta.TokenResponse {
	return okta.TokenResponse{
		AccessToken: okta.NewSecret("fake-access-" + name), TokenType: "Bearer",
		Scope: []string{"openid"}, ExpiresIn: time.Hour, ObtainedAt: start,
	}
}

// fixture is a manager over a store in memory, with a clock of its own.
type fixture struct {
	session.Manager
	now  time.Time
	want session.TokenRequest
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	b := &fixture{now: start, want: session.TokenRequest{
		Identity: store.Identity{Profile: "dev", Issuer: "https://example.okta.com/oauth2/default", ClientID: "0oaexample", Grant: "password"},
		Scopes:   []string{"openid"},
	}}
	b.Manager = session.Manager{Store: store.Sessions{Items: new(memory.Store)}, Now: func() time.Time { return b.now }}
	return b
}

func (b *fixture) login(t *testing.T, tokens okta.TokenResponse, username string) {
	t.Helper()
	b.want.Username = username
	if _, err := b.Login(t.Context(), nil, session.Credentials{Grant: canned{tokens: tokens}}, b.want); err != nil {
		t.Fatal(err)
	}
}

// reason returns why a sign-in is required, and fails when none is.
func (b *fixture) reason(t *testing.T) string {
	t.Helper()
	_, err := b.Token(t.Context(), b.want)
	var required *session.LoginRequiredError
	if !errors.As(err, &required) {
		t.Fatalf("got error %v, want a LoginRequiredError", err)
	}
	return required.Reason
}

func (b *fixture) value(t *testing.T) string {
	t.Helper()
	token, err := b.Token(t.Context(), b.want)
	if err != nil {
		t.Fatal(err)
	}
	return token.Value.Reveal()
}

func (b *fixture) stored(t *testing.T) *store.Session {
	t.Helper()
	s, err := b.Store.Load(t.Context(), b.want.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestST29_TokenIsHandedOutWhileValid(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	if got := b.reason(t); got != "not signed in" {
		t.Errorf("before sign-in: reason %q", got)
	}
	b.login(t, tokensNamed("a"), "alice")
	for _, c := range []struct {
		name   string
		at     time.Duration
		minTTL time.Duration
		valid  bool
		notes  int
	}{
		{"at once", 0, time.Minute, true, 0},
		{"exactly min-ttl left", 59 * time.Minute, time.Minute, true, 0},
		{"a second less than min-ttl", 59*time.Minute + time.Second, time.Minute, false, 0},
		{"no min-ttl, last second", time.Hour - time.Second, 0, true, 0},
		{"expired", time.Hour, 0, false, 0},
		{"long expired", 100 * time.Hour, 0, false, 0},
		{"life shorter than min-ttl", time.Minute, 2 * time.Hour, true, 1},
		{"life shorter than min-ttl, expired", time.Hour, 2 * time.Hour, false, 0},
		{"clock a little behind", -20 * time.Second, time.Minute, true, 0},
		{"clock a day behind", -24 * time.Hour, time.Minute, false, 0},
	} {
		b.now, b.want.MinTTL = start.Add(c.at), c.minTTL
		token, err := b.Token(t.Context(), b.want)
		if (err == nil) != c.valid {
			t.Errorf("%s: got error %v, want valid %v", c.name, err, c.valid)
		}
		if len(token.Notes) != c.notes {
			t.Errorf("%s: notes %q, want %d", c.name, token.Notes, c.notes)
		}
	}
}

func TestAT93_NeverAnotherToken(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	b.login(t, tokensNamed("a"), "alice")
	for name, change := range map[string]func(*session.TokenRequest){
		"profile": func(w *session.TokenRequest) { w.Identity.Profile = "prod" },
		"issuer":  func(w *session.TokenRequest) { w.Identity.Issuer = "https://example.okta.com" },
		"client":  func(w *session.TokenRequest) { w.Identity.ClientID = "0oaother" },
		"user":    func(w *session.TokenRequest) { w.Identity.User = "bob" },
		"grant":   func(w *session.TokenRequest) { w.Identity.Grant = "client_credentials" },
		"fewer":   func(w *session.TokenRequest) { w.Scopes = nil },
		"more":    func(w *session.TokenRequest) { w.Scopes = []string{"openid", "profile"} },
	} {
		w := b.want
		change(&w)
		if token, err := b.Token(t.Context(), w); err == nil {
			t.Errorf("other %s: got a token of %s, want none", name, token.Username)
		}
	}
	b.want.Scopes = []string{"openid", "openid"}
	if got := b.value(t); got != "fake-access-a" {
		t.Errorf("the same scope twice: got %q", got)
	}
}

func TestScopeSetsLiveSideBySide(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	first := tokensNamed("a")
	first.RefreshToken = okta.NewSecret("fake-refresh")
	b.login(t, first, "alice")
	b.want.Scopes = []string{"profile", "openid"}
	b.login(t, tokensNamed("b"), "alice")

	for want, scopes := range map[string][]string{"fake-access-a": {"openid"}, "fake-access-b": {"openid", "profile"}} {
		b.want.Scopes = scopes
		if got := b.value(t); got != want {
			t.Errorf("scopes %q: got %q, want %q", scopes, got, want)
		}
	}
	if got := b.stored(t).Refresh.Value.Reveal(); got != "fake-refresh" {
		t.Errorf("refresh token after a sign-in without offline_access: got %q, want the old one", got)
	}
}

func TestAnotherUserTakesNothingOver(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	first := tokensNamed("a")
	first.RefreshToken = okta.NewSecret("fake-refresh")
	b.login(t, first, "alice")
	b.want.Scopes = []string{"profile"}
	b.login(t, tokensNamed("b"), "bob")
	b.want.Scopes = []string{"openid"}
	b.reason(t)
	if !b.stored(t).Refresh.Value.IsZero() {
		t.Error("bob's session has alice's refresh token")
	}
}

func TestExpiredSetsAreDropped(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	for i := range 20 {
		b.now = start.Add(time.Duration(i) * 2 * time.Hour)
		b.want.Scopes = []string{fmt.Sprintf("scope%d", i)}
		tokens := tokensNamed("a")
		tokens.ObtainedAt = b.now
		b.login(t, tokens, "alice")
	}
	s := b.stored(t)
	if len(s.Sets) != 1 || s.Revision != 20 {
		t.Errorf("got %d sets in generation %d, want 1 in 20", len(s.Sets), s.Revision)
	}
}

// The ID token of a custom server lives an hour, whatever the access token does.
func TestIDTokenHasALifeOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	tokens := tokensNamed("a")
	tokens.ExpiresIn = 24 * time.Hour
	part := base64.RawURLEncoding.EncodeToString
	tokens.IDToken = okta.NewSecret(part([]byte(`{"alg":"RS256"}`)) + "." + part(fmt.Appendf(nil, `{"iss":%q,"aud":%q,"sub":"00u1","iat":%d,"exp":%d}`,
		b.want.Identity.Issuer, b.want.Identity.ClientID, start.Unix(), start.Add(time.Hour).Unix())) + "." + part([]byte("fake")))
	b.login(t, tokens, "alice")
	b.want.Type = session.ID
	b.now = start.Add(59 * time.Minute)
	b.value(t)
	b.now = start.Add(time.Hour)
	if got := b.reason(t); !slices.Contains([]string{"the id token expired at " + start.Add(time.Hour).Local().Format("2006-01-02 15:04:05")}, got) {
		t.Errorf("got reason %q", got)
	}
	b.want.Type = session.Access
	b.value(t)
}

// A token whose scope was never granted needs a sign-in with other scopes. One that Okta left out, although it granted
// the scope, is named, and a sign-in with the same scopes may bring it; if that does not, nor will another.
func TestMissingTokens(t *testing.T) {
	t.Parallel()
	for kind, test := range map[session.TokenType]struct{ scope, leftOut string }{
		session.ID:      {"openid", "Okta granted the scope openid, but left the ID token out of its last response"},
		session.Refresh: {"offline_access", "the session has no refresh token, although Okta granted the scope offline_access"},
	} {
		for granted, want := range map[string]string{test.scope: test.leftOut, "profile": "the session has no " + string(kind) + " token"} {
			b := newFixture(t)
			b.want.Type = kind
			tokens := tokensNamed("a")
			tokens.Scope = []string{granted}
			b.login(t, tokens, "alice")
			_, err := b.Token(t.Context(), b.want)
			required, leftOut := errors.AsType[*session.LoginRequiredError](err)
			if err == nil || err.Error() != want || leftOut != (granted == test.scope) || leftOut && required.Refreshable {
				t.Errorf("%s, granted %s: got %#v, want %q", kind, granted, err, want)
			}
			if !leftOut {
				continue
			}
			sends := func(ctx context.Context, c *session.LoginRequiredError) (session.Credentials, error) {
				return session.Credentials{Grant: canned{tokens: tokens}, Username: "alice"}, nil
			}
			client := func(context.Context) (*okta.Client, error) { return nil, nil }
			_, err = b.Renew(t.Context(), b.want, session.Options{Client: client, Credentials: sends})
			missing, ok := errors.AsType[*session.MissingTokenError](err)
			if !ok || missing.Type != kind || missing.Granted != test.scope || err.Error() != want {
				t.Errorf("%s, after a sign-in: got %#v", kind, err)
			}
		}
	}
}

// broken returns the errors get and set.
type broken struct {
	store.Backend
	get, set error
}

func (b broken) Get(ctx context.Context, account string) ([]byte, error) {
	if b.get != nil && account != "sessions" { // the index is well
		return nil, b.get
	}
	return b.Backend.Get(ctx, account)
}

func (b broken) Set(ctx context.Context, account string, value []byte) error {
	if b.set != nil && account != "sessions" {
		return b.set
	}
	return b.Backend.Set(ctx, account, value)
}

func TestLoginAndABrokenStore(t *testing.T) {
	t.Parallel()
	failed := func(kind store.ErrorKind) error {
		return &store.Error{Kind: kind, Op: "test", Err: errors.New("broken")}
	}
	for _, c := range []struct {
		name         string
		get, set     error
		sent, stored bool
	}{
		{"corrupt entry is written anew", failed(store.Corrupt), nil, true, true},
		{"newer entry is written anew", failed(store.UnsupportedVersion), nil, true, true},
		{"sealed with another key", failed(store.WrongKey), nil, true, true},
		{"locked", failed(store.Locked), nil, false, false},
		{"slow", failed(store.TimedOut), nil, false, false},
		{"full", nil, failed(store.TooBig), true, false},
	} {
		b := newFixture(t)
		items := b.Store.Items
		b.Store.Items = broken{items, c.get, c.set}
		tokens, err := b.Login(t.Context(), nil, session.Credentials{Grant: canned{tokens: tokensNamed("a")}}, b.want)
		if (err == nil) != c.stored {
			t.Errorf("%s: got error %v", c.name, err)
		}
		if (tokens != nil) != c.sent {
			t.Errorf("%s: signed in %v, want %v", c.name, tokens != nil, c.sent)
		}
		_, err = store.Sessions{Items: items}.Load(t.Context(), b.want.Identity)
		if (err == nil) != c.stored {
			t.Errorf("%s: stored is %v, want %v", c.name, err == nil, c.stored)
		}
	}
}

func TestRefusedLoginChangesNothing(t *testing.T) {
	t.Parallel()
	b := newFixture(t)
	b.login(t, tokensNamed("a"), "alice")
	refused := errors.New("refused")
	if _, err := b.Login(t.Context(), nil, session.Credentials{Grant: canned{err: refused}}, b.want); !errors.Is(err, refused) {
		t.Fatalf("got error %v, want the grant's", err)
	}
	if got := b.value(t); got != "fake-access-a" {
		t.Errorf("got %q, want the token from before", got)
	}
}

// Where Okta did not say how long a token is valid, this is what the user is told, once, and nothing about a minimum that
// the token falls short of.
func TestAT23_NoLifetime(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.server.FailAlways("/token", oktatest.Override("expires_in", ""))
	options := o.options()
	options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
		return o.credentials(), nil
	}
	for _, minTTL := range []time.Duration{time.Minute, time.Hour} {
		o.want.MinTTL, o.want.Fresh = minTTL, true
		signedIn, err := o.manager.Renew(t.Context(), o.want, options)
		if err != nil {
			t.Fatal(err)
		}
		o.want.Fresh = false
		o.clock.Advance(time.Second)
		cached, err := o.manager.Token(t.Context(), o.want)
		if err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]session.CachedToken{"new": signedIn, "cached": cached} {
			if want := []string{okta.LifetimeWarning}; !slices.Equal(token.Notes, want) {
				t.Errorf("%s, at least %s: got the notes %q, want %q", name, minTTL, token.Notes, want)
			}
		}
	}
}
