package grant

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
)

func TestST09_ClientCredentialsSendNoMoreThanScopes(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	for _, test := range []struct {
		scopes []string
		want   url.Values
	}{
		{nil, url.Values{"grant_type": {"client_credentials"}}},
		{[]string{}, url.Values{"grant_type": {"client_credentials"}}},
		{[]string{"api:read", "api:write"},
			url.Values{"grant_type": {"client_credentials"}, "scope": {"api:read api:write"}}},
	} {
		before := hits.Load()
		_, err := ClientCredentials{Scopes: test.scopes}.Token(t.Context(), client, nil)
		if _, ok := errors.AsType[*okta.Error](err); !ok ||
			!strings.HasPrefix(err.Error(), "Okta refused the client sign-in") {
			t.Fatalf("%q: got %v", test.scopes, err)
		}
		if form.Encode() != test.want.Encode() {
			t.Errorf("%q: got the form %v", test.scopes, *form)
		}
		if n := hits.Load() - before; n != 1 {
			t.Errorf("%q: %d requests, want 1", test.scopes, n)
		}
	}
}

func TestAClientThatCannotSignInSendsNothing(t *testing.T) {
	t.Parallel()
	client, _, hits := startClient(t)
	public := &okta.Client{Server: client.Server, ID: client.ID}
	for _, test := range []struct {
		name        string
		client      *okta.Client
		scopes      []string
		field, want string
	}{
		{"public client", public, []string{"api:read"}, "client secret", "is empty"},
		{"public client without scopes", public, nil, "client secret", "is empty"},
		{"two scopes in one", client, []string{"api:read api:write"}, "scopes", "not a scope name"},
		{"empty scope", client, []string{""}, "scopes", "not a scope name"},
	} {
		_, err := ClientCredentials{Scopes: test.scopes}.Token(t.Context(), test.client, nil)
		mistake, ok := errors.AsType[*InputError](err)
		if !ok || mistake.Field != test.field || !strings.Contains(err.Error(), test.want) ||
			okta.MayHaveBeenProcessed(err) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests were sent", hits.Load())
	}
}

// clientAt is the client of that id at a server of oktatest.
func clientAt(t *testing.T, s *oktatest.Server, id, server string) *okta.Client {
	t.Helper()
	at, err := okta.NewAuthorizationServer(s.URL(), server)
	if err != nil {
		t.Fatal(err)
	}
	return &okta.Client{Server: at, ID: id, Auth: clientauth.ForSecret(okta.NewSecret(oktatest.DefaultClientSecret)),
		HTTP: s.Client()}
}

// A token for a client is all there is to have, and nothing that is not there is missed.
func TestClientCredentialsBringAnAccessToken(t *testing.T) {
	t.Parallel()
	s := oktatest.ForTest(t, oktatest.Options{})
	for _, test := range []struct{ server, scopes, granted string }{
		{oktatest.DefaultServerID, "api:read api:write", "api:read api:write"},
		{oktatest.DefaultScopesServerID, "", "api:read"},
	} {
		tokens, err := ClientCredentials{Scopes: strings.Fields(test.scopes)}.Token(t.Context(),
			clientAt(t, s, oktatest.ServiceClientID, test.server), nil)
		if err != nil {
			t.Fatalf("%s: %v", test.server, err)
		}
		if tokens.AccessToken.IsZero() || !tokens.IDToken.IsZero() || !tokens.RefreshToken.IsZero() ||
			len(tokens.Warnings) > 0 || strings.Join(tokens.Scope, " ") != test.granted {
			t.Errorf("%s: got %+v, want the scopes %q, no ID token, no refresh token and no warnings", test.server,
				tokens, test.granted)
		}
	}
}

// Each refusal arrives with its code and its text.
func TestRefusalsOfClientCredentialsAreAboutTheClient(t *testing.T) {
	t.Parallel()
	s := oktatest.ForTest(t, oktatest.Options{})
	for _, e := range oktatest.Scenarios() {
		if e.Grant != oktatest.GrantClientCredentials || e.Error == "" || e.AuthMethod == oktatest.NoSecret {
			continue
		}
		client := clientAt(t, s, e.ClientID, e.Server)
		client.Auth = clientauth.ForSecret(okta.NewSecret(e.Secret))
		_, err := ClientCredentials{Scopes: strings.Fields(e.Scope)}.Token(t.Context(), client, nil)
		refusal, ok := errors.AsType[*okta.Error](err)
		if !ok || refusal.Code != e.Error || refusal.Description != e.Text {
			t.Errorf("%s: got %v", e.Description, err)
			continue
		}
	}
}

// openid and offline_access, asked for and not granted, are missed once, as scopes, and not again as tokens.
func TestClientCredentialsWarnOfOtherScopes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access","scope":"api:read"}`))
	}))
	t.Cleanup(server.Close)
	at, err := okta.NewAuthorizationServer(server.URL, "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: at, ID: "0oatest", Auth: clientauth.ForSecret(okta.NewSecret("canary-client-secret")),
		HTTP: server.Client()}
	for scopes, notes := range map[string]int{"": 0, "api:read": 0, "api:read openid offline_access": 1} {
		tokens, err := ClientCredentials{Scopes: strings.Fields(scopes)}.Token(t.Context(), client, nil)
		if err != nil || len(tokens.Warnings) != notes {
			t.Errorf("%q: got %+v, %v, want %d warnings", scopes, tokens, err, notes)
		}
	}
}
