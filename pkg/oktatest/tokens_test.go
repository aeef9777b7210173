package oktatest_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

func get(t *testing.T, s *oktatest.Server, target, token string) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return send(t, s, r)
}

// publicKeys are the keys at a JWKS address, by kid.
func publicKeys(t *testing.T, s *oktatest.Server, target string) map[string]*rsa.PublicKey {
	t.Helper()
	var set struct {
		Keys []struct{ Kty, Alg, Kid, Use, E, N string }
	}
	if err := json.Unmarshal([]byte(get(t, s, target, "").Text), &set); err != nil {
		t.Fatal(err)
	}
	out := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil || len(n) != 256 || n[0] < 0x80 || k.Kty != "RSA" || k.Alg != "RS256" || k.Use != "sig" || k.E != "AQAB" || len(k.Kid) != 43 {
			t.Errorf("key %+v: not as Okta's (%v)", k, err)
		}
		out[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
	return out
}

// open takes a token apart: header and claims as text, and whether a published key signed it.
func open(t *testing.T, token string, keys map[string]*rsa.PublicKey) (header, claims string, signed bool) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token has %d parts, want 3", len(parts))
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			t.Fatal(err)
		}
	}
	var head struct{ Kid string }
	if err := json.Unmarshal(raw[0], &head); err != nil {
		t.Fatal(err)
	}
	key := keys[head.Kid]
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signed = key != nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw[2]) == nil
	return strings.ReplaceAll(string(raw[0]), head.Kid, "KID"), string(raw[1]), signed
}

func signIn(t *testing.T, s *oktatest.Server, server, scope string) answer {
	t.Helper()
	s.Clock().Advance(time.Second)
	e := oktatest.Scenarios()[0]
	e.Server, e.Scope = server, scope
	got := send(t, s, request(t, s, e))
	if got.Status != 200 {
		t.Fatalf("sign in at %s: got %d %s", server, got.Status, got.Text)
	}
	return got
}

func mustMatch(t *testing.T, what, got, pattern string) {
	t.Helper()
	if !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
		t.Errorf("%s: got %s, want %s", what, got, pattern)
	}
}

func TestTokensOfCustomServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	got := signIn(t, s, "default", "profile openid  offline_access openid email")
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"email offline_access openid profile",`+
		`"refresh_token":"[-_A-Za-z0-9]{43}","id_token":"[^"]+"\}`)
	keys := publicKeys(t, s, s.URL()+"/oauth2/default/v1/keys")
	if len(keys) < 2 {
		t.Errorf("got %d keys, want at least 2", len(keys))
	}
	iss := regexp.QuoteMeta(s.URL() + "/oauth2/default")

	access := got.member(t, "access_token")
	header, claims, signed := open(t, access, keys)
	if header != `{"kid":"KID","alg":"RS256"}` || !signed {
		t.Errorf("access token: header %s, signed by a published key: %v", header, signed)
	}
	mustMatch(t, "access token", claims, `\{"ver":1,"jti":"AT\.[-_A-Za-z0-9]{43}\.oar[A-Za-z0-9]{17}","iss":"`+iss+`","aud":"api://default",`+
		`"sub":"alice@example.com","iat":1785585601,"exp":1785589201,"cid":"0oaSandboxClient0001","uid":"00u[A-Za-z0-9]{17}",`+
		`"scp":\["email","offline_access","openid","profile"\],"auth_time":1785585601\}`)

	header, claims, signed = open(t, got.member(t, "id_token"), keys)
	if header != `{"kid":"KID","alg":"RS256"}` || !signed {
		t.Errorf("ID token: header %s, signed by a published key: %v", header, signed)
	}
	sum := sha256.Sum256([]byte(access))
	mustMatch(t, "ID token", claims, `\{"sub":"00u[A-Za-z0-9]{17}","name":"Alice Example","email":"alice@example.com","ver":1,"iss":"`+iss+`",`+
		`"aud":"0oaSandboxClient0001","iat":1785585601,"exp":1785589201,"jti":"ID\.[-_A-Za-z0-9]{43}","amr":\["pwd"\],"idp":"00o[A-Za-z0-9]{17}",`+
		`"preferred_username":"alice@example.com","auth_time":1785585601,"at_hash":"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"\}`)
}

func TestTokensOfOrgServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	got := signIn(t, s, oktatest.OrgServerID, "openid")
	mustMatch(t, "answer", got.Text, `\{"token_type":"Bearer","expires_in":3600,"access_token":"[^"]+","scope":"openid","id_token":"[^"]+"\}`)
	keys := publicKeys(t, s, s.URL()+"/oauth2/v1/keys")
	_, claims, signed := open(t, got.member(t, "access_token"), keys)
	if base := `"iss":"` + s.URL() + `","aud":"` + s.URL() + `"`; signed || !strings.Contains(claims, base) {
		t.Errorf("access token: got %s, signed by a published key: %v, want %s by an unpublished one", claims, signed, base)
	}
	if _, claims, signed = open(t, got.member(t, "id_token"), keys); !signed || strings.Contains(claims, "name") {
		t.Errorf("ID token: got %s, signed by a published key: %v", claims, signed)
	}
}

func TestCustomClaims(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddAuthServer(oktatest.AuthServer{ID: "aus1", Audience: "api://one", Rules: []oktatest.Rule{{}},
		Claims: map[string]any{"groups": []string{"<Everyone>"}, "dept": 7}})
	_, claims, _ := open(t, signIn(t, s, "aus1", "openid").member(t, "access_token"), nil)
	if !strings.Contains(claims, `"aud":"api://one"`) || !strings.HasSuffix(claims, `,"dept":7,"groups":["<Everyone>"]}`) {
		t.Errorf("got %s", claims)
	}
}

// The org server is not for sale.
func TestNoServerCalledOrg(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.AddAuthServer(oktatest.AuthServer{ID: oktatest.OrgServerID})
	if got := get(t, s, s.URL()+"/oauth2/org/v1/keys", ""); got.Status != 404 {
		t.Errorf("a custom server called org: got %d, want 404", got.Status)
	}
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Keys: oktatest.NewKeys()})
	target := s.URL() + "/oauth2/default/v1/keys"
	before := signIn(t, s, "default", "openid").member(t, "access_token")
	first := publicKeys(t, s, target)
	s.RotateKeys()
	after := signIn(t, s, "default", "openid").member(t, "access_token")
	if _, _, signed := open(t, after, first); !signed {
		t.Error("the key that signs after the rotation was not published before it")
	}
	second := publicKeys(t, s, target)
	if _, _, signed := open(t, before, second); !signed || len(second) != 3 {
		t.Errorf("after a rotation: %d keys, the old one among them: %v", len(second), signed)
	}
	if reflect.DeepEqual(first, second) || before[:40] == after[:40] {
		t.Error("the rotation changed nothing")
	}
	for range 2 {
		s.RotateKeys()
	}
	if _, _, signed := open(t, before, publicKeys(t, s, target)); signed {
		t.Error("the old key is still published after three rotations")
	}
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	s := start(t)
	endpoint := s.URL() + "/oauth2/default/v1/userinfo"
	alice, _ := s.User(oktatest.DefaultUser)
	token := signIn(t, s, "default", "openid profile email").member(t, "access_token")
	if got := get(t, s, endpoint, token); got.Status != 200 || got.member(t, "sub") != alice.ID || got.member(t, "name") != "Alice Example" ||
		got.member(t, "email") != oktatest.DefaultUser {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
	r := newPost(t, endpoint, url.Values{})
	r.Header.Set("Authorization", "bearer "+token)
	if got := send(t, s, r); got.Status != 200 {
		t.Errorf("POST: got %d %s", got.Status, got.Text)
	}
	s.Clock().Advance(time.Second)
	reachable := signIn(t, s, "default", "openid address phone").member(t, "access_token")
	const where = `"address":{"street_address":"1 Example Street","locality":"Springfield","region":"CA","postal_code":"94000","country":"US"},"phone_number":"+1 555 0100"}`
	if got := get(t, s, endpoint, reachable); !strings.HasSuffix(got.Text, where) {
		t.Errorf("address and phone: got %s", got.Text)
	}
	org := signIn(t, s, oktatest.OrgServerID, "openid groups").member(t, "access_token")
	if got := get(t, s, s.URL()+"/oauth2/v1/userinfo", org); got.Status != 200 || !strings.Contains(got.Text, `"groups":["Everyone","Engineering"]`) {
		t.Errorf("groups: got %d %s", got.Status, got.Text)
	}
	s.Clock().Advance(time.Second)
	e := oktatest.Scenarios()[6]
	narrow := send(t, s, request(t, s, e)).member(t, "access_token")
	const invalid = `Bearer error="invalid_token", error_description="The access token is invalid"`
	check := func(what, target, token string, status int, header string) {
		t.Helper()
		if got := get(t, s, target, token); got.Status != status || got.Header.Get("Www-Authenticate") != header || got.Text != "" {
			t.Errorf("%s: got %d %q %q, want %d %q", what, got.Status, got.Header.Get("Www-Authenticate"), got.Text, status, header)
		}
	}
	check("no token", endpoint, "", 401, invalid)
	check("altered token", endpoint, token+"x", 401, invalid)
	check("token of a custom server at the org's", s.URL()+"/oauth2/v1/userinfo", token, 401, invalid)
	check("no openid", endpoint, narrow, 403, `Bearer error="insufficient_scope", error_description="The access token must provide access to at least one of these `+
		`scopes - profile, email, address or phone"`)
	alice.Email = "a@example.com"
	s.AddUser(alice)
	if got := get(t, s, endpoint, token).member(t, "email"); got != "a@example.com" {
		t.Errorf("email: got %q", got)
	}
	if code, _ := get(t, s, s.URL()+"/oauth2/nowhere/v1/userinfo", token).error(t); code != "E0000007" {
		t.Errorf("unknown server: got %q, want E0000007", code)
	}
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Deactivated)
	check("deactivated user", endpoint, token, 401, invalid)
	s.SetUserStatus(oktatest.DefaultUser, oktatest.Active)
	s.Clock().Advance(time.Hour)
	check("expired", endpoint, token, 401, invalid)
	s.Change(func(o *oktatest.Options) { o.Limits = &oktatest.Limits{BucketPerMinute: 1} })
	get(t, s, endpoint, token)
	if code, _ := get(t, s, endpoint, token).error(t); code != "E0000047" {
		t.Errorf("too many: got %q, want E0000047", code)
	}
}

