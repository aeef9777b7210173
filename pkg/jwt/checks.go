package jwt

import (
	"slices"
	"strings"
	"time"
)

// has reports whether there is a member called name.
func (o Object) has(name string) bool {
	_, ok := o.Get(name)
	return ok
}

// show returns the value called name as JSON, fit to be shown.
func (o Object) show(name string) string {
	raw, _ := o.Get(name)
	return printable(string(raw))
}

// text returns the value called name: the string where it is one (ok), and its JSON fit to be shown where it is not. It need not
// copy what it is likely to be.
func (o Object) text(name, likely string) (s string, present, ok bool) {
	raw, present := o.Get(name)
	if !present {
		return "", false, false
	}
	if quoted := len(raw) == len(likely)+2 && raw[0] == '"'; quoted && string(raw[1:len(raw)-1]) == likely && strings.IndexByte(likely, '\\') < 0 {
		return likely, true, true
	}
	if s, ok = o.String(name); ok {
		return s, true, true
	}
	return printable(string(raw)), true, false
}

// whyNot is the cause where a claim that must be a string is none. It is "" where it is one.
func whyNot(name string, present, ok bool) string {
	switch {
	case !present:
		return "the token has no " + name
	case !ok:
		return "the token's " + name + " is no string"
	}
	return ""
}

// judgeIss compares the issuer byte for byte: "https://a" and "https://a/" are two.
func (t *trial) judgeIss() {
	c := Check{Name: checkIss, Expected: t.expected.iss}
	iss, present, ok := t.token.Claims.text(checkIss, t.rules.Issuer)
	c.Got = printable(iss)
	switch c.Why = whyNot(checkIss, present, ok); {
	case c.Why != "":
	case iss == t.rules.Issuer:
		t.pass(c)
		return
	case strings.TrimSuffix(iss, "/") == strings.TrimSuffix(t.rules.Issuer, "/"):
		c.Why = "the issuer's name differs by the slash at its end, which counts"
	default:
		c.Why = "the token comes from another authorization server: check domain and server of the profile"
	}
	t.fail(c)
}

// judgeAud asks for everybody whom the rules name among those that the token is for. An ID token that is for several must say in
// azp that the client asked for it, which must be true wherever it is said.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (t *trial) judgeAud() {
	c := Check{Name: checkAud, Expected: t.expected.aud}
	list, ok := t.token.Claims.Strings(checkAud)
	if ok {
		c.Got = printable(strings.Join(list, ", "))
	} else {
		c.Got = t.token.Claims.show(checkAud)
	}
	wanted := t.rules.Audience
	if t.rules.Kind == KindID {
		c.Why = t.whyOtherClient(list)
		wanted = ""
	}
	switch {
	case c.Got == "" && !ok:
		c.Why = "the token has no aud"
	case !ok || len(list) == 0:
		c.Why = "the token's aud is neither a string nor a list of strings"
	case c.Why != "":
	case wanted != "" && !slices.Contains(list, wanted):
		c.Why = "the token is for another API: check audience of the profile against the authorization server's, in the Admin Console under Security > API"
	default:
		t.pass(c)
		return
	}
	t.fail(c)
}

// whyOtherClient returns "" where an ID token for these audiences is for the client.
func (t *trial) whyOtherClient(audiences []string) string {
	client := t.rules.ClientID
	if client == "" {
		client = t.rules.Audience
	}
	for _, wanted := range [...]string{client, t.rules.Audience} {
		if wanted != "" && !slices.Contains(audiences, wanted) {
			return "the token is for another client: check client_id of the profile"
		}
	}
	azp, present, ok := t.token.Claims.text("azp", client)
	switch {
	case present && (!ok || azp != client):
		return "the token's azp names another client, which the token was made for"
	case !present && len(audiences) > 1:
		return "the token is for several and does not say in azp which client asked for it"
	}
	return ""
}

func (t *trial) judgeCid() {
	c := Check{Name: checkCid, Expected: printable(t.rules.ClientID)}
	cid, present, ok := t.token.Claims.text(checkCid, t.rules.ClientID)
	c.Got = printable(cid)
	switch {
	case t.rules.Kind == KindID:
		t.skip(checkCid, "the aud of an ID token is the client")
		return
	case !present && t.rules.ClientID == "":
		t.skip(checkCid, "the token names no client, and none was asked for")
		return
	}
	switch c.Why = whyNot(checkCid, present, ok); {
	case c.Why != "":
	case t.rules.ClientID == "" || cid == t.rules.ClientID:
		t.pass(c)
		return
	default:
		c.Why = "the token was issued to another client: check client_id of the profile"
	}
	t.fail(c)
}

func (t *trial) judgeSub() {
	c := Check{Name: checkSub}
	sub, present, ok := t.token.Claims.text(checkSub, "")
	c.Got = printable(sub)
	switch c.Why = whyNot(checkSub, present, ok); {
	case c.Why != "":
	case sub == "":
		c.Why = "the token's sub is empty"
	default:
		t.pass(c)
		return
	}
	t.fail(c)
}

// judgeTimes makes the checks exp, nbf and iat. The leeway is for clocks that differ, and is added to each bound.
func (t *trial) judgeTimes(now time.Time) {
	t.now.set(now, &t.expected)
	latest := now.Add(t.rules.Leeway)

	c, exp := t.timeCheck(checkExp)
	c.Expected = t.now.earliest
	issued, hasIssued := t.token.Claims.Time(checkIat)
	switch {
	case c.Why != "":
	// "identifies the expiration time on or after which the JWT MUST NOT be accepted": https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
	case !now.Before(exp.Add(t.rules.Leeway)):
		c.Why = "the token has expired: get a new one"
	case hasIssued && !issued.Before(exp):
		c.Expected = "later than iat, " + timeText(issued)
		c.Why = "the token ends before it begins"
	}
	t.settle(c)

	if !t.token.Claims.has(checkNbf) {
		t.skip(checkNbf, "the token has none, and needs none")
	} else {
		c, nbf := t.timeCheck(checkNbf)
		c.Expected = t.now.latest
		if c.Why == "" && nbf.After(latest) {
			c.Why = "the token is not valid yet: it is for later, or a clock is wrong"
		}
		t.settle(c)
	}

	c, iat := t.timeCheck(checkIat)
	c.Expected = t.now.latest
	if c.Why == "" && iat.After(latest) {
		c.Why = "the token was issued in the future: a clock is wrong, here or at the issuer"
	}
	t.settle(c)
}

// timeCheck reads a claim that must be a time. Where it is none, the check says why.
func (t *trial) timeCheck(name string) (Check, time.Time) {
	c := Check{Name: name}
	when, ok := t.token.Claims.Time(name)
	if ok {
		c.Got = timeText(when)
		return c, when
	}
	raw, present := t.token.Claims.Get(name)
	c.Got = t.token.Claims.show(name)
	switch {
	case !present:
		c.Why = "the token has no " + name
	case raw[0] == '-' || isDigit(raw[0]):
		c.Why = "the token's " + name + " is no time between the years 1 and 9999"
	default:
		c.Why = "the token's " + name + " is " + nameJSON(raw[0]) + ", expected a number of seconds"
	}
	return c, time.Time{}
}

// settle adds a check, which failed if there is a reason.
func (t *trial) settle(c Check) {
	if c.Why != "" {
		t.fail(c)
		return
	}
	t.pass(c)
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
