package clientauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/secret"
)

func pemOf(label string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// rsaKey is made once: it takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pemOf("PRIVATE KEY", der, err)
}

func sec1(key *ecdsa.PrivateKey) string {
	der, err := x509.MarshalECPrivateKey(key)
	return pemOf("EC PRIVATE KEY", der, err)
}

func public(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pemOf("PUBLIC KEY", der, err)
}

func jwkOf(jwk jose.JSONWebKey) string {
	text, err := jwk.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// ecJWK is the key of RFC 7515, appendix A.3.1.
const ecJWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
	`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`

// Every form of a key that tools write gives the same key.
func TestST36_KeyForms(t *testing.T) {
	t.Parallel()
	pkcs1 := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()), nil)
	ec := ecKey(elliptic.P256())
	for name, test := range map[string]struct{ text, alg, id string }{
		"PKCS #1":                {pkcs1, "RS256", ""},
		"PKCS #8, RSA":           {pkcs8(rsaKey()), "RS256", ""},
		"PKCS #8, P-256":         {pkcs8(ec), "ES256", ""},
		"PKCS #8, P-384":         {pkcs8(ecKey(elliptic.P384())), "ES384", ""},
		"SEC 1, P-521":           {sec1(ecKey(elliptic.P521())), "ES512", ""},
		"openssl ecparam":        {"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + sec1(ec), "ES256", ""},
		"with its public key":    {public(ec.Public()) + pkcs8(ec), "ES256", ""},
		"Windows line breaks":    {strings.ReplaceAll(pkcs1, "\n", "\r\n"), "RS256", ""},
		"\\n for line breaks":    {strings.ReplaceAll(pkcs1, "\n", `\n`), "RS256", ""},
		"\\r\\n for line breaks": {strings.ReplaceAll(pkcs1, "\n", `\r\n`), "RS256", ""},
		"text around it":         {"Bag Attributes\n  x: y\n" + pkcs1 + "\nend", "RS256", ""},
		"JWK":                    {ecJWK, "ES256", ""},
		"JWK with kid and alg":   {jwkOf(jose.JSONWebKey{Key: rsaKey(), KeyID: "k1", Algorithm: "RS512"}), "RS512", "k1"},
		"JWK Set of one":         {` {"keys": [` + jwkOf(jose.JSONWebKey{Key: ec, KeyID: "k2"}) + "]}\n", "ES256", "k2"},
	} {
		key, err := ParseKey(secret.New(test.text))
		if err != nil || key.Algorithm() != test.alg || key.ID() != test.id {
			t.Errorf("%s: got %v, %v; want %s %q", name, key, err, test.alg, test.id)
			continue
		}
		again, err := key.PrivateJWK()
		if err != nil {
			t.Fatal(err)
		}
		if same, err := ParseKey(again); err != nil || same.Thumbprint() != key.Thumbprint() || same.ID() != key.ID() {
			t.Errorf("%s: written and read again: %v, %v", name, same, err)
		}
	}
}

// hugePrimes is a key of 2048 bits with numbers of many more in the place of its primes, which are checked first.
func hugePrimes(t *testing.T) string {
	t.Helper()
	huge := new(big.Int).Lsh(big.NewInt(1), 216_091)
	huge.Sub(huge, big.NewInt(1))
	key := rsaKey()
	der, err := asn1.Marshal(struct {
		Version      int
		N            *big.Int
		E            int
		D, P, Q      *big.Int
		Dp, Dq, Qinv *big.Int
	}{0, key.N, key.E, key.D, huge, huge, key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv})
	return pemOf("RSA PRIVATE KEY", der, err)
}

