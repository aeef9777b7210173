package jwt

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// checkSignature makes the checks alg, crit, kid, key and signature. The only error is that of the keys.
func (c *checker) checkSignature(ctx context.Context, org bool) error {
	c.checkAlg()
	critOK := c.checkCrit()
	if org {
		for _, name := range [...]string{"kid", "key", "signature"} {
			c.add(skipped(name, notChecked("org_server")))
		}
		return nil
	}
	key, err := c.checkKey(ctx)
	if err != nil {
		return err
	}
	check, keyCheck := Check{Name: "signature"}, c.checks[len(c.checks)-1]
	switch {
	case !c.algOK:
		check = skipped("signature", notChecked("alg"))
	case !critOK:
		check = skipped("signature", notChecked("crit"))
	case keyCheck.State == Skipped:
		check = skipped("signature", keyCheck.Why)
	case key == nil:
		check = skipped("signature", notChecked("key"))
	case len(c.token.signature) == 0:
		check.Why = "the token has no signature: anyone could have written it"
	default:
		check.Why = c.checkSignedBy(key)
	}
	c.add(check)
	return nil
}

// checkSignedBy returns why the key's signature is not valid, or "". The header of the last token is kept, because the
// tokens of a stream mostly have the same.
func (c *checker) checkSignedBy(key *publicKey) string {
	header := c.header.Load()
	if header == nil || header.part != c.token.headerPart {
		var err error
		if header, err = parseSignedHeader(c.token); err != nil {
			return "the header has a member that cannot be read, so the signature was not checked"
		}
		c.header.Store(header)
	}
	if !header.verify(c.token, c.alg, key.key) {
		return "the issuer's key did not sign this: the token was changed or cut, or another key signed it"
	}
	return ""
}

// checkAlg asks for an algorithm that the config allows, spelled exactly so.
//
// "Libraries MUST enable the caller to specify a supported set of algorithms and MUST NOT use any other algorithms when
// performing cryptographic operations." https://www.rfc-editor.org/rfc/rfc8725#section-3.1
func (c *checker) checkAlg() {
	name, problem := c.token.Header.text("alg")
	check := Check{Name: "alg", Expected: strings.Join(c.config.Algorithms, " or "), Got: printable(name)}
	alg, known := algorithmOf(name)
	switch {
	case problem == "" && slices.Contains(c.config.Algorithms, name):
		c.alg, c.algOK = alg, true
	case !c.token.Header.has("alg"):
		check.Why = "the header names no algorithm"
	case problem != "":
		check.Why = "the header's alg is not a string"
	case strings.EqualFold(name, "none"):
		check.Why = "nothing protects the token: anyone could have written it"
	case strings.HasPrefix(strings.ToUpper(name), "HS"):
		check.Why = "the token claims to be signed with a shared secret, and the issuer's keys are public: " +
			"anyone could have written it"
	case known:
		check.Why = "the token is signed with an algorithm that is not allowed here"
	default:
		check.Why = "this is not a signature algorithm that can be allowed"
	}
	c.add(check)
}

// checkCrit rejects what would change the meaning of what is signed.
func (c *checker) checkCrit() bool {
	h := c.token.Header
	check := Check{Name: "crit"}
	cty, _ := h.String("cty")
	switch {
	// "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS
	// is invalid": https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11. We support none, and an empty list is not
	// allowed.
	case h.has("crit"):
		check.Got = h.show("crit")
		check.Why = "the token says that extensions must be understood, and none is"
	// "JWTs MUST NOT use b64 with a false value": https://www.rfc-editor.org/rfc/rfc7797#section-7. True means nothing.
	case h.has("b64"):
		check.Got = "b64 " + h.show("b64")
		check.Why = "the header has b64, which no token may have"
	case h.has("zip"):
		check.Got = "zip " + h.show("zip")
		check.Why = "the header says that the claims are compressed, which a signed token's are not"
	case strings.EqualFold(cty, "JWT"), strings.EqualFold(cty, "application/jwt"):
		check.Got = "cty " + printable(cty)
		check.Why = "the header says that the token holds another token: verify that one by itself"
	}
	c.add(check)
	return check.Why == ""
}

// checkKey makes the checks kid and key. It returns the key that fits the algorithm, or nil after a check that failed.
func (c *checker) checkKey(ctx context.Context) (*publicKey, error) {
	kid, problem := c.token.Header.text("kid")
	check := Check{Name: "kid", Expected: "one of the issuer's keys", Got: printable(kid)}
	var keys []publicKey
	var rejected string
	switch {
	case !c.token.Header.has("kid"), problem == "" && kid == "":
		check.Why = "the header does not say which of the issuer's keys signed the token"
	case problem != "":
		check.Why = "the header's kid is not a string"
	case len(kid) > maxKid:
		check.Why = "the header's kid is longer than any key's"
	default:
		set, err := c.keys.KeySet(ctx, kid)
		if err != nil {
			return nil, fmt.Errorf("get the issuer's keys: %w", err)
		}
		keys, rejected = set.usable[kid], set.whyRejected(kid)
	}
	switch {
	case len(keys) > 1:
		check.Why = "the issuer has several keys of this name, so it is not clear which one is meant"
	case len(keys) == 0 && rejected == "" && check.Why == "":
		check.Why = "the issuer has no such key: the key was rotated, or the token comes from another server"
	}
	c.add(check)
	switch {
	case check.Why != "":
		c.add(skipped("key", notChecked("kid")))
	case len(keys) == 0:
		c.add(Check{Name: "key", Why: "the issuer's key is not fit for use: " + rejected})
	default:
		return c.checkFit(&keys[0]), nil
	}
	return nil, nil
}

// checkFit makes the check key: whether key is one for the algorithm. It returns key if it is.
func (c *checker) checkFit(key *publicKey) *publicKey {
	if !c.algOK {
		c.add(skipped("key", notChecked("alg")))
		return nil
	}
	check := Check{Name: "key", Expected: string(c.alg.family), Got: string(key.family)}
	switch {
	case key.family != c.alg.family:
		check.Why = "the key that the token names is of another type than its algorithm needs"
	case key.alg != "" && key.alg != c.alg.name:
		check.Expected, check.Got = c.alg.name, key.alg
		check.Why = "the issuer means the key for another algorithm"
	default:
		check.State, check.Why = Passed, c.ignoredHeaders()
	}
	c.add(check)
	if check.State != Passed {
		return nil
	}
	return key
}

// ignoredHeaders names the members of the header by which a token would bring its own key. They are neither used nor
// contacted: the "jku" and "x5u" of an attacker lead to the attacker.
// https://www.rfc-editor.org/rfc/rfc8725#section-3.10
func (c *checker) ignoredHeaders() string {
	var names []string
	for _, name := range [...]string{"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"} {
		if c.token.Header.has(name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return ""
	}
	return "the header's " + strings.Join(names, ", ") + " did not count: keys come from the issuer alone"
}
