package jwt_test

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"okauth/pkg/jwt"
)

// What a verifier remembers of one token never shows in the report on another.
func TestVerifierChecksEachTokenByItself(t *testing.T) {
	t.Parallel()
	good, keys := signed(t, accessClaims), issuerKeys()
	parts := strings.Split(good, ".")
	header, claims, signature := parts[0], parts[1], parts[2]
	encode := base64.RawURLEncoding.EncodeToString
	many := `{"x":{"y":[true,null,1.5]}` + numbered(200) + "}"
	tokens := []string{
		good, good,
		"." + claims + "." + signature, // no header, after one that is remembered
		header + ".." + signature,
		header + "." + claims + ".",
		header + "." + claims + "." + signature[:len(signature)-2],
		header + "." + claims + ".!" + signature,
		encode([]byte(`{"alg":"none"}`)) + "." + claims + ".",
		encode([]byte(`{"alg":"RS256","kid":7}`)) + "." + claims + "." + signature,
		encode([]byte(`{"alg":"RS256","kid":"7"}`)) + "." + claims + "." + signature,
		encode([]byte(`{"alg":"RS256","alg":"RS256"}`)) + "." + claims + "." + signature, // no header to remember
		header + "." + encode([]byte(many)) + "." + signature,
		header + "." + encode([]byte(`{"iss":1,"custom":{"n\u0061me":"x"},"aud":["a","b"]}`)) + "." + signature,
		header + "." + encode([]byte(`{}`)) + "." + signature,
		header + "." + encode([]byte(`[]`)) + "." + signature,
		"opaque", header + "." + claims + "." + signature + ".x.y", "",
		good,
	}
	now := accessConfig.Now()
	config := accessConfig
	config.Now = func() time.Time { return now }
	reused := verifier(t, config, keys)
	for first := range tokens {
		for second, token := range tokens {
			for _, token := range []string{tokens[first], token} {
				got, err := reused.Check(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				want, err := verifier(t, config, keys).Check(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got.Checks, want.Checks) || len(got.Token.Claims) != len(want.Token.Claims) ||
					len(want.Token.Claims) > 0 && !reflect.DeepEqual(got.Token, want.Token) {
					t.Errorf("tokens %d and %d:\ngot  %+v\nwant %+v", first, second, got, want)
				}
			}
		}
		now = now.Add(time.Second) // whatever was said of the second before
	}
}

// numbered returns n members of different names.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"member%d":%d`, i, i)
	}
	return b.String()
}

// A claim that is as long as what is asked for is not what is asked for, nor is one that only looks like it before its
// escapes are read.
func TestVerifierComparesWholeClaims(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return strings.Repeat("x", len(s)) }
	for _, test := range []struct {
		name, claim, value string
		change             func(*jwt.Config)
	}{
		{name: "iss", claim: "iss", value: same(accessConfig.Issuer)},
		{name: "aud", claim: "aud", value: same(accessConfig.Audience)},
		{name: "cid", claim: "cid", value: same(accessConfig.ClientID)},
		// The JSON "a\tb" is spelt as the client id is, and stands for another text.
		{name: "escape", claim: "cid", value: "a\tb", change: func(r *jwt.Config) { r.ClientID = `a\tb` }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := accessConfig
			if test.change != nil {
				test.change(&config)
			}
			v := verify(t, config, signed(t, accessClaims.with(object{test.claim: test.value})), issuerKeys())
			if v.Valid() || v.Reason() != test.claim {
				t.Errorf("got valid %v, reason %q; want %s to fail", v.Valid(), v.Reason(), test.claim)
			}
		})
	}
}
