package jwt_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/jwt"
)

// The four below use one key and one token, on all cores:
//
//	go test -run - -bench 'RSA|Check|GoJOSE|Parse' -cpu 1,2

func BenchmarkRSA(b *testing.B) {
	token := signed(b, accessClaims)
	at := strings.LastIndexByte(token, '.')
	sum := sha256.Sum256([]byte(token[:at]))
	raw, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		b.Fatal(err)
	}
	key := private()["rsa"].Public().(*rsa.PublicKey)
	onAllCores(b, func() bool { return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) == nil })
}

func BenchmarkCheck(b *testing.B) {
	token := signed(b, accessClaims)
	v := verifier(b, accessConfig, issuerKeys())
	onAllCores(b, func() bool {
		report, err := v.Check(b.Context(), token)
		return err == nil && report.Valid()
	})
}

// BenchmarkGoJOSE is the signature alone, as go-jose checks it.
func BenchmarkGoJOSE(b *testing.B) {
	token, key := signed(b, accessClaims), private()["rsa"].Public()
	onAllCores(b, func() bool {
		jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			return false
		}
		_, err = jws.Verify(key)
		return err == nil
	})
}

func BenchmarkParse(b *testing.B) {
	token := signed(b, accessClaims)
	onAllCores(b, func() bool {
		_, err := jwt.Parse(token)
		return err == nil
	})
}

func onAllCores(b *testing.B, once func() bool) {
	b.Helper()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if !once() {
				b.Error("a good token does not pass")
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
