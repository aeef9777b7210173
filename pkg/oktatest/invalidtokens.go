package oktatest

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"time"
)

// InvalidToken is one way in which an access token can be wrong. An API should refuse all but those whose Check is "":
// "good", and "dpop-bound" if it does not support DPoP.
type InvalidToken struct {
	Name        string // "wrong-audience"; also its path: GET /sandbox/tokens/wrong-audience
	Description string // what is wrong, in a few words
	Check       string // the check that fails first: "exp", "kid", "format" …; "" for a token that passes
	Token       string
}

// InvalidTokenKinds are the tokens that InvalidTokens makes, in this order, with an empty Token.
func InvalidTokenKinds() (list []InvalidToken) {
	for _, kind := range invalidTokenKinds() {
		list = append(list, kind.InvalidToken)
	}
	return list
}

// InvalidTokens makes one token of each kind, at the time of the server's clock, for tests of code that accepts access
// tokens. Except for what its name says, each is what DefaultUser gets with DefaultClientID at the server "default":
// signed with RS256 by a published key, for DefaultAudience, valid for an hour. The server has issued "good",
// "id-token" and "org-issuer", and introspects them as active; it has not issued the others.
func (s *Server) InvalidTokens() (list []InvalidToken) {
	defer s.lock()()
	for _, kind := range invalidTokenKinds() {
		kind.Token = s.forge(kind, s.base, s.clock.Now())
		list = append(list, kind.InvalidToken)
	}
	return list
}

// forgery is a token in the making: what a good one is made of, for edit to change.
type forgery struct {
	call     *call       // the sign-in of DefaultUser
	key      *signingKey // published
	attacker *signingKey // published nowhere but at /sandbox/attacker-keys

	header object
	claims object
	sign   func(input string) []byte
	token  string // instead of what the other fields make
}

type invalidTokenKind struct {
	InvalidToken
	edit func(f *forgery)
}

// forge makes a token.
func (s *Server) forge(kind invalidTokenKind, base string, now time.Time) string {
	f := &forgery{key: s.keys.active(DefaultServerID), attacker: s.keys.active(attackerRing)}
	f.call = &call{
		s: s, r: &http.Request{}, base: base, now: now, scopes: []string{"api:read", "openid"}, lifetime: time.Hour,
		as: s.servers[DefaultServerID], app: s.apps[DefaultClientID], user: s.users[userKey(DefaultUser)],
	}
	f.call.startSession()
	f.header = object{{"kid", f.key.kid}, {"alg", "RS256"}}
	f.claims = f.call.accessClaims(now.Add(f.call.lifetime))
	f.sign = f.key.signature
	kind.edit(f)
	if f.token != "" {
		return f.token
	}
	return f.compact()
}

func (f *forgery) compact() string { return compact(f.header, f.claims, f.sign) }

// set returns an edit that changes a claim.
func set(name string, value any) func(*forgery) {
	return func(f *forgery) { f.claims.set(name, value) }
}

// without returns an edit that removes a claim.
func without(name string) func(*forgery) {
	return func(f *forgery) { f.claims.remove(name) }
}

// live moves the token's life: from now + begin to now + end.
func (f *forgery) live(begin, end time.Duration) {
	f.claims.set("iat", f.call.now.Add(begin).Unix())
	f.claims.set("auth_time", f.call.now.Add(begin).Unix())
	f.claims.set("exp", f.call.now.Add(end).Unix())
}

// byAttacker signs with the attacker's key, which the header leads to.
// https://www.rfc-editor.org/rfc/rfc7515#section-4.1.2
func (f *forgery) byAttacker(name string, lead any) {
	f.header.set("kid", f.attacker.kid)
	f.header.set(name, lead)
	f.sign = f.attacker.signature
}

