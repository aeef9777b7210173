package okauth_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// newBoundOrg is an org whose client requires DPoP, as the settings say.
func newBoundOrg(t *testing.T) *org {
	t.Helper()
	o := newOrg(t)
	o.options.Settings["client_id"], o.options.Settings["dpop"] = oktatest.DPoPClientID, "true"
	return o
}

// hellos returns the requests to the API, and forgets them.
func (o *org) hellos() (got []oktatest.Request) {
	for _, r := range o.Requests() {
		if r.Path == "/api/hello" {
			got = append(got, r)
		}
	}
	o.ResetRequests()
	return got
}

// Each request has a proof of its own; one that lacks a nonce is repeated, and the next one has it.
func TestST35_HTTPClientProves(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	client := o.open(t, o.options)
	if token, err := client.Token(t.Context()); err != nil || token.TokenType != "DPoP" {
		t.Fatalf("got %+v, %v", token, err)
	}
	o.ResetRequests()
	api := client.HTTPClient(t.Context())
	get := func(want int) []oktatest.Request {
		t.Helper()
		resp, err := api.Get(o.URL() + "/api/hello?x=1")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		requests := len(o.Requests())
		hellos := o.hellos()
		if resp.StatusCode != 200 || !strings.Contains(string(text), oktatest.DefaultUser) || len(hellos) != want ||
			requests != want {
			t.Fatalf("got %s %s after %d requests of %d, want %d", resp.Status, text, len(hellos), requests, want)
		}
		return hellos
	}
	first, second := get(1)[0], get(1)[0]
	if first.Header.Get("DPoP") == second.Header.Get("DPoP") || !strings.HasPrefix(first.Header.Get("Authorization"), "DPoP ") {
		t.Error("two requests have the same proof")
	}
	o.Change(func(options *oktatest.Options) { options.Quirks.ResourceNonce = true })
	get(2)
	get(1)
	o.RotateNonces()
	get(2)
	get(1)
}

