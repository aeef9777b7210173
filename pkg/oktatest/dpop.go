package oktatest

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// bindTokens checks the proof of a token request, which binds the tokens, also those of an app that requires none. It
// comes before the grant, so that a request for a nonce uses up no code and counts as no attempt.
// https://www.rfc-editor.org/rfc/rfc9449#section-5
func (c *call) bindTokens() {
	sent := len(c.r.Header.Values("DPoP")) > 0
	c.refuseIf(!sent && c.app.RequireDPoP, "dpop_missing")
	if sent {
		c.checkProof("dpop_nonce", nil)
	}
}

// checkProof sets c.jkt, the thumbprint of the proof's key. A proof without a nonce is refused with noNonce; "" wants
// none. ath is nil at the token endpoint.
// https://developer.okta.com/docs/guides/dpop/nonoktaresourceserver/main/
// https://www.rfc-editor.org/rfc/rfc9449#section-4.3
func (c *call) checkProof(noNonce string, ath any) {
	proofs := c.r.Header.Values("DPoP")
	c.refuseIf(len(proofs) > 1, "dpop_multiple")
	in := c.readJWT(proofs[0], keyAlgorithms, "dpop_algorithm", "dpop_unparsable")
	if c.reply != nil {
		return
	}
	key := cmp.Or(in.header.JSONWebKey, &jose.JSONWebKey{})
	iat, hasIat := in.claims["iat"].(float64)
	exp, hasExp := in.claims["exp"].(float64)
	jti, _ := in.claims["jti"].(string)
	now, used := float64(c.now.Unix()), false
	c.refuseIf(in.header.ExtraHeaders["typ"] != "dpop+jwt", "dpop_typ")
	c.refuseIf(!key.Valid(), "dpop_invalid")
	c.refuseIf(!in.signedBy(key), "dpop_signature")
	c.refuseIf(in.claims["htm"] != c.r.Method, "dpop_claim", "htm")
	c.refuseIf(!c.isHere(in.claims["htu"]), "dpop_claim", "htu")
	c.refuseIf(!hasIat, "dpop_claim", "iat")
	c.refuseIf(iat > now, "dpop_future")
	c.refuseIf(iat < now-300, "dpop_old")
	c.refuseIf(hasExp && exp <= now, "dpop_expired")
	if jti != "" { // also of a proof that lacks a nonce: "Repeat with nonce and a fresh jti"
		used = c.usedBefore("proof "+jti, c.now.Add(time.Hour))
	}
	if nonces := c.nonces(); noNonce != "" && c.reply == nil && !slices.Contains(nonces, in.claims["nonce"]) {
		c.header.Set("DPoP-Nonce", nonces[0].(string))
		c.refuse(noNonce)
	}
	c.refuseIf(jti == "", "dpop_claim", "jti")
	c.refuseIf(used, "dpop_used")
	c.refuseIf(in.claims["ath"] != ath && ath != nil, "dpop_ath")
	thumbprint, _ := key.Thumbprint(crypto.SHA256) // https://www.rfc-editor.org/rfc/rfc7638, of a valid key
	c.jkt = base64url(thumbprint)
}

// nonces are those that a proof at this endpoint may have, the newest first: one is made each day, and works for three
// more.
func (c *call) nonces() (list []any) {
	for age := range int64(4) {
		sum := sha256.Sum256(fmt.Append(nil, c.s.nonceSeed, c.endpoint, c.now.Unix()/86400-age))
		list = append(list, base64url(sum[:24]))
	}
	return list
}

// RotateNonces ends every DPoP nonce that the server has demanded so far.
func (s *Server) RotateNonces() {
	defer s.lock()()
	s.nonceSeed = rand.Text()
}

// protect answers a request with an access token, if check does not refuse c.presented, and a proof shows the key that
// the token is bound to. A refusal is in the header, and the body is empty.
// https://www.rfc-editor.org/rfc/rfc6750#section-3
// https://www.rfc-editor.org/rfc/rfc9449#section-7.1
func (c *call) protect(check, answer func()) {
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	byProof := strings.EqualFold(scheme, "DPoP")
	if byProof || strings.EqualFold(scheme, "Bearer") {
		c.presented = c.s.issued.entries[digest(token)]
	}
	bound := c.presented != nil && c.presented.session.jkt != ""
	c.run(check, func() {
		c.refuseIf(bound && !byProof, "dpop_scheme")
		c.refuseIf(byProof && !bound, "dpop_unbound")
		c.refuseIf(byProof && c.r.Header.Get("DPoP") == "", "dpop_required")
		if byProof && c.reply == nil {
			hash := sha256.Sum256([]byte(token))
			noNonce := map[bool]string{true: "resource_nonce"}[c.s.options.Quirks.ResourceNonce]
			c.checkProof(noNonce, base64url(hash[:]))
			c.refuseIf(c.jkt != c.presented.session.jkt, "dpop_other_key")
		}
	}, answer)
	if c.refusal == "" {
		return
	}
	challenge := fmt.Sprintf("error=%q, error_description=%q", c.entry.ErrorCode, c.refusal)
	c.header.Del("Content-Type")
	c.header.Set("Www-Authenticate", map[bool]string{false: "Bearer ", true: "DPoP "}[bound || byProof]+challenge)
	c.respond(c.reply.Status, nil)
}
