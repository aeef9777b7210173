package oktatest_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// A request for tokens without user and password shows what is wrong with the client and the grant, in Okta's order, and counts as no attempt.
func TestProbeOfTheGrant(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{UserPerSecond: 1, MaxAttempts: 1}})
	for _, test := range []struct {
		name, server, client, secret, code, text string
	}{
		{"all is well", "default", oktatest.DefaultClientID, oktatest.DefaultClientSecret, "invalid_request", "The required parameter 'username' is missing."},
		{"no policy is asked yet", oktatest.NoPolicyServerID, oktatest.DefaultClientID, oktatest.DefaultClientSecret, "invalid_request", "The required parameter 'username'"},
		{"DPoP comes later", "default", oktatest.DPoPClientID, oktatest.DefaultClientSecret, "invalid_request", "The required parameter 'username'"},
		{"grant off", "default", oktatest.NoPasswordClientID, oktatest.DefaultClientSecret, "unauthorized_client", "The client is not authorized"},
		{"grant off, wrong secret", "default", oktatest.NoPasswordClientID, "canary-wrong-secret", "invalid_client", "The client secret supplied"},
		{"unknown client", "default", "0oaNobodyKnowsMe0001", oktatest.DefaultClientSecret, "invalid_client", "Invalid value for 'client_id' parameter."},
		{"unknown server, wrong secret", "nowhere", oktatest.DefaultClientID, "canary-wrong-secret", "E0000007", "Not found: "},
	} {
		r := newPost(t, tokenURL(s, test.server), url.Values{"grant_type": {oktatest.GrantPassword}, "scope": {"openid"}})
		r.SetBasicAuth(test.client, test.secret)
		if code, text := send(t, s, r).error(t); code != test.code || !strings.HasPrefix(text, test.text) {
			t.Errorf("%s: got %q %q, want %q %q", test.name, code, text, test.code, test.text)
		}
	}
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("a sign-in after it: got %d %s", got.Status, got.Text)
	}
}

func TestUserinfoChallenges(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Audience: "api://one", Scopes: []oktatest.Scope{{Name: "a"}}, Rules: []oktatest.Rule{{}}})
	e := oktatest.Scenarios()[0]
	e.Server, e.Scope = "aus1", "a"
	narrow := send(t, s, request(t, s, e)).member(t, "access_token")
	path := "/oauth2/aus1/v1/userinfo"
	for _, test := range []struct {
		name, token string
		status      int
		challenge   string
	}{
		{"unknown", "canary-unknown", 401, `Bearer error="invalid_token", error_description="The access token is invalid"`},
		{"narrow", narrow, 403, `Bearer error="insufficient_scope", error_description="The access token must provide access to at least one of these scopes - ` +
			`profile, email, address or phone"`},
	} {
		got := get(t, s, s.URL()+path, test.token)
		if got.Status != test.status || got.Text != "" || got.Header.Get("Www-Authenticate") != test.challenge || got.Header.Get("X-Rate-Limit-Remaining") == "" {
			t.Errorf("%s: got %d %q %v, want %d %s", test.name, got.Status, got.Text, got.Header, test.status, test.challenge)
		}
	}
}

// What an administrator adds to access tokens is what introspect says of them, too; of a refresh token it says less.
func TestIntrospectCustomClaims(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddAuthServer(oktatest.AuthServer{
		ID: "default", Audience: oktatest.DefaultAudience, Rules: []oktatest.Rule{{}},
		Claims: map[string]any{"groups": []string{"Everyone"}, "cost_centre": 7},
	})
	a := signIn(t, s, "default", offline)
	r := byClient(t, s, s.URL()+defaultBase+"introspect", url.Values{"token": {a.member(t, "access_token")}})
	got := send(t, s, r)
	if !strings.HasSuffix(got.Text, `,"cost_centre":7,"groups":["Everyone"]}`) || got.Header.Get("X-Rate-Limit-Limit") != "1200" || got.Header.Get("X-Rate-Limit-Reset") == "" {
		t.Errorf("access token: got %s with %v", got.Text, got.Header)
	}
	for _, kind := range []string{"id_token", "refresh_token"} {
		if got := introspect(t, s, a.member(t, kind)); !strings.HasPrefix(got, `{"active":true,`) || strings.Contains(got, "cost_centre") {
			t.Errorf("%s: got %s", kind, got)
		}
	}
}

func TestKeysCacheControl(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, test := range []struct {
		set  []oktatest.Fault
		want string
	}{
		{nil, "max-age=3832304, must-revalidate"},
		{[]oktatest.Fault{oktatest.Header("Cache-Control", "no-store")}, "no-store"},
		{[]oktatest.Fault{oktatest.Header("Cache-Control", "")}, ""},
	} {
		s.Fail("/keys", test.set...)
		got, sent := get(t, s, s.URL()+defaultBase+"keys", "").Header["Cache-Control"]
		if strings.Join(got, "|") != test.want || sent != (test.want != "") {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestCertificateSignedByItself(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{SelfSigned: true})
	var unknown x509.UnknownAuthorityError
	if _, err := new(http.Client).Get(s.URL()); !errors.As(err, &unknown) {
		t.Errorf("a client that knows it not: got %v", err)
	} else if cert := unknown.Cert; cert == nil || cert.Issuer.String() != cert.Subject.String() || cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
		t.Errorf("signed by %v", cert.Issuer)
	}
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("a client that trusts it: got %d", got.Status)
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{RequireClientCertificate: true})
	if cert, key := s.ClientCertificate(); len(cert) == 0 || len(key) == 0 {
		t.Fatal("there is none")
	}
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("with it: got %d", got.Status)
	}
	without := s.Client()
	without.Timeout = 5 * time.Second
	without.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
	if _, err := without.Get(s.URL() + "/api/hello"); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without it: got %v", err)
	}
	if cert, key := start(t).ClientCertificate(); cert != nil || key != nil {
		t.Error("a server that asks for none has one")
	}
}
