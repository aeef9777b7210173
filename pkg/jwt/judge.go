package jwt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Judge judges one token: whether its form, kind, signature and claims are what the rules ask for. Whatever is wrong with the token
// is in the verdict and never an error. Every check that can be judged is, whatever failed before it.
//
// keys is asked once, for a token that names a key; what stands in the token never decides where keys come from. The error is what
// keys returned, wrapped: there is no verdict without them.
func (j *Verifier) Judge(ctx context.Context, token string, keys KeySource) (Report, error) {
	return j.Series().Judge(ctx, token, keys)
}

// judge makes the checks of one token. The only error is that of keys.
func (t *trial) judge(ctx context.Context, token string, keys KeySource) error {
	var err error
	if t.token, err = t.parser.parse(token); err != nil {
		t.unreadable(err)
		return nil
	}
	t.signed = append(t.signed[:0], token[:strings.LastIndexByte(token, '.')]...)
	t.pass(Check{Name: checkFormat})
	t.judgeType()
	org := t.rules.Kind == KindAccess && (t.rules.OrgServer || t.fromOrgServer())
	if org {
		t.fail(Check{Name: checkOrgServer, Why: "access tokens of the org authorization server are for Okta alone, which may change them at any time: " +
			"ask Okta with okauth introspect --server org, or use a custom authorization server"})
	}
	if err := t.judgeSignature(ctx, keys, org); err != nil {
		return err
	}
	t.judgeClaims(t.rules.Now())
	return nil
}

// fromOrgServer reports whether the token says that it comes from the org server beside the issuer.
func (t *trial) fromOrgServer() bool {
	iss, ok := t.token.Claims.String(checkIss)
	return ok && iss == t.rules.OrgIssuer && iss != "" && iss != t.rules.Issuer
}

// trial is one token before the judge.
type trial struct {
	*Verifier
	*memory
	token Unverified
	alg   algorithm
	algOK bool // alg is set
}

func (t *trial) verdict() Report {
	return Report{Kind: t.rules.Kind, Checks: t.checks, Token: t.token}
}

func (t *trial) pass(c Check) {
	c.State = Passed
	t.checks = append(t.checks, c)
}

func (t *trial) fail(c Check) {
	c.State = Failed
	t.checks = append(t.checks, c)
}

func (t *trial) skip(name, why string) {
	t.checks = append(t.checks, Check{Name: name, State: Skipped, Why: why})
}

// unreadable is the verdict on a text that is no token.
func (t *trial) unreadable(err error) {
	c := Check{Name: checkFormat, Why: err.Error()}
	if format, ok := errors.AsType[*FormatError](err); ok && format.Hint() != "" {
		c.Why += ": " + format.Hint()
	}
	t.fail(c)
	for _, name := range [...]string{
		checkType, checkAlg, checkCrit, checkKid, checkKey, checkSignature,
		checkIss, checkAud, checkCid, checkSub, checkExp, checkNbf, checkIat, checkAtHash,
	} {
		t.skip(name, notJudged(checkFormat))
	}
}

func notJudged(because string) string { return "not judged, because " + because + " failed" }

// judgeSignature makes the checks alg, crit, kid, key and signature. The only error is that of keys.
func (t *trial) judgeSignature(ctx context.Context, keys KeySource, org bool) error {
	t.judgeAlg()
	critOK := t.judgeCrit()
	if org {
		for _, name := range [...]string{checkKid, checkKey, checkSignature} {
			t.skip(name, notJudged(checkOrgServer))
		}
		return nil
	}
	key, err := t.judgeKey(ctx, keys)
	if err != nil {
		return err
	}
	c := Check{Name: checkSignature}
	switch {
	case !t.algOK:
		t.skip(checkSignature, notJudged(checkAlg))
	case !critOK:
		t.skip(checkSignature, notJudged(checkCrit))
	case key == nil:
		t.skip(checkSignature, notJudged(t.reason()))
	case len(t.token.signature) == 0:
		c.Why = "the token has no signature: anybody could have written it"
		t.fail(c)
	case !t.alg.verify(key.key, t.signed, t.token.signature):
		c.Why = "the issuer's key did not sign this: the token was changed or cut, or somebody else signed it"
		t.fail(c)
	default:
		t.pass(c)
	}
	return nil
}

// reason returns the name of the check that failed last.
func (t *trial) reason() string {
	for i := len(t.checks) - 1; i >= 0; i-- {
		if t.checks[i].State == Failed {
			return t.checks[i].Name
		}
	}
	return ""
}

