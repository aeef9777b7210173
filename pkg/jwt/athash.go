package jwt

import "encoding/base64"

// judgeAtHash asks whether the ID token came with the access token that is at hand.
//
// "Its value is the base64url encoding of the left-most half of the hash of the octets of the ASCII representation of the
// access_token value, where the hash algorithm used is the hash algorithm used in the alg Header Parameter of the ID Token's JOSE
// Header." https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
func (t *trial) judgeAtHash() {
	if t.rules.Kind != KindID {
		t.skip(checkAtHash, "only ID tokens have one")
		return
	}
	got, present, ok := t.token.Claims.text(checkAtHash, "")
	switch {
	case !present:
		t.skip(checkAtHash, "the token has none, and needs none")
		return
	case !ok:
		t.fail(Check{Name: checkAtHash, Got: got, Why: whyNot(checkAtHash, present, ok)})
		return
	case t.rules.AccessToken == "":
		t.skip(checkAtHash, "the access token that came with it is not at hand")
		return
	case !t.algOK:
		t.skip(checkAtHash, notJudged(checkAlg))
		return
	}
	sum := digest(t.alg.hash, []byte(t.rules.AccessToken))
	c := Check{Name: checkAtHash, Expected: base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]), Got: printable(got)}
	if got != c.Expected {
		c.Why = "the ID token came with another access token than the one at hand"
	}
	t.settle(c)
}
