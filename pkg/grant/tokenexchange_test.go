package grant

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"okauth/pkg/okta"
)

const (
	accessType = "urn:ietf:params:oauth:token-type:access_token"
	idType     = "urn:ietf:params:oauth:token-type:id_token"
	secretType = "urn:x-oath:params:oauth:token-type:device-secret"
	jagType    = "urn:ietf:params:oauth:token-type:id-jag"
)

// subject is the least that can be exchanged.
func subject() TokenExchange {
	return TokenExchange{Subject: TypedToken{okta.NewSecret("canary-subject"), accessType}}
}

func TestST37_TokenExchangeSendsWhatIsSetAlone(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	all := subject()
	all.Actor = TypedToken{okta.NewSecret("canary-actor"), DeviceSecretType}
	all.RequestedType, all.Audience, all.Resource = IDJAGType, "api://target", "https://api.example.com/v1?x=1"
	all.Scopes = []string{"openid", "orders:read"}
	for _, test := range []struct {
		exchange TokenExchange
		want     url.Values
	}{
		{subject(), url.Values{"subject_token": {"canary-subject"}, "subject_token_type": {accessType}}},
		{TokenExchange{Subject: TypedToken{okta.NewSecret("canary-id"), IDTokenType}, Scopes: []string{}},
			url.Values{"subject_token": {"canary-id"}, "subject_token_type": {idType}}},
		{all, url.Values{"subject_token": {"canary-subject"}, "subject_token_type": {accessType},
			"actor_token": {"canary-actor"}, "actor_token_type": {secretType}, "requested_token_type": {jagType},
			"audience": {"api://target"}, "resource": {"https://api.example.com/v1?x=1"}, "scope": {"openid orders:read"}}},
	} {
		before := hits.Load()
		_, err := test.exchange.Token(t.Context(), client, nil)
		if _, ok := errors.AsType[*okta.Error](err); !ok ||
			!strings.HasPrefix(err.Error(), "Okta refused the token exchange: ") || strings.Contains(err.Error(), "canary") {
			t.Fatalf("got %v", err)
		}
		test.want.Set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
		if form.Encode() != test.want.Encode() || hits.Load() != before+1 {
			t.Errorf("got the form %v in %d requests, want %v", *form, hits.Load()-before, test.want)
		}
	}
}

func TestST37_TheSecondStepSendsTheAssertion(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	for scopes, want := range map[string]url.Values{
		"":             {"assertion": {"canary.jag"}},
		"orders:write": {"assertion": {"canary.jag"}, "scope": {"orders:write"}},
	} {
		jag := JWTBearer{Assertion: okta.NewSecret("canary.jag"), Scopes: strings.Fields(scopes)}
		if _, err := jag.Token(t.Context(), client, nil); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v", err)
		}
		want.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
		if form.Encode() != want.Encode() {
			t.Errorf("got the form %v, want %v", *form, want)
		}
	}
	if hits.Load() != 2 {
		t.Errorf("%d requests, want 2", hits.Load())
	}
}

func TestAnExchangeThatCannotBeIsNotSent(t *testing.T) {
	t.Parallel()
	client, _, hits := startClient(t)
	edit := func(change func(*TokenExchange)) Grant {
		x := subject()
		change(&x)
		return x
	}
	for _, test := range []struct {
		field, want string
		grant       Grant
	}{
		{"subject token", "is empty", edit(func(x *TokenExchange) { x.Subject.Value = okta.Secret{} })},
		{"subject token", "no token has", edit(func(x *TokenExchange) { x.Subject.Value = okta.NewSecret("canary x") })},
		{"actor token", "is empty", edit(func(x *TokenExchange) { x.Actor.Type = DeviceSecretType })},
		{"actor token", "no token has", edit(func(x *TokenExchange) {
			x.Actor = TypedToken{okta.NewSecret("canary\n"), DeviceSecretType}
		})},
		{"requested token type", "is not a URI", edit(func(x *TokenExchange) { x.RequestedType = "id-jag" })},
		{"requested token type", "is not a URI", edit(func(x *TokenExchange) { x.RequestedType = "urn:a b" })},
		{"resource", "absolute URI", edit(func(x *TokenExchange) { x.Resource = "/v1/orders" })},
		{"resource", "absolute URI", edit(func(x *TokenExchange) { x.Resource = "https://api.example.com/#x" })},
		{"audience", "NUL", edit(func(x *TokenExchange) { x.Audience = "api\x00" })},
		{"scopes", "not a scope name", edit(func(x *TokenExchange) { x.Scopes = []string{"a b"} })},
		{"assertion", "is empty", JWTBearer{}},
		{"scopes", "not a scope name", JWTBearer{okta.NewSecret("canary"), []string{""}}},
	} {
		_, err := test.grant.Token(t.Context(), client, nil)
		mistake, ok := errors.AsType[*InputError](err)
		if !ok || mistake.Field != test.field || !strings.Contains(err.Error(), test.want) ||
			okta.MayHaveBeenProcessed(err) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %q", test.field, err, test.want)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests were sent", hits.Load())
	}
}

