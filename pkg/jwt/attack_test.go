package jwt_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"okauth/pkg/jwt"
)

// rejected is a token that must not pass, and the checks that must say so.
type rejected struct {
	token, failed string
}

func wantRejected(t *testing.T, config jwt.Config, keys jwt.KeySource, tests map[string]rejected) {
	t.Helper()
	for name, test := range tests {
		if got := failed(t, verify(t, config, test.token, keys)); got != test.failed || got == "" {
			t.Errorf("%s: failed: got %q, want %q", name, got, test.failed)
		}
	}
}

// unsigned is a token with any third part.
func unsigned(header object, signature string) string {
	return part(header.String()) + "." + part(accessClaims.String()) + "." + signature
}

func TestAT40_AlgNone(t *testing.T) {
	t.Parallel()
	tests := map[string]rejected{}
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "", " RS256", "rs256", "RS256\x00", 0, true, []string{"RS256"}, object{"RS256": 1}, verbatim("null")} {
		header := object{"kid": "rsa", "alg": alg}
		tests[header.String()] = rejected{unsigned(header, ""), "alg"}
		tests[header.String()+", signed"] = rejected{sign(t, private()["rsa"], header, accessClaims), "alg"}
	}
	tests["missing"] = rejected{sign(t, private()["rsa"], object{"kid": "rsa"}, accessClaims), "alg"}
	tests["no signature"] = rejected{unsigned(object{"kid": "rsa", "alg": "RS256"}, ""), "signature"}
	tests["a short one"] = rejected{unsigned(object{"kid": "rsa", "alg": "RS256"}, "AA"), "signature"}
	if c := check(t, verify(t, accessConfig, tests["no signature"].token, issuerKeys()), "signature"); !strings.Contains(c.Why, "has no signature") {
		t.Errorf("no signature: got %+v", c)
	}
	tests["zeros"] = rejected{unsigned(object{"kid": "rsa", "alg": "RS256"}, strings.Repeat("A", 342)), "signature"}
	wantRejected(t, accessConfig, issuerKeys(), tests)
}

// The public key is no secret, so a verifier that takes it for one lets anyone sign.
func TestAT41_PublicKeyAsSharedSecret(t *testing.T) {
	t.Parallel()
	public := private()["rsa"].Public().(*rsa.PublicKey)
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(public)
	tests := map[string]rejected{}
	for name, secret := range map[string][]byte{
		"PEM":             pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}),
		"PEM, PKCS #1":    pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"PEM, no newline": []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})))),
		"DER":             pkix,
		"DER, PKCS #1":    pkcs1,
		"modulus":         public.N.Bytes(),
		"JWK":             []byte(jwk("rsa", public).String()),
		"nothing":         {},
	} {
		for _, alg := range []string{"HS256", "hs256", "HS384", "RS256"} {
			head := part(object{"kid": "rsa", "alg": alg}.String()) + "." + part(accessClaims.String())
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(head))
			want := "alg"
			if alg == "RS256" {
				want = "signature"
			}
			tests[name+", "+alg] = rejected{head + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), want}
		}
	}
	wantRejected(t, accessConfig, issuerKeys(), tests)
}

