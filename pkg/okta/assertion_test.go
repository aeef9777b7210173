package okta

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

// A client with a private key is accepted by every endpoint: each request has an assertion of its own, whose audience
// is the endpoint that is called, and nothing else that says who the client is.
func TestST36_EveryEndpointHasItsAssertion(t *testing.T) {
	t.Parallel()
	org := oktatest.ForTest(t, oktatest.Options{})
	key, err := clientauth.ParseKey(NewSecret(string(oktatest.TestKey())))
	if err != nil {
		t.Fatal(err)
	}
	client := clientFor(t, org.URL(), transport.Config{Timeout: 5 * time.Second})
	client.ID, client.Auth = oktatest.PrivateKeyClientID, clientauth.PrivateKeyJWT{Key: key.WithID(oktatest.TestKeyID)}
	ctx := t.Context()
	tokens, err := client.Token(ctx, url.Values{"grant_type": {"password"}, "username": {oktatest.DefaultUser},
		"password": {oktatest.DefaultPassword}, "scope": {"openid offline_access"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := client.Introspect(ctx, tokens.AccessToken, "access_token"); err != nil || !got.Active {
		t.Errorf("introspect: got %+v, %v", got, err)
	}
	if err := client.Revoke(ctx, tokens.RefreshToken, "refresh_token"); err != nil {
		t.Errorf("revoke: %v", err)
	}
	if _, err := client.AuthorizeDevice(ctx, []string{"openid"}); err != nil {
		t.Errorf("device: %v", err)
	}
	if _, err := client.Challenge(ctx, ChallengeRequest{LoginHint: "push@example.com", Channel: "push"}); err != nil {
		t.Errorf("challenge: %v", err)
	}
	seen := make(map[string]bool)
	for _, r := range org.Requests() {
		parts := strings.Split(r.Form.Get("client_assertion"), ".")
		if len(parts) != 3 || r.Header.Get("Authorization") != "" || r.Form.Has("client_id") || r.Form.Has("client_secret") {
			t.Errorf("%v: it authenticates otherwise, or twice", r)
			continue
		}
		var claims struct{ Aud, Jti string }
		text, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil {
			err = json.Unmarshal(text, &claims)
		}
		if err != nil || claims.Aud != org.URL()+r.Path || seen[claims.Jti] {
			t.Errorf("%v: got %+v, %v", r, claims, err)
		}
		seen[claims.Jti] = true
	}
	if len(seen) != 5 {
		t.Errorf("got %v, want five requests", org.Requests())
	}
}
