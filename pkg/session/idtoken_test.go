package session_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
)

// withIDToken lets the server answer, with an ID token that is good but for the claims given.
func (o *org) withIDToken(claims map[string]any) oktatest.Fault {
	all := map[string]any{
		"iss": o.want.Identity.Issuer, "aud": oktatest.DefaultClientID, "sub": "00u1",
		"iat": o.clock.Now().Unix(), "exp": o.clock.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	text, _ := json.Marshal(all)
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"alg":"RS256"}`)) + "." + part(text) + "." + part([]byte("not checked"))
	return oktatest.Override("id_token", strconv.Quote(token))
}

// OpenID Connect Core §3.1.3.7: an ID token with a wrong claim is not stored, and no token of the response is
// returned.
func TestIDTokenIsCheckedOnReceipt(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	for claim, wrong := range map[string]map[string]any{
		"iss":     {"iss": "https://attacker.example.com"},
		"aud":     {"aud": "0oaAnotherClient"},
		"azp":     {"aud": []string{oktatest.DefaultClientID, "other"}, "azp": "0oaAnotherClient"},
		"exp":     {"exp": at(-time.Hour)},
		"iat":     {"iat": at(24 * time.Hour), "exp": at(25 * time.Hour)},
		"at_hash": {"at_hash": "b3RoZXItaGFzaC0xMjM0"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t, oktatest.Rotation{Rotate: true})
			wantRejected := func(err error) {
				t.Helper()
				rejected, ok := errors.AsType[*session.IDTokenError](err)
				cause, _ := errors.AsType[*jwt.IDTokenError](err)
				if !ok || cause == nil || cause.Name != claim || strings.Contains(rejected.Error(), "\n") {
					t.Errorf("got %v, want an IDTokenError about %s", err, claim)
				}
			}
			o.server.Fail("/token", o.withIDToken(wrong))
			tokens, err := o.manager.Login(t.Context(), o.client, o.credentials(), o.want)
			wantRejected(err)
			if left := o.items.Accounts(); tokens != nil || len(left) != 0 {
				t.Errorf("the tokens were returned, or stored: %q", left)
			}
			o.server.Fail("/token", o.withIDToken(nil)) // or the case above proves nothing
			o.login(t)
			before := o.session(t)
			o.want.Fresh = true
			o.server.Fail("/token", o.withIDToken(wrong))
			token, err := o.renew(t)
			wantRejected(err)
			if after := o.session(t); !token.Value.IsZero() || after.Revision != before.Revision {
				t.Errorf("the token was returned, or stored as revision %d", after.Revision)
			}
		})
	}
}

// A clock of this machine that is wrong does not make a good ID token wrong.
func TestIDTokenIsCheckedByTheServersClock(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{Rotate: true})
	o.client.Now = func() time.Time { return start.Add(48 * time.Hour) }
	o.manager.Now = o.client.Now
	if _, err := o.manager.Login(t.Context(), o.client, o.credentials(), o.want); err != nil {
		t.Error(err)
	}
}

// sentNonce is a grant whose authorization request had a nonce.
type sentNonce struct{ grant.Grant }

func (g sentNonce) Token(ctx context.Context, c *okta.Client, i grant.Interaction) (*okta.TokenResponse, error) {
	tokens, err := g.Grant.Token(ctx, c, i)
	if err == nil {
		tokens.Nonce = "sent"
	}
	return tokens, err
}

// "If a nonce value was sent in the Authentication Request, a nonce Claim MUST be present and its value checked to
// verify that it is the same value": OpenID Connect Core §3.1.3.7
func TestIDTokenHasTheNonceThatWasSent(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	for name, claims := range map[string]map[string]any{
		"another": {"nonce": "another"}, "none": {}, "number": {"nonce": 1}, "empty": {"nonce": ""},
	} {
		o.server.Fail("/token", o.withIDToken(claims))
		c := o.credentials()
		c.Grant = sentNonce{c.Grant}
		tokens, err := o.manager.Login(t.Context(), o.client, c, o.want)
		cause, _ := errors.AsType[*jwt.IDTokenError](err)
		if cause == nil || cause.Name != "nonce" || tokens != nil || len(o.items.Accounts()) != 0 {
			t.Errorf("%s: got %v, and stored %q", name, err, o.items.Accounts())
		}
	}
	o.server.Fail("/token", o.withIDToken(map[string]any{"nonce": "sent"}))
	c := o.credentials()
	c.Grant = sentNonce{c.Grant}
	if _, err := o.manager.Login(t.Context(), o.client, c, o.want); err != nil {
		t.Errorf("the nonce that was sent: %v", err)
	}
}