func TestAT42_TokenThatBringsItsKey(t *testing.T) {
	t.Parallel()
	attacker := private()["rsa-other"]
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s is asked for %s", r.Host, r.URL)
	}))
	t.Cleanup(server.Close)
	own := jwk("mine", attacker.Public())
	url := server.URL + "/keys"
	set := keySet(t, jwk("rsa", private()["rsa"].Public()))
	for name, test := range map[string]struct {
		header object
		failed string
	}{
		"jwk":            {object{"kid": "rsa", "jwk": own}, "signature"},
		"jwk, its kid":   {object{"kid": "mine", "jwk": own}, "kid"},
		"jwk, no kid":    {object{"jwk": own}, "kid"},
		"jku":            {object{"kid": "rsa", "jku": url}, "signature"},
		"jku, its kid":   {object{"kid": "mine", "jku": url}, "kid"},
		"x5u":            {object{"kid": "rsa", "x5u": url}, "signature"},
		"x5c":            {object{"kid": "rsa", "x5c": []string{"AAAA"}}, "signature"},
		"kid is the URL": {object{"kid": url}, "kid"},
		"all":            {object{"kid": "rsa", "jwk": own, "jku": url, "x5u": url, "x5c": []string{}, "x5t": "x", "x5t#S256": "x"}, "signature"},
	} {
		v := verify(t, accessConfig, sign(t, attacker, test.header.with(object{"alg": "RS256"}), accessClaims), set)
		if got := failed(t, v); got != test.failed {
			t.Errorf("%s: failed: got %q, want %q", name, got, test.failed)
		}
	}
	header := object{"alg": "RS256", "kid": "rsa", "jku": url, "x5t": "x"}
	v := verify(t, accessConfig, sign(t, private()["rsa"], header, accessClaims), set)
	if c := check(t, v, "key"); !v.Valid() || !strings.HasPrefix(c.Why, "the header's jku, x5t did not count") {
		t.Errorf("signed by the issuer: got %+v", c)
	}
}

func TestAT43_Kid(t *testing.T) {
	t.Parallel()
	key := private()["rsa"]
	tests := map[string]rejected{}
	for _, kid := range []any{
		"", "RSA", "rsa ", "../../../etc/passwd", "' OR 1=1 --", "\x00rsa", "rsa\x00", "\u202e", strings.Repeat("k", 257), strings.Repeat("ü", 60_000),
		1, true, []string{"rsa"}, object{"rsa": "rsa"}, verbatim("null"),
	} {
		header := object{"alg": "RS256", "kid": kid}
		tests[header.String()] = rejected{sign(t, key, header, accessClaims), "kid"}
	}
	tests["missing"] = rejected{sign(t, key, object{"alg": "RS256"}, accessClaims), "kid"}
	wantRejected(t, accessConfig, keysFunc(func(_ context.Context, kid string) (jwt.KeySet, error) {
		if kid == "" || len(kid) > 256 {
			t.Errorf("asked for a key by %d bytes", len(kid))
		}
		return issuerKeys(), nil
	}), tests)

	once, other := jwk("rsa", key.Public()), jwk("rsa", private()["rsa-other"].Public())
	token := signed(t, accessClaims)
	for name, set := range map[string]jwt.KeySet{
		"two keys":           keySet(t, once, other),
		"two keys, reversed": keySet(t, other, once),
		"the same key twice": keySet(t, once, once),
		"another kty":        keySet(t, once, jwk("rsa", private()["p256"].Public())),
		"another alg":        keySet(t, once.with(object{"alg": "RS256"}), other.with(object{"alg": "RS512"})),
		"no such key":        keySet(t, jwk("other", key.Public())),
		"no key":             {},
	} {
		if got := failed(t, verify(t, accessConfig, token, set)); got != "kid" {
			t.Errorf("%s: failed: got %q, want kid", name, got)
		}
	}
	// A key that can't be used anyway is none that could be meant.
	if got := failed(t, verify(t, accessConfig, token, keySet(t, once, other.with(object{"use": "enc"})))); got != "" {
		t.Errorf("an encryption key of the same name: failed: %s", got)
	}
}

