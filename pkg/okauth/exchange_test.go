package okauth_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// exchangeOrg is an org whose exchanges bring tokens with a number each.
type exchangeOrg struct {
	*org
	sent []exchangeSent
}

// exchangeSent is a request of an exchange: where it went, and with what.
type exchangeSent struct {
	path string
	form url.Values
}

func newExchangeOrg(t *testing.T) *exchangeOrg {
	t.Helper()
	o := &exchangeOrg{org: newOrg(t)}
	o.FailAlways("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasPrefix(r.FormValue("grant_type"), "urn:ietf:params:oauth:") {
			next.ServeHTTP(w, r)
			return
		}
		o.sent = append(o.sent, exchangeSent{r.URL.Path, r.PostForm})
		requested := cmp.Or(r.Form.Get("requested_token_type"), okta.AccessTokenType)
		kind := "Bearer"
		if requested == grant.IDJAGType {
			kind = "N_A"
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"fake-exchanged-%d","token_type":%q,"expires_in":300,"issued_token_type":%q}`,
			len(o.sent), kind, requested)
	})
	return o
}

// exchange returns the token of an exchange, or its error.
func (o *exchangeOrg) exchange(t *testing.T, client *okauth.Client, r okauth.ExchangeRequest) string {
	t.Helper()
	token, err := client.Exchange(t.Context(), r)
	if err != nil {
		return err.Error()
	}
	return token.Value.Reveal()
}

// last returns the last request without its secrets, and its subject.
func (o *exchangeOrg) last() (path, form, subject string) {
	sent := o.sent[len(o.sent)-1]
	subject = sent.form.Get("subject_token")
	sent.form.Del("subject_token")
	return sent.path, sent.form.Encode(), subject
}

const exchangeForm = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"

func TestST37_ExchangeTheSessionsToken(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.options)
	// Not signed in: the subject comes first.
	if got := o.exchange(t, client, okauth.ExchangeRequest{Audience: "api://target", Scopes: []string{"orders:read"}}); got !=
		"fake-exchanged-1" {
		t.Fatal(got)
	}
	own, err := client.Get(t.Context(), session.Access)
	if err != nil {
		t.Fatal(err)
	}
	path, form, subject := o.last()
	want := "audience=api%3A%2F%2Ftarget&" + exchangeForm + "&scope=orders%3Aread&" +
		"subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
	if path != "/oauth2/default/v1/token" || form != want || subject != own.Value.Reveal() {
		t.Errorf("got %s %s, with the session's own token: %t", path, form, subject == own.Value.Reveal())
	}
	id, err := client.Get(t.Context(), session.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := o.exchange(t, client, okauth.ExchangeRequest{SubjectType: session.ID, Resource: "https://api.example.com"})
	_, form, subject = o.last()
	want = exchangeForm + "&resource=https%3A%2F%2Fapi.example.com&" +
		"subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
	if got != "fake-exchanged-2" || form != want || subject != id.Value.Reveal() {
		t.Errorf("got %s, %s, with the ID token: %t", got, form, subject == id.Value.Reveal())
	}
}

// Each member is part of the key.
func TestST37_ExchangesThatDifferAreNotMixed(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.options)
	requests := []okauth.ExchangeRequest{
		{}, {SubjectType: session.ID}, {Audience: "a"}, {Audience: "b"}, {Resource: "urn:a"}, {Audience: "urn:a"},
		{Scopes: []string{"a"}}, {Scopes: []string{"a", "b"}}, {RequestedType: okta.AccessTokenType},
		{RequestedType: "urn:x&audience=a"}, {ResourceServer: o.Issuer("default")},
		{ResourceServer: o.Issuer(oktatest.DefaultScopesServerID)},
	}
	var all []string
	for range 2 {
		for _, r := range requests {
			all = append(all, o.exchange(t, client, r))
		}
	}
	first, second := all[:len(requests)], all[len(requests):]
	if !slices.Equal(first, second) || len(slices.Compact(slices.Sorted(slices.Values(first)))) != len(requests) {
		t.Errorf("got  %q\nthen %q", first, second)
	}
	other := o.options
	other.Settings = map[string]string{
		"domain": o.URL(), "client_id": oktatest.PublicClientID, "server": "other",
	}
	exchanging := o.open(t, other)
	if got := o.exchange(t, exchanging, okauth.ExchangeRequest{Subject: client}); slices.Contains(first, got) {
		t.Errorf("another client got %s", got)
	}
	if path, _, _ := o.last(); path != "/oauth2/other/v1/token" {
		t.Errorf("the exchange went to %s", path)
	}
	fewer := o.options
	fewer.Scopes = []string{"openid"}
	if got := o.exchange(t, o.open(t, fewer), okauth.ExchangeRequest{}); slices.Contains(first, got) {
		t.Errorf("for a token with other scopes: got %s again", got)
	}
	if got := o.exchange(t, client, okauth.ExchangeRequest{Scopes: []string{"b", "a"}}); got != first[7] {
		t.Errorf("the order of scopes has no meaning, got %s, want %s", got, first[7])
	}
	if got := o.exchange(t, client, okauth.ExchangeRequest{Fresh: true}); slices.Contains(all, got) {
		t.Errorf("fresh: got %s again", got)
	}
}

// Two requests, and the ID-JAG between them is neither returned nor stored.
func TestST37_AResourceServerOfTheOrg(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.options)
	issuer := o.Issuer(oktatest.DefaultScopesServerID)
	r := okauth.ExchangeRequest{SubjectType: session.ID, ResourceServer: issuer, Scopes: []string{"orders:read"}}
	if got := o.exchange(t, client, r); got != "fake-exchanged-2" || len(o.sent) != 2 {
		t.Fatalf("got %s by %d requests", got, len(o.sent))
	}
	jag := o.sent[0].form
	if o.sent[0].path != "/oauth2/v1/token" || jag.Get("audience") != issuer || jag.Get("scope") != "orders:read" ||
		jag.Get("requested_token_type") != "urn:ietf:params:oauth:token-type:id-jag" ||
		jag.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:id_token" {
		t.Errorf("the first request: %s %v", o.sent[0].path, jag)
	}
	want := "assertion=fake-exchanged-1&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&scope=orders%3Aread"
	if path, form, _ := o.last(); path != "/oauth2/"+oktatest.DefaultScopesServerID+"/v1/token" || form != want {
		t.Errorf("the second request: %s %s", path, form)
	}
	if x, err := client.NewExchange(r); err != nil || x.Issuer() != issuer {
		t.Errorf("got the issuer %s, %v", x.Issuer(), err)
	}
	o.exchange(t, client, r)
	if len(o.sent) != 2 {
		t.Errorf("%d requests, want 2: the token is cached", len(o.sent))
	}
	if o.stores(t, "fake-exchanged-1") || !o.stores(t, "fake-exchanged-2") {
		t.Error("the ID-JAG is stored, or the token is not")
	}

	r.RequestedType = grant.IDJAGType // asked for: one request each time, and nothing is stored
	for n := 3; n < 5; n++ {
		if got := o.exchange(t, client, r); got != fmt.Sprintf("fake-exchanged-%d", n) || o.stores(t, got) {
			t.Errorf("got %s, stored: %t", got, o.stores(t, got))
		}
	}
	if path, _, _ := o.last(); path != "/oauth2/v1/token" || len(o.sent) != 4 {
		t.Errorf("the ID-JAG is from %s, after %d requests", path, len(o.sent))
	}
}

// The client's credentials go to the org of the settings alone.
func TestST37_AResourceServerElsewhereGetsNothing(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.options)
	_, err := client.Exchange(t.Context(), okauth.ExchangeRequest{ActorType: okta.AccessTokenType})
	if mistake, ok := errors.AsType[*grant.InputError](err); !ok || mistake.Field != "actor token" {
		t.Errorf("no actor: got %v", err)
	}
	o.ResetRequests()
	for _, issuer := range []string{
		"https://evil.example.com/oauth2/default", "https://" + strings.TrimPrefix(o.URL(), "http://") + "/oauth2/default",
		o.URL(), o.URL() + "/oauth2/org", "http://127.0.0.1:1/oauth2/default", "http://localhost" + o.URL()[len("http://127.0.0.1"):] +
			"/oauth2/a", "https://127.0.0.1.evil.example.com/oauth2/a",
	} {
		_, err := client.Exchange(t.Context(), okauth.ExchangeRequest{ResourceServer: issuer})
		if _, ok := errors.AsType[*okauth.ResourceServerError](err); !ok {
			t.Errorf("%s: got %v", issuer, err)
		}
	}
	host := strings.TrimPrefix(o.URL(), "http://")
	for _, issuer := range []string{
		"https://canary@x.example.com/oauth2/a", "http://evil.example.com/", o.URL() + "/oauth2/a?b", o.URL() + "/oauth2/a#b",
		"http://canary@" + host + "/oauth2/a", o.URL() + "@evil.example.com/oauth2/a", o.URL() + `\@evil.example.com/oauth2/a`,
		o.URL() + "/oauth2/a/v1/token", o.URL() + "/oauth2/a/..", o.URL() + "/oauth2/%2e%2e", o.URL() + "/oauth2/a%2fb",
		"//" + host + "/oauth2/a", "http:" + host + "/oauth2/a", o.URL() + "\t/oauth2/a", o.URL() + "./oauth2/a",
		"https://dev-1-admin.okta.com/oauth2/a", "https://evil.example.com/" + host + "/oauth2/a",
	} {
		_, err := client.Exchange(t.Context(), okauth.ExchangeRequest{ResourceServer: issuer})
		if _, ok := errors.AsType[*config.Error](err); !ok || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", issuer, err)
		}
	}
	if got := o.Requests(); len(got) != 0 {
		t.Errorf("sent: %v", got)
	}
}

// What is not the session's is sent, and not stored.
func TestST37_GivenTokensAreNeverStored(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.withoutPassword()) // no session, and no way to get one
	given := okauth.ExchangeRequest{SubjectToken: okta.NewSecret("canary-given")}
	for n := 1; n < 3; n++ {
		if got := o.exchange(t, client, given); got != fmt.Sprintf("fake-exchanged-%d", n) {
			t.Error(got)
		}
	}
	if _, _, subject := o.last(); subject != "canary-given" || len(o.keeps.Accounts()) != 0 {
		t.Errorf("sent %s, stored %q", subject, o.keeps.Accounts())
	}
	client = o.open(t, o.options)
	given = okauth.ExchangeRequest{ActorToken: okta.NewSecret("canary-actor"), ActorType: okta.AccessTokenType}
	for n := 3; n < 5; n++ {
		if got := o.exchange(t, client, given); got != fmt.Sprintf("fake-exchanged-%d", n) || o.stores(t, got) {
			t.Errorf("got %s, stored: %t", got, o.stores(t, got))
		}
	}
	if o.stores(t, "canary") || o.sent[3].form.Get("actor_token") != "canary-actor" ||
		o.sent[3].form.Get("actor_token_type") != okta.AccessTokenType {
		t.Errorf("sent %v, stored: %t", o.sent[3].form, o.stores(t, "canary"))
	}
}

// The device secret of a session, for Native SSO.
func TestST37_TheSessionsDeviceSecretIsTheActor(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.options)
	r := okauth.ExchangeRequest{SubjectType: session.ID, ActorType: grant.DeviceSecretType, Audience: "api://target"}
	_, err := client.Exchange(t.Context(), r)
	missing, ok := errors.AsType[*session.MissingTokenError](err)
	if !ok || missing.Type != session.DeviceSecret || len(o.sent) != 0 {
		t.Errorf("without one: got %v after %d requests", err, len(o.sent))
	}
	o.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"fake","token_type":"Bearer","expires_in":3600,"scope":"openid","device_secret":"canary-device"}`)
	})
	if _, err := client.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.SubjectType = session.Access // that answer has no ID token
	if got := o.exchange(t, client, r); got != "fake-exchanged-1" {
		t.Fatal(got)
	}
	if form := o.sent[0].form; form.Get("actor_token") != "canary-device" || form.Get("actor_token_type") !=
		"urn:x-oath:params:oauth:token-type:device-secret" {
		t.Errorf("got %v", form)
	}
	o.exchange(t, client, r)
	if len(o.sent) != 1 {
		t.Error("the result is not cached")
	}
	// A sign-out revokes it; a server that does not revoke such tokens is no failure.
	revoked := 0
	o.FailAlways("/revoke", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.FormValue("token_type_hint") != "device_secret" {
			next.ServeHTTP(w, r)
			return
		}
		revoked++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"unsupported_token_type"}`)
	})
	if err := client.Logout(t.Context()); err != nil || revoked != 1 || o.stores(t, "canary-device") {
		t.Errorf("sign-out: got %v, %d revocations, stored: %t", err, revoked, o.stores(t, "canary-device"))
	}
}

// A cached result costs what a cached token does.
func TestST37_ACachedExchangeReadsOneItem(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	reads := &countingStore{Backend: o.keeps}
	o.options.Keychain = reads
	env := o.options.LookupEnv
	o.options.LookupEnv = func(name string) (string, bool) { // so the client secret would be in the keychain
		if name == "OKAUTH_CLIENT_SECRET" {
			return "", false
		}
		return env(name)
	}
	o.options.Settings["client_id"] = oktatest.PublicClientID
	client := o.open(t, o.options)
	first := o.exchange(t, client, okauth.ExchangeRequest{Audience: "a"})
	reads.names = nil
	o.ResetRequests()
	if got := o.exchange(t, client, okauth.ExchangeRequest{Audience: "a"}); got != first {
		t.Errorf("got %s, want %s", got, first)
	}
	if len(reads.names) != 1 || len(o.Requests()) != 0 {
		t.Errorf("read %q, sent %v", reads.names, o.Requests())
	}
	o.clock.Advance(5 * time.Minute)
	if got := o.exchange(t, client, okauth.ExchangeRequest{Audience: "a"}); got == first {
		t.Error("the token has expired")
	}
}

// A sign-out forgets exchanged tokens, and revokes those of the session alone: the others may be another client's.
func TestST37_ASignOutForgetsExchangedTokens(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	client := o.open(t, o.options)
	exchanged := o.exchange(t, client, okauth.ExchangeRequest{})
	if err := client.Logout(context.Background()); err != nil {
		t.Fatal(err)
	}
	revoked := 0
	for _, r := range o.Requests() {
		if strings.HasSuffix(r.Path, "/revoke") {
			revoked++
			if r.Form.Get("token") == exchanged {
				t.Error("the exchanged token was sent to be revoked")
			}
		}
	}
	if revoked != 2 || o.stores(t, exchanged) {
		t.Errorf("%d revoked, stored: %t", revoked, o.stores(t, exchanged))
	}
}

// stores reports whether text is in the keychain.
func (o *exchangeOrg) stores(t *testing.T, text string) bool {
	t.Helper()
	for _, name := range o.keeps.Accounts() {
		value, err := o.keeps.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(value), `"`+text) {
			return true
		}
	}
	return false
}

