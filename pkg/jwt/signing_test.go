package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"okauth/pkg/jwt"
)

// An issuer with one key of each kind, and what is expected of its tokens.
const (
	issuer   = "https://dev-1.okta.com/oauth2/default"
	audience = "api://default"
	client   = "0oaexampleclient"
)

// now is when every token of these tests is verified.
var now = time.Unix(1_700_000_000, 0)

// object is a header or claims to be, in the order of the alphabet. A nil value leaves a member out.
type object map[string]any

// verbatim is a value that encoding/json would not write.
type verbatim = json.RawMessage

// with returns o with some members changed.
func (o object) with(changes object) object {
	changed := object{}
	for _, from := range []object{o, changes} {
		for name, value := range from {
			if changed[name] = value; value == nil {
				delete(changed, name)
			}
		}
	}
	return changed
}

func (o object) String() string {
	text, err := json.Marshal(map[string]any(o))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

var (
	accessClaims = object{
		"ver": 1, "jti": "AT.example", "iss": issuer, "aud": audience, "sub": "jane@example.com", "iat": now.Unix() - 60, "exp": now.Unix() + 3540,
		"cid": client, "uid": "00uexample", "scp": []string{"openid", "profile"}, "auth_time": now.Unix() - 61,
	}
	idClaims = object{
		"ver": 1, "jti": "ID.example", "iss": issuer, "aud": client, "sub": "00uexample", "iat": now.Unix() - 60, "exp": now.Unix() + 3540,
		"amr": []string{"pwd"}, "idp": "00oexample", "auth_time": now.Unix() - 61,
	}
	accessConfig = jwt.Config{Kind: jwt.KindAccess, Issuer: issuer, Audience: audience, ClientID: client, Leeway: jwt.DefaultLeeway, Now: func() time.Time { return now }}
	idConfig     = jwt.Config{Kind: jwt.KindID, Issuer: issuer, ClientID: client, Leeway: jwt.DefaultLeeway, Now: func() time.Time { return now }}
)

// private are the issuer's keys, by kid. They are made once: an RSA key takes its time.
var private = sync.OnceValue(func() map[string]crypto.Signer {
	keys := map[string]crypto.Signer{}
	var err error
	must := func(key crypto.Signer, e error) crypto.Signer {
		if err == nil {
			err = e
		}
		return key
	}
	rsa2048, e := rsa.GenerateKey(rand.Reader, 2048)
	keys["rsa"] = must(rsa2048, e)
	other, e := rsa.GenerateKey(rand.Reader, 2048)
	keys["rsa-other"] = must(other, e)
	for kid, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		key, e := ecdsa.GenerateKey(curve, rand.Reader)
		keys[kid] = must(key, e)
	}
	_, ed, e := ed25519.GenerateKey(rand.Reader)
	keys["ed"] = must(ed, e)
	if err != nil {
		panic(err)
	}
	return keys
})

// kidFor is the key of the issuer that an algorithm works with.
func kidFor(alg string) string {
	switch alg {
	case "ES256":
		return "p256"
	case "ES384":
		return "p384"
	case "ES512":
		return "p521"
	case "EdDSA":
		return "ed"
	}
	return "rsa"
}

// jwk is the public half of a key, as an issuer publishes it.
func jwk(kid string, key crypto.PublicKey) object {
	octets := base64.RawURLEncoding.EncodeToString
	switch key := key.(type) {
	case *rsa.PublicKey:
		return object{"kty": "RSA", "use": "sig", "kid": kid, "n": octets(key.N.Bytes()), "e": octets(big.NewInt(int64(key.E)).Bytes())}
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			panic(err)
		}
		size := (len(point) - 1) / 2
		return object{"kty": "EC", "use": "sig", "kid": kid, "crv": key.Curve.Params().Name, "x": octets(point[1 : 1+size]), "y": octets(point[1+size:])}
	case ed25519.PublicKey:
		return object{"kty": "OKP", "use": "sig", "kid": kid, "crv": "Ed25519", "x": octets(key)}
	}
	panic("no such key")
}

