package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

func someIdentity() store.Identity {
	return store.Identity{"dev", "https://dev-1.okta.com/oauth2/default", "0oab8eb55Kb9jdMIr5d6", "alice@example.com", "password"}
}

func someSession() *store.Session {
	return &store.Session{
		Identity: someIdentity(), Username: "Zoë\u2028😀<&>", Factor: "push", Revision: 1<<64 - 1,
		Refresh: store.RefreshToken{
			Value: okta.NewSecret("canary-refresh"), Requested: []string{"openid", "offline_access"}, Granted: []string{"offline_access"},
			ObtainedAt: time.Date(2026, 11, 22, 17, 0, 0, 1, time.UTC), Rotation: store.Rotating,
		},
		DPoPKey: okta.NewSecret("canary-key"), DPoPNonce: "nonce!",
		Sets: []store.TokenSet{{
			Requested: []string{"openid", "profile"}, Granted: []string{"openid"},
			AccessToken: okta.NewSecret("canary.access-_~+/=="), IDToken: okta.NewSecret("canary.id.token"), TokenType: "Bearer",
			ObtainedAt: time.Date(2026, 11, 22, 18, 0, 0, 123456789, time.UTC), ExpiresIn: time.Hour,
		}, {
			Requested: []string{"orders:read"}, Exchange: "audience=café&x", IssuedTokenType: "urn:x",
			AccessToken: okta.NewSecret("canary-exchanged"), TokenType: "N_A", DPoPKey: okta.NewSecret("canary-key"),
			ObtainedAt: time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC), ExpiresIn: time.Minute,
		}},
		DeviceSecret: okta.NewSecret("canary-device"),
	}
}

// plain makes secrets comparable.
func plain(s *store.Session) string {
	r := s.Refresh
	out := fmt.Sprintf("%q %q %q %#v %q %q %d %q %q %q %s %v", s.DeviceSecret.Reveal(),
		s.DPoPKey.Reveal(), s.DPoPNonce, s.Identity, s.Username, s.Factor, s.Revision,
		r.Value.Reveal(), r.Requested, r.Granted, r.ObtainedAt.UTC().Format(time.RFC3339Nano), r.Rotation)
	for _, set := range s.Sets {
		out += fmt.Sprintf(" %q %q %q %q %q %q %q %q %s %s", set.DPoPKey.Reveal(), set.Exchange, set.IssuedTokenType, set.Requested, set.Granted, set.AccessToken.Reveal(), set.IDToken.Reveal(),
			set.TokenType, set.ObtainedAt.UTC().Format(time.RFC3339Nano), set.ExpiresIn)
	}
	return out
}

