package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
)

// Signatures are checked with the standard library alone. go-jose, which calls the same functions, takes the token apart a second
// and a third time and builds its text anew: measured with a 2048-bit key on two cores, turn by turn, it alone leaves 78 % of what
// crypto/rsa does, before anything else of a token is looked at. So it serves as the other opinion in the tests, where both must agree on every algorithm.

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

// Algorithms returns the names of the signature algorithms that [Config] may allow. "none" and those with a shared secret are not
// among them: a token that they protect proves nothing to somebody who has only public keys.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// algorithmOf knows the names exactly as they are written: https://www.rfc-editor.org/rfc/rfc7518#section-3.1
func algorithmOf(name string) (algorithm, bool) {
	a := algorithm{name: name}
	switch name {
	case "RS256", "PS256":
		a.family, a.hash = familyRSA, crypto.SHA256
	case "RS384", "PS384":
		a.family, a.hash = familyRSA, crypto.SHA384
	case "RS512", "PS512":
		a.family, a.hash = familyRSA, crypto.SHA512
	case "ES256":
		a.family, a.hash = familyP256, crypto.SHA256
	case "ES384":
		a.family, a.hash = familyP384, crypto.SHA384
	case "ES512":
		a.family, a.hash = familyP521, crypto.SHA512
	case "EdDSA":
		a.family, a.hash = familyEd25519, crypto.SHA512
	default:
		return algorithm{}, false
	}
	return a, true
}

// verify reports whether signature is by key over the text signed. key must be of the algorithm's family.
// https://www.rfc-editor.org/rfc/rfc7518#section-3
func (a algorithm) verify(key any, signed, signature []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		sum := digest(a.hash, signed)
		if a.name[0] == 'R' {
			return rsa.VerifyPKCS1v15(key, a.hash, sum, signature) == nil
		}
		// "The size of the salt value is the same size as the hash function output."
		return rsa.VerifyPSS(key, a.hash, sum, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case *ecdsa.PublicKey:
		// The signature is r and s side by side, both as long as the curve's order, and not the DER that crypto/ecdsa makes.
		size := (key.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(key, digest(a.hash, signed), r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(key, signed, signature)
	}
	return false
}

func digest(hash crypto.Hash, text []byte) []byte {
	switch hash {
	case crypto.SHA256:
		sum := sha256.Sum256(text)
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(text)
		return sum[:]
	}
	sum := sha512.Sum512(text)
	return sum[:]
}