// What was issued is what was asked for, and says so. N_A is the type of what is no access token, and of nothing else.
func TestST37_AnExchangeSaysWhatItIssued(t *testing.T) {
	t.Parallel()
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token":"canary-new","expires_in":300,` + answer + `}`))
	}))
	t.Cleanup(server.Close)
	at, err := okta.NewAuthorizationServer(server.URL, "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: at, ID: "0oatest", HTTP: server.Client()}
	for _, test := range []struct{ requested, answer, tokenType, want string }{
		{"", `"token_type":"bearer","issued_token_type":"` + accessType + `"`, "Bearer", ""},
		{accessType, `"token_type":"Bearer","issued_token_type":"` + accessType + `"`, "Bearer", ""},
		{jagType, `"token_type":"N_A","issued_token_type":"` + jagType + `"`, "N_A", ""},
		{jagType, `"token_type":"n_a","issued_token_type":"` + jagType + `"`, "N_A", ""},
		{idType, `"token_type":"Bearer","issued_token_type":"` + idType + `"`, "Bearer", ""},
		{"", `"token_type":"Bearer"`, "", "issued_token_type is missing"},
		{jagType, `"token_type":"N_A"`, "", "issued_token_type is missing"},
		{jagType, `"token_type":"N_A","issued_token_type":"` + accessType + `"`, "", `issued_token_type is "` + accessType},
		{"", `"token_type":"Bearer","issued_token_type":"access_token"`, "", "expected a URI"},
		{"", `"token_type":"Bearer","issued_token_type":"urn:a\u001b[31m"`, "", "expected a URI"},
		{"", `"token_type":"N_A","issued_token_type":"` + jagType + `"`, "", `token_type is "N_A"`},
		{accessType, `"token_type":"N_A","issued_token_type":"` + accessType + `"`, "", `token_type is "N_A"`},
		{"", `"token_type":"mac","issued_token_type":"` + accessType + `"`, "", `token_type is "mac"`},
	} {
		answer = test.answer
		x := subject()
		x.RequestedType = test.requested
		tokens, err := x.Token(t.Context(), client, nil)
		if test.want != "" {
			if _, ok := errors.AsType[*okta.ResponseError](err); !ok || !strings.Contains(err.Error(), test.want) ||
				strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("%s: got %v, want %q", test.answer, err, test.want)
			}
			continue
		}
		if err != nil || tokens.TokenType != test.tokenType || !strings.Contains(test.answer, tokens.IssuedTokenType) {
			t.Errorf("%s: got %+v, %v", test.answer, tokens, err)
		}
	}
	answer = `"token_type":"N_A"`
	if _, err := (JWTBearer{Assertion: okta.NewSecret("x")}).Token(t.Context(), client, nil); err == nil {
		t.Error("an access token of the type N_A was taken")
	}
}

// The device secret of a sign-in arrives.
func TestDeviceSecretOfASignIn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token":"canary-new","token_type":"Bearer","device_secret":"canary-device"}`))
	}))
	t.Cleanup(server.Close)
	at, err := okta.NewAuthorizationServer(server.URL, "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: at, ID: "0oatest", HTTP: server.Client()}
	tokens, err := JWTBearer{Assertion: okta.NewSecret("x")}.Token(t.Context(), client, nil)
	if err != nil || tokens.DeviceSecret.Reveal() != "canary-device" || tokens.IssuedTokenType != "" {
		t.Errorf("got %+v, %v", tokens, err)
	}
}
