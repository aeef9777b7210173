package oktatest

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	_ "crypto/sha512" // of "rs512"
	"crypto/x509"
	"encoding/pem"
	"slices"
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
		list = append(list, InvalidToken{Name: kind.name, Description: kind.description, Check: kind.check})
	}
	return list
}

// InvalidTokens makes one token of each kind, at the time of the server's clock, for tests of code that accepts access
// tokens. Except for what its name says, each is what DefaultUser gets with DefaultClientID at the server "default":
// signed with RS256 by a published key, for DefaultAudience, valid for an hour. The server has issued "good",
// "id-token" and "org-issuer", and introspects them as active; it has not issued the others.
func (s *Server) InvalidTokens() (list []InvalidToken) {
	defer s.lock()()
	list = InvalidTokenKinds()
	for i, kind := range invalidTokenKinds() {
		list[i].Token = s.forge(kind, s.base, s.clock.Now())
	}
	return list
}

// draft is a token in the making: what a good one is made of, for edit to change.
type draft struct {
	call     *call       // the sign-in of DefaultUser
	key      *signingKey // published
	attacker *signingKey // published nowhere but at /sandbox/attacker-keys

	header object
	claims object
	sign   func(input string) []byte
	token  string // instead of what the other fields make
}

// invalidTokenKind is what InvalidToken says of a token, and how it is made of a good one.
type invalidTokenKind struct {
	name, description, check string
	edit                     func(d *draft)
}

// forge makes a token.
func (s *Server) forge(kind invalidTokenKind, base string, now time.Time) string {
	d := &draft{key: s.keys.active(DefaultServerID), attacker: s.keys.active(attackerRing)}
	d.call = &call{
		s: s, options: s.options, base: base, now: now, scopes: []string{"api:read", "openid"}, lifetime: time.Hour,
		as: s.servers[DefaultServerID], app: s.apps[DefaultClientID], user: s.users[userKey(DefaultUser)],
	}
	d.call.startSession()
	d.header = object{{"kid", d.key.kid}, {"alg", "RS256"}}
	d.claims = d.call.accessClaims(now.Add(d.call.lifetime))
	d.sign = d.key.signature(crypto.SHA256)
	kind.edit(d)
	if d.token != "" {
		return d.token
	}
	return d.compact()
}

func (d *draft) compact() string { return compact(d.header, d.claims, d.sign) }

// set returns an edit that changes a claim.
func set(name string, value any) func(*draft) {
	return func(d *draft) { d.claims.set(name, value) }
}

// without returns an edit that removes a claim.
func without(name string) func(*draft) {
	return func(d *draft) { d.claims.remove(name) }
}

// live moves the token's life: from now + begin to now + end.
func (d *draft) live(begin, end time.Duration) {
	d.claims.set("iat", d.call.now.Add(begin).Unix())
	d.claims.set("auth_time", d.call.now.Add(begin).Unix())
	d.claims.set("exp", d.call.now.Add(end).Unix())
}

// byAttacker signs with the attacker's key, which the header leads to.
// https://www.rfc-editor.org/rfc/rfc7515#section-4.1.2
func (d *draft) byAttacker(name string, lead any) {
	d.header.set("kid", d.attacker.kid)
	d.header.set(name, lead)
	d.sign = d.attacker.signature(crypto.SHA256)
}

