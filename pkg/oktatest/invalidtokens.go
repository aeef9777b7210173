package oktatest

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	_ "crypto/sha512" // of RS512
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// InvalidToken is one way in which an access token can be wrong. An API should refuse all but those whose Check is "":
// "good", and "dpop-bound" if it does not support DPoP.
type InvalidToken struct {
	Name        string // "wrong-audience"
	Description string // what is wrong, in a few words
	Check       string // the check that fails first: "exp", "kid", "format" …; "" for a token that passes
	Token       string

	header, claims, form string // how it differs from a good one
}

// InvalidTokenKinds are the tokens that InvalidTokens makes, in this order, with an empty Token.
func InvalidTokenKinds() (list []InvalidToken) {
	for _, row := range rows("invalidtokens.txt") {
		list = append(list, InvalidToken{
			Name: row[0], Description: row[1], Check: row[2], header: row[3], claims: row[4], form: row[5],
		})
	}
	return list
}

// InvalidTokens makes one token of each kind, at the time of the server's clock, for tests of code that accepts access
// tokens. Except for what its name says, each is what DefaultUser gets with DefaultClientID at the server "default",
// or the first user with the first app at the first server of an org without these.
// The server has issued "good", "id-token" and "org-issuer", and introspects them as active, but not the others.
func (s *Server) InvalidTokens() []InvalidToken {
	defer s.lock()()
	list := InvalidTokenKinds()
	for i, kind := range list {
		list[i].Token = s.forge(kind, s.base, s.clock.Now())
	}
	return list
}

// InvalidToken makes the one with a name, for an issuer with the address that the request was sent to; "" if there is
// none.
func (s *Server) InvalidToken(name string, r *http.Request) string {
	base := s.baseOf(r)
	defer s.lock()()
	for _, kind := range InvalidTokenKinds() {
		if kind.Name == name {
			return s.forge(kind, base, s.clock.Now())
		}
	}
	return ""
}

// draft is a token in the making: what a good one is made of, to be changed.
type draft struct {
	call           *call       // the sign-in of DefaultUser
	key, attacker  *signingKey // the attacker's is published nowhere but at /sandbox/attacker-keys
	hash           crypto.Hash
	header, claims json.RawMessage
	sign           func(input string) []byte
}

func (s *Server) forge(kind InvalidToken, base string, now time.Time) string {
	as := cmp.Or(pick(s.servers, DefaultServerID), orgServer(base))
	d := &draft{hash: crypto.SHA256, key: s.keys.ring(as.ID)[1], attacker: s.keys.ring(attackerRing)[1]}
	d.call = &call{
		s: s, base: base, now: now, scopes: []string{"api:read", "openid"}, lifetime: time.Hour, as: as,
		app:  cmp.Or(pick(s.apps, DefaultClientID), &App{ClientID: DefaultClientID}),
		user: cmp.Or(pick(s.users, userKey(DefaultUser)), &User{Login: DefaultUser}),
	}
	d.call.startSession()
	d.header = d.change(object{{"kid", d.key.kid}, {"alg", "RS256"}}, kind.header)
	d.claims = d.change(d.call.accessClaims(), kind.claims)
	d.sign = func(input string) []byte { return d.key.sign(d.hash, input) }
	return d.token(kind.form)
}

// pick returns the entry with this id, else the first by id; nil if there is none.
func pick[T any](entries map[string]*T, id string) *T {
	if entries[id] == nil && len(entries) > 0 {
		id = slices.Min(slices.Collect(maps.Keys(entries)))
	}
	return entries[id]
}

// change changes members: null removes one, and a number is a time, in seconds from now.
func (d *draft) change(good object, text string) json.RawMessage {
	values := strings.NewReplacer("BASE", d.call.base, "ATTACKER", d.attacker.kid, "RANDOM", randomBase64(32),
		"JWK", string(marshal(d.attacker.jwk())), "LONG", strings.Repeat("x", 300<<10))
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(values.Replace(text)), &members) // valid, or empty
	changes := map[string]string{}
	for name, value := range members {
		changes[name] = strings.TrimPrefix(string(value), "null")
		if seconds, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			changes[name] = strconv.FormatInt(d.call.now.Unix()+seconds, 10)
		}
	}
	return patch(marshal(good), changes)
}

// token is the token, made in one of the ways that invalidtokens.txt names.
func (d *draft) token(form string) string {
	switch form {
	case "issued":
		return d.call.accessToken()
	case "id":
		return d.call.idToken(d.call.accessToken())
	case "org":
		d.call.as, d.call.scopes = orgServer(d.call.base), []string{"openid"}
		d.call.startSession()
		return d.call.accessToken()
	case "encrypted":
		// It has the parts of a JWE; there is no key to decrypt it: https://www.rfc-editor.org/rfc/rfc7516#section-3.1
		header := object{{"alg", "RSA-OAEP-256"}, {"enc", "A256GCM"}, {"cty", "JWT"}, {"kid", randomBase64(32)}}
		return strings.Join([]string{base64url(marshal(header)), randomBase64(keyBytes), randomBase64(12),
			randomBase64(800), randomBase64(16)}, ".")
	case "opaque":
		return randomBase64(32)
	case "second aud":
		d.claims = append([]byte(`{"aud":"api://another",`), d.claims[1:]...)
	case "attacker":
		d.key = d.attacker
	case "RS512":
		d.hash = crypto.SHA512
	case "unsigned":
		d.sign = func(string) []byte { return nil }
	case "HMAC of the PEM", "HMAC of the modulus":
		secret := d.key.public.N.Bytes()
		if form == "HMAC of the PEM" {
			der, _ := x509.MarshalPKIXPublicKey(&d.key.public) // fails for unknown kinds of key only
			secret = encodePEM("PUBLIC KEY", der)
		}
		mac := hmac.New(sha256.New, secret)
		d.sign = func(input string) []byte {
			mac.Write([]byte(input))
			return mac.Sum(nil)
		}
	case "tampered": // the signature is of the claims before
		signature := d.sign(signingInput(d.header, d.claims))
		d.sign = func(string) []byte { return signature }
		d.claims = bytes.Replace(d.claims, []byte(`"scp":[`), []byte(`"scp":["api:admin",`), 1)
	}
	input := signingInput(d.header, d.claims)
	token := input + "." + base64url(d.sign(input))
	last := len(token) - 1
	switch form {
	case "padded":
		return token + "=="
	case "trailing bits": // 256 bytes are 342 characters, which could hold 4 more bits: the last is A, Q, g or w
		return token[:last] + string(token[last]+1)
	}
	return token
}