func TestSessionsRoundTrip(t *testing.T) {
	ctx := t.Context()
	m := new(memory.Store)
	s := store.Sessions{Items: m}
	if _, err := s.Load(ctx, someIdentity()); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Load of nothing: got %v, want ErrNotFound", err)
	}
	if err := s.Save(ctx, someSession()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load(ctx, someIdentity())
	if err != nil {
		t.Fatal(err)
	}
	if want := plain(someSession()); plain(got) != want {
		t.Errorf("got  %s\nwant %s", plain(got), want)
	}
	value, _ := m.Get(ctx, someIdentity().Account())
	if !store.IsASCII(value) {
		t.Errorf("the value is not printable ASCII: %q", value)
	}
	if err := s.DeleteAccount(ctx, someIdentity().Account()); err != nil || len(m.Accounts()) != 0 {
		t.Errorf("Delete: %v, left %q", err, m.Accounts())
	}
	if err := s.DeleteAccount(ctx, someIdentity().Account()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
}

func TestRotationIsKept(t *testing.T) {
	for _, rotation := range []store.Rotation{store.RotationUnknown, store.Rotating, store.Persistent} {
		s := someSession()
		s.Refresh.Rotation = rotation
		value, err := store.EncodeSession(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.DecodeSession(value); err != nil || got.Refresh.Rotation != rotation {
			t.Errorf("got %+v, %v; want %q", got, err, rotation)
		}
	}
	// Without a token there is nothing to say of it.
	s := someSession()
	s.Refresh = store.RefreshToken{Rotation: store.Rotating, ObtainedAt: time.Now(), Granted: []string{"openid"}}
	value, err := store.EncodeSession(s)
	if err != nil || strings.Contains(string(value), "refresh") {
		t.Errorf("got %s, %v", value, err)
	}
}

func TestKR10_OldFormatIsNamed(t *testing.T) {
	old := `{"okauth":1,"session":{"profile":"dev","issuer":"i","client_id":"c","grant":"password"},"refresh_token":"canary","revision":1,"sets":[]}`
	_, err := store.DecodeSession([]byte(old))
	if got, want := fmt.Sprint(err), "format 1, from before the first release"; !strings.Contains(got, want) || strings.Contains(got, "canary") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKR01_AccountNames(t *testing.T) {
	id := someIdentity()
	// Never change this: another value here means that every session in every keychain is lost.
	if got, want := id.Account(), "dev-886585e0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := store.ClientSecretAccount("dev", "https://dev-1.okta.com", "0oa1"), "dev.secret-fc7a3850"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := store.ClientKeyAccount("dev", "https://dev-1.okta.com", "0oa1"), "dev.key-3b09260c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	shape := regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(\.secret|\.key)?-[0-9a-f]{8}$`)
	seen := map[string]string{}
	add := func(what, account string) {
		if other, ok := seen[account]; ok {
			t.Errorf("%s and %s share the account %q", what, other, account)
		}
		if !shape.MatchString(account) || !store.IsAccount(account) {
			t.Errorf("%s: account %q", what, account)
		}
		seen[account] = what
	}
	add("identity", id.Account())
	v := reflect.ValueOf(&id).Elem()
	for i := range v.NumField() {
		id = someIdentity()
		v.Field(i).SetString(v.Field(i).String() + "x")
		add("other "+v.Type().Field(i).Name, id.Account())
	}
	// Okta ignores the case of user names, and of nothing else.
	id = someIdentity()
	id.User = "Alice@EXAMPLE.com"
	if got, want := id.Account(), someIdentity().Account(); got != want {
		t.Errorf("the user in capitals: got %q, want %q", got, want)
	}
	for _, change := range []func(*store.Identity){
		func(id *store.Identity) { id.Issuer = strings.ToUpper(id.Issuer) },
		func(id *store.Identity) { id.ClientID = strings.ToUpper(id.ClientID) },
		func(id *store.Identity) { id.Grant = strings.ToUpper(id.Grant) },
	} {
		id = someIdentity()
		change(&id)
		add(fmt.Sprintf("%+v", id), id.Account())
	}
	// The same letters, divided otherwise.
	add("ab|c", store.Identity{Profile: "p", Issuer: "ab", ClientID: "c"}.Account())
	add("a|bc", store.Identity{Profile: "p", Issuer: "a", ClientID: "bc"}.Account())
	add("|abc", store.Identity{Profile: "p", ClientID: "abc"}.Account())
	for _, profile := range []string{"Dev", "DEV", "d.ev", "d_ev", "dev.secret", "D.ev", "dev.", "Dev-"} {
		add("profile "+profile, store.Identity{Profile: profile, Issuer: "ab", ClientID: "c"}.Account())
		add("secret of the profile "+profile, store.ClientSecretAccount(profile, "ab", "c"))
		add("key of the profile "+profile, store.ClientKeyAccount(profile, "ab", "c"))
	}
	add("secret", store.ClientSecretAccount("p", "ab", "c"))
	add("secret of another client", store.ClientSecretAccount("p", "a", "bc"))
}

func TestAT93_NeverAnotherUsersToken(t *testing.T) {
	ctx := t.Context()
	m := new(memory.Store)
	s := store.Sessions{Items: m}
	if err := s.Save(ctx, someSession()); err != nil {
		t.Fatal(err)
	}
	other := someIdentity()
	v := reflect.ValueOf(&other).Elem()
	for i := range v.NumField() {
		other = someIdentity()
		v.Field(i).SetString(v.Field(i).String() + "x")
		if _, err := s.Load(ctx, other); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("other %s: got %v, want ErrNotFound", v.Type().Field(i).Name, err)
		}
		// Should the short digests ever collide, the identity inside decides.
		value, _ := m.Get(ctx, someIdentity().Account())
		if err := m.Set(ctx, other.Account(), value); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Load(ctx, other); got != nil || kindOf(err) != "corrupt" {
			t.Errorf("other %s with the same account: got %v, want corrupt", v.Type().Field(i).Name, err)
		}
		_ = m.Delete(ctx, other.Account())
	}
}

// The session of alice is found as Alice, as she was signed in.
func TestCaseOfUser(t *testing.T) {
	s := store.Sessions{Items: new(memory.Store)}
	for _, signedIn := range []string{"alice@example.com", "Alice@Example.com", "ZOË@EXAMPLE.COM"} {
		session := someSession()
		session.Identity.User = signedIn
		if err := s.Save(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		for _, asked := range []string{signedIn, strings.ToLower(signedIn), strings.ToUpper(signedIn)} {
			id := someIdentity()
			id.User = asked
			if got, err := s.Load(t.Context(), id); err != nil || got.Identity.User != signedIn {
				t.Errorf("%s, asked for as %s: got %+v, %v", signedIn, asked, got, err)
			}
		}
	}
}

func TestKR10_GarbledIsNeverReturned(t *testing.T) {
	good, err := store.EncodeSession(someSession())
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, new string) string {
		if !strings.Contains(string(good), old) {
			t.Fatalf("%q is not in %s", old, good)
		}
		return strings.Replace(string(good), old, new, 1)
	}
	tests := []struct{ name, value, want string }{
		{"good", string(good), "ok"},
		{"half", string(good[:len(good)/2]), "corrupt"},
		{"noise of a helper", "security: canary warning " + string(good), "corrupt"},
		{"trailing data", string(good) + "{}", "corrupt"},
		{"another application", "canary-password", "corrupt"},
		{"JSON of another application", `{"access_token":"canary"}`, "corrupt"},
		{"array", `[1]`, "corrupt"},
		{"null", `null`, "corrupt"},
		{"version 0", with(`{"okauth":3,`, `{"okauth":0,`), "corrupt"},
		{"version -1", with(`{"okauth":3,`, `{"okauth":-1,`), "corrupt"},
		{"version text", with(`{"okauth":3,`, `{"okauth":"x",`), "corrupt"},
		{"version 2", with(`{"okauth":3,`, `{"okauth":2,`), "corrupt"},
		{"version 4", with(`{"okauth":3,`, `{"okauth":4,"new":{},`), "unsupported_version"},
		{"version 4 in the same shape", with(`{"okauth":3,`, `{"okauth":4,`), "unsupported_version"},
		{"unknown member", with(`"revision"`, `"canary":1,"generation"`), "corrupt"},
		{"no session", `{"okauth":3}`, "corrupt"},
		{"a client secret", `{"okauth":1,"client_secret":"canary"}`, "corrupt"},
		{"escape in a token", with("canary.access", `canary\u001b[2J`), "corrupt"},
		{"newline in an ID token", with("canary.id", `canary\nid`), "corrupt"},
		{"quote in a refresh token", with("canary-refresh", `canary\"refresh`), "corrupt"},
		{"quote in a DPoP key", with("canary-key", `canary\"key`), "corrupt"},
		{"no refresh token in refresh", with("canary-refresh", ``), "corrupt"},
		{"unknown member of refresh", with(`"rotation":`, `"canary":1,"rotation":`), "corrupt"},
		{"unknown rotation", with(`"rotating"`, `"canary"`), "corrupt"},
		{"refresh token of no time", with(`2026-11-22T17`, `canary`), "corrupt"},
		{"only padding", with("canary.id.token", `==`), "corrupt"},
		{"negative life", with(`"expires_in":3600`, `"expires_in":-1`), "corrupt"},
		{"life that overflows", with(`"expires_in":3600`, `"expires_in":9223372036854775807`), "corrupt"},
		{"fraction", with(`"expires_in":3600`, `"expires_in":0.5`), "corrupt"},
		{"time that is none", with(`2026-11-22T18`, `canary`), "corrupt"},
		{"not ASCII", with(`"Bearer"`, "\"B\u00e9arer\""), "corrupt"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			items := &fixed{[]byte(tt.value)}
			got, err := store.Sessions{Items: items}.Load(t.Context(), someIdentity())
			if kindOf(err) != tt.want || (got != nil) != (tt.want == "ok") {
				t.Errorf("got %v and %s (%v), want %s", got != nil, kindOf(err), err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

// fixed holds one value, whatever it is, under every name.
type fixed struct{ value []byte }

func (f *fixed) Get(context.Context, string) ([]byte, error) { return f.value, nil }
func (f *fixed) Set(context.Context, string, []byte) error   { return nil }
func (f *fixed) Delete(context.Context, string) error        { return nil }

func TestSaveRefusesWhatLoadWouldNotBelieve(t *testing.T) {
	tests := map[string]func(*store.Session){
		"token with a newline":   func(s *store.Session) { s.Sets[0].AccessToken = okta.NewSecret("canary\nx") },
		"token with a quote":     func(s *store.Session) { s.Refresh.Value = okta.NewSecret(`canary"`) },
		"refresh of year 10000":  func(s *store.Session) { s.Refresh.ObtainedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"token that is not UTF8": func(s *store.Session) { s.Sets[0].IDToken = okta.NewSecret("canary\xff") },
		"negative life":          func(s *store.Session) { s.Sets[0].ExpiresIn = -time.Second },
		"endless life":           func(s *store.Session) { s.Sets[0].ExpiresIn = 1<<63 - 1 },
		"name that is not UTF-8": func(s *store.Session) { s.Username = "canary\xff" },
		"year 10000":             func(s *store.Session) { s.Sets[0].ObtainedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			m := new(memory.Store)
			s := someSession()
			spoil(s)
			err := store.Sessions{Items: m}.Save(t.Context(), s)
			if kindOf(err) != "failed" || len(m.Accounts()) != 0 {
				t.Errorf("got %v, stored %q", err, m.Accounts())
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

func TestSessionDoesNotPrintItsTokens(t *testing.T) {
	s := someSession()
	doc, _ := json.Marshal(s)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", s, s, s), fmt.Sprint(*s, s.Sets), string(doc)} {
		if strings.Contains(shown, "canary") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
}

func TestClientSecrets(t *testing.T) {
	ctx := t.Context()
	m := new(memory.Store)
	c := store.ClientSecrets{m}
	account := store.ClientSecretAccount("dev", "https://dev-1.okta.com", "0oa1")
	if _, err := c.Load(ctx, account); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	for _, secret := range []string{"wrong-horse", "with \\ \" ' \n and Zoë"} {
		if err := c.Save(ctx, account, okta.NewSecret(secret)); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Load(ctx, account); err != nil || got.Reveal() != secret {
			t.Errorf("got %q, %v; want %q", got.Reveal(), err, secret)
		}
	}
	for _, secret := range []string{"", "canary\xff"} {
		if err := c.Save(ctx, account, okta.NewSecret(secret)); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("Save of %q: %v", secret, err)
		}
	}
	for value, want := range map[string]string{
		"canary-plain": "corrupt", `{"okauth":1}`: "corrupt", `{"okauth":2,"client_secret":"canary"}`: "unsupported_version",
	} {
		_, err := store.ClientSecrets{&fixed{[]byte(value)}}.Load(ctx, account)
		if kindOf(err) != want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
	if err := c.Delete(ctx, account); err != nil || len(m.Accounts()) != 0 {
		t.Errorf("Delete: %v, left %q", err, m.Accounts())
	}
}

func TestKR13_NoneKeepsNothing(t *testing.T) {
	s := store.Sessions{Items: store.None{}}
	if err := s.Save(t.Context(), someSession()); kindOf(err) != "unavailable" {
		t.Errorf("Save: got %v, want absent", err)
	}
	if _, err := s.Load(t.Context(), someIdentity()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load: got %v, want ErrNotFound", err)
	}
	if err := s.DeleteAccount(t.Context(), someIdentity().Account()); err != nil {
		t.Errorf("Delete: %v", err)
	}
}

func TestMemoryKeepsCopies(t *testing.T) {
	ctx := t.Context()
	m := new(memory.Store)
	value := []byte("wrong-horse")
	if err := m.Set(ctx, "a", value); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	got, _ := m.Get(ctx, "a")
	got[1] = 'X'
	if again, _ := m.Get(ctx, "a"); string(again) != "wrong-horse" {
		t.Errorf("got %q", again)
	}
	if err := m.Set(ctx, "a b", value); kindOf(err) != "failed" {
		t.Errorf("a name that a keychain would refuse: %v", err)
	}
}

func FuzzSession(f *testing.F) {
	good, err := store.EncodeSession(someSession())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"okauth":3,"session":{"profile":"p","issuer":"i","client_id":"c","grant":"g"},"revision":1,"refresh":{"token":"r","obtained_at":"0001-01-01T00:00:00Z"},"sets":[{"obtained_at":"0001-01-01T00:00:00Z","expires_in":0}]}`))
	f.Add([]byte(`{"okauth":4}`))
	f.Add([]byte(`{"okauth":3,"okauth":2}`))
	f.Add([]byte(`{"okauth":3e0,"session":{}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		s, err := store.DecodeSession(value)
		if err != nil {
			var known *store.Error
			if !errors.As(err, &known) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := store.EncodeSession(s)
		if err != nil {
			t.Fatalf("a session that was read cannot be written: %v", err)
		}
		if !store.IsASCII(again) {
			t.Fatalf("not ASCII: %q", again)
		}
		s2, err := store.DecodeSession(again)
		if err != nil || plain(s2) != plain(s) {
			t.Fatalf("changed on the way: %v", err)
		}
	})
}

func kindOf(err error) string {
	var e *store.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrNotFound):
		return "not found"
	case errors.As(err, &e):
		return string(e.Kind)
	default:
		return "untyped: " + err.Error()
	}
}
