package oktatest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// Rings that no authorization server publishes. The org server does not publish the keys of its access tokens:
// https://developer.okta.com/docs/concepts/key-rotation/
const (
	secretRing   = "org access tokens"
	attackerRing = "attacker" // someone whom nothing should trust
)

// Keys are the signing keys of authorization servers. They are made when first needed. Servers that share Keys rotate
// together.
type Keys struct {
	mu sync.Mutex
	// What each authorization server publishes: the next key, the active one, and after a rotation the one before.
	rings map[string][]*signingKey
}

// signingKey is an RSA key whose modulus has eight prime factors: https://www.rfc-editor.org/rfc/rfc8017#section-3.2
// It is made in a tenth, and signs in a quarter, of the time that one with two factors takes. It is easier to break: it
// protects nothing.
type signingKey struct {
	kid          string
	public       rsa.PublicKey
	primes       []*big.Int
	exponents    []*big.Int // one for each prime
	coefficients []*big.Int // 1 modulo their prime, 0 modulo the others
}

const (
	keyBytes   = 256
	primeBytes = keyBytes / 8
)

// NewKeys returns keys that are made when they are needed.
func NewKeys() *Keys { return &Keys{rings: map[string][]*signingKey{}} }

// RotateKeys makes the next key of every authorization server its active one; the one in use until now stays published
// for one more rotation.
func (s *Server) RotateKeys() {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	for id, ring := range s.keys.rings {
		s.keys.rings[id] = []*signingKey{newSigningKey(), ring[0], ring[1]}
	}
}

func (k *Keys) ring(id string) []*signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rings[id] == nil {
		k.rings[id] = []*signingKey{newSigningKey(), newSigningKey()}
	}
	return k.rings[id]
}

func newSigningKey() *signingKey {
	k := &signingKey{kid: randomBase64(32), public: rsa.PublicKey{N: big.NewInt(1), E: 65537}}
	one, e := big.NewInt(1), big.NewInt(int64(k.public.E))
	for len(k.primes) < keyBytes/primeBytes {
		random := make([]byte, primeBytes)
		_, _ = rand.Read(random) // never fails
		random[0] |= 0xf0        // so that the product never lacks a bit
		random[primeBytes-1] |= 1
		p := new(big.Int).SetBytes(random)
		d := new(big.Int)
		if p.ProbablyPrime(0) && d.ModInverse(e, new(big.Int).Sub(p, one)) != nil {
			k.primes, k.exponents = append(k.primes, p), append(k.exponents, d)
			k.public.N.Mul(k.public.N, p)
		}
	}
	for _, p := range k.primes {
		others := new(big.Int).Div(k.public.N, p)
		k.coefficients = append(k.coefficients, new(big.Int).Mul(others, new(big.Int).ModInverse(others, p)))
	}
	return k
}

// jwk is the public key.
func (k *signingKey) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: &k.public, KeyID: k.kid, Algorithm: "RS256", Use: "sig"}
}

// sign makes the signatures of RS256, RS512: https://www.rfc-editor.org/rfc/rfc8017#section-8.2.1
func (k *signingKey) sign(hash crypto.Hash, input string) []byte {
	sum := hash.New()
	sum.Write([]byte(input))
	prefix, _ := hex.DecodeString(map[crypto.Hash]string{ // https://www.rfc-editor.org/rfc/rfc8017#section-9.2
		crypto.SHA256: "3031300d060960864801650304020105000420", crypto.SHA512: "3051300d060960864801650304020305000440",
	}[hash])
	end := slices.Concat([]byte{0}, prefix, sum.Sum(nil))
	padding := bytes.Repeat([]byte{0xff}, keyBytes-2-len(end))
	message := new(big.Int).SetBytes(slices.Concat([]byte{0, 1}, padding, end))
	signature := new(big.Int)
	for i, p := range k.primes {
		part := new(big.Int).Mod(message, p)
		signature.Add(signature, part.Mul(part.Exp(part, k.exponents[i], p), k.coefficients[i]))
	}
	return signature.Mod(signature, k.public.N).FillBytes(make([]byte, keyBytes))
}

// publishKeys is /v1/keys: https://www.rfc-editor.org/rfc/rfc7517#section-5
func (c *call) publishKeys() {
	c.run(c.findServer, func() {
		if c.server == OrgServerID { // at Okta an app can have keys of its own there; here, none has
			c.findClient()
		}
	}, func() {
		c.cacheable(keySet(c.s.keys.ring(c.server)...), "max-age=3832304, must-revalidate") // as documented: 44 days
	})
}

// keySet has the next key first: the order carries no meaning.
func keySet(keys ...*signingKey) (set jose.JSONWebKeySet) {
	for _, key := range keys {
		set.Keys = append(set.Keys, key.jwk())
	}
	return set
}