// hmac signs with what is public, for verifiers that let the token choose the algorithm.
// https://www.rfc-editor.org/rfc/rfc8725#section-2.1
func (f *forgery) hmac(secret []byte) {
	f.header.set("alg", "HS256")
	f.sign = func(input string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

// unsigned returns an edit that removes the signature.
func unsigned(alg string) func(*forgery) {
	return func(f *forgery) {
		f.header.set("alg", alg)
		f.sign = func(string) []byte { return nil }
	}
}

func invalidTokenKinds() []invalidTokenKind {
	kind := func(name, description, check string, edit func(*forgery)) invalidTokenKind {
		return invalidTokenKind{InvalidToken{Name: name, Description: description, Check: check}, edit}
	}
	return []invalidTokenKind{
		kind("good", "nothing is wrong", "", func(f *forgery) { f.token = f.call.accessToken() }),

		// Claims.
		kind("expired", "it expired an hour ago", "exp", func(f *forgery) { f.live(-2*time.Hour, -time.Hour) }),
		kind("not-yet-valid", "nbf and iat are in an hour", "nbf", func(f *forgery) {
			f.live(time.Hour, 2*time.Hour)
			f.claims.set("nbf", f.call.now.Add(time.Hour).Unix())
		}),
		kind("wrong-issuer", "iss is another org, the key is ours", "iss",
			set("iss", "https://another-org.example/oauth2/default")),
		kind("org-issuer", "an access token of the org server, for Okta's own APIs", "org_server", func(f *forgery) {
			f.call.as, f.call.scopes = orgServer(f.call.base), []string{"openid"}
			f.call.startSession()
			f.token = f.call.accessToken()
		}),
		kind("wrong-audience", "aud is another API", "aud", set("aud", "api://another")),
		kind("two-audiences", "aud is two other APIs", "aud", set("aud", []string{"api://one", "api://two"})),
		kind("wrong-client", "cid is another client", "cid", set("cid", "0oaAnotherClient0001")),
		kind("id-token", "an ID token, not an access token", "type", func(f *forgery) {
			f.token = f.call.idToken(f.call.accessToken())
		}),
		kind("no-exp", "exp is missing", "exp", without("exp")),
		kind("exp-as-string", "exp is a string", "exp", set("exp", "9999999999")),
		kind("no-iat", "iat is missing", "iat", without("iat")),
		kind("duplicate-claim", "aud is there twice: another API, then ours", "format", func(f *forgery) {
			f.claims = append(object{{"aud", "api://another"}}, f.claims...)
		}),
		kind("dpop-bound", "good, but bound to a DPoP key, whose proof is not with it", "", func(f *forgery) {
			f.claims.set("cnf", object{{"jkt", f.attacker.kid}}) // https://www.rfc-editor.org/rfc/rfc9449#section-6.1
		}),

		// Keys.
		kind("no-kid", "the header names no key", "kid", func(f *forgery) { f.header.remove("kid") }),
		kind("unknown-kid", "kid is in no key set", "kid", func(f *forgery) { f.header.set("kid", randomBase64()) }),
		kind("other-key", "kid is a published key, another signed it", "signature", func(f *forgery) {
			f.sign = f.attacker.signature
		}),
		kind("tampered", "a scope was added after it was signed", "signature", func(f *forgery) {
			parts := strings.Split(f.compact(), ".")
			claims := bytes.Replace(marshal(f.claims), []byte(`"scp":[`), []byte(`"scp":["api:admin",`), 1)
			f.token = parts[0] + "." + base64url(claims) + "." + parts[2]
		}),
		kind("jku", "its header says where the attacker's key is", "kid", func(f *forgery) {
			f.byAttacker("jku", f.call.base+"/sandbox/attacker-keys")
		}),
		kind("embedded-jwk", "the attacker's key is in its header", "kid", func(f *forgery) {
			f.byAttacker("jwk", f.attacker.jwk())
		}),

		// Algorithms.
		kind("alg-none", "alg is none, there is no signature", "alg", unsigned("none")),
		kind("alg-None", "the same, with a capital N", "alg", unsigned("None")),
		kind("hs256-public-key", "HMAC, with the public key's PEM as the secret", "alg", func(f *forgery) {
			der, _ := x509.MarshalPKIXPublicKey(&f.key.private.PublicKey) // fails for unknown kinds of key only
			f.hmac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		}),
		kind("hs256-modulus", "HMAC, with the public key's modulus as the secret", "alg", func(f *forgery) {
			f.hmac(f.key.private.N.Bytes())
		}),
		kind("rs512", "rightly signed, with an algorithm that Okta does not use", "alg", func(f *forgery) {
			f.header.set("alg", "RS512")
			f.sign = func(input string) []byte {
				sum := sha512.Sum512([]byte(input))
				signature, _ := rsa.SignPKCS1v15(nil, f.key.private, crypto.SHA512, sum[:])
				return signature
			}
		}),

		// Header.
		kind("crit", "crit names an extension that does not exist", "crit", func(f *forgery) {
			f.header.set("https://example.com/ext", true)
			f.header.set("crit", []string{"https://example.com/ext"})
		}),
		// "JWTs MUST NOT use" it: https://www.rfc-editor.org/rfc/rfc7797#section-7
		kind("b64-false", "b64 is false: the claims would be the text itself", "crit", func(f *forgery) {
			f.header.set("b64", false)
			f.header.set("crit", []string{"b64"})
		}),

		// Form. Only a token with exactly one spelling can be on a list of revoked ones.
		kind("padded", `base64 with "=" at its end`, "format", func(f *forgery) { f.token = f.compact() + "==" }),
		kind("trailing-bits", "the same signature, in another spelling of base64", "format", func(f *forgery) {
			f.token = respell(f.compact())
		}),
		kind("encrypted", "five parts: JWE, as a server may be set to issue", "format", func(f *forgery) {
			f.token = encryptedToken()
		}),
		kind("opaque", "one part: no JWT at all", "format", func(f *forgery) { f.token = randomBase64() }),
		kind("too-long", "a claim of 300 KiB", "format", set("padding", strings.Repeat("x", 300<<10))),
	}
}

// respell sets bits of the last character that mean nothing: 256 bytes are 342 characters, which could hold 4 more
// bits.
func respell(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])+1])
}

// encryptedToken has the parts of a JWE in their sizes. There is no key to decrypt it, so random bytes do.
// https://www.rfc-editor.org/rfc/rfc7516#section-3.1
func encryptedToken() string {
	parts := [][]byte{
		marshal(object{{"alg", "RSA-OAEP-256"}, {"enc", "A256GCM"}, {"cty", "JWT"}, {"kid", randomBase64()}}),
		randomBytes(keyBits / 8), randomBytes(12), randomBytes(800), randomBytes(16),
	}
	token := ""
	for _, part := range parts {
		token += "." + base64url(part)
	}
	return token[1:]
}
