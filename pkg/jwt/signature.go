package jwt

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash
	_ "crypto/sha512"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// family is a kind of key: an algorithm works with keys of one family. The names are those of kty and crv.
type family string

const (
	familyRSA     family = "RSA"
	familyP256    family = "P-256"
	familyP384    family = "P-384"
	familyP521    family = "P-521"
	familyEd25519 family = "Ed25519"
)

// algorithm is a signature algorithm.
type algorithm struct {
	name   string
	family family
	hash   crypto.Hash // of the signature; for Ed25519, of at_hash
}

// algorithms are those of https://www.rfc-editor.org/rfc/rfc7518#section-3.1 that have a public key, and that of RFC
// 8037.
func algorithms() [10]algorithm {
	return [...]algorithm{
		{"RS256", familyRSA, crypto.SHA256}, {"RS384", familyRSA, crypto.SHA384}, {"RS512", familyRSA, crypto.SHA512},
		{"PS256", familyRSA, crypto.SHA256}, {"PS384", familyRSA, crypto.SHA384}, {"PS512", familyRSA, crypto.SHA512},
		{"ES256", familyP256, crypto.SHA256}, {"ES384", familyP384, crypto.SHA384},
		{"ES512", familyP521, crypto.SHA512},
		{"EdDSA", familyEd25519, crypto.SHA512},
	}
}

// Algorithms returns the names of the signature algorithms that [Config] may allow. "none" and those with a shared
// secret are not among them: a token that they protect proves nothing to a program that has only public keys.
func Algorithms() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.name)
	}
	return names
}

// algorithmOf knows the names exactly as they are spelled.
func algorithmOf(name string) (algorithm, bool) {
	for _, a := range algorithms() {
		if a.name == name {
			return a, true
		}
	}
	return algorithm{}, false
}

func (a algorithm) digest(text string) []byte {
	h := a.hash.New()
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signedHeader is a token's header as go-jose reads it. An issuer's tokens have the same one until it changes its key.
type signedHeader struct {
	part      string // base64url
	object    Object
	signature jose.Signature
}

func parseSignedHeader(u Unverified) (*signedHeader, error) {
	var names []jose.SignatureAlgorithm
	for _, a := range algorithms() {
		names = append(names, jose.SignatureAlgorithm(a.name))
	}
	part := strings.Clone(u.headerPart) // without the rest of the token
	jws, err := jose.ParseDetached(part+"..", []byte{}, names)
	if err != nil {
		return nil, err
	}
	return &signedHeader{part: part, object: u.Header, signature: jws.Signatures[0]}, nil
}

// verify reports whether the signature of u, whose algorithm is alg, is by key. The header of u is h, and key is of the
// algorithm's family. https://www.rfc-editor.org/rfc/rfc7518#section-3
func (h *signedHeader) verify(u Unverified, alg algorithm, key any) bool {
	if public, ok := key.(*rsa.PublicKey); ok {
		return verifyRSA(u, alg, public)
	}
	jws := jose.JSONWebSignature{Signatures: []jose.Signature{h.signature}}
	jws.Signatures[0].Signature = u.signature
	// go-jose encodes the payload again. That is the text that was signed, because [Parse] accepts one spelling only.
	return jws.DetachedVerify(u.payload, key) == nil
}

// verifyRSA does without go-jose, which would read the header and encode the payload again for each token of a stream,
// and would accept a PSS salt of any size.
func verifyRSA(u Unverified, alg algorithm, key *rsa.PublicKey) bool {
	digest := alg.digest(u.signed)
	if strings.HasPrefix(alg.name, "PS") {
		// "The size of the salt value is the same size as the hash function output":
		// https://www.rfc-editor.org/rfc/rfc7518#section-3.5
		salt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(key, alg.hash, digest, u.signature, salt) == nil
	}
	return rsa.VerifyPKCS1v15(key, alg.hash, digest, u.signature) == nil
}
