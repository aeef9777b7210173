package grant

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"okauth/pkg/okta"
)

func TestRefreshNamesScopesOnlyWhereAsked(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	const token = "canary-refresh+/.~=="
	for _, test := range []struct {
		scopes []string
		want   url.Values
	}{
		{nil, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}},
		{[]string{}, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}},
		{[]string{"openid", "api:read"}, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token},
			"scope": {"openid api:read"}}},
	} {
		before := hits.Load()
		_, err := Refresh{RefreshToken: okta.NewSecret(token), Scopes: test.scopes}.Token(t.Context(), client, nil)
		_, ok := errors.AsType[*okta.Error](err)
		if !ok || !strings.HasPrefix(err.Error(), "Okta refused the refresh") {
			t.Fatalf("%q: got %v", test.scopes, err)
		}
		if form.Encode() != test.want.Encode() {
			t.Errorf("%q: got the form %v", test.scopes, *form)
		}
		if n := hits.Load() - before; n != 1 {
			t.Errorf("%q: %d requests, want 1: a server that rotates takes a second one for a theft", test.scopes, n)
		}
	}
}

func TestARefreshThatCannotBeIsNotSent(t *testing.T) {
	t.Parallel()
	client, _, hits := startClient(t)
	for _, test := range []struct {
		name, token string
		scopes      []string
		field, want string
	}{
		{"no token", "", nil, "refresh token", "is empty"},
		{"token with a space", "canary x", nil, "refresh token", "no token has"},
		{"token with NUL", "canary\x00", nil, "refresh token", "no token has"},
		{"token too long", strings.Repeat("canary", 20_000), nil, "refresh token", "has 120000 bytes"},
		{"two scopes in one", "canary", []string{"openid email"}, "scopes", "not a scope name"},
		{"empty scope", "canary", []string{""}, "scopes", "not a scope name"},
	} {
		_, err := Refresh{RefreshToken: okta.NewSecret(test.token), Scopes: test.scopes}.Token(t.Context(), client, nil)
		mistake, ok := errors.AsType[*InputError](err)
		if !ok || mistake.Field != test.field || !strings.Contains(err.Error(), test.want) ||
			okta.MayHaveBeenProcessed(err) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the value: %.80q", test.name, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests were sent", hits.Load())
	}
}