func TestHello(t *testing.T) {
	t.Parallel()
	s := start(t)
	endpoint := s.URL() + "/api/hello"
	answer := signIn(t, s, "default", "openid api:read")
	token := answer.member(t, "access_token")
	if got, want := get(t, s, endpoint, token).Text, `{"hello":"alice@example.com","scopes":["api:read","openid"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	parts := strings.Split(token, ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"` + s.Issuer("default") + `","aud":"api://default","sub":"mallory","exp":99999999999}`))
	other := start(t) // the same keys, another issuer
	const unknown, audience = "the token was not issued by this server", "meant for another audience"
	org := signIn(t, s, oktatest.OrgServerID, "openid").member(t, "access_token")
	for _, test := range []struct{ name, token, want string }{
		{"ID token", answer.member(t, "id_token"), audience},
		{"the org server's", org, audience},
		{"forged", parts[0] + "." + forged + "." + parts[2], unknown},
		{"another server's", signIn(t, other, "default", "openid").member(t, "access_token"), unknown},
		{"not a JWT", "canary", unknown},
		{"unsigned", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", unknown},
	} {
		got := get(t, s, endpoint, test.token)
		want := `Bearer error="invalid_token", error_description="` + test.want + `"`
		if got.Status != 401 || got.Header.Get("Www-Authenticate") != want {
			t.Errorf("%s: got %d %q", test.name, got.Status, got.Header.Get("Www-Authenticate"))
		}
	}
	if got := get(t, s, endpoint, "").Header.Get("Www-Authenticate"); got != `Bearer realm="oktatest"` {
		t.Errorf("no token: got %q", got)
	}
	s.Clock().Advance(time.Hour)
	if got := get(t, s, endpoint, token); !strings.Contains(got.Header.Get("Www-Authenticate"), "the token has expired") {
		t.Errorf("expired: got %d %q", got.Status, got.Header.Get("Www-Authenticate"))
	}
}
