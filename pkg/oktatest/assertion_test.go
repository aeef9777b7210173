package oktatest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/oktatest"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// claims are members of a JWT; nil removes one.
type claims = map[string]any

// signJWT signs with a key whose type fits alg. header has what is not in every header.
func signJWT(t *testing.T, alg string, key any, header, members claims) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options = options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return serialize(t, signer, body)
}

func signText(t *testing.T, key any, text string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return serialize(t, signer, []byte(text))
}

func serialize(t *testing.T, signer jose.Signer, body []byte) string {
	t.Helper()
	jws, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func testKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(oktatest.TestKey())
	if block == nil {
		t.Fatal("TestKey is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}

func newECKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicJWK(t *testing.T, key any, kid string) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: kid})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// assertionClaims are those of a client's assertion for an endpoint, by the server's clock.
func assertionClaims(s *oktatest.Server, client, target string, changes claims) claims {
	now := s.Clock().Now().Unix()
	all := claims{"iss": client, "sub": client, "aud": target, "iat": now, "exp": now + 300, "jti": rand.Text()}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// byTestKey is an assertion of one of the apps with the test key.
func byTestKey(t *testing.T, s *oktatest.Server, client, target string, changes claims) string {
	t.Helper()
	return signJWT(t, "ES256", testKey(t), claims{"kid": oktatest.TestKeyID}, assertionClaims(s, client, target, changes))
}

// asserted adds an assertion to a form and sends it.
func asserted(t *testing.T, s *oktatest.Server, target string, form url.Values, assertion string) answer {
	t.Helper()
	full := maps.Clone(form)
	full.Set("client_assertion", assertion)
	if !full.Has("client_assertion_type") {
		full.Set("client_assertion_type", assertionType)
	}
	return send(t, s, newPost(t, target, full))
}

func passwordForm() url.Values {
	return url.Values{
		"grant_type": {"password"}, "username": {oktatest.DefaultUser}, "password": {oktatest.DefaultPassword}, "scope": {"openid"},
	}
}

// mustAnswer wants tokens, or a refusal of the assertion with this text.
func mustAnswer(t *testing.T, name string, got answer, text string) {
	t.Helper()
	if text != "" {
		mustSay(t, name, got, "401 invalid_client", text)
	} else if got.Status != 200 || got.member(t, "access_token") == "" {
		t.Errorf("%s: got %d %s, want tokens", name, got.Status, got.Text)
	}
}

// mustSay compares a refusal in either form.
func mustSay(t *testing.T, name string, got answer, want, text string) {
	t.Helper()
	code, gotText := got.error(t)
	if fmt.Sprint(got.Status, " ", code) != want || gotText != text {
		t.Errorf("%s: got %d %s %q, want %s %q", name, got.Status, code, gotText, want, text)
	}
}

func TestST36_ClaimsOfAnAssertion(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	target, now := tokenURL(s, "default"), s.Clock().Now().Unix()
	const issuer, subject = "The issuer claim for client_assertion is not a valid client_id.", "The subject claim for client_assertion is not a valid client_id."
	const audience = "The audience claim for client_assertion must be the endpoint invoked for the request."
	const noExp = "The client_assertion must contain the 'exp' claim as seconds since epoch."
	const tooFar = "The client_assertion token has an expiration too far into the future."
	for name, test := range map[string]struct {
		changes claims
		text    string // "": tokens
	}{
		"good":                         {nil, ""},
		"audience in a list":           {claims{"aud": []string{"https://elsewhere.example", target}}, ""},
		"no iat, no jti":               {claims{"iat": nil, "jti": nil}, ""},
		"exp in an hour":               {claims{"exp": now + 3600}, ""},
		"no issuer":                    {claims{"iss": nil}, issuer},
		"issuer is no client":          {claims{"iss": "0oaNobodyKnowsMe0001"}, issuer},
		"issuer is no text":            {claims{"iss": 7}, issuer},
		"no subject":                   {claims{"sub": nil}, subject},
		"subject is another client":    {claims{"sub": oktatest.DefaultClientID}, subject},
		"no audience":                  {claims{"aud": nil}, audience},
		"audience is the issuer":       {claims{"aud": s.Issuer("default")}, audience},
		"audience is another server's": {claims{"aud": tokenURL(s, "org")}, audience},
		"audience with a query":        {claims{"aud": target + "?x=y"}, audience},
		"audience has another host":    {claims{"aud": strings.Replace(target, "127.0.0.1", "localhost", 1)}, audience},
		"audiences of others":          {claims{"aud": []string{s.Issuer("default")}}, audience},
		"no exp":                       {claims{"exp": nil}, noExp},
		"exp is a text":                {claims{"exp": "1785585900"}, noExp},
		"expired":                      {claims{"exp": now}, "The client_assertion token is expired."},
		"exp too far":                  {claims{"exp": now + 3601}, tooFar},
		"exp in milliseconds":          {claims{"exp": now * 1000}, tooFar},
		"iat in the future":            {claims{"iat": now + 1}, "The client_assertion token must be issued before the current time."},
	} {
		got := asserted(t, s, target, passwordForm(), byTestKey(t, s, oktatest.PrivateKeyClientID, target, test.changes))
		mustAnswer(t, name, got, test.text)
	}
}

// Who signs, how, and who may.
func TestST36_SignatureOfAnAssertion(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	target := tokenURL(s, "default")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, p384, p521 := newECKey(t, elliptic.P256()), newECKey(t, elliptic.P384()), newECKey(t, elliptic.P521())
	app := func(id, method string, secrets []string, keys ...json.RawMessage) {
		s.AddApp(oktatest.App{ClientID: id, AuthMethod: method, Secrets: secrets, Keys: keys, Grants: []string{oktatest.GrantPassword}})
	}
	long, short, limit := strings.Repeat("s", 64), strings.Repeat("s", 31), strings.Repeat("s", 32)
	app("many", oktatest.PrivateKeyJWT, nil, publicJWK(t, &rsaKey.PublicKey, "rsa"), publicJWK(t, &p256.PublicKey, "256"),
		publicJWK(t, &p384.PublicKey, "384"), publicJWK(t, &p521.PublicKey, "521"))
	app("none", oktatest.PrivateKeyJWT, nil)
	app("private", oktatest.PrivateKeyJWT, nil, publicJWK(t, p256, "256"))
	app("broken", oktatest.PrivateKeyJWT, nil, json.RawMessage(`{"kty":"EC"}`))
	app("basic", "", []string{long})
	app("basic with keys", "", []string{long}, publicJWK(t, &p256.PublicKey, "256"))
	app("secret", oktatest.ClientSecretJWT, []string{short, long})
	app("limit", oktatest.ClientSecretJWT, []string{limit})
	app("short", oktatest.ClientSecretJWT, []string{short})
	const mismatch = "Client authentication failed. Either the client or the client credentials are invalid."
	const kid, signature = "The client_assertion JWT kid is invalid.", "The client_assertion signature is invalid."
	const noKeys = "The client does not have a JWKSet configured, but the client_assertion requires one."
	const algorithm, keySet = "The client_assertion JWT signature algorithm is invalid.", "The client JWKSet is invalid."
	for _, test := range []struct {
		client, alg string
		key         any
		kid, text   string // text "": tokens
	}{
		{"many", "RS256", rsaKey, "rsa", ""},
		{"many", "RS384", rsaKey, "rsa", ""},
		{"many", "RS512", rsaKey, "rsa", ""},
		{"many", "ES256", p256, "256", ""},
		{"many", "ES384", p384, "384", ""},
		{"many", "ES512", p521, "521", ""},
		{"many", "PS256", rsaKey, "rsa", algorithm},
		{"many", "ES256", p256, "", kid}, // which of the four?
		{"many", "ES256", p256, "nobody", kid},
		{"many", "ES256", p256, "384", signature},
		{"many", "ES256", newECKey(t, elliptic.P256()), "256", signature},
		{"many", "HS256", []byte(long), "", mismatch},
		{oktatest.PrivateKeyClientID, "ES256", testKey(t), oktatest.TestKeyID, ""},
		{oktatest.PrivateKeyClientID, "ES256", testKey(t), "", ""},
		{oktatest.PrivateKeyClientID, "RS256", rsaKey, oktatest.TestKeyID, algorithm}, // its JWK has alg
		{"none", "ES256", p256, "256", noKeys},
		{"basic", "ES256", p256, "256", noKeys},
		{"basic with keys", "ES256", p256, "256", mismatch},
		{"basic", "HS256", []byte(long), "", mismatch},
		{"private", "ES256", p256, "256", keySet},
		{"broken", "ES256", p256, "256", keySet},
		{"secret", "HS256", []byte(long), "", ""},
		{"secret", "HS384", []byte(long), "", ""},
		{"secret", "HS512", []byte(long), "", ""},
		{"secret", "HS256", []byte("wrong-horse-wrong-horse-wrong-horse"), "", signature},
		{"limit", "HS256", []byte(limit), "", ""},
		{"short", "HS256", []byte(limit), "", "The client secret is too short to verify a JWT HMAC."},
		{oktatest.SecretJWTClientID, "HS256", []byte(oktatest.DefaultClientSecret), "", ""},
	} {
		header := claims{}
		if test.kid != "" {
			header["kid"] = test.kid
		}
		assertion := signJWT(t, test.alg, test.key, header, assertionClaims(s, test.client, target, nil))
		mustAnswer(t, test.client+", "+test.alg+", "+test.kid, asserted(t, s, target, passwordForm(), assertion), test.text)
	}
}

// Okta takes any secret from 32 characters on, also where RFC 7518 wants more for the algorithm.
func TestHMACWithAShortSecret(t *testing.T) {
	t.Parallel()
	s := start(t)
	target, secret := tokenURL(s, "default"), strings.Repeat("s", 32)
	s.AddApp(oktatest.App{ClientID: "limit", AuthMethod: oktatest.ClientSecretJWT, Secrets: []string{secret}, Grants: []string{oktatest.GrantPassword}})
	body, err := json.Marshal(assertionClaims(s, "limit", target, nil))
	if err != nil {
		t.Fatal(err)
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS512"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(input))
	mustAnswer(t, "HS512", asserted(t, s, target, passwordForm(), input+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil))), "")
}

// What stands beside the assertion, and what is none.
func TestST36_FormOfAnAssertion(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	target := tokenURL(s, "default")
	const parsing = "The parsing of the client_assertion failed."
	const multiple = "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, " +
		"credentials in the post body, or a client_assertion in the post body."
	good := func() string { return byTestKey(t, s, oktatest.PrivateKeyClientID, target, nil) }
	for name, test := range map[string]struct {
		assertion string
		add       url.Values
		code      string
		text      string // "": tokens
	}{
		"client_id":             {good(), url.Values{"client_id": {oktatest.PrivateKeyClientID}}, "", ""},
		"another client_id":     {good(), url.Values{"client_id": {oktatest.ServiceKeyClientID}}, "invalid_client", "Client authentication failed. Either the client or the client credentials are invalid."},
		"client_secret":         {good(), url.Values{"client_secret": {"x"}}, "invalid_request", multiple},
		"another type":          {good(), url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}, "invalid_request", "The client_assertion_type is invalid."},
		"no JWT":                {"x", nil, "invalid_client", parsing},
		"claims are no object":  {signText(t, testKey(t), "[]"), nil, "invalid_client", parsing},
		"claims are no JSON":    {signText(t, testKey(t), "x"), nil, "invalid_client", parsing},
		"without the signature": {good()[:strings.LastIndex(good(), ".")+1], nil, "invalid_client", "The client_assertion signature is invalid."},
		"alg none":              {"eyJhbGciOiJub25lIn0.e30.", nil, "invalid_client", "The client_assertion JWT signature algorithm is invalid."},
	} {
		form := passwordForm()
		maps.Copy(form, test.add)
		got := asserted(t, s, target, form, test.assertion)
		if code, text := got.error(t); code != test.code || text != test.text || (got.Status == 200) != (test.text == "") {
			t.Errorf("%s: got %d %q %q, want %q %q", name, got.Status, code, text, test.code, test.text)
		}
	}
	r := newPost(t, target, url.Values{"client_assertion": {good()}, "client_assertion_type": {assertionType}})
	r.SetBasicAuth(oktatest.DefaultClientID, oktatest.DefaultClientSecret)
	mustSay(t, "Basic", send(t, s, r), "401 invalid_request", multiple)
	r = newPost(t, target, passwordForm())
	r.SetBasicAuth(oktatest.SecretJWTClientID, oktatest.DefaultClientSecret)
	mustSay(t, "Basic instead of an assertion", send(t, s, r), "401 invalid_client",
		"Client authentication failed. Either the client or the client credentials are invalid.")
}

