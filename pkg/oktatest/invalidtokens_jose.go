package oktatest

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// attackerRing is the ring of somebody who signs tokens, and whom nobody should trust.
const attackerRing = "attacker's own"

// attackerPath is where tokens with a jku would like their keys to be fetched from. Who asks for it, trusts the token about its own key.
const attackerPath = "/sandbox/attacker-keys"

func keyFlaws() []pattern {
	return []pattern{
		{InvalidToken{"no-kid", "the header names no key", "kid", ""}, func(f *forgery) { f.header.remove("kid") }},
		{InvalidToken{"unknown-kid", "kid is in no key set", "kid", ""}, func(f *forgery) { f.header.set("kid", randomBase64()) }},
		{InvalidToken{"other-key", "kid is a published key, another signed it", "signature", ""}, func(f *forgery) { f.sign = f.attacker.signature }},
		{InvalidToken{"tampered", "a scope was added after it was signed", "signature", ""}, func(f *forgery) {
			f.parts(func(parts []string) {
				claims, _ := base64.RawURLEncoding.DecodeString(parts[1]) // our own
				parts[1] = base64url(bytes.Replace(claims, []byte(`"scp":[`), []byte(`"scp":["api:admin",`), 1))
			})
		}},
		{InvalidToken{"jku", "its header says where the attacker's key is", "kid", ""}, func(f *forgery) {
			f.byAttacker(member{"jku", f.base + attackerPath})
		}},
		{InvalidToken{"embedded-jwk", "the attacker's key is in its header", "kid", ""}, func(f *forgery) {
			f.byAttacker(member{"jwk", f.attacker.jwk()})
		}},
	}
}

// byAttacker: the header leads to the attacker's key, which signs. RFC 7515 §4.1.2, §4.1.3: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.2
func (f *forgery) byAttacker(lead member) {
	f.header.set("kid", f.attacker.kid)
	f.header = append(f.header, lead)
	f.sign = f.attacker.signature
}

func algorithmFlaws() []pattern {
	return []pattern{
		{InvalidToken{"alg-none", "alg is none, there is no signature", "alg", ""}, func(f *forgery) { f.unsigned("none") }},
		{InvalidToken{"alg-None", "the same, with a capital N", "alg", ""}, func(f *forgery) { f.unsigned("None") }},
		{InvalidToken{"hs256-public-key", "HMAC, with the public key's PEM as the secret", "alg", ""}, func(f *forgery) { f.hmac(f.key.pem()) }},
		{InvalidToken{"hs256-modulus", "HMAC, with the public key's modulus as the secret", "alg", ""}, func(f *forgery) { f.hmac(f.key.private.N.Bytes()) }},
		{InvalidToken{"rs512", "rightly signed, with an algorithm that Okta does not use", "alg", ""}, func(f *forgery) {
			f.header.set("alg", "RS512")
			f.sign = func(input string) ([]byte, error) {
				sum := sha512.Sum512([]byte(input))
				return rsa.SignPKCS1v15(nil, f.key.private, crypto.SHA512, sum[:])
			}
		}},
	}
}

func (f *forgery) unsigned(alg string) {
	f.header.set("alg", alg)
	f.sign = func(string) ([]byte, error) { return nil, nil }
}

// hmac signs with what everybody knows, for verifiers that let the token choose the algorithm. https://www.rfc-editor.org/rfc/rfc8725#section-2.1
func (f *forgery) hmac(secret []byte) {
	f.header.set("alg", "HS256")
	f.sign = func(input string) ([]byte, error) {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil), nil
	}
}

func headerFlaws() []pattern {
	return []pattern{
		{InvalidToken{"crit", "crit asks for an extension that nobody knows", "crit", ""}, func(f *forgery) {
			f.header = append(f.header, members{{"https://example.com/ext", true}, {"crit", []string{"https://example.com/ext"}}}...)
		}},
		// "JWTs MUST NOT use" it: https://www.rfc-editor.org/rfc/rfc7797#section-7
		{InvalidToken{"b64-false", "b64 is false: the claims would be the text itself", "crit", ""}, func(f *forgery) {
			f.header = append(f.header, members{{"b64", false}, {"crit", []string{"b64"}}}...)
		}},
	}
}

// formFlaws are those of the writing: "exactly one spelling" is what makes a token fit for lists of revoked ones.
func formFlaws() []pattern {
	return []pattern{
		{InvalidToken{"padded", `base64 with "=" at its end`, "format", ""}, func(f *forgery) {
			f.after = func(token string) string { return token + "==" }
		}},
		{InvalidToken{"trailing-bits", "the same signature, in another spelling of base64", "format", ""}, func(f *forgery) { f.after = respell }},
		{InvalidToken{"encrypted", "five parts: JWE, as a server may be set to issue", "format", ""}, func(f *forgery) { f.whole = encryptedToken }},
		{InvalidToken{"opaque", "one part: no JWT at all", "format", ""}, func(f *forgery) {
			f.whole = func() (string, error) { return randomBase64(), nil }
		}},
		{InvalidToken{"too-long", "a claim of 300 KiB", "format", ""}, func(f *forgery) { f.claims.set("padding", strings.Repeat("x", 300<<10)) }},
	}
}

// respell sets the bits of the last character that stand for nothing: the 256 bytes of the signature are 342 characters, which could hold 4 bits more.
func respell(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])+1])
}

// encryptedToken has the parts of a JWE in their sizes; as nobody here has the key, random bytes are as good as any.
// https://www.rfc-editor.org/rfc/rfc7516#section-3.1
func encryptedToken() (string, error) {
	header, err := marshal(members{{"alg", "RSA-OAEP-256"}, {"enc", "A256GCM"}, {"cty", "JWT"}, {"kid", randomBase64()}})
	token := base64url(header)
	for _, size := range []int{keyBits / 8, 12, 800, 16} {
		part := make([]byte, size)
		_, _ = rand.Read(part)
		token += "." + base64url(part)
	}
	return token, err
}

// pem is the public key as it is passed around: SubjectPublicKeyInfo.
func (k *signingKey) pem() []byte {
	der, _ := x509.MarshalPKIXPublicKey(&k.private.PublicKey) // fails for unknown kinds of key only
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