// What is no usable key is named, and its text is not in the error.
func TestST36_WrongKeys(t *testing.T) {
	t.Parallel()
	ec, other := ecKey(elliptic.P256()), ecKey(elliptic.P256())
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("canary"),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}}))
	block := func(label string) string { return pemOf(label, []byte("canary"), nil) }
	mixed := strings.Replace(ecJWK, "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
		"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE", 1)
	for text, want := range map[string]struct {
		problem KeyProblem
		text    string
	}{
		encrypted:                                {KeyEncrypted, "passphrase"},
		block("ENCRYPTED PRIVATE KEY"):           {KeyEncrypted, "passphrase"},
		public(rsaKey().Public()):                {KeyPublic, "a public key"},
		block("RSA PUBLIC KEY"):                  {KeyPublic, "a public key"},
		"ssh-ed25519 canary a@b":                 {KeyPublic, "OpenSSH"},
		jwkOf(jose.JSONWebKey{Key: ec.Public()}): {KeyPublic, "a public key"},
		block("CERTIFICATE"):                     {KeyCertificate, "certificate"},
		block("CERTIFICATE REQUEST"):             {KeyUnsupported, "CERTIFICATE REQUEST"},
		block("OPENSSH PRIVATE KEY"):             {KeyOpenSSH, "OpenSSH"},
		"PuTTY-User-Key-File-3: canary":          {KeyOpenSSH, "PuTTY"},
		block("DSA PRIVATE KEY"):                 {KeyUnsupported, "DSA"},
		block("PRIVATE KEY"):                     {KeyUnreadable, "damaged"},
		"-----BEGIN PRIVATE KEY-----canary":      {KeyUnreadable, "line breaks"},
		strings.ReplaceAll(pkcs8(ec), "\n", " "): {KeyUnreadable, "line breaks"},
		pkcs8(ec) + pkcs8(other):                 {KeySeveral, "2 private keys"},
		`{"keys":[` + ecJWK + "," + ecJWK + `]}`: {KeySeveral, "2 keys"},
		`{"keys":[]}`:                            {KeyUnreadable, "without a key"},
		pkcs8(ed):                                {KeyUnsupported, "neither an RSA key"},
		jwkOf(jose.JSONWebKey{Key: ed}):          {KeyUnsupported, `"OKP"`},
		pkcs8(ecKey(elliptic.P224())):            {KeyUnsupported, "P-224"},
		secp256k1:                                {KeyUnsupported, "P-256"},
		`{"kty":"oct","k":"Y2FuYXJ5"}`:           {KeyUnsupported, "shared secret"},
		`{"kty":"EC","crv":"secp256k1","x":"","y":"","d":"canary"}`: {KeyUnsupported, `"secp256k1"`},
		strings.Replace(ecJWK, `{`, `{"use":"enc",`, 1):             {KeyUnsupported, `"enc"`},
		strings.Replace(ecJWK, `{`, `{"alg":"RS256",`, 1):           {KeyUnsupported, `"RS256"`},
		`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"canary"}`:          {KeyUnreadable, "member"},
		mixed:                  {KeyUnreadable, "belong together"},
		`{"kty":"EC"`:          {KeyUnreadable, "invalid JSON"},
		"/home/canary/key.pem": {KeyFileName, "name of a file"},
		"canary":               {KeyUnreadable, "neither PEM nor a JWK"},
		"":                     {KeyUnreadable, "neither PEM nor a JWK"},
		rsaPEM(t, 1024):        {KeyWeak, "1024 bits"},
		hugePrimes(t):          {KeyUnsupported, "larger than"},
	} {
		key, err := ParseKey(secret.New(text))
		e, ok := errors.AsType[*KeyError](err)
		if !ok || e.Problem != want.problem || !strings.Contains(err.Error(), want.text) || !key.IsZero() {
			t.Errorf("%.60s: got %v, %v; want %s, %q", text, key, err, want.problem, want.text)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error shows its input: %v", err)
		}
	}
}

// secp256k1 is a key of a curve that the standard library does not know: openssl ecparam -name secp256k1 -genkey
const secp256k1 = `-----BEGIN EC PRIVATE KEY-----
MHQCAQEEIH3Zvz3zSvME1aXZF0bM08dFkJ8hyjsSidCZ982JX72EoAcGBSuBBAAK
oUQDQgAE5/virmxG33znOYuH5UotAIwpIuO6EbM6qPeD0Rfwn9VYj5VI00upY1Wf
76yRLKyQx2IV+rsRaeaGr+YAot7RZQ==
-----END EC PRIVATE KEY-----
`

