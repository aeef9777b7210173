package oktatest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keyAlgorithms    = "RS256 RS384 RS512 ES256 ES384 ES512" // of assertions and DPoP proofs
	secretAlgorithms = "HS256 HS384 HS512"                   // of assertions
)

// signedJWT is a JWT that a client has made: an assertion, or a DPoP proof.
type signedJWT struct {
	jws    *jose.JSONWebSignature
	header jose.Header
	claims map[string]any
}

// readJWT parses one, and refuses one that does not parse, or whose algorithm is none of those. It checks no signature.
func (c *call) readJWT(text, algorithms, wrongAlgorithm, unparsable string) (in signedJWT) {
	var names []jose.SignatureAlgorithm
	for name := range strings.FieldsSeq(algorithms) {
		names = append(names, jose.SignatureAlgorithm(name))
	}
	jws, err := jose.ParseSignedCompact(text, names)
	_, foreign := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err)
	if err == nil {
		in.jws, in.header = jws, jws.Signatures[0].Protected
		err = json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &in.claims)
	}
	c.refuseIf(foreign, wrongAlgorithm)
	c.refuseIf(err != nil, unparsable)
	return in
}

// signedBy reports whether one of the keys verifies the signature.
func (in signedJWT) signedBy(keys ...any) bool {
	return slices.ContainsFunc(keys, func(key any) bool {
		_, err := in.jws.Verify(key)
		return err == nil
	})
}

// readAssertion sets c.assertion, and returns which client it names, and the method that it belongs to: client_id is
// optional beside it. https://www.rfc-editor.org/rfc/rfc7521#section-4.2
func (c *call) readAssertion() (method, id string) {
	in := c.readJWT(c.form.Get("client_assertion"), keyAlgorithms+" "+secretAlgorithms, "assertion_algorithm",
		"assertion_unparsable")
	c.assertion, method = in, PrivateKeyJWT
	if strings.Contains(secretAlgorithms, in.header.Algorithm) {
		method = ClientSecretJWT
	}
	id, _ = in.claims["iss"].(string)
	c.refuseIf(c.s.apps[id] == nil, "assertion_issuer")
	c.refuseIf(in.claims["sub"] != id, "assertion_subject")
	c.refuseIf(c.form.Has("client_id") && c.form.Get("client_id") != id, "wrong_auth_method")
	return method, id
}

// checkAssertion checks the signature, and the claims:
// https://developer.okta.com/docs/guides/build-self-signed-jwt/java/main/
func (c *call) checkAssertion() {
	keys, claims := c.assertionKeys(), c.assertion.claims
	if c.reply != nil {
		return
	}
	audience, isList := claims["aud"].([]any)
	if !isList {
		audience = []any{claims["aud"]}
	}
	exp, hasExp := claims["exp"].(float64)
	iat, _ := claims["iat"].(float64) // optional, as jti is
	jti, _ := claims["jti"].(string)
	now := float64(c.now.Unix())
	c.refuseIf(!c.assertion.signedBy(keys...), "assertion_signature")
	c.refuseIf(!slices.ContainsFunc(audience, c.isHere), "assertion_audience")
	c.refuseIf(!hasExp, "assertion_no_exp")
	c.refuseIf(exp <= now, "assertion_expired")
	c.refuseIf(exp > now+time.Hour.Seconds(), "assertion_exp_too_far")
	c.refuseIf(iat > now, "assertion_iat")
	c.refuseIf(jti != "" && c.usedBefore("assertion "+c.app.ClientID+" "+jti, c.now.Add(time.Hour)), "assertion_used")
}

// assertionKeys are those that may have signed the assertion: the app's secrets, or the key that kid names.
func (c *call) assertionKeys() (keys []any) {
	if c.app.AuthMethod == ClientSecretJWT {
		for _, secret := range c.app.Secrets {
			if len(secret) >= 32 { // zeros at the end of a key do not change an HMAC, but package jose wants a longer key
				keys = append(keys, append([]byte(secret), make([]byte, max(0, 64-len(secret)))...))
			}
		}
		c.refuseIf(keys == nil, "client_secret_short")
		return keys
	}
	header := c.assertion.header
	for _, text := range c.app.Keys {
		var key jose.JSONWebKey
		err := json.Unmarshal(text, &key)
		c.refuseIf(err != nil || !key.IsPublic(), "client_keys_invalid")
		if header.KeyID == key.KeyID || header.KeyID == "" && len(c.app.Keys) == 1 {
			c.refuseIf(key.Algorithm != "" && key.Algorithm != header.Algorithm, "assertion_algorithm")
			keys = append(keys, key)
		}
	}
	c.refuseIf(keys == nil, "assertion_kid")
	return keys
}

// usedBefore reports whether what works once has been used, and remembers it until then.
func (c *call) usedBefore(id string, until time.Time) bool {
	if c.reply != nil {
		return false
	}
	used := c.now.Before(c.s.used.entries[id])
	c.s.used.put(id, until, c.s.limit)
	return used
}
