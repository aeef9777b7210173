package jwt_test

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"unicode"

	"okauth/pkg/jwt"
)

func TestAT50_OneBadKeyDoesNotSpoilTheSet(t *testing.T) {
	t.Parallel()
	good := jwk("rsa", private()["rsa"].Public())
	p256 := jwk("p256", private()["p256"].Public())
	p521 := jwk("p521", private()["p521"].Public())
	ed := jwk("ed", private()["ed"].Public())
	other, _ := p256["x"].(string)
	for name, test := range map[string]struct {
		bad any // beside a good key
		kid string
		why string
	}{
		"unknown kty":       {object{"kty": "AKP", "kid": "x"}, "x", `kty is "AKP", expected RSA, EC or OKP`},
		"oct":               {object{"kty": "oct", "kid": "x", "k": "AAAA"}, "x", `private member "k": it is no longer a secret`},
		"private":           {good.with(object{"kid": "x", "d": "AQAB"}), "x", `private member "d"`},
		"null":              {nil, "", "got null"},
		"a number":          {1, "", "got a number"},
		"a list":            {[]object{good}, "", "got an array"},
		"no kid":            {good.with(object{"kid": nil}), "", "has no kid"},
		"kid a number":      {good.with(object{"kid": 1}), "", "kid is a number, expected a string"},
		"long kid":          {good.with(object{"kid": strings.Repeat("k", 257)}), strings.Repeat("k", 200) + "…", "kid has 257 bytes"},
		"hostile kid":       {object{"kid": "\x1b[2J", "kty": "\x1b"}, `\x1b[2J`, `kty is "\x1b"`},
		"member twice":      {verbatim(`{"kid":"x","kid":"y"}`), "", `member "kid" occurs twice`},
		"deep":              {verbatim(strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)), "", "no kid"},
		"very deep":         {verbatim(`{"kid":"x","a":` + strings.Repeat(`[`, 70) + strings.Repeat("]", 70) + "}"), "", "deeper than 64 levels"},
		"not UTF-8":         {verbatim("{\"kid\":\"x\",\"a\":\"\xff\"}"), "", "not UTF-8"},
		"n missing":         {good.with(object{"kid": "x", "n": nil}), "x", "has no string n"},
		"n a number":        {good.with(object{"kid": "x", "n": 5}), "x", "has no string n"},
		"n with newline":    {good.with(object{"kid": "x", "n": "AQ\nAB"}), "x", "n is not base64url"},
		"n padded":          {good.with(object{"kid": "x", "n": "AQA="}), "x", "n is not base64url"},
		"e empty":           {good.with(object{"kid": "x", "e": ""}), "x", "has no string e"},
		"unknown curve":     {p256.with(object{"kid": "x", "crv": "secp256k1"}), "x", `crv is "secp256k1", expected [P-256 P-384 P-521]`},
		"another curve":     {p256.with(object{"kid": "x", "crv": "P-384"}), "x", "wrong length for x"},
		"off the curve":     {p256.with(object{"kid": "x", "y": other}), "x", "not on declared curve"},
		"the origin":        {p256.with(object{"kid": "x", "x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}), "x", "not on declared curve"},
		"x beyond the mod":  {p256.with(object{"kid": "x", "x": strings.Repeat("_", 42) + "8"}), "x", "not on declared curve"},
		"short P-521":       {p521.with(object{"kid": "x", "x": strings.Repeat("A", 86)}), "x", "wrong length for x"},
		"X25519":            {ed.with(object{"kid": "x", "crv": "X25519"}), "x", `crv is "X25519", expected [Ed25519]`},
		"short Ed25519":     {ed.with(object{"kid": "x", "x": "AAAA"}), "x", "invalid"},
		"weak Ed25519":      {ed.with(object{"kid": "x", "x": strings.Repeat("A", 43)}), "x", "low-order point"},
		"crv a number":      {ed.with(object{"kid": "x", "crv": 1}), "x", "crv is a number, expected a string"},
		"alg of another":    {good.with(object{"kid": "x", "alg": "ES256"}), "x", `alg is "ES256", which is no signature algorithm for it`},
		"not for verifying": {good.with(object{"kid": "x", "use": "enc"}), "x", `use is "enc", expected "sig"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := jwt.ParseKeySet([]byte(object{"keys": []any{test.bad, good}}.String()))
			if err != nil {
				t.Fatal(err)
			}
			if set.Len() != 1 || !set.Has("rsa") || set.Has(test.kid) {
				t.Errorf("%d usable keys", set.Len())
			}
			rejected := set.Rejected()
			if len(rejected) != 1 || rejected[0].KeyID != test.kid || !strings.Contains(rejected[0].Why, test.why) {
				t.Fatalf("rejected: got %+v, want %q: %q", rejected, test.kid, test.why)
			}
			if strings.IndexFunc(rejected[0].KeyID+rejected[0].Why, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
				t.Errorf("not printable: %q", rejected[0])
			}
			if got := failed(t, verify(t, accessConfig, signed(t, accessClaims), set)); got != "" {
				t.Errorf("the good key is spoilt: failed: %s", got)
			}
		})
	}
}

func TestAT50_WhatIsNoKeySet(t *testing.T) {
	t.Parallel()
	many := func(n int) string { return `{"keys":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]}" }
	for name, test := range map[string]struct{ text, why string }{
		"empty":         {"", "invalid JSON"},
		"HTML":          {"<!DOCTYPE html><title>canary</title>", "invalid JSON at byte 1"},
		"array":         {"[]", "not a JSON object, got an array"},
		"no keys":       {"{}", `no member "keys"`},
		"other case":    {`{"Keys":[]}`, `no member "keys"`},
		"keys null":     {`{"keys":null}`, "null, expected an array"},
		"keys object":   {`{"keys":{}}`, "an object, expected an array"},
		"keys twice":    {`{"keys":[],"keys":[]}`, `member "keys" occurs twice`},
		"trailing data": {`{"keys":[]}{}`, "invalid JSON"},
		"BOM":           {"\ufeff" + `{"keys":[]}`, "byte order mark"},
		"very deep":     {`{"keys":` + strings.Repeat("[", 100_000), "deeper than 10000 levels"},
		"501 keys":      {many(501), "501 keys, expected at most 500"},
		"10000 keys":    {many(10_000), "10000 keys"},
		"too long":      {many(1) + strings.Repeat(" ", jwt.MaxKeySetSize), "expected at most 1048576"},
	} {
		set, err := jwt.ParseKeySet([]byte(test.text))
		bad, ok := errors.AsType[*jwt.KeySetError](err)
		if !ok || set.Len() != 0 || !strings.Contains(bad.Error(), test.why) || !strings.HasPrefix(bad.Error(), "key set") {
			t.Errorf("%s: got %v, want %q", name, err, test.why)
		} else if strings.Contains(bad.Error(), "canary") {
			t.Errorf("%s: the text is shown: %v", name, bad)
		}
	}
	for text, rejected := range map[string]int{`{"keys":[]}`: 0, ` { "x" : [ ] , "keys" : [ ] } `: 0, many(500): 500} {
		set, err := jwt.ParseKeySet([]byte(text))
		if err != nil || set.Len() != 0 || len(set.Rejected()) != rejected {
			t.Errorf("%.40s: got %d usable, %d rejected, %v", text, set.Len(), len(set.Rejected()), err)
		}
	}
}

// Numbers that crypto/rsa would not make, or would take.
func TestST28_AT45_RSANumbers(t *testing.T) {
	t.Parallel()
	octets := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	modulus := func(bits uint, low int64) *big.Int { // 2^(bits-1) + low
		return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(low))
	}
	for name, test := range map[string]struct {
		n, e *big.Int
		why  string // "" for a key that can be used
	}{
		"512 bits":         {modulus(512, 1), big.NewInt(65537), "512 bits, expected 2048 to 8192"},
		"1001 bits":        {modulus(1001, 1), big.NewInt(65537), "1001 bits"},
		"1024 bits":        {modulus(1024, 1), big.NewInt(65537), "1024 bits"},
		"2047 bits":        {modulus(2047, 1), big.NewInt(65537), "2047 bits"},
		"2048 bits":        {modulus(2048, 1), big.NewInt(65537), ""},
		"8192 bits":        {modulus(8192, 1), big.NewInt(65537), ""},
		"8193 bits":        {modulus(8193, 1), big.NewInt(65537), "8193 bits"},
		"65536 bits":       {modulus(65536, 1), big.NewInt(65537), "65536 bits"},
		"even modulus":     {modulus(2048, 2), big.NewInt(65537), "modulus is even"},
		"e 1":              {modulus(2048, 1), big.NewInt(1), "exponent is 1, expected an odd number from 3"},
		"e 2":              {modulus(2048, 1), big.NewInt(2), "exponent is 2"},
		"e 3":              {modulus(2048, 1), big.NewInt(3), ""},
		"e even":           {modulus(2048, 1), big.NewInt(65538), "exponent is 65538"},
		"e 2^31-1":         {modulus(2048, 1), big.NewInt(1<<31 - 1), ""},
		"e 2^31+1":         {modulus(2048, 1), big.NewInt(1<<31 + 1), "exponent has 32 bits, expected at most 31"},
		"e as long as n":   {modulus(2048, 1), modulus(2048, 1), "exponent has 2048 bits"},
		"e 2^64+3 (wraps)": {modulus(2048, 1), modulus(65, 3), "exponent has 65 bits"},
	} {
		set := keySet(t, object{"kty": "RSA", "kid": "x", "n": octets(test.n), "e": octets(test.e)})
		switch rejected := set.Rejected(); {
		case test.why == "" && set.Len() != 1:
			t.Errorf("%s: rejected: %v", name, rejected)
		case test.why != "" && (len(rejected) != 1 || !strings.Contains(rejected[0].Why, test.why)):
			t.Errorf("%s: got %+v, want %q", name, rejected, test.why)
		}
		v := verify(t, accessConfig, sign(t, private()["rsa"], object{"alg": "RS256", "kid": "x"}, accessClaims), set)
		if want := map[bool]string{true: "signature", false: "key"}[test.why == ""]; failed(t, v) != want {
			t.Errorf("%s: failed: got %q, want %s", name, failed(t, v), want)
		}
	}
	zero := keySet(t, object{"kty": "RSA", "kid": "x", "n": "AA", "e": "AA"})
	if zero.Len() != 0 {
		t.Error("a key of zeros can be used")
	}
}

// A key whose private half can be computed is refused by name, whatever the rest of the JWK says, and harms no other
// key. It is that of Wycheproof's json_web_key_test.json, test 7.
func TestAT45_ROCA(t *testing.T) {
	t.Parallel()
	const modulus = "AanFpofbj7KjD4Lf-" +
		"N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFu" +
		"W79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl" +
		"1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRt" +
		"KUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE"
	const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtpZC1yc2Etcm9jYS1zaWduIn0.Zm9v.AF_6dFYBEaaI5OlOehaktwYarwKZw" +
		"FFeKTNwz9ar6ntNh4k8oeQwiODJqT1nnX2KhrWMUc80JJIdaCq3y7wOSmlPrqRgrL5r9xqfQdokirCuynoq4Lbi226" +
		"VlZmijmkyYtSeEbzvkhyjbY8cDQF_c2DMMQG8FBRNJPOSTxi_I75Twj0877G-" +
		"16i3bAWcvFxcNKGQzSQNcp5Lvh15N2I3PDM5W7HaFwPO0drzLR9dsDW9uDCqHvMMyshC7rgZdqfXpkaJL8Whn_mUSc" +
		"nLxS7J-2wVt9xKY3LpR97HoanIK-rcqYS_eq9hY_65te4qbwPCtQMjipIgIGo9HZrNRomAB1c"
	header, signature := token[:strings.IndexByte(token, '.')], token[strings.LastIndexByte(token, '.'):]
	key := object{"kty": "RSA", "kid": "kid-rsa-roca-sign", "n": modulus, "e": "AQAB"}
	for name, set := range map[string]jwt.KeySet{
		"as it is": keySet(t, key.with(object{"alg": "RS256", "use": "sig"})), "bare": keySet(t, key),
		"for PS256":         keySet(t, key.with(object{"alg": "PS256"})),
		"beside a good one": keySet(t, jwk("rsa", private()["rsa"].Public()), key),
	} {
		rejected := set.Rejected()
		if len(rejected) != 1 || !strings.Contains(rejected[0].Why, "ROCA, CVE-2017-15361") {
			t.Errorf("%s: got %+v", name, rejected)
		}
		v := verify(t, accessConfig, header+"."+part(accessClaims.String())+signature, set)
		if c := check(t, v, "key"); failed(t, v) != "key" || !strings.Contains(c.Why, "CVE-2017-15361") {
			t.Errorf("%s: got %+v", name, c)
		}
	}
}

// A key of 7,640 bits from two Mersenne primes, since making one of random primes takes minutes. The token is signed by
// hand.
func TestAT45_LongKeysWork(t *testing.T) {
	t.Parallel()
	one := big.NewInt(1)
	mersenne := func(exponent uint) *big.Int { return new(big.Int).Sub(new(big.Int).Lsh(one, exponent), one) }
	p, q, e := mersenne(4423), mersenne(3217), big.NewInt(65537)
	n := new(big.Int).Mul(p, q)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(e, phi)

	head := part(`{"alg":"RS256","kid":"long"}`) + "." + part(accessClaims.String())
	sum := sha256.Sum256([]byte(head))
	prefix, err := base64.StdEncoding.DecodeString("MDEwDQYJYIZIAWUDBAIBBQAEIA==") // of SHA-256: https://www.rfc-editor.org/rfc/rfc8017#section-9.2
	if err != nil {
		t.Fatal(err)
	}
	size := (n.BitLen() + 7) / 8
	block := []byte("\x00\x01" + strings.Repeat("\xff", size-3-len(prefix)-crypto.SHA256.Size()) + "\x00" + string(prefix) + string(sum[:]))
	raw := new(big.Int).Exp(new(big.Int).SetBytes(block), d, n).FillBytes(make([]byte, size))

	octets := base64.RawURLEncoding.EncodeToString
	set := keySet(t, object{"kty": "RSA", "kid": "long", "n": octets(n.Bytes()), "e": octets(e.Bytes())})
	if got := failed(t, verify(t, accessConfig, head+"."+octets(raw), set)); got != "" {
		t.Errorf("failed: %s", got)
	}
	raw[size-1] ^= 1
	if got := failed(t, verify(t, accessConfig, head+"."+octets(raw), set)); got != "signature" {
		t.Errorf("one bit changed: failed: got %q, want signature", got)
	}
}

// FuzzParseKeySet holds for every text: no panic, no error but a KeySetError, and every key is either usable or listed
// with a reason.
func FuzzParseKeySet(f *testing.F) {
	for _, key := range []string{"rsa", "p256", "ed"} {
		good := jwk(key, private()[key].Public())
		f.Add([]byte(object{"keys": []object{good, good.with(object{"use": "enc"}), {"kty": "oct", "k": "AAAA"}}}.String()))
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"\ud800","n":"AQ","e":"Aw"},{"a":1,"a":2},null]}`))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := jwt.ParseKeySet(text)
		if err != nil {
			if _, ok := errors.AsType[*jwt.KeySetError](err); !ok || set.Len() != 0 || !printableLine(err.Error()) {
				t.Fatalf("got %d keys, %q", set.Len(), err)
			}
			return
		}
		if n := set.Len() + len(set.Rejected()); n > jwt.MaxKeys {
			t.Errorf("got %d keys", n)
		}
		for _, r := range set.Rejected() {
			if r.Why == "" || !printableLine(r.KeyID+r.Why) {
				t.Errorf("got %+q", r)
			}
		}
		if same, err := set.KeySet(t.Context(), "x"); err != nil || same.Len() != set.Len() {
			t.Error("the set is another")
		}
	})
}

func printableLine(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