func TestST28_AT44_KeyForSomethingElse(t *testing.T) {
	t.Parallel()
	token, key := signed(t, accessClaims), jwk("rsa", private()["rsa"].Public())
	for name, test := range map[string]struct {
		changes object
		failed  string
	}{
		"as it is":      {object{}, ""},
		"no use":        {object{"use": nil}, ""},
		"verify":        {object{"key_ops": []string{"sign", "verify"}}, ""},
		"RS256":         {object{"alg": "RS256"}, ""},
		"enc":           {object{"use": "enc"}, "key"},
		"use SIG":       {object{"use": "SIG"}, "key"},
		"use empty":     {object{"use": ""}, "key"},
		"use a list":    {object{"use": []string{"sig"}}, "key"},
		"sign":          {object{"key_ops": []string{"sign"}}, "key"},
		"encrypt":       {object{"key_ops": []string{"encrypt"}}, "key"},
		"no operation":  {object{"key_ops": []string{}}, "key"},
		"operations":    {object{"key_ops": "verify"}, "key"},
		"RS512":         {object{"alg": "RS512"}, "key"},
		"PS256":         {object{"alg": "PS256"}, "key"},
		"RSA-OAEP":      {object{"alg": "RSA-OAEP"}, "key"},
		"ES256":         {object{"alg": "ES256"}, "key"},
		"HS256":         {object{"alg": "HS256"}, "key"},
		"none":          {object{"alg": "none"}, "key"},
		"alg a number":  {object{"alg": 1}, "key"},
		"private":       {object{"d": "AQAB"}, "key"},
		"prime":         {object{"p": "AQAB"}, "key"},
		"with a secret": {object{"k": "AQAB"}, "key"},
		"oct":           {object{"kty": "oct", "k": "AQAB"}, "key"},
		"kty rsa":       {object{"kty": "rsa"}, "key"},
		"kty missing":   {object{"kty": nil}, "key"},
		"kty a number":  {object{"kty": 1}, "key"},
	} {
		v := verify(t, accessConfig, token, keySet(t, key.with(test.changes), jwk("p256", private()["p256"].Public())))
		if got := failed(t, v); got != test.failed {
			t.Errorf("%s: failed: got %q, want %q", name, got, test.failed)
		}
	}
	// The right name, the wrong type.
	header := object{"alg": "RS256", "kid": "p256"}
	wantRejected(t, accessConfig, issuerKeys(), map[string]rejected{"P-256 key for RS256": {sign(t, private()["rsa"], header, accessClaims), "key"}})
}

func TestAT46_EllipticCurves(t *testing.T) {
	t.Parallel()
	config := accessConfig
	config.Algorithms = []string{"ES256", "ES384", "ES512"}
	header := object{"alg": "ES256", "kid": "p256"}
	head := part(header.String()) + "." + part(accessClaims.String())
	key := private()["p256"].(*ecdsa.PrivateKey)
	good := signature(t, key, "ES256", head)
	sum := sha256.Sum256([]byte(head))
	der, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	order := key.Curve.Params().N.Bytes()
	zero, half := make([]byte, 32), 32
	tests := map[string]rejected{}
	for name, raw := range map[string][]byte{
		"DER":              der,
		"both zero":        make([]byte, 64),
		"r zero":           append(append([]byte{}, zero...), good[half:]...),
		"s zero":           append(append([]byte{}, good[:half]...), zero...),
		"r is the order":   append(append([]byte{}, order...), good[half:]...),
		"s is the order":   append(append([]byte{}, good[:half]...), order...),
		"swapped":          append(append([]byte{}, good[half:]...), good[:half]...),
		"66 bytes each":    append(append(make([]byte, 34), good[:half]...), append(make([]byte, 34), good[half:]...)...),
		"33 bytes each":    append(append([]byte{0}, good[:half]...), append([]byte{0}, good[half:]...)...),
		"one byte less":    good[:63],
		"one byte more":    append(append([]byte{}, good...), 0),
		"r plus the order": append(new(big.Int).Add(new(big.Int).SetBytes(good[:half]), key.Curve.Params().N).Bytes(), good[half:]...),
	} {
		tests[name] = rejected{head + "." + base64.RawURLEncoding.EncodeToString(raw), "signature"}
	}
	tests["ES384 with a P-256 key"] = rejected{sign(t, key, object{"alg": "ES384", "kid": "p256"}, accessClaims), "key"}
	tests["ES256 with a P-384 key"] = rejected{sign(t, private()["p384"], object{"alg": "ES256", "kid": "p384"}, accessClaims), "key"}
	tests["ES512 with a P-256 key"] = rejected{sign(t, key, object{"alg": "ES512", "kid": "p256"}, accessClaims), "key"}
	tests["ES256 with an Ed25519 key"] = rejected{sign(t, private()["ed"], object{"alg": "ES256", "kid": "ed"}, accessClaims), "key"}
	wantRejected(t, config, issuerKeys(), tests)
	if got := failed(t, verify(t, config, head+"."+base64.RawURLEncoding.EncodeToString(good), issuerKeys())); got != "" {
		t.Errorf("the good signature: failed: %s", got)
	}
}

