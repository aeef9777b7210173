// Package dpop proves that the sender of a token has the key that the token is bound to: OAuth 2.0 Demonstrating Proof
// of Possession, RFC 9449 (https://www.rfc-editor.org/rfc/rfc9449).
//
// A [Key] belongs to a session. A [Prover] makes a proof for each request with it, and remembers the nonce that each
// server wants in the next one.
package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/secret"
)

// Key is a private key of the curve P-256. GenerateKey and ParseKey make it.
type Key struct {
	text       secret.Secret
	thumbprint string
	signer     jose.Signer
}

// GenerateKey returns a new key.
func GenerateKey() (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, err
	}
	return newKey(private)
}

// ParseKey returns the key whose Text was stored. The error says that there is none, and nothing of the text.
func ParseKey(text secret.Secret) (Key, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text.Reveal())
	if err != nil {
		return Key{}, errDamaged
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return Key{}, errDamaged
	}
	return newKey(private)
}

var errDamaged = errors.New("the DPoP key is damaged")

func newKey(private *ecdsa.PrivateKey) (Key, error) {
	raw, err := private.Bytes()
	if err != nil {
		return Key{}, err
	}
	defer clear(raw)
	print, err := thumbprint(private.Public())
	if err != nil {
		return Key{}, err
	}
	// "typ": "a field with the value dpop+jwt"; "jwk": "the public key chosen by the client … MUST NOT contain a private
	// key". RFC 9449 §4.2: https://www.rfc-editor.org/rfc/rfc9449#section-4.2
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private},
		(&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	return Key{secret.New(base64.RawURLEncoding.EncodeToString(raw)), print, signer}, err
}

// Text returns the private key as text for the store, 43 characters.
func (k Key) Text() secret.Secret { return k.text }

// Thumbprint returns the SHA-256 thumbprint of the public key, in base64url: the claim cnf.jkt of the tokens that are
// bound to it. RFC 7638: https://www.rfc-editor.org/rfc/rfc7638
func (k Key) Thumbprint() string { return k.thumbprint }

func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// Prover makes the proofs of a key. It may be used by several goroutines at once.
type Prover struct {
	Key Key

	mu     sync.Mutex
	nonces map[string]string // the last nonce of each server, by its origin
}

// claims are those of a proof. RFC 9449 §4.2
type claims struct {
	Method  string `json:"htm"`
	URL     string `json:"htu"`
	Issued  int64  `json:"iat"`
	ID      string `json:"jti"`
	Nonce   string `json:"nonce,omitempty"`
	OfToken string `json:"ath,omitempty"`
}

// clockSkew is how far this machine's clock may be ahead of a server's. The time of a proof lies so far back, because a
// server refuses a proof from the future; Okta accepts one that is up to five minutes old.
const clockSkew = 5 * time.Second

// Proof returns the value of the header DPoP of a request with that method to u at the time now, with the nonce that
// its server gave last. Each request needs a proof of its own. token is the access token that the request carries; a
// token request carries none.
func (p *Prover) Proof(method string, u *url.URL, token secret.Secret, now time.Time) (secret.Secret, error) {
	c := claims{Method: method, URL: target(u), Issued: now.Add(-clockSkew).Unix(), ID: rand.Text(), Nonce: p.Nonce(u)}
	if !token.IsZero() {
		c.OfToken = hash(token)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return secret.Secret{}, err
	}
	signed, err := p.Key.signer.Sign(payload)
	if err != nil {
		return secret.Secret{}, err
	}
	text, err := signed.CompactSerialize()
	return secret.New(text), err
}

// target returns the claim htu: "the HTTP target URI of the request, without query and fragment parts" (§4.2), in the
// normal form that servers compare (§4.3).
func target(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return origin(u) + path
}

func origin(u *url.URL) string {
	port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), port)
}

// hash returns the claim ath: "the result of a base64url encoding … the SHA-256 hash of the ASCII encoding of the
// associated access token's value" (§4.2).
func hash(token secret.Secret) string {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// maxNonce bounds a nonce, in bytes. Okta's have 32.
const maxNonce = 1024

// Nonce returns the nonce that the server of u gave last, "" where it gave none.
func (p *Prover) Nonce(u *url.URL) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonces[origin(u)]
}

// SetNonce sets what Nonce returns.
func (p *Prover) SetNonce(u *url.URL, nonce string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nonces == nil {
		p.nonces = make(map[string]string)
	}
	p.nonces[origin(u)] = nonce
}

// Remember takes the nonce from the header of a response of u's server and reports whether there is one. "The
// authorization server MAY supply the new nonce in the same way that the initial one is supplied: by using a DPoP-Nonce
// HTTP header in the response", also after a success. §8.2: https://www.rfc-editor.org/rfc/rfc9449#section-8.2
func (p *Prover) Remember(u *url.URL, response http.Header) bool {
	nonce := response.Values("DPoP-Nonce")
	if len(nonce) != 1 || !isNonce(nonce[0]) {
		return false
	}
	p.SetNonce(u, nonce[0])
	return true
}

// isNonce reports whether text is a nonce of usual length: "nonce = 1*NQCHAR", which is %x21 / %x23-5B / %x5D-7E. §8.1:
// https://www.rfc-editor.org/rfc/rfc9449#section-8.1
func isNonce(text string) bool {
	return text != "" && len(text) <= maxNonce && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '"' || r == '\\'
	})
}