// Each endpoint is an audience of its own, and an assertion with jti works once, wherever it was sent first.
func TestST36_AssertionAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	s := start(t)
	base := s.Issuer("default") + "/v1/"
	const used = "The client_assertion token has already been used."
	for endpoint, form := range map[string]url.Values{
		"token":                {},
		"introspect":           {"token": {"x"}},
		"revoke":               {"token": {"x"}},
		"device/authorize":     {"scope": {"openid"}},
		"challenge":            {},
		"primary-authenticate": {},
	} {
		foreign := byTestKey(t, s, oktatest.PrivateKeyClientID, base+"elsewhere", nil)
		mustSay(t, endpoint, asserted(t, s, base+endpoint, form, foreign), "401 invalid_client",
			"The audience claim for client_assertion must be the endpoint invoked for the request.")
		assertion := byTestKey(t, s, oktatest.PrivateKeyClientID, base+endpoint, nil)
		if got := asserted(t, s, base+endpoint, form, assertion); got.Status == 401 {
			t.Errorf("%s: got %d %s", endpoint, got.Status, got.Text)
		}
		mustSay(t, endpoint+" again", asserted(t, s, base+endpoint, form, assertion), "401 invalid_client", used)
		assertion = byTestKey(t, s, oktatest.PrivateKeyClientID, base+endpoint, claims{"jti": nil})
		for range 2 {
			if got := asserted(t, s, base+endpoint, form, assertion); got.Status == 401 {
				t.Errorf("%s without jti: got %d %s", endpoint, got.Status, got.Text)
			}
		}
	}
	both := []string{base + "introspect", base + "revoke"}
	assertion := byTestKey(t, s, oktatest.PrivateKeyClientID, "", claims{"aud": both})
	if got := asserted(t, s, both[0], url.Values{"token": {"x"}}, assertion); got.Status != 200 {
		t.Errorf("introspect: got %d %s", got.Status, got.Text)
	}
	mustSay(t, "revoke", asserted(t, s, both[1], url.Values{"token": {"x"}}, assertion), "401 invalid_client", used)
	// Another client may happen to choose the same jti.
	for _, client := range []string{oktatest.PrivateKeyClientID, oktatest.ServiceKeyClientID} {
		assertion = byTestKey(t, s, client, both[0], claims{"jti": "same"})
		if got := asserted(t, s, both[0], url.Values{"token": {"x"}}, assertion); got.Status != 200 {
			t.Errorf("%s: got %d %s", client, got.Status, got.Text)
		}
	}
}

// The key of the apps is for everyone, and says so.
func TestTestKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	if got := string(oktatest.TestKey()); !strings.Contains(got, "published and protects nothing") {
		t.Errorf("got %q", got)
	}
	for _, id := range []string{oktatest.PrivateKeyClientID, oktatest.ServiceKeyClientID} {
		app, _ := s.App(id)
		var key jose.JSONWebKey
		if len(app.Keys) != 1 || json.Unmarshal(app.Keys[0], &key) != nil || !testKey(t).PublicKey.Equal(key.Key) || key.KeyID != oktatest.TestKeyID {
			t.Errorf("%s: got the keys %s", id, app.Keys)
		}
	}
}