// "The size of the salt value is the same size as the hash function output":
// https://www.rfc-editor.org/rfc/rfc7518#section-3.5
func TestST20_SaltOfPSS(t *testing.T) {
	t.Parallel()
	config := accessConfig
	config.Algorithms = []string{"PS256"}
	head := part(`{"alg":"PS256","kid":"rsa"}`) + "." + part(accessClaims.String())
	sum := sha256.Sum256([]byte(head))
	for size, want := range map[int]string{32: "", 8: "signature", 33: "signature", rsa.PSSSaltLengthAuto: "signature"} {
		raw, err := rsa.SignPSS(rand.Reader, private()["rsa"].(*rsa.PrivateKey), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: size})
		if err != nil {
			t.Fatal(err)
		}
		if got := failed(t, verify(t, config, head+"."+base64.RawURLEncoding.EncodeToString(raw), issuerKeys())); got != want {
			t.Errorf("salt of %d bytes: failed: got %q, want %q", size, got, want)
		}
	}
}

func TestST24_AT47_CritAndOthers(t *testing.T) {
	t.Parallel()
	tests := map[string]rejected{}
	for _, extra := range []object{
		{"crit": []string{}}, {"crit": []string{"exp"}}, {"crit": []string{"alg"}}, {"crit": []string{"x", "x"}, "x": 1}, {"crit": "x"}, {"crit": 1},
		{"crit": verbatim("null")}, {"crit": object{}}, {"crit": []string{"b64"}, "b64": true}, {"crit": []string{"b64"}, "b64": false}, {"crit": []string{"http://x"}, "http://x": "\x1b[2J"},
		{"b64": true}, {"b64": false}, {"b64": "true"}, {"b64": verbatim("null")}, {"zip": "DEF"}, {"zip": 1},
		{"cty": "JWT"}, {"cty": "jwt"}, {"cty": "application/JWT"},
	} {
		header := extra.with(object{"alg": "RS256", "kid": "rsa"})
		tests[header.String()] = rejected{sign(t, private()["rsa"], header, accessClaims), "crit"}
	}
	wantRejected(t, accessConfig, issuerKeys(), tests)
	for name, test := range tests {
		if c := check(t, verify(t, accessConfig, test.token, issuerKeys()), "signature"); c.State != jwt.Skipped {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	for _, fine := range []object{{"cty": "json"}, {"CRIT": []string{"x"}}, {"x": 1}} {
		header := fine.with(object{"alg": "RS256", "kid": "rsa"})
		if got := failed(t, verify(t, accessConfig, sign(t, private()["rsa"], header, accessClaims), issuerKeys())); got != "" {
			t.Errorf("%v: failed: %s", fine, got)
		}
	}
}

// What Parse refuses is not even looked at: no key is asked for, and nothing of the token is shown.
func TestAT48_WhatIsNoToken(t *testing.T) {
	t.Parallel()
	unasked := keysFunc(func(context.Context, string) (jwt.KeySet, error) {
		t.Error("keys are asked for")
		return jwt.KeySet{}, nil
	})
	good := signed(t, accessClaims)
	head := good[:strings.LastIndexByte(good, '.')]
	deep := `{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}"
	for name, token := range map[string]string{
		"empty": "", "opaque": "canary-refresh-token", "two parts": head, "four parts": good + ".x", "five parts": good + ".x.x", "dots": strings.Repeat(".", 1000),
		"JSON": `{"payload":"canary"}`, "newline": good[:50] + "\n" + good[50:], "padding": good + "=", "blank": good + " ", "trailing bits": good[:len(good)-2] + "AB",
		"deep":     signText(t, private()["rsa"], nil, `{"alg":"RS256","kid":"rsa"}`, deep),
		"twice":    signText(t, private()["rsa"], nil, `{"alg":"RS256","kid":"rsa"}`, `{"sub":"canary","sub":"b"}`),
		"two algs": signText(t, private()["rsa"], nil, `{"alg":"RS256","kid":"rsa","alg":"none"}`, accessClaims.String()),
	} {
		v := verify(t, accessConfig, token, unasked)
		if got := failed(t, v); got != "format" {
			t.Errorf("%s: failed: got %q, want format", name, got)
		}
		for _, c := range v.Checks {
			if c.Name != "format" && c.State != jwt.Skipped || strings.Contains(c.Why+c.Got, "canary") {
				t.Errorf("%s: got %+v", name, c)
			}
		}
		if v.Token.Header != nil || v.Token.Claims != nil {
			t.Errorf("%s: there is a token", name)
		}
	}
}

// Not parallel: it counts every byte that the process allocates.
func TestAT48_HugeTokenCostsTheVerifierNothing(t *testing.T) {
	checker := verifier(t, accessConfig, issuerKeys())
	for _, unit := range []string{"a", ".", "a."} {
		huge := strings.Repeat(unit, 100_000_000/len(unit))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := checker.Check(t.Context(), huge)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; err != nil || v.Reason() != "format" || got > 64<<10 {
			t.Errorf("100 MB of %q: %q, %v, %d bytes allocated, expected at most 64 KiB", unit, v.Reason(), err, got)
		}
	}
}

// A token made of as many members as fit costs time in proportion to its size, and not to its square.
func TestAT48_ManyMembers(t *testing.T) {
	t.Parallel()
	var claims strings.Builder
	claims.WriteString(`{"sub":"x"`)
	for i := range 20_000 {
		claims.WriteString(`,"` + big.NewInt(int64(i)).Text(36) + `":0`)
	}
	u, err := jwt.Parse(part(`{}`) + "." + part(claims.String()+"}") + ".")
	if err != nil || len(u.Claims) != 20_001 {
		t.Fatalf("got %d members, %v", len(u.Claims), err)
	}
	wantReason(t, part(`{}`)+"."+part(claims.String()+`,"aaa":1}`)+".", jwt.ReasonJSON)
}

func TestAT52_ForeignTextIsHarmless(t *testing.T) {
	t.Parallel()
	const nasty = "\x1b[2J\u202e\u2066\r\n\x00\u009b1m"
	long := strings.Repeat("ü", 1_000)
	for _, text := range []string{nasty, long} {
		changes := object{"iss": text, "aud": []string{text, text}, "cid": text, "sub": text, "exp": text, "nbf": []string{text}, "jti": text}
		header := object{"alg": "RS256" + text, "kid": text[:9], "typ": text}
		v := verify(t, accessConfig, sign(t, private()["rsa"], header, accessClaims.with(changes)), issuerKeys())
		if got := failed(t, v); got != "type alg kid iss aud cid exp nbf" {
			t.Errorf("failed: got %q", got)
		}
		if got := check(t, v, "iss").Got; strings.HasPrefix(text, "\x1b") && got != `\x1b[2J\u202e\u2066\r\n\x00\u009b1m` || len([]rune(got)) > 201 {
			t.Errorf("iss: got %q", got)
		}
	}
}

func TestAT53_IssuerOfTheTokenIsNotAsked(t *testing.T) {
	t.Parallel()
	var asked []string
	keys := keysFunc(func(ctx context.Context, kid string) (jwt.KeySet, error) {
		asked = append(asked, kid)
		return issuerKeys().KeySet(ctx, kid)
	})
	token := sign(t, private()["rsa-other"], object{"alg": "RS256", "kid": "rsa"}, accessClaims.with(object{"iss": "https://attacker.example"}))
	if got := failed(t, verify(t, accessConfig, token, keys)); got != "signature iss" || len(asked) != 1 {
		t.Errorf("failed: got %q; asked for %q", got, asked)
	}
}