// hmac signs with what is public, for verifiers that let the token choose the algorithm.
// https://www.rfc-editor.org/rfc/rfc8725#section-2.1
func (d *draft) hmac(secret []byte) {
	d.header.set("alg", "HS256")
	d.sign = func(input string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

// unsigned returns an edit that removes the signature.
func unsigned(alg string) func(*draft) {
	return func(d *draft) {
		d.header.set("alg", alg)
		d.sign = func(string) []byte { return nil }
	}
}

func invalidTokenKinds() []invalidTokenKind {
	return slices.Concat(claimKinds(), keyKinds(), formKinds())
}

func claimKinds() []invalidTokenKind {
	return []invalidTokenKind{
		{"good", "nothing is wrong", "", func(d *draft) { d.token = d.call.accessToken() }},
		{"expired", "it expired an hour ago", "exp", func(d *draft) { d.live(-2*time.Hour, -time.Hour) }},
		{"not-yet-valid", "nbf and iat are in an hour", "nbf", func(d *draft) {
			d.live(time.Hour, 2*time.Hour)
			d.claims.set("nbf", d.call.now.Add(time.Hour).Unix())
		}},
		{"wrong-issuer", "iss is another org, the key is ours", "iss",
			set("iss", "https://another-org.example/oauth2/default")},
		{"org-issuer", "an access token of the org server, for Okta's own APIs", "org_server", func(d *draft) {
			d.call.as, d.call.scopes = orgServer(d.call.base), []string{"openid"}
			d.call.startSession()
			d.token = d.call.accessToken()
		}},
		{"wrong-audience", "aud is another API", "aud", set("aud", "api://another")},
		{"two-audiences", "aud is two other APIs", "aud", set("aud", []string{"api://one", "api://two"})},
		{"wrong-client", "cid is another client", "cid", set("cid", "0oaAnotherClient0001")},
		{"id-token", "an ID token, not an access token", "type", func(d *draft) {
			d.token = d.call.idToken(d.call.accessToken())
		}},
		{"no-exp", "exp is missing", "exp", without("exp")},
		{"exp-as-string", "exp is a string", "exp", set("exp", "9999999999")},
		{"no-iat", "iat is missing", "iat", without("iat")},
		{"duplicate-claim", "aud is there twice: another API, then ours", "format", func(d *draft) {
			d.claims = append(object{{"aud", "api://another"}}, d.claims...)
		}},
		{"dpop-bound", "good, but bound to a DPoP key, whose proof is not with it", "", func(d *draft) {
			d.claims.set("cnf", object{{"jkt", d.attacker.kid}}) // https://www.rfc-editor.org/rfc/rfc9449#section-6.1
		}},
	}
}

func keyKinds() []invalidTokenKind {
	return []invalidTokenKind{
		{"no-kid", "the header names no key", "kid", func(d *draft) { d.header.remove("kid") }},
		{"unknown-kid", "kid is in no key set", "kid", func(d *draft) { d.header.set("kid", randomBase64(32)) }},
		{"other-key", "kid is a published key, another signed it", "signature", func(d *draft) {
			d.sign = d.attacker.signature(crypto.SHA256)
		}},
		{"tampered", "a scope was added after it was signed", "signature", func(d *draft) {
			parts := strings.Split(d.compact(), ".")
			claims := bytes.Replace(marshal(d.claims), []byte(`"scp":[`), []byte(`"scp":["api:admin",`), 1)
			d.token = parts[0] + "." + base64url(claims) + "." + parts[2]
		}},
		{"jku", "its header says where the attacker's key is", "kid", func(d *draft) {
			d.byAttacker("jku", d.call.base+"/sandbox/attacker-keys")
		}},
		{"embedded-jwk", "the attacker's key is in its header", "kid", func(d *draft) {
			d.byAttacker("jwk", d.attacker.jwk())
		}},
		{"alg-none", "alg is none, there is no signature", "alg", unsigned("none")},
		{"alg-None", "the same, with a capital N", "alg", unsigned("None")},
		{"hs256-public-key", "HMAC, with the public key's PEM as the secret", "alg", func(d *draft) {
			der, _ := x509.MarshalPKIXPublicKey(&d.key.private.PublicKey) // fails for unknown kinds of key only
			d.hmac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		}},
		{"hs256-modulus", "HMAC, with the public key's modulus as the secret", "alg", func(d *draft) {
			d.hmac(d.key.private.N.Bytes())
		}},
		{"rs512", "rightly signed, with an algorithm that Okta does not use", "alg", func(d *draft) {
			d.header.set("alg", "RS512")
			d.sign = d.key.signature(crypto.SHA512)
		}},
	}
}

// formKinds: only a token with exactly one spelling can be on a list of revoked ones.
func formKinds() []invalidTokenKind {
	return []invalidTokenKind{
		{"crit", "crit names an extension that does not exist", "crit", func(d *draft) {
			d.header.set("https://example.com/ext", true)
			d.header.set("crit", []string{"https://example.com/ext"})
		}},
		// "JWTs MUST NOT use" it: https://www.rfc-editor.org/rfc/rfc7797#section-7
		{"b64-false", "b64 is false: the claims would be the text itself", "crit", func(d *draft) {
			d.header.set("b64", false)
			d.header.set("crit", []string{"b64"})
		}},
		{"padded", `base64 with "=" at its end`, "format", func(d *draft) { d.token = d.compact() + "==" }},
		{"trailing-bits", "the same signature, in another spelling of base64", "format", func(d *draft) {
			token := d.compact() // 256 bytes are 342 characters, which could hold 4 more bits: it ends with A, Q, g or w
			last := len(token) - 1
			d.token = token[:last] + string(token[last]+1)
		}},
		// There is no key to decrypt it, so random bytes do: https://www.rfc-editor.org/rfc/rfc7516#section-3.1
		{"encrypted", "five parts: JWE, as a server may be set to issue", "format", func(d *draft) {
			header := object{{"alg", "RSA-OAEP-256"}, {"enc", "A256GCM"}, {"cty", "JWT"}, {"kid", randomBase64(32)}}
			d.token = base64url(marshal(header))
			for _, size := range []int{keyBits / 8, 12, 800, 16} {
				d.token += "." + randomBase64(size)
			}
		}},
		{"opaque", "one part: no JWT at all", "format", func(d *draft) { d.token = randomBase64(32) }},
		{"too-long", "a claim of 300 KiB", "format", set("padding", strings.Repeat("x", 300<<10))},
	}
}
