package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/okta/dpop"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// newBoundOrg is an org whose client requires that tokens are bound to a key, as the request asks.
func newBoundOrg(t *testing.T) *org {
	t.Helper()
	o := newOrg(t, oktatest.Rotation{})
	o.client.ID, o.want.Identity.ClientID, o.want.DPoP = oktatest.DPoPClientID, oktatest.DPoPClientID, true
	return o
}

// wantBound checks that a token is bound to the key of the stored session, and returns the key.
func (o *org) wantBound(t *testing.T, token session.CachedToken) okta.Secret {
	t.Helper()
	prover, err := token.Prover()
	if err != nil || prover == nil || token.TokenType != okta.TypeDPoP {
		t.Fatalf("got %+v, %v", token, err)
	}
	parsed, err := jwt.Parse(token.Value.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	cnf, _ := parsed.Claims.Get("cnf")
	if got, want := string(cnf), `{"jkt":"`+prover.Key.Thumbprint()+`"}`; got != want {
		t.Errorf("cnf: got %s, want %s", got, want)
	}
	if s := o.session(t); !s.DPoPKey.Equal(token.DPoPKey) || s.DPoPNonce == "" {
		t.Errorf("the session has another key, or no nonce")
	}
	return token.DPoPKey
}

func (o *org) mustToken(t *testing.T) session.CachedToken {
	t.Helper()
	token, err := o.manager.Token(t.Context(), o.want)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A sign-in costs one more request, for the nonce, and a refresh none, until the server has another one.
func TestST35_TheSessionKeepsKeyAndNonce(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	if _, err := o.manager.Login(t.Context(), o.client, o.credentials(), o.want); err != nil {
		t.Fatal(err)
	}
	if n := len(o.posts(t)); n != 2 {
		t.Errorf("%d requests of the sign-in, want 2", n)
	}
	key := o.wantBound(t, o.mustToken(t))
	for _, test := range []struct {
		before   func()
		requests int
	}{
		{func() {}, 1},
		{o.server.RotateNonces, 2},
		{func() {}, 1},
		{func() { o.want.DPoP = false }, 1}, // the session stays bound
	} {
		o.clock.Advance(2 * time.Hour)
		o.server.ResetRequests()
		test.before()
		token, err := o.renew(t)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(o.posts(t)); n != test.requests || !o.wantBound(t, token).Equal(key) {
			t.Errorf("%d requests, want %d, with the same key", n, test.requests)
		}
	}
}

// The next sign-in of the same user has the same key, another user's another one.
func TestST35_KeyOfTheUser(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	o.want.Identity.User, o.want.Username = "", ""
	o.server.AddUser(oktatest.User{Login: "bob@example.com", Password: oktatest.DefaultPassword})
	signIn := func(username string) okta.Secret {
		c := session.Credentials{Username: username, Grant: grant.Password{
			Username: username, Password: okta.NewSecret(oktatest.DefaultPassword), Scopes: o.want.Scopes,
		}}
		o.server.ResetRequests()
		if _, err := o.manager.Login(t.Context(), o.client, c, o.want); err != nil {
			t.Fatal(err)
		}
		return o.wantBound(t, o.mustToken(t))
	}
	first := signIn(oktatest.DefaultUser)
	if second := signIn(strings.ToUpper(oktatest.DefaultUser)); !second.Equal(first) || len(o.forms()) != 1 {
		t.Errorf("the same user got another key, or %d requests", len(o.forms()))
	}
	if other := signIn("bob@example.com"); other.Equal(first) {
		t.Error("another user has the same key")
	}
}

// What is stored must be of the kind that is asked for. Tokens of another kind go with the key.
func TestST35_TheSettingChanges(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.login(t)
	bearer := o.mustToken(t)
	o.want.DPoP = true
	_, err := o.manager.Token(t.Context(), o.want)
	if required := o.wantRequired(t, err, "not bound to a key"); required.Refreshable {
		t.Error("a refresh token that is not bound may be used")
	}
	if _, err := o.renew(t); !is[*session.LoginRequiredError](err) || len(o.forms()) != 0 {
		t.Errorf("got %v after %d requests", err, len(o.forms()))
	}
	id := o.want
	id.Type = session.ID
	if token, err := o.manager.Token(t.Context(), id); err != nil || token.TokenType != okta.TypeBearer {
		t.Errorf("ID token: got %+v, %v", token, err)
	}
	options := o.options()
	options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
		return o.credentials(), nil
	}
	token, err := o.manager.Renew(t.Context(), o.want, options)
	if err != nil || token.Value.Equal(bearer.Value) {
		t.Fatalf("got %v, %v", token, err)
	}
	o.wantBound(t, token)
	if token, err := o.manager.Token(t.Context(), id); err != nil || token.TokenType != okta.TypeBearer ||
		!token.DPoPKey.IsZero() {
		t.Errorf("ID token of a bound session: got %+v, %v", token, err)
	}

	o.want.DPoP, o.want.Scopes = false, []string{"openid"}
	o.login(t)
	if s := o.session(t); !s.DPoPKey.IsZero() || len(s.Sets) != 1 || !s.Refresh.Value.IsZero() {
		t.Errorf("a session without a key has %d sets of tokens and %+v", len(s.Sets), s.Refresh)
	}
}

// Nothing reads the key to return a cached token. A damaged one makes the session a corrupt one where a proof is
// needed, and the next sign-in makes another.
func TestST35_ADamagedKey(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	o.login(t)
	s := o.session(t)
	s.DPoPKey = okta.NewSecret("damaged")
	save(t, o, s)
	token := o.mustToken(t)
	if prover, err := token.Prover(); prover != nil || !store.IsKind(err, store.Corrupt) ||
		strings.Contains(err.Error(), "damaged\"") {
		t.Errorf("got %v, %v", prover, err)
	}
	o.clock.Advance(2 * time.Hour)
	_, err := o.renew(t)
	if required := o.wantRequired(t, err, "cannot be used"); !store.IsKind(required.Err, store.Corrupt) ||
		len(o.forms()) != 0 {
		t.Errorf("got %v after %d requests", required.Err, len(o.forms()))
	}
	o.login(t)
	o.wantBound(t, o.mustToken(t))
}

// What Okta says about a proof is the error, since a sign-in has the same clock. A refresh token that is bound to
// another key ends with a sign-in.
func TestST35_ARefreshWhoseProofIsRefused(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		o := newBoundOrg(t)
		o.login(t)
		o.clock.Advance(2 * time.Hour)
		o.client.Now = func() time.Time { return o.clock.Now().Add(off) }
		_, err := o.renew(t)
		refusal, ok := errors.AsType[*okta.Error](err)
		if !ok || is[*session.LoginRequiredError](err) || refusal.Code != "invalid_dpop_proof" ||
			(refusal.ClockSkew-off).Abs() > 2*time.Second || len(o.forms()) != 1 {
			t.Errorf("%s: got %v after %d requests", off, err, len(o.forms()))
		}
	}
	o := newBoundOrg(t)
	o.login(t)
	other, err := dpop.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s := o.session(t)
	s.DPoPKey = other.Text()
	save(t, o, s)
	o.clock.Advance(2 * time.Hour)
	_, err = o.renew(t)
	o.wantRequired(t, err, "Okta refused to refresh the session")
	o.login(t)
	o.wantBound(t, o.mustToken(t))
}

// Where nothing is stored the token comes with its key.
func TestST35_NothingIsStored(t *testing.T) {
	t.Parallel()
	o := newBoundOrg(t)
	o.manager.Store = store.Sessions{Items: store.None{}}
	options := o.options()
	options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) {
		return o.credentials(), nil
	}
	token, err := o.manager.Renew(t.Context(), o.want, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dpop.ParseKey(token.DPoPKey); err != nil {
		t.Error(err)
	}
}