func rsaPEM(t *testing.T, bits int) string {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(key)
}

// A key as Infineon's chips made it is refused: its primes are k·M + (65537^a mod M), M the product of 126 primes.
func TestAT45_ROCAKey(t *testing.T) {
	t.Parallel()
	m := big.NewInt(1)
	for n, count := int64(2), 0; count < 126; n++ {
		if big.NewInt(n).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(n))
			count++
		}
	}
	weakPrime := func() *big.Int {
		a, _ := rand.Int(rand.Reader, big.NewInt(1<<40))
		rest := new(big.Int).Exp(big.NewInt(65537), a, m)
		for k := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(3), 1022), m); ; k.Add(k, big.NewInt(1)) {
			if p := new(big.Int).Add(new(big.Int).Mul(k, m), rest); p.ProbablyPrime(0) {
				return p
			}
		}
	}
	p, q, one, e := weakPrime(), weakPrime(), big.NewInt(1), big.NewInt(65537)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D: new(big.Int).ModInverse(e, phi), Primes: []*big.Int{p, q}}
	key.Precompute()
	_, err := ParseKey(secret.New(pkcs8(key)))
	if e, ok := errors.AsType[*KeyError](err); !ok || e.Problem != KeyWeak || !strings.Contains(err.Error(), "ROCA") {
		t.Errorf("got %v", err)
	}
}

// The example of RFC 7638 §3.1.
func TestST36_ThumbprintOfRFC7638(t *testing.T) {
	t.Parallel()
	var jwk jose.JSONWebKey
	if err := json.Unmarshal([]byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu`+
		`1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW`+
		`2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPk`+
		`sINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`), &jwk); err != nil {
		t.Fatal(err)
	}
	if got := (Key{&jwk}).Thumbprint(); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("got %s", got)
	}
}

// A new key has its thumbprint as ID; its public JWK has what a server registers and nothing private.
func TestST36_GenerateKey(t *testing.T) {
	t.Parallel()
	for alg, members := range map[string]string{
		ES256: "alg crv kid kty use x y", RS256: "alg e kid kty n use",
	} {
		key, err := GenerateKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		var public map[string]string
		if err := json.Unmarshal(key.PublicJWK(), &public); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, name := range strings.Fields("alg crv d dp dq e k kid kty n p q qi use x y") {
			if public[name] != "" {
				names = append(names, name)
			}
		}
		if got := strings.Join(names, " "); got != members || len(names) != len(public) {
			t.Errorf("%s: got the members %s of %d, want %s", alg, got, len(public), members)
		}
		if public["kid"] != key.Thumbprint() || public["alg"] != alg || public["use"] != "sig" || key.ID() != public["kid"] {
			t.Errorf("%s: got %v", alg, public)
		}
	}
	if _, err := GenerateKey("HS256"); err == nil {
		t.Error("HS256: want an error")
	}
	key, err := ParseKey(secret.New(ecJWK))
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s %x %d %v", key, key, key, key, key, key, struct{ k Key }{key}); strings.Contains(
		shown, "jpsQ") || strings.Contains(shown, "0x8e9b109e") || !strings.Contains(shown, "ES256") {
		t.Errorf("it shows %s", shown)
	}
	if named := key.WithID("k9"); named.ID() != "k9" || key.ID() != "" ||
		!strings.Contains(string(key.PublicJWK()), key.Thumbprint()) {
		t.Errorf("got %v and %v", named, key)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, text := range []string{ecJWK, secp256k1, pkcs8(ecKey(elliptic.P256())), `{"keys":[` + ecJWK + `]}`, "{}", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(secret.New(text))
		if err == nil {
			if again, err := key.PrivateJWK(); err != nil || again.IsZero() {
				t.Errorf("a key that cannot be written: %v", err)
			}
		} else if e, ok := errors.AsType[*KeyError](err); !ok || e.Problem == "" {
			t.Errorf("got %T", err)
		}
	})
}
