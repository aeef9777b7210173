package okauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

// org is an Okta with a clock of its own, and the options of a client that signs in there without a person.
type org struct {
	*oktatest.Server
	clock   *oktatest.Clock
	options okauth.Options
	keeps   *memory.Store
}

func newOrg(t *testing.T) *org {
	t.Helper()
	clock := oktatest.NewClock(time.Now())
	server := oktatest.ForTest(t, oktatest.Options{Clock: clock})
	keeps, home := &memory.Store{}, t.TempDir()
	env := map[string]string{
		"OKAUTH_USERNAME": oktatest.DefaultUser, "OKAUTH_PASSWORD": oktatest.DefaultPassword,
		"OKAUTH_CLIENT_SECRET": oktatest.DefaultClientSecret,
	}
	return &org{server, clock, okauth.Options{
		Settings: map[string]string{
			"domain": server.URL(), "client_id": oktatest.DefaultClientID, "scopes": "openid offline_access",
		},
		LookupEnv:     func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		UserConfigDir: func() (string, error) { return home, nil },
		Keychain:      keeps, LockDir: filepath.Join(home, "locks"), Now: clock.Now,
	}, keeps}
}

// withoutPassword returns the options of a client that only a person could sign in.
func (o *org) withoutPassword() okauth.Options {
	options := o.options
	options.LookupEnv = func(name string) (string, bool) {
		if name == "OKAUTH_PASSWORD" {
			return "", false
		}
		return o.options.LookupEnv(name)
	}
	return options
}

func (o *org) open(t *testing.T, options okauth.Options) *okauth.Client {
	t.Helper()
	client, err := okauth.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Wait) // for what may still write into the home of the test
	return client
}

func TestTokenSignsInThenUsesTheCache(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	first, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.AccessToken == "" || first.AccessToken != second.AccessToken {
		t.Error("the second call did not return the cached token")
	}
	if got := len(o.Requests()); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
	if first.TokenType != "Bearer" || !first.Expiry.After(o.clock.Now()) || first.RefreshToken != "" {
		t.Errorf("got type %q, expiry %v, a refresh token: %v", first.TokenType, first.Expiry, first.RefreshToken != "")
	}
}

func TestTokenNeedsALogin(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.withoutPassword())
	_, err := client.Token(t.Context())
	required, ok := errors.AsType[*okauth.LoginRequiredError](err)
	if !ok || required.Profile != config.DefaultProfile || required.NoStore != "" {
		t.Errorf("got %v, want a LoginRequiredError of the default profile", err)
	}
	if _, err := client.Login(t.Context()); err == nil {
		t.Error("Login succeeded without a password or an Interaction")
	}
	if got := len(o.Requests()); got != 0 {
		t.Errorf("got %d requests, want 0", got)
	}
}

// person answers the questions of a sign-in.
type person struct {
	grant.Interaction
	password string
	asked    int
}

func (p *person) CanPrompt() bool                             { return true }
func (p *person) AskUsername(context.Context) (string, error) { return oktatest.DefaultUser, nil }
func (p *person) AskPassword(context.Context, string) (okta.Secret, error) {
	p.asked++
	return okta.NewSecret(p.password), nil
}

func TestLoginAsksAndLogoutRevokes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	options := o.withoutPassword()
	who := &person{password: oktatest.DefaultPassword}
	options.Interaction = who
	client := o.open(t, options)
	signedIn, err := client.Login(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if signedIn.Username != oktatest.DefaultUser || signedIn.Lifetime != time.Hour || who.asked != 1 {
		t.Errorf("got %+v after %d questions", signedIn, who.asked)
	}
	if err := client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	status, err := client.Status(t.Context())
	if err != nil || status.Next != okauth.Ask || len(status.Sessions) != 0 {
		t.Errorf("got %+v, %v after the logout", status, err)
	}
	revoked := 0
	for _, r := range o.Requests() {
		if strings.HasSuffix(r.Path, "/revoke") {
			revoked++
		}
	}
	if revoked == 0 {
		t.Error("no token was revoked")
	}
}

// A password that Okta refused is sent once, however often a program asks.
func TestRefusedPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	options := o.options
	options.Password = func(context.Context) (okta.Secret, error) { return okta.NewSecret("wrong-horse"), nil }
	client := o.open(t, options)
	if _, err := client.Token(t.Context()); !isRejection(err) {
		t.Fatalf("got %v, want Okta's rejection", err)
	}
	for range 3 {
		if _, err := client.Token(t.Context()); err == nil || isRejection(err) {
			t.Errorf("got %v, want the guard's refusal", err)
		}
	}
	if got := len(o.Requests()); got != 1 {
		t.Errorf("the password was sent %d times, want 1", got)
	}
}

func isRejection(err error) bool {
	e, ok := errors.AsType[*okta.Error](err)
	return ok && e.IsRejection()
}

