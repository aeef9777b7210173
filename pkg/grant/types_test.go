package grant

import (
	"context"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// A row keeps what it promises: what it makes signs in without a question exactly where NonInteractive says so.
func TestST01_EachTypeSignsInWithWhatItNamesAlone(t *testing.T) {
	t.Parallel()
	s := oktatest.ForTest(t, oktatest.Options{})
	secrets := map[string]okta.Secret{"": {}, "password": okta.NewSecret(oktatest.DefaultPassword),
		"otp": okta.NewSecret("123456")}
	for _, g := range All() {
		if byName, ok := Lookup(g.Name); !ok || byName.GrantType != g.GrantType {
			t.Errorf("%s: Lookup does not find it", g.Name)
		}
		secret, ok := secrets[g.Secret]
		if !ok {
			t.Fatalf("%s: this test has no value of the secret %q", g.Name, g.Secret)
		}
		id, scopes, user := oktatest.DefaultClientID, []string{"openid"}, oktatest.DefaultUser
		switch {
		case !g.User:
			id, scopes = oktatest.ServiceClientID, []string{"api:read"}
		case g.Secret == "otp":
			id, user = oktatest.DirectAuthClientID, "otp@example.com"
		}
		for _, params := range []Params{
			{Scopes: scopes},
			{Scopes: scopes, Username: user},
			{Scopes: scopes, Secret: secret},
			{Scopes: scopes, Username: user, Secret: secret},
		} {
			possible := g.NonInteractive(params.Username != "", !params.Secret.IsZero())
			if g.Secret == "otp" && !params.Secret.IsZero() {
				params.OTP = func(context.Context) (okta.Secret, error) { return secret, nil }
			}
			tokens, err := g.New(params).Token(t.Context(), clientAt(t, s, id, oktatest.DefaultServerID), nil)
			_, asked := err.(*InteractionRequiredError)
			if possible != (err == nil) || !possible && !asked {
				t.Errorf("%s, user %q: NonInteractive is %t, got %v", g.Name, params.Username, possible, err)
			}
			if err == nil && g.User == tokens.IDToken.IsZero() {
				t.Errorf("%s: User is %t, and the ID token is missing: %t", g.Name, g.User, tokens.IDToken.IsZero())
			}
		}
	}
	if _, ok := Lookup("magic"); ok {
		t.Error("Lookup finds a grant that does not exist")
	}
}
