package clientauth

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/roca"
	"okauth/pkg/internal/secret"
	"okauth/pkg/internal/strictjson"
)

// Key is a private key that signs assertions. Printing it shows its algorithm and its ID. The zero Key is none.
type Key struct {
	jwk *jose.JSONWebKey // a pointer, because fmt calls no method on an unexported field and would print what is in it
}

// The algorithms of [GenerateKey].
const (
	ES256 = "ES256"
	RS256 = "RS256"
)

// GenerateKey makes a key for ES256 (P-256) or RS256 (2048 bits). Its ID is its thumbprint.
func GenerateKey(alg string) (Key, error) {
	var private any
	var err error
	switch alg {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, minRSABits)
	default:
		return Key{}, fmt.Errorf("make a key for %s: expected %s or %s", strictjson.Quote(alg), ES256, RS256)
	}
	if err != nil {
		return Key{}, fmt.Errorf("make a key for %s: %w", alg, err)
	}
	key := Key{&jose.JSONWebKey{Key: private, Algorithm: alg, Use: "sig"}}
	return key.WithID(key.Thumbprint()), nil
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.jwk == nil }

// ID returns the key's kid, which tells a server's keys apart, or "": that of a PEM is not in it.
func (k Key) ID() string { return k.jwk.KeyID }

// WithID returns the key with another ID.
func (k Key) WithID(id string) Key {
	jwk := *k.jwk
	jwk.KeyID = id
	return Key{&jwk}
}

// Algorithm returns what the key signs with: RS256, RS384, RS512, ES256, ES384 or ES512.
func (k Key) Algorithm() string { return k.jwk.Algorithm }

// Thumbprint returns the SHA-256 thumbprint of RFC 7638 in base64url: https://www.rfc-editor.org/rfc/rfc7638
func (k Key) Thumbprint() string {
	sum, _ := k.jwk.Thumbprint(crypto.SHA256) // every type that newKey accepts has one
	return base64.RawURLEncoding.EncodeToString(sum)
}

// PublicJWK returns the public key as a JWK, on one line, for the server to register. A key without an ID gets its
// thumbprint.
func (k Key) PublicJWK() []byte {
	public := k.jwk.Public()
	if public.KeyID == "" {
		public.KeyID = k.Thumbprint()
	}
	text, _ := public.MarshalJSON() // as above
	return text
}

// PrivateJWK returns the whole key as a JWK, for [ParseKey].
func (k Key) PrivateJWK() (secret.Secret, error) {
	text, err := k.jwk.MarshalJSON()
	defer clear(text)
	return secret.New(string(text)), err
}

// Format prints the algorithm and the ID for every verb.
func (k Key) Format(f fmt.State, _ rune) {
	if k.IsZero() {
		_, _ = io.WriteString(f, "no key")
		return
	}
	_, _ = fmt.Fprintf(f, "%s key %q", k.Algorithm(), k.ID())
}

// "A key of size 2048 bits or larger MUST be used": https://www.rfc-editor.org/rfc/rfc7518#section-3.3. The upper
// bound keeps one signature from costing seconds.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// newKey returns the key of a JWK, if it is one to sign with. The algorithm follows from the key, unless the JWK names
// another that fits.
func newKey(jwk jose.JSONWebKey) (Key, error) {
	var fits []string // the usual one first
	var err error
	switch private := jwk.Key.(type) {
	case *rsa.PrivateKey:
		fits, err = []string{RS256, "RS384", "RS512"}, checkRSA(private)
	case *ecdsa.PrivateKey:
		alg, known := map[string]string{"P-256": ES256, "P-384": "ES384", "P-521": "ES512"}[private.Params().Name]
		if fits, err = []string{alg}, checkPair(private); !known {
			err = keyError(KeyUnsupported, "its curve is %s, expected P-256, P-384 or P-521", private.Params().Name)
		}
	default:
		err = keyError(KeyUnsupported, "it is neither an RSA key nor one of P-256, P-384 or P-521")
	}
	if err != nil {
		return Key{}, err
	}
	if jwk.Algorithm = cmp.Or(jwk.Algorithm, fits[0]); !slices.Contains(fits, jwk.Algorithm) {
		return Key{}, keyError(KeyUnsupported, "its alg is %s, expected %s",
			strictjson.Quote(jwk.Algorithm), strings.Join(fits, " or "))
	}
	jwk.Use = "sig"
	return Key{&jwk}, nil
}

func checkRSA(private *rsa.PrivateKey) error {
	switch bits := private.N.BitLen(); {
	case bits < minRSABits:
		return keyError(KeyWeak, "it is an RSA key of %d bits, expected %d or more", bits, minRSABits)
	case bits > maxRSABits:
		return keyError(KeyUnsupported, "it is an RSA key of %d bits, expected at most %d", bits, maxRSABits)
	}
	if err := roca.Check(private.N); err != nil {
		return keyError(KeyWeak, "%v", err)
	}
	if private.Validate() != nil {
		return keyError(KeyUnreadable, "its numbers are not those of an RSA key")
	}
	return nil
}

// checkPair returns an error unless the private and the public key belong together: a JWK has both.
func checkPair(private *ecdsa.PrivateKey) error {
	octets, err := private.Bytes()
	defer clear(octets)
	var again *ecdsa.PrivateKey
	if err == nil {
		again, err = ecdsa.ParseRawPrivateKey(private.Curve, octets)
	}
	if err != nil || !again.PublicKey.Equal(&private.PublicKey) {
		return keyError(KeyUnreadable, "its private and its public key do not belong together")
	}
	return nil
}
