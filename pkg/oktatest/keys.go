package oktatest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"
	"sync"
)

const keyBits = 2048

// Keys are the signing keys of a server's authorization servers. A key is made when it is first needed, which takes about a tenth of a second;
// servers that share Keys (Options.Keys) share that cost, and a rotation.
type Keys struct {
	mu    sync.Mutex
	rings map[string]*ring // by authorization server id
}

// ring is what one authorization server signs with. Okta publishes two or three keys: the one in use, the one that comes next, the one used before.
type ring struct {
	active, next, previous *signingKey
}

type signingKey struct {
	kid     string
	private *rsa.PrivateKey
}

// secretRing: the org server signs access tokens with keys that it does not publish. https://developer.okta.com/docs/concepts/key-rotation/
const secretRing = "org access tokens"

// NewKeys are keys that are made when they are needed.
func NewKeys() *Keys { return &Keys{rings: map[string]*ring{}} }

// Rotate makes the next key of every authorization server its active one; the one in use until now stays published for one more rotation.
func (k *Keys) Rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.rings {
		if err := fill(&r.active, &r.next); err != nil {
			return err
		}
		r.previous, r.active, r.next = r.active, r.next, nil
	}
	return nil
}

// RotateKeys is Rotate for the keys of this server.
func (s *Server) RotateKeys() error { return s.keys.Rotate() }

// active is the key to sign with.
func (k *Keys) active(id string) (*signingKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.ring(id)
	err := fill(&r.active)
	return r.active, err
}

// published are the two or three keys of …/v1/keys, the active one not first: the order carries no meaning, and a client that relies on it is wrong.
func (k *Keys) published(id string) ([]*signingKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.ring(id)
	if err := fill(&r.active, &r.next); err != nil {
		return nil, err
	}
	keys := []*signingKey{r.next, r.active}
	if r.previous != nil {
		keys = append(keys, r.previous)
	}
	return keys, nil
}

func (k *Keys) ring(id string) *ring {
	if k.rings[id] == nil {
		k.rings[id] = new(ring)
	}
	return k.rings[id]
}

// fill makes the keys that are missing, side by side.
func fill(slots ...**signingKey) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(slots))
	for _, slot := range slots {
		if *slot != nil {
			continue
		}
		wg.Go(func() {
			private, err := rsa.GenerateKey(rand.Reader, keyBits)
			if err != nil {
				errs <- err
				return
			}
			*slot = &signingKey{kid: thumbprint(&private.PublicKey), private: private}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// thumbprint is a key id of 43 characters, as Okta's are. RFC 7638 §3: https://www.rfc-editor.org/rfc/rfc7638#section-3
func thumbprint(key *rsa.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"e":"` + exponent(key) + `","kty":"RSA","n":"` + modulus(key) + `"}`))
	return base64url(sum[:])
}

func exponent(key *rsa.PublicKey) string { return base64url(big.NewInt(int64(key.E)).Bytes()) }
func modulus(key *rsa.PublicKey) string  { return base64url(key.N.Bytes()) }

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// randomText is n random letters and digits.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: https://pkg.go.dev/crypto/rand#Read
	return alphanumeric(b)
}

// randomBase64 is 43 characters of base64url, the size of Okta's refresh tokens and token ids.
func randomBase64() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64url(b)
}

// sign makes a JWT, RS256. The header is as recorded: kid and alg, no typ.
func (k *signingKey) sign(claims members) (string, error) {
	return assemble(members{{"kid", k.kid}, {"alg", "RS256"}}, claims, k.signature)
}

// signature is that of RS256, RFC 7518 §3.3: https://www.rfc-editor.org/rfc/rfc7518#section-3.3
func (k *signingKey) signature(input string) ([]byte, error) {
	sum := sha256.Sum256([]byte(input))
	return rsa.SignPKCS1v15(nil, k.private, crypto.SHA256, sum[:])
}

// assemble is the compact form, RFC 7515 §7.1: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
func assemble(header, claims members, sign func(input string) ([]byte, error)) (string, error) {
	head, err := marshal(header)
	if err != nil {
		return "", err
	}
	payload, err := marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64url(head) + "." + base64url(payload)
	signature, err := sign(input)
	if err != nil {
		return "", err
	}
	return input + "." + base64url(signature), nil
}

// verifies says whether the signature is this key's; what the token says is another question.
func (k *signingKey) verifies(token string) bool {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(token[:dot]))
	return rsa.VerifyPKCS1v15(&k.private.PublicKey, crypto.SHA256, sum[:], signature) == nil
}

// publishKeys is GET …/v1/keys, RFC 7517: https://www.rfc-editor.org/rfc/rfc7517#section-5
func (s *Server) publishKeys(c *call, id string) *reply {
	if c.Method != http.MethodGet {
		return wrongMethod()
	}
	if rep := s.find(c, id); rep != nil {
		return rep
	}
	keys, err := s.keys.published(id)
	if err != nil {
		return internalError()
	}
	return cacheable(keySet(keys), keysCacheControl)
}

// keysCacheControl is what Okta's documents show: about 44 days.
const keysCacheControl = "max-age=3832304, must-revalidate"

func keySet(keys []*signingKey) members {
	list := make([]members, len(keys))
	for i, k := range keys {
		list[i] = k.jwk()
	}
	return members{{"keys", list}}
}

// jwk is the public key, its members in the order that was recorded.
func (k *signingKey) jwk() members {
	public := &k.private.PublicKey
	return members{{"kty", "RSA"}, {"alg", "RS256"}, {"kid", k.kid}, {"use", "sig"}, {"e", exponent(public)}, {"n", modulus(public)}}
}
