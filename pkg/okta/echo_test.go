package okta

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/transport"
)

// AT-62: the password is hidden in an error if a server echoes it.
func TestAT62_EchoedSecrets(t *testing.T) {
	t.Parallel()
	const password = `canary Ca/nary+pw&ü"x\y`
	for name, said := range map[string]string{"plain": password, "query": url.QueryEscape(password)} {
		text, err := json.Marshal(map[string]string{"error": "invalid_grant", "error_description": "you sent " + said})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Okta-Request-Id", said)
			w.WriteHeader(http.StatusBadRequest)
			w.Write(text)
		}))
		form := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {password}, "scope": {"openid"}}
		_, err = clientFor(t, server.URL, transport.Config{}).Token(t.Context(), form)
		server.Close()
		if err == nil {
			t.Fatal("a refusal is a success")
		}
		if strings.Contains(err.Error(), said) || strings.Contains(strings.ToLower(err.Error()), "nary") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// So are the tokens of an exchange.
func TestAT62_EchoedTokens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"subject_token", "actor_token", "assertion", "refresh_token"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"error":"invalid_request","error_description":"you sent ` + r.FormValue(name) + `"}`))
		}))
		form := url.Values{"grant_type": {TokenExchangeGrant}, name: {"canary-token"}}
		_, err := clientFor(t, server.URL, transport.Config{}).Token(t.Context(), form)
		server.Close()
		if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "you sent") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A scope that was not requested may be what the server was sent. It is shown in warnings, by commands and from the store.
func TestAT62_EchoedScope(t *testing.T) {
	t.Parallel()
	const password = "canary!word"
	server := httptest.NewServer(respond(200, "application/json", answerWith("scope", `"openid `+password+` email"`)))
	defer server.Close()
	form := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {password}, "scope": {"openid"}}
	tokens, err := clientFor(t, server.URL, transport.Config{}).Token(t.Context(), form)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"openid", "••••", "email"}; !slices.Equal(tokens.Scope, want) {
		t.Errorf("got the scopes %q, want %q", tokens.Scope, want)
	}
	if all := strings.Join(tokens.Warnings, "\n"); strings.Contains(all, password) || !strings.Contains(all, "other scopes") {
		t.Errorf("got the warnings %s", all)
	}
}