// Goroutines of one program refresh once, as processes do.
func TestConcurrentTokensRefreshOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	if _, err := client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(2 * time.Hour)
	o.ResetRequests()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := client.Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(o.Requests()); got != 1 {
		t.Errorf("got %d requests, want one refresh", got)
	}
}

func TestTokenSourceOfOtherScopes(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	plain, err := client.TokenSource(t.Context()).Token()
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := client.TokenSource(t.Context(), "openid").Token()
	if err != nil {
		t.Fatal(err)
	}
	if plain.AccessToken == narrow.AccessToken {
		t.Error("both sources returned one token")
	}
	if scope, ok := narrow.Extra("scope").([]string); !ok || len(scope) != 1 || scope[0] != "openid" {
		t.Errorf("got the scope %v, want openid", narrow.Extra("scope"))
	}
}

// failing is a keychain that takes no more values.
type failing struct{ *memory.Store }

func (failing) Set(context.Context, string, []byte) error {
	return &store.Error{Kind: store.Failed, Op: "write", Err: errors.New("no space left")}
}

// A token that cannot be stored is handed out with the reason; an oauth2.TokenSource gives the reason as a warning.
func TestUnstoredTokenIsHandedOut(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	if _, err := o.open(t, o.options).Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	options := o.options
	options.Keychain = failing{o.keeps}
	warnings := 0
	options.Events.Warning = func(string) { warnings++ }
	client := o.open(t, options)
	o.clock.Advance(2 * time.Hour)
	token, err := client.Token(t.Context())
	if _, ok := errors.AsType[*session.SaveError](err); !ok || token == nil || token.AccessToken == "" {
		t.Errorf("got a token: %v, error %v; want both", token != nil, err)
	}
	if token, err := client.TokenSource(t.Context()).Token(); err != nil || !token.Valid() || warnings != 1 {
		t.Errorf("got %v and %d warnings, want a token and 1 warning", err, warnings)
	}
}

// api is a resource server that takes any token but those in refused.
func api(t *testing.T, refused *sync.Map) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		body, _ := io.ReadAll(r.Body)
		if _, no := refused.Load(token); no || token == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestHTTPClientRepeatsOnceAfter401(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	token, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var refused sync.Map
	refused.Store(token.AccessToken, true)
	server := api(t, &refused)
	resp, err := client.HTTPClient(t.Context()).Post(server.URL, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "hello" {
		t.Errorf("got %s %q, want the body sent again", resp.Status, body)
	}
	o.ResetRequests()
	// A body that cannot be sent again is sent once.
	refused.Clear()
	if token, err = client.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused.Store(token.AccessToken, true)
	resp, err = client.HTTPClient(t.Context()).Post(server.URL, "text/plain", io.MultiReader(strings.NewReader("hello")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || len(o.Requests()) != 0 {
		t.Errorf("got %s and %d token requests, want 401 and none", resp.Status, len(o.Requests()))
	}
}

// A redirect to another host does not take the token along, and one on the same host does.
func TestHTTPClientKeepsTheTokenAtItsOrigin(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var tokens sync.Map
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tokens.Store("other "+r.URL.Path, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens.Store("first "+r.URL.Path, r.Header.Get("Authorization"))
		next := map[string]string{"/away": other.URL + "/stolen", "/here": "/end"}[r.URL.Path]
		if next != "" {
			http.Redirect(w, r, next, http.StatusFound)
		}
	}))
	t.Cleanup(first.Close)
	client := o.open(t, o.options).HTTPClient(t.Context())
	for _, path := range []string{"/away", "/here"} {
		resp, err := client.Get(first.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for name, want := range map[string]bool{
		"first /away": true, "other /stolen": false, "first /here": true, "first /end": true,
	} {
		if got, ok := tokens.Load(name); !ok || (got != "") != want {
			t.Errorf("%s: reached %t, has a token %t, want %t", name, ok, got != "", want)
		}
	}
}

// An API that refuses every token costs one refresh, not one for each request.
func TestHTTPClientRenewsARefusedTokenOnce(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	if _, err := client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.ResetRequests()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(refuses.Close)
	caller := client.HTTPClient(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			resp, err := caller.Get(refuses.URL)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	if got := len(o.Requests()); got != 1 {
		t.Errorf("got %d token requests, want 1", got)
	}
}

// The token is not sent in the clear: RFC 6750 §5.3.
func TestST04_HTTPClientRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	_, err := o.open(t, o.options).HTTPClient(t.Context()).Get("http://api.example.com/")
	if err == nil || !strings.Contains(err.Error(), "expected https") {
		t.Errorf("got %v, want a refusal before the connection", err)
	}
	if got := len(o.Requests()); got != 0 {
		t.Errorf("got %d requests, want 0", got)
	}
}

// offline is a network that no request may reach.
type offline struct{ t *testing.T }

func (f offline) RoundTrip(r *http.Request) (*http.Response, error) {
	f.t.Errorf("%s was asked for by a transport that connects anywhere", r.URL)
	return nil, errors.New("not here")
}

// Over plain http the token takes a transport that connects to loopback addresses only: localhost may be elsewhere.
func TestHTTPClientHasALoopbackOfItsOwn(t *testing.T) {
	// Not parallel: it replaces what every client of this process uses.
	o := newOrg(t)
	before := http.DefaultTransport
	http.DefaultTransport = offline{t}
	defer func() { http.DefaultTransport = before }()
	got := ""
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
	}))
	defer api.Close()
	resp, err := o.open(t, o.options).HTTPClient(t.Context()).Get(api.URL)
	if err != nil || !strings.HasPrefix(got, "Bearer ey") {
		t.Fatalf("got %v, %.9q", err, got)
	}
	resp.Body.Close()
}

