package oktatest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"sync"
)

const keyBits = 2048

// Rings that no authorization server publishes.
const (
	// secretRing: the org server signs access tokens with keys that it does not publish.
	// https://developer.okta.com/docs/concepts/key-rotation/
	secretRing = "org access tokens"
	// attackerRing is the key of someone who signs tokens and whom nothing should trust.
	attackerRing = "attacker"
)

// Keys are the signing keys of authorization servers. A key is made when it is first needed, which takes about a tenth
// of a second; servers that share Keys share that cost, and a rotation.
type Keys struct {
	mu sync.Mutex
	// What each authorization server publishes: the next key, the active one, and after a rotation the one before.
	rings map[string][]func() *signingKey
}

type signingKey struct {
	kid     string
	private *rsa.PrivateKey
}

// NewKeys returns keys that are made when they are needed.
func NewKeys() *Keys { return &Keys{rings: map[string][]func() *signingKey{}} }

// RotateKeys makes the next key of every authorization server its active one; the one in use until now stays published
// for one more rotation. Servers that share Keys rotate together.
func (s *Server) RotateKeys() {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	for id, ring := range s.keys.rings {
		s.keys.rings[id] = []func() *signingKey{sync.OnceValue(newSigningKey), ring[0], ring[1]}
	}
}

func (k *Keys) ring(id string) []func() *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rings[id] == nil {
		k.rings[id] = []func() *signingKey{sync.OnceValue(newSigningKey), sync.OnceValue(newSigningKey)}
	}
	return k.rings[id]
}

// active is the key to sign with.
func (k *Keys) active(id string) *signingKey { return k.ring(id)[1]() }

func newSigningKey() *signingKey {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic(err) // not enough random numbers end a Go program anyway: https://pkg.go.dev/crypto/rand#Read
	}
	return &signingKey{kid: randomBase64(32), private: private}
}

// jwk is the public key, its members in the order that was recorded.
func (k *signingKey) jwk() object {
	exponent, modulus := big.NewInt(int64(k.private.E)), k.private.N
	return object{
		{"kty", "RSA"}, {"alg", "RS256"}, {"kid", k.kid}, {"use", "sig"}, {"e", base64url(exponent.Bytes())},
		{"n", base64url(modulus.Bytes())},
	}
}

// sign makes a JWT, RS256. The header is as recorded: kid and alg, no typ.
func (k *signingKey) sign(claims object) string {
	return compact(object{{"kid", k.kid}, {"alg", "RS256"}}, claims, k.signature(crypto.SHA256))
}

// signature makes the signatures of RS256, RS512: https://www.rfc-editor.org/rfc/rfc7518#section-3.3
func (k *signingKey) signature(hash crypto.Hash) func(input string) []byte {
	return func(input string) []byte {
		sum := hash.New()
		sum.Write([]byte(input))
		signature, _ := rsa.SignPKCS1v15(nil, k.private, hash, sum.Sum(nil)) // fails for small keys only
		return signature
	}
}

// compact is the compact serialization: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
func compact(header, claims object, sign func(input string) []byte) string {
	input := base64url(marshal(header)) + "." + base64url(marshal(claims))
	return input + "." + base64url(sign(input))
}

// publishKeys is /v1/keys: https://www.rfc-editor.org/rfc/rfc7517#section-5
func (c *call) publishKeys() {
	if c.findServer(); c.reply != nil {
		return
	}
	c.cacheable(keySet(c.s.keys.ring(c.server)...), "max-age=3832304, must-revalidate") // as documented: 44 days
}

// keySet has the next key first: the order carries no meaning.
func keySet(keys ...func() *signingKey) object {
	var list []object
	for _, key := range keys {
		list = append(list, key().jwk())
	}
	return object{{"keys", list}}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// randomBase64 is n random bytes: 32 of them are 43 characters, the size of Okta's refresh tokens, token and key ids.
func randomBase64(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64url(b)
}
