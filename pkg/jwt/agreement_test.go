package jwt_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/jwt"
)

// Two readers of one token must not see two tokens: what go-jose signs passes here, with the same header and the same
// claims, and of a token that was changed both think the same.
func TestST20_AgreesWithGoJOSE(t *testing.T) {
	t.Parallel()
	for _, alg := range jwt.Algorithms() {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, uint64(len(alg)+int(alg[2]))))
			config := accessConfig
			config.Algorithms = []string{alg}
			key := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: private()[kidFor(alg)], KeyID: kidFor(alg)}}
			signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT").WithHeader("x", randomText(random)))
			if err != nil {
				t.Fatal(err)
			}
			for range 8 {
				claims := []byte(accessClaims.with(object{randomText(random): randomText(random), "n": verbatim("9007199254740993")}).String())
				jws, err := signer.Sign(claims)
				if err != nil {
					t.Fatal(err)
				}
				token, err := jws.CompactSerialize()
				if err != nil {
					t.Fatal(err)
				}
				wantSame(t, config, alg, token, claims)
				for range 10 {
					wantAgreement(t, config, alg, changed(random, token))
				}
			}
		})
	}
}

// wantSame verifies a token that go-jose signed.
func wantSame(t *testing.T, config jwt.Config, alg, token string, claims []byte) {
	t.Helper()
	v := verify(t, config, token, issuerKeys())
	if got := failed(t, v); got != "" {
		t.Fatalf("failed: %s", got)
	}
	text, err := v.Token.Claims.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	theirs := goJOSE(t, alg, token)
	if !bytes.Equal(theirs, claims) || !sameJSON(t, theirs, text) {
		t.Errorf("claims: go-jose sees %q, we see %q", theirs, text)
	}
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	header, err := json.Marshal(v.Token.Header)
	if err != nil || !sameJSON(t, raw, header) {
		t.Errorf("header: got %q, want %q", header, raw)
	}
}

// wantAgreement verifies a token that was changed. We may reject by its form what go-jose would take, and not the other
// way round.
func wantAgreement(t *testing.T, config jwt.Config, alg, token string) {
	t.Helper()
	v := verify(t, config, token, issuerKeys())
	ours, theirs := check(t, v, "signature").State == jwt.Passed, goJOSE(t, alg, token) != nil
	byForm := check(t, v, "format").State == jwt.Failed || check(t, v, "kid").State == jwt.Failed || check(t, v, "crit").State == jwt.Failed
	if ours != theirs && (ours || !byForm) {
		t.Errorf("signature: we say %t, go-jose says %t: %q", ours, theirs, token)
	}
}

// goJOSE returns the claims of a token that go-jose takes for good.
func goJOSE(t *testing.T, alg, token string) []byte {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return nil
	}
	claims, err := jws.Verify(private()[kidFor(alg)].Public())
	if err != nil {
		return nil
	}
	return claims
}

// changed changes one character for another of the alphabet, or swaps, removes or adds one.
func changed(random *rand.Rand, token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at, c := random.IntN(len(token)), alphabet[random.IntN(len(alphabet))]
	switch random.IntN(4) {
	case 0:
		return token[:at] + token[at+1:]
	case 1:
		return token[:at] + string(c) + token[at:]
	}
	return token[:at] + string(c) + token[at+1:]
}

func randomText(random *rand.Rand) string {
	letters := []rune("aZ09 .:/\"\\<>&äß€😀\u2028\u200b\t\n\x7f")
	text := make([]rune, 1+random.IntN(20))
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}

// FuzzVerifier holds for every text: no panic, no error, nothing unprintable in the report; and nothing passes that
// was not signed.
func FuzzVerifier(f *testing.F) {
	// Every process of a fuzzing run must have the same key.
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("wrong-horse-----"), 2))
	keys := keySet(f, jwk("ed", key.Public()))
	config := []jwt.Config{accessConfig, idConfig}
	genuine := map[string]bool{}
	for i := range config {
		config[i].Algorithms = []string{"EdDSA"}
	}
	for _, claims := range []object{accessClaims, idClaims, accessClaims.with(object{"exp": 1e300, "iss": "\x1b"}), idClaims.with(object{"aud": []any{1, client}, "at_hash": "x"})} {
		for _, header := range []object{{"alg": "EdDSA", "kid": "ed"}, {"alg": "EdDSA", "kid": "ed", "typ": "at+jwt", "jku": "x"}, {"alg": "none"}, {"alg": "EdDSA", "kid": "x", "crit": []int{1}}} {
			token := sign(f, key, header, claims)
			genuine[token] = true
			f.Add(token)
			f.Add(token[:len(token)-1] + "A")
		}
	}
	f.Add("")
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, token string) {
		for _, r := range config {
			v, err := verifier(t, r, keys).Check(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			failed(t, v)
			if v.Valid() && !genuine[token] {
				t.Fatalf("passes and was never signed: %q", token)
			}
		}
	})
}
