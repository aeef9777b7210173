package jwt

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"okauth/pkg/internal/strictjson"
)

// checkClaims makes the checks from iss to at_hash.
func (c *checker) checkClaims() {
	c.checkIss()
	c.checkAud()
	c.checkCid()
	c.checkSub()
	c.checkTimes(c.config.Now())
	c.checkAtHash()
}

// stringCheck begins the check of a claim that must be a string.
func (c *checker) stringCheck(name, expected string) (check Check, value string) {
	value, problem := c.token.Claims.text(name)
	return Check{Name: name, Expected: expected, Got: printable(value), Why: problem}, value
}

// checkIss compares the issuer byte for byte: "https://a" and "https://a/" are two.
func (c *checker) checkIss() {
	check, iss := c.stringCheck("iss", printable(c.config.Issuer))
	switch {
	case check.Why != "" || iss == c.config.Issuer:
	case strings.TrimSuffix(iss, "/") == strings.TrimSuffix(c.config.Issuer, "/"):
		check.Why = "the issuer's name differs by the slash at its end, which counts"
	default:
		check.Why = "the token comes from another authorization server"
	}
	c.add(check)
}

// checkAud asks for the audience, and for the client of an ID token.
func (c *checker) checkAud() {
	check := Check{Name: "aud", Expected: printable(c.config.Audience)}
	if client := c.config.ClientID; c.config.Kind == KindID && client != "" && client != c.config.Audience {
		check.Expected = printable(strings.TrimPrefix(c.config.Audience+" and "+client, " and "))
	}
	audiences, ok := c.token.Claims.Strings("aud")
	if ok {
		check.Got = printable(strings.Join(audiences, ", "))
	} else {
		check.Got = c.token.Claims.show("aud")
	}
	switch {
	case !c.token.Claims.has("aud"):
		check.Why = "the token has no aud"
	case !ok || len(audiences) == 0:
		check.Why = "the token's aud is neither a string nor a list of strings"
	case c.config.Kind == KindID:
		check.Why = c.otherClient(audiences)
	case c.config.Audience != "" && !slices.Contains(audiences, c.config.Audience):
		check.Why = "the token is for another API"
	}
	c.add(check)
}

// otherClient returns "" where an ID token for these audiences is for the client. One that is for several must say in
// azp that the client asked for it, and azp must be right wherever it is present.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (c *checker) otherClient(audiences []string) string {
	client := cmp.Or(c.config.ClientID, c.config.Audience)
	for _, wanted := range [...]string{client, c.config.Audience} {
		if wanted != "" && !slices.Contains(audiences, wanted) {
			return "the token is for another client"
		}
	}
	switch azp, problem := c.token.Claims.text("azp"); {
	case c.token.Claims.has("azp") && (problem != "" || azp != client):
		return "the token's azp names another client, which the token was made for"
	case problem != "" && len(audiences) > 1:
		return "the token is for several and does not say in azp which client asked for it"
	}
	return ""
}

func (c *checker) checkCid() {
	check, cid := c.stringCheck("cid", printable(c.config.ClientID))
	switch {
	case c.config.Kind == KindID:
		check = skipped("cid", "the aud of an ID token is the client")
	case c.config.ClientID == "" && !c.token.Claims.has("cid"):
		check = skipped("cid", "the token names no client, and none was asked for")
	case check.Why == "" && c.config.ClientID != "" && cid != c.config.ClientID:
		check.Why = "the token was issued to another client"
	}
	c.add(check)
}

func (c *checker) checkSub() {
	check, sub := c.stringCheck("sub", "")
	if check.Why == "" && sub == "" {
		check.Why = "the token's sub is empty"
	}
	c.add(check)
}

// checkTimes makes the checks exp, nbf and iat. The leeway is for clocks that differ, and widens each bound.
func (c *checker) checkTimes(now time.Time) {
	texts, latest := c.clockTexts(now), now.Add(c.config.Leeway)

	check, exp := c.timeCheck("exp", texts.earliest)
	issued, hasIssued := c.token.Claims.Time("iat")
	switch {
	case check.Why != "":
	// "identifies the expiration time on or after which the JWT MUST NOT be accepted":
	// https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
	case !now.Before(exp.Add(c.config.Leeway)):
		check.Why = "the token has expired"
	case hasIssued && !issued.Before(exp):
		check.Expected = "later than iat, " + timeText(issued)
		check.Why = "the token ends before it begins"
	}
	c.add(check)

	if !c.token.Claims.has("nbf") {
		c.add(skipped("nbf", "the token has none, and needs none"))
	} else {
		check, nbf := c.timeCheck("nbf", texts.latest)
		if check.Why == "" && nbf.After(latest) {
			check.Why = "the token is not valid yet: it is for later, or a clock is wrong"
		}
		c.add(check)
	}

	check, iat := c.timeCheck("iat", texts.latest)
	if check.Why == "" && iat.After(latest) {
		check.Why = "the token was issued in the future: a clock is wrong, here or at the issuer"
	}
	c.add(check)
}

// timeCheck begins the check of a claim that must be a time.
func (c *checker) timeCheck(name, expected string) (Check, time.Time) {
	check := Check{Name: name, Expected: expected}
	when, ok := c.token.Claims.Time(name)
	if ok {
		check.Got = timeText(when)
		return check, when
	}
	raw, present := c.token.Claims.Get(name)
	check.Got = c.token.Claims.show(name)
	finer, unit, isFiner := c.token.Claims.FinerTime(name)
	switch {
	case !present:
		check.Why = "the token has no " + name
	case isFiner:
		check.Why = "the token's " + name + " looks like " + unit + " (" + timeText(finer) + "), expected seconds"
	case isNumber(raw):
		check.Why = "the token's " + name + " is no time between the years 1 and 9999"
	default:
		check.Why = "the token's " + name + " is " + strictjson.Describe(raw) + ", expected a number of seconds"
	}
	return check, time.Time{}
}

// checkAtHash asks whether the ID token came with the access token.
//
// "Its value is the base64url encoding of the left-most half of the hash of the octets of the ASCII representation of
// the access_token value, where the hash algorithm used is the hash algorithm used in the alg Header Parameter of the
// ID Token's JOSE Header." https://openid.net/specs/openid-connect-core-1_0.html#CodeIDToken
func (c *checker) checkAtHash() {
	if c.config.Kind != KindID {
		c.add(skipped("at_hash", "only ID tokens have one"))
		return
	}
	check, got := c.stringCheck("at_hash", "")
	switch {
	case !c.token.Claims.has("at_hash"):
		check = skipped("at_hash", "the token has none, and needs none")
	case check.Why != "":
	case c.config.AccessToken == "":
		check = skipped("at_hash", "the access token that came with it is not at hand")
	case !c.algOK:
		check = skipped("at_hash", notChecked("alg"))
	default:
		sum := c.alg.digest(c.config.AccessToken)
		check.Expected = base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
		if got != check.Expected {
			check.Why = "the ID token came with another access token than this one"
		}
	}
	c.add(check)
}