// issuerKeys is the issuer's key set.
var issuerKeys = sync.OnceValue(func() jwt.KeySet {
	var list []object
	for kid, key := range private() {
		list = append(list, jwk(kid, key.Public()))
	}
	set, err := jwt.ParseKeySet([]byte(object{"keys": list}.String()))
	if err != nil || set.Len() != len(list) {
		panic(err)
	}
	return set
})

// keySet makes a set that must be readable.
func keySet(t testing.TB, keys ...object) jwt.KeySet {
	t.Helper()
	set, err := jwt.ParseKeySet([]byte(object{"keys": keys}.String()))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// sign makes a token with any header: by its alg where that is one, else RS256.
func sign(t testing.TB, key crypto.Signer, header, claims object) string {
	t.Helper()
	return signText(t, key, header, header.String(), claims.String())
}

func signText(t testing.TB, key crypto.Signer, header object, headerText, claimsText string) string {
	t.Helper()
	signed := part(headerText) + "." + part(claimsText)
	alg, _ := header["alg"].(string)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(t, key, alg, signed))
}

func signature(t testing.TB, key crypto.Signer, alg, signed string) []byte {
	t.Helper()
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(alg, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		hash = crypto.SHA512
	}
	var opts crypto.SignerOpts = hash
	digest := []byte(signed)
	if _, ok := key.(ed25519.PrivateKey); ok {
		opts = crypto.Hash(0)
	} else {
		h := hash.New()
		h.Write(digest)
		digest = h.Sum(nil)
	}
	if strings.HasPrefix(alg, "PS") {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	if ec, ok := key.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, ec, digest)
		if err != nil {
			t.Fatal(err)
		}
		size := (ec.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	raw, err := key.Sign(rand.Reader, digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// signed is a token that the issuer signs with RS256.
func signed(t testing.TB, claims object) string {
	t.Helper()
	return sign(t, private()["rsa"], object{"alg": "RS256", "kid": "rsa"}, claims)
}

// verifier makes a verifier.
func verifier(t testing.TB, config jwt.Config, keys jwt.KeySource) *jwt.Verifier {
	t.Helper()
	v, err := jwt.NewVerifier(config, keys)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// verify returns the report on a token. There is no reason for an error.
func verify(t testing.TB, config jwt.Config, token string, keys jwt.KeySource) jwt.Report {
	t.Helper()
	report, err := verifier(t, config, keys).Check(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// check returns the check called name, of which there must be one.
func check(t testing.TB, v jwt.Report, name string) jwt.Check {
	t.Helper()
	for _, c := range v.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %q in %+v", name, v.Checks)
	return jwt.Check{}
}

// failed returns the names of the checks that failed, joined by blanks. It also asks for what holds of every report:
// each check once and in order, nothing but printable text, a reason for whatever did not pass.
func failed(t testing.TB, v jwt.Report) string {
	t.Helper()
	const order = "format type org_server alg crit kid key signature iss aud cid sub exp nbf iat at_hash"
	var names, failed []string
	for _, c := range v.Checks {
		names = append(names, c.Name)
		if c.State == jwt.Failed {
			failed = append(failed, c.Name)
		}
		if c.State != jwt.Passed && c.Why == "" {
			t.Errorf("%s is %v without a reason", c.Name, c.State)
		}
		text := c.Expected + c.Got + c.Why
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 || len(text) > 4000 {
			t.Errorf("%s is not fit to be shown: %q", c.Name, text)
		}
	}
	if got := strings.Join(names, " "); got != order && got != strings.Replace(order, "org_server ", "", 1) {
		t.Errorf("checks: got %s, want %s", got, order)
	}
	if v.Valid() != (len(failed) == 0) || v.Valid() != (v.Reason() == "") || len(failed) > 0 && v.Reason() != failed[0] {
		t.Errorf("valid %t, reason %q, but failed: %q", v.Valid(), v.Reason(), failed)
	}
	return strings.Join(failed, " ")
}