// judgeAlg asks for an algorithm that the caller allows, spelt exactly so.
//
// "Libraries MUST enable the caller to specify a supported set of algorithms and MUST NOT use any other algorithms when performing
// cryptographic operations." https://www.rfc-editor.org/rfc/rfc8725#section-3.1
func (t *trial) judgeAlg() {
	c := Check{Name: checkAlg, Expected: t.expected.alg}
	name, present, ok := t.token.Header.text("alg", t.algorithms[0].name)
	c.Got = printable(name)
	for _, a := range t.algorithms {
		if ok && a.name == name {
			t.alg, t.algOK = a, true
			t.pass(c)
			return
		}
	}
	_, known := algorithmOf(name)
	switch {
	case !present:
		c.Why = "the header names no algorithm"
	case !ok:
		c.Why = "the header's alg is no string"
	case strings.EqualFold(name, "none"):
		c.Why = "nothing protects the token: anybody could have written it"
	case strings.HasPrefix(strings.ToUpper(name), "HS"):
		c.Why = "the token claims to be signed with a shared secret, and the issuer's keys are public: anybody could have written it"
	case known:
		c.Why = "the token is signed in a way that is not allowed here: if the issuer is meant to, allow it with okauth verify --alg"
	default:
		c.Why = "this is no signature algorithm that can be allowed"
	}
	t.fail(c)
}

// judgeCrit refuses what would change the meaning of what is signed.
func (t *trial) judgeCrit() bool {
	h := t.token.Header
	c := Check{Name: checkCrit}
	cty, _ := h.String("cty")
	switch {
	// "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS is invalid":
	// https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11. We support none, and an empty list is not allowed.
	case h.has("crit"):
		c.Got = h.show("crit")
		c.Why = "the token says that extensions must be understood, and none is"
	// "JWTs MUST NOT use b64 with a false value": https://www.rfc-editor.org/rfc/rfc7797#section-7. True means nothing.
	case h.has("b64"):
		c.Got = "b64 " + h.show("b64")
		c.Why = "the header has b64, which no token may have"
	case h.has("zip"):
		c.Got = "zip " + h.show("zip")
		c.Why = "the header says that the claims are compressed, which a signed token's are not"
	case strings.EqualFold(cty, "JWT"), strings.EqualFold(cty, "application/jwt"):
		c.Got = "cty " + printable(cty)
		c.Why = "the header says that the token holds another token: judge that one by itself"
	default:
		t.pass(c)
		return true
	}
	t.fail(c)
	return false
}

// judgeKey makes the checks kid and key. It returns the key that fits the algorithm, or nil after a check that failed.
func (t *trial) judgeKey(ctx context.Context, keys KeySource) (*publicKey, error) {
	c := Check{Name: checkKid, Expected: "one of the issuer's keys"}
	kid, present, ok := t.token.Header.text("kid", t.kid)
	t.kid = kid
	c.Got = printable(kid)
	switch {
	case !present || ok && kid == "":
		c.Why = "the header does not say which of the issuer's keys signed the token"
	case !ok:
		c.Why = "the header's kid is no string"
	case len(kid) > maxKid:
		c.Why = "the header's kid is longer than any key's"
	}
	if c.Why != "" {
		t.fail(c)
		t.skip(checkKey, notJudged(checkKid))
		return nil, nil
	}
	set, err := keys.KeySet(ctx, kid)
	if err != nil {
		return nil, fmt.Errorf("get the issuer's keys: %w", err)
	}
	candidates := set.usable[kid]
	if len(candidates) == 1 {
		t.pass(c)
		return t.judgeFit(&candidates[0]), nil
	}
	rejected := set.whyRejected(kid)
	switch {
	case len(candidates) > 1:
		c.Why = "the issuer has several keys of this name, so it is not clear which one is meant"
	case rejected != "":
		t.pass(c)
		t.fail(Check{Name: checkKey, Why: "the issuer's key is not fit for use: " + rejected})
		return nil, nil
	default:
		c.Why = "the issuer has no such key: the key was rotated, or the token comes from another server"
	}
	t.fail(c)
	t.skip(checkKey, notJudged(checkKid))
	return nil, nil
}

// judgeFit makes the check key: whether key is one for the algorithm. It returns key if it is.
func (t *trial) judgeFit(key *publicKey) *publicKey {
	if !t.algOK {
		t.skip(checkKey, notJudged(checkAlg))
		return nil
	}
	c := Check{Name: checkKey, Expected: string(t.alg.family), Got: string(key.family)}
	switch {
	case key.family != t.alg.family:
		c.Why = "the key that the token names is of another type than its algorithm needs"
	case key.alg != "" && key.alg != t.alg.name:
		c.Expected, c.Got = t.alg.name, key.alg
		c.Why = "the issuer means the key for another algorithm"
	default:
		c.Why = t.ignored()
		t.pass(c)
		return key
	}
	t.fail(c)
	return nil
}

// ignored names the members of the header by which a token would bring its own key. They are neither used nor contacted: the "jku"
// and "x5u" of an attacker lead to the attacker. https://www.rfc-editor.org/rfc/rfc8725#section-3.10
func (t *trial) ignored() string {
	names := ""
	for _, name := range [...]string{"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"} {
		if t.token.Header.has(name) {
			names += ", " + name
		}
	}
	if names == "" {
		return ""
	}
	return "the header's " + names[2:] + " did not count: keys come from the issuer alone"
}

// judgeClaims makes the checks from iss to at_hash.
func (t *trial) judgeClaims(now time.Time) {
	t.judgeIss()
	t.judgeAud()
	t.judgeCid()
	t.judgeSub()
	t.judgeTimes(now)
	t.judgeAtHash()
}