// The settings and the grants know the same grants.
func TestEveryGrantHasItsSettings(t *testing.T) {
	t.Parallel()
	settings := config.Grants()
	if got, want := len(settings), len(grant.All()); got != want {
		t.Errorf("package config knows %d grants, package grant %d", got, want)
	}
	for _, s := range settings {
		g, ok := grant.Lookup(s.Name)
		if !ok || g.User != s.User {
			t.Errorf("grant %q: package grant knows it: %v, and disagrees on whether a user signs in", s.Name, ok)
		}
		if g.Secret == "" {
			continue
		}
		if _, err := config.FindKey(config.FileKey(g.Secret)); err != nil {
			t.Errorf("grant %q: its secret has no setting: %v", s.Name, err)
		}
	}
	if key, err := config.FindKey(config.KeyFactor); err != nil || fmt.Sprint(key.Choices) != fmt.Sprint(grant.Factors()) {
		t.Errorf("package config knows the factors %v, %v, package grant %v", key.Choices, err, grant.Factors())
	}
}

// A redirect that leaves the origin and comes back has an address that another server chose: no token goes there.
func TestHTTPClientKeepsTheTokenAfterADetour(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	var first, other *httptest.Server
	tokens := make(chan string, 2)
	first = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens <- r.Header.Get("Authorization")
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(first.Close)
	other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, first.URL+"/chosen", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(other.Close)
	client := o.open(t, o.options).HTTPClient(t.Context())
	resp, err := client.Post(first.URL+"/away", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if before, after := <-tokens, <-tokens; before == "" || after != "" {
		t.Errorf("a token before the detour: %v, after it: %v; want one before only", before != "", after != "")
	}
}

// A token that was obtained because of a 401 is renewed, too, if the API refuses it later.
func TestHTTPClientRenewsAgainLater(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	client := o.open(t, o.options)
	var refused sync.Map
	server := api(t, &refused)
	caller := client.HTTPClient(t.Context())
	for range 3 {
		token, err := client.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		refused.Store(token.AccessToken, true)
		resp, err := caller.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("got %s, want a new token", resp.Status)
		}
		o.clock.Advance(10 * time.Minute)
	}
}

// A client whose sessions are not kept signs in once, and not for each request.
func TestUnstoredTokenServesTheClient(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.options.Settings["storage"] = okauth.StorageNone
	client := o.open(t, o.options)
	var refused sync.Map
	server := api(t, &refused)
	caller := client.HTTPClient(t.Context())
	get := func(n, signIns int) {
		t.Helper()
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				resp, err := caller.Get(server.URL)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("got %s", resp.Status)
				}
			})
		}
		wg.Wait()
		if got := len(o.Requests()); got != signIns {
			t.Errorf("signed in %d times, want %d", got, signIns)
		}
	}
	get(16, 1)
	token, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refused.Store(token.AccessToken, true)
	get(1, 2)
	get(1, 2)
	o.clock.Advance(2 * time.Hour)
	get(1, 3)
	if err := client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	get(1, 4) // a token from before the logout is not used again
}

// A secret of Options has the rules of one in the settings: none is an error, and no public client.
func TestSecretsOfOptions(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	for _, set := range []func(*okauth.Options, func(context.Context) (okta.Secret, error)){
		func(o *okauth.Options, read func(context.Context) (okta.Secret, error)) { o.Password = read },
		func(o *okauth.Options, read func(context.Context) (okta.Secret, error)) { o.ClientSecret = read },
	} {
		for text, want := range map[string]string{"": "empty", "\n": "empty", "\ufeffcanary-1": "byte order mark"} {
			options := o.options
			set(&options, func(context.Context) (okta.Secret, error) { return okta.NewSecret(text), nil })
			_, err := o.open(t, options).Token(t.Context())
			if e, ok := errors.AsType[*config.Error](err); !ok || !strings.Contains(e.Error(), want) {
				t.Errorf("%q: got %v, want a *config.Error with %q", text, err, want)
			}
		}
	}
	if got := len(o.Requests()); got != 0 {
		t.Errorf("got %d requests, want none", got)
	}
	options := o.options
	options.Password = func(context.Context) (okta.Secret, error) {
		return okta.NewSecret(oktatest.DefaultPassword + "\r\n"), nil
	}
	if _, err := o.open(t, options).Token(t.Context()); err != nil {
		t.Error(err)
	}
}
