package oktatest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
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
	mu    sync.Mutex
	rings map[string]*ring // by authorization server id
}

// ring is what one authorization server signs with. Okta publishes two or three keys: the active one, the next one, and
// the one used before.
type ring struct {
	previous, active, next func() *signingKey // made by the first call; previous is nil before the first rotation
}

type signingKey struct {
	kid     string
	private *rsa.PrivateKey
}

// NewKeys returns keys that are made when they are needed.
func NewKeys() *Keys { return &Keys{rings: map[string]*ring{}} }

// RotateKeys makes the next key of every authorization server its active one; the one in use until now stays published
// for one more rotation. Servers that share Keys rotate together.
func (s *Server) RotateKeys() {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	for _, r := range s.keys.rings {
		r.previous, r.active, r.next = r.active, r.next, sync.OnceValue(newSigningKey)
	}
}

func (k *Keys) ring(id string) ring {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rings[id] == nil {
		k.rings[id] = &ring{active: sync.OnceValue(newSigningKey), next: sync.OnceValue(newSigningKey)}
	}
	return *k.rings[id]
}

// active is the key to sign with.
func (k *Keys) active(id string) *signingKey { return k.ring(id).active() }

// published are the keys of …/v1/keys. The active one is not the first, because the order carries no meaning.
func (k *Keys) published(id string) []*signingKey {
	r := k.ring(id)
	go r.active() // beside the next one
	keys := []*signingKey{r.next(), r.active()}
	if r.previous != nil {
		keys = append(keys, r.previous())
	}
	return keys
}

func newSigningKey() *signingKey {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic(err) // not enough random numbers end a Go program anyway: https://pkg.go.dev/crypto/rand#Read
	}
	k := &signingKey{private: private}
	// A key id of 43 characters, as Okta's are: https://www.rfc-editor.org/rfc/rfc7638#section-3
	sum := sha256.Sum256(marshal(object{{"e", k.exponent()}, {"kty", "RSA"}, {"n", k.modulus()}}))
	k.kid = base64url(sum[:])
	return k
}

func (k *signingKey) exponent() string { return base64url(big.NewInt(int64(k.private.E)).Bytes()) }
func (k *signingKey) modulus() string  { return base64url(k.private.N.Bytes()) }

// jwk is the public key, its members in the order that was recorded.
func (k *signingKey) jwk() object {
	return object{
		{"kty", "RSA"}, {"alg", "RS256"}, {"kid", k.kid}, {"use", "sig"}, {"e", k.exponent()}, {"n", k.modulus()},
	}
}

// sign makes a JWT, RS256. The header is as recorded: kid and alg, no typ.
func (k *signingKey) sign(claims object) string {
	return compact(object{{"kid", k.kid}, {"alg", "RS256"}}, claims, k.signature)
}

// signature is that of RS256: https://www.rfc-editor.org/rfc/rfc7518#section-3.3
func (k *signingKey) signature(input string) []byte {
	sum := sha256.Sum256([]byte(input))
	signature, _ := rsa.SignPKCS1v15(nil, k.private, crypto.SHA256, sum[:]) // fails for small keys only
	return signature
}

// compact is the compact serialization: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
func compact(header, claims object, sign func(input string) []byte) string {
	input := base64url(marshal(header)) + "." + base64url(marshal(claims))
	return input + "." + base64url(sign(input))
}

// publishKeys is /v1/keys: https://www.rfc-editor.org/rfc/rfc7517#section-5
func (c *call) publishKeys() *reply {
	if rep := c.findServer(); rep != nil {
		return rep
	}
	return c.cacheable(keySet(c.s.keys.published(c.server)), "max-age=3832304, must-revalidate") // as documented: 44 days
}

func keySet(keys []*signingKey) object {
	list := make([]object, len(keys))
	for i, k := range keys {
		list[i] = k.jwk()
	}
	return object{{"keys", list}}
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// randomText is n random letters and digits.
func randomText(n int) string { return alphanumeric(randomBytes(n)) }

// randomBase64 is 43 characters of base64url, the size of Okta's refresh tokens and token ids.
func randomBase64() string { return base64url(randomBytes(32)) }