// countingStore notes what is read.
type countingStore struct {
	store.Backend
	names []string
}

func (s *countingStore) Get(ctx context.Context, name string) ([]byte, error) {
	s.names = append(s.names, name)
	return s.Backend.Get(ctx, name)
}

// With dpop the new token is bound to a key: that of the session, if it has one, else one that is kept with the token.
func TestST37_ST35_AnExchangedTokenMayBeBound(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"false", "true"} { // the session
		o := newOrg(t)
		web := o.options
		web.Settings = maps.Clone(web.Settings)
		web.Settings["dpop"] = bound
		caller := o.open(t, web)
		service := o.options
		service.Settings = map[string]string{
			"domain": o.URL(), "client_id": oktatest.ServiceClientID, "server": oktatest.DefaultScopesServerID, "dpop": "true",
		}
		client := o.open(t, service)
		r := okauth.ExchangeRequest{Subject: caller, Scopes: []string{"api:write"}}
		first, err := client.Exchange(t.Context(), r)
		if err != nil || first.TokenType != okta.TypeDPoP || first.DPoPKey.IsZero() {
			t.Fatalf("got %+v, %v", first, err)
		}
		again, err := client.Exchange(t.Context(), r)
		if err != nil || !again.Value.Equal(first.Value) || !again.DPoPKey.Equal(first.DPoPKey) {
			t.Errorf("cached: got another token or key, %v", err)
		}
		prover, err := again.Prover()
		if err != nil {
			t.Fatal(err)
		}
		hello, _ := http.NewRequest(http.MethodGet, o.URL()+"/api/hello", nil)
		proof, err := prover.Proof(hello.Method, hello.URL, again.Value, o.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		hello.Header = http.Header{"Authorization": {"DPoP " + again.Value.Reveal()}, "Dpop": {proof.Reveal()}}
		if response, err := o.Server.Client().Do(hello); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("the API answered %v, %v", response, err)
		}
		own, err := caller.Get(t.Context(), session.Access)
		if err != nil || (own.TokenType == okta.TypeDPoP) != (bound == "true") {
			t.Errorf("the session has a token of the type %s, %v", own.TokenType, err)
		}
		if bound == "true" && !own.DPoPKey.Equal(first.DPoPKey) {
			t.Error("the new token has another key than the session")
		}
		service.Settings["dpop"] = "false"
		plain, err := o.open(t, service).Exchange(t.Context(), r)
		if err != nil || plain.TokenType != okta.TypeBearer || !plain.DPoPKey.IsZero() {
			t.Errorf("without dpop: got a token of the type %s, %v", plain.TokenType, err)
		}
	}
}

// A session that is bound stays so, whatever the setting says: its exchanges have a proof, as its refreshes have.
func TestST37_ST35_ABoundSessionExchangesWithProof(t *testing.T) {
	t.Parallel()
	o := newExchangeOrg(t)
	for _, dpop := range []string{"true", "false"} {
		o.options.Settings["dpop"] = dpop
		client := o.open(t, o.options)
		if _, err := client.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		// This server makes bearer tokens only, which the proof makes wrong.
		_, err := client.Exchange(t.Context(), okauth.ExchangeRequest{})
		if _, ok := errors.AsType[*okta.TokenTypeError](err); !ok {
			t.Errorf("dpop %s: got %v", dpop, err)
		}
		all := o.Requests()
		if proof := all[len(all)-1].Header.Values("DPoP"); len(proof) != 1 {
			t.Errorf("dpop %s: the exchange had %d proofs", dpop, len(proof))
		}
	}
}
