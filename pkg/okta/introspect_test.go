package okta_test

import (
	"errors"
	"strings"
	"testing"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
)

func TestIntrospectTellsWhetherATokenIsActive(t *testing.T) {
	t.Parallel()
	server, err := oktatest.Start(oktatest.Options{Rotation: oktatest.Rotation{Rotate: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	at, err := okta.NewAuthorizationServer(server.URL(), "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: at, ID: oktatest.DefaultClientID,
		Auth: clientauth.ForSecret(okta.NewSecret(oktatest.DefaultClientSecret)), HTTP: server.Client()}
	tokens, err := grant.Password{
		Username: oktatest.DefaultUser, Password: okta.NewSecret(oktatest.DefaultPassword), Scopes: []string{"openid",
			"offline_access"},
	}.Token(t.Context(), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(token okta.Secret, want bool) {
		t.Helper()
		if got, err := client.Introspect(t.Context(), token, "refresh_token"); err != nil || got.Active != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	first := tokens.RefreshToken
	ask(first, true)
	if tokens, err = (grant.Refresh{RefreshToken: first}).Token(t.Context(), client, nil); err != nil {
		t.Fatal(err)
	}
	ask(first, false)
	ask(tokens.RefreshToken, true)
	ask(okta.NewSecret("never-issued"), false)
	if n := server.Reuses(); n != 0 {
		t.Errorf("asking about a spent token was taken for using it, %d times", n)
	}

	for _, answer := range []string{`{}`, `{"active":"true"}`, `{"active":null}`, `[]`, `<html>`, ``} {
		server.Fail("/introspect", oktatest.JSON(answer))
		_, err := client.Introspect(t.Context(), first, "")
		if odd, ok := errors.AsType[*okta.ResponseError](err); !ok || strings.Contains(odd.Error(), first.Reveal()) {
			t.Errorf("%s: got %v, want a ResponseError", answer, err)
		}
	}
	client.Auth = clientauth.ForSecret(okta.NewSecret("wrong-horse"))
	_, err = client.Introspect(t.Context(), first, "")
	if refusal, ok := errors.AsType[*okta.Error](err); !ok || refusal.Status != 401 ||
		!strings.Contains(err.Error(), "introspection") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestST34_Introspect(t *testing.T) {
	t.Parallel()
	server, err := oktatest.Start(oktatest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	at, err := okta.NewAuthorizationServer(server.URL(), "default")
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: at, ID: oktatest.DefaultClientID,
		Auth: clientauth.ForSecret(okta.NewSecret(oktatest.DefaultClientSecret)), HTTP: server.Client()}
	tokens, err := grant.Password{Username: oktatest.DefaultUser, Password: okta.NewSecret(oktatest.DefaultPassword),
		Scopes: []string{"openid"}}.Token(t.Context(), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	server.ResetRequests()
	said, err := client.Introspect(t.Context(), tokens.AccessToken, "access_token")
	if err != nil || !said.Active || !strings.Contains(string(said.Text), `"client_id":"`+oktatest.DefaultClientID) {
		t.Errorf("got %+v, %v", said, err)
	}
	said, err = client.Introspect(t.Context(), okta.NewSecret("never-issued"), "")
	if err != nil || said.Active || strings.TrimSpace(string(said.Text)) != `{"active":false}` {
		t.Errorf("unknown token: got %+v, %v", said, err)
	}
	for i, r := range server.Requests() {
		if r.Method != "POST" || len(r.Query) != 0 || !r.Form.Has("token") || r.Form.Has("token_type_hint") != (i == 0) {
			t.Errorf("the token is not in the form alone: %v", r)
		}
	}
	const odd = "{ \"exp\":1.0e9,\n\"active\":true }"
	server.Fail("/introspect", oktatest.JSON(odd))
	if said, err = client.Introspect(t.Context(), tokens.AccessToken, ""); err != nil || string(said.Text) != odd {
		t.Errorf("got %+v, %v, want the answer as it came", said, err)
	}
	if _, err = client.Introspect(t.Context(), okta.Secret{}, ""); err == nil {
		t.Error("an empty token was sent")
	}
}