// A server that is never content gets two requests, and costs no refresh. A body is sent again if it can be.
func TestST35_HTTPClientRepeatsOnceForANonce(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	client := o.open(t, o.options)
	if _, err := client.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.ResetRequests()
	content := true
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		w.Header().Set("DPoP-Nonce", strings.Repeat("n", len(bodies)))
		if !content || len(bodies) == 1 {
			w.Header().Set("WWW-Authenticate", `Bearer, DPoP algs="ES256", error=use_dpop_nonce`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	api := client.HTTPClient(t.Context())
	for _, test := range []struct {
		content bool
		body    io.Reader
		status  int
		want    []string
	}{
		{true, strings.NewReader("hello"), 200, []string{"hello", "hello"}},
		{false, strings.NewReader("hello"), 401, []string{"hello", "hello"}},
		{false, io.MultiReader(strings.NewReader("hello")), 401, []string{"hello"}},
	} {
		content, bodies = test.content, nil
		resp, err := api.Post(server.URL, "text/plain", test.body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.status || !slices.Equal(bodies, test.want) || len(o.Requests()) != 0 {
			t.Errorf("got %s after %q and %d requests to Okta, want %d after %q",
				resp.Status, bodies, len(o.Requests()), test.status, test.want)
		}
	}
}

// A refused token is replaced by another of the same key.
func TestST35_HTTPClientRenewsABoundToken(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	client := o.open(t, o.options)
	token, err := client.Get(t.Context(), session.Access)
	if err != nil {
		t.Fatal(err)
	}
	server, err := client.OktaClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Revoke(t.Context(), token.Value, "access_token"); err != nil {
		t.Fatal(err)
	}
	o.ResetRequests()
	resp, err := client.HTTPClient(t.Context()).Get(o.URL() + "/api/hello")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	next, err := client.Get(t.Context(), session.Access)
	if resp.StatusCode != 200 || len(o.Requests()) != 3 || err != nil || !next.DPoPKey.Equal(token.DPoPKey) {
		t.Errorf("got %s after %v, %v", resp.Status, o.Requests(), err)
	}
}

// Eight clients at once: one sign-in of two requests, one key.
func TestST35_OneSignInOneKey(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	var mu sync.Mutex
	keys := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		client := o.open(t, o.options)
		all.Go(func() {
			token, err := client.Get(t.Context(), session.Access)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			keys[token.DPoPKey.Reveal()] = true
		})
	}
	all.Wait()
	if len(keys) != 1 || keys[""] || len(o.Requests()) != 2 {
		t.Errorf("%d keys after %d requests, want 1 after 2", len(keys), len(o.Requests()))
	}
}

// Proof and assertion work once, each: the request that is repeated with a nonce has new ones of both.
func TestST35_ST36_ANonceAndAnAssertion(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	app, _ := o.App(oktatest.PrivateKeyClientID)
	app.RequireDPoP = true
	o.AddApp(app)
	env := o.options.LookupEnv
	o.options.LookupEnv = func(name string) (string, bool) {
		if name == "OKAUTH_CLIENT_SECRET" {
			return "", false
		}
		return env(name)
	}
	o.options.Settings["client_id"] = oktatest.PrivateKeyClientID
	o.options.PrivateKey = func(context.Context) (okta.Secret, error) {
		return okta.NewSecret(string(oktatest.TestKey())), nil
	}
	client := o.open(t, o.options)
	if _, err := client.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.clock.Advance(2 * time.Hour)
	o.RotateNonces()
	if _, err := client.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertions, proofs := map[string]bool{}, map[string]bool{}
	for _, r := range o.Requests() {
		assertions[r.Form.Get("client_assertion")], proofs[r.Header.Get("DPoP")] = true, true
	}
	if len(o.Requests()) != 4 || len(assertions) != 4 || len(proofs) != 4 || assertions[""] || proofs[""] {
		t.Errorf("%d assertions and %d proofs in %d requests, want 4 in 4", len(assertions), len(proofs), len(o.Requests()))
	}
}

// Every request of a sign-in with a second factor has the same key, and one of them is repeated for the nonce.
func TestST35_ASecondFactor(t *testing.T) {
	t.Parallel()
	o := newFactorOrg(t, "push", map[string]string{"OKAUTH_FACTOR": "push"})
	app, _ := o.App(oktatest.DirectAuthClientID)
	app.RequireDPoP = true
	o.AddApp(app)
	who := new(phone)
	o.options.Interaction, o.options.Settings["dpop"] = who, "true"
	token, err := o.open(t, o.options).Get(t.Context(), session.Access)
	if err != nil || token.TokenType != okta.TypeDPoP {
		t.Fatalf("got %+v, %v", token, err)
	}
	demands := 0
	for _, r := range o.Requests() {
		if r.ErrorCode == "use_dpop_nonce" {
			demands++
		}
		if proves := r.Header.Get("DPoP") != ""; proves != strings.HasSuffix(r.Path, "/token") {
			t.Errorf("%s has a proof: %t", r.Path, proves)
		}
	}
	if passwords := o.count("/token", "password"); demands != 1 || passwords != 2 || who.pushes.Load() != 1 {
		t.Errorf("%d demands for a nonce, %d passwords, %d pushes, want 1, 2, 1", demands, passwords, who.pushes.Load())
	}
}

// A damaged key costs no request, and the error says what is corrupt.
func TestST35_HTTPClientWithADamagedKey(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	client := o.open(t, o.options)
	if _, err := client.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	sessions := store.Sessions{Items: o.keeps}
	accounts, err := sessions.List(t.Context())
	if err != nil || len(accounts) != 1 {
		t.Fatal(accounts, err)
	}
	s, err := sessions.LoadAccount(t.Context(), accounts[0])
	if err != nil {
		t.Fatal(err)
	}
	s.DPoPKey = okta.NewSecret("canary")
	s.Revision++
	if err := sessions.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	o.ResetRequests()
	_, err = client.HTTPClient(t.Context()).Post(o.URL()+"/api/hello", "text/plain", strings.NewReader("x"))
	if !store.IsKind(err, store.Corrupt) || strings.Contains(err.Error(), "canary") || len(o.Requests()) != 0 {
		t.Errorf("got %v", err)
	}
	if token, err := client.Token(t.Context()); err != nil || token.AccessToken == "" {
		t.Errorf("the token alone: got %v", err)
	}
}

// Without the setting, a refusal says that the application wants it; with it, a server that binds nothing is refused.
func TestST35_TheSettingAndTheApplicationDiffer(t *testing.T) {
	t.Parallel()
	for setting, id := range map[string]string{"false": oktatest.DPoPClientID, "true": oktatest.DefaultClientID} {
		o := newOrg(t)
		options := o.options
		options.Settings = maps.Clone(options.Settings)
		options.Settings["client_id"], options.Settings["dpop"] = id, setting
		if setting == "true" {
			o.FailAlways("/token", oktatest.JSON(`{"access_token":"canary","token_type":"Bearer","expires_in":3600}`))
		}
		_, err := o.open(t, options).Token(t.Context())
		refusal, refused := errors.AsType[*okta.Error](err)
		wrong, isOther := errors.AsType[*okta.TokenTypeError](err)
		if len(o.Requests()) != 1 || len(o.keeps.Accounts()) > 0 ||
			setting == "false" && (!refused || refusal.Code != "invalid_dpop_proof") ||
			setting == "true" && (!isOther || wrong.Expected != "DPoP") {
			t.Errorf("dpop %s: got %v after %d requests", setting, err, len(o.Requests()))
		}
	}
}
