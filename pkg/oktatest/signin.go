package oktatest

import (
	"cmp"
	"crypto/rand"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	visitLifetime = time.Hour
	rememberedFor = 2 * time.Hour // of a browser, whose user need not sign in again
	browserCookie = "oktatest_browser"
)

// visit is one user's way through the pages: for an authorization request, or for a device. It belongs to one browser,
// which has a cookie, and its id is in every form, so that no other site can send one.
type visit struct {
	id, browser string
	expires     time.Time

	agreement
	request url.Values // of /v1/authorize; nil: for a device

	device   bool   // a device waits for it; false until the user code is known
	userCode string // as it was typed, until it is known
	polling

	time    time.Time // when the password was right
	agreed  bool
	ended   bool     // the pages are done
	denied  bool     // ... with a refusal
	session *session // of its tokens, which it brings once
}

// checkOwner refuses to give the result of a sign-in to another client, or at another server.
func (c *call) checkOwner(in agreement) {
	c.refuseIf(in.server != c.as.ID, "other_server")
	c.refuseIf(in.clientID != c.app.ClientID, "other_client")
}

// beginVisit remembers a sign-in, and shows its first page.
func (c *call) beginVisit() {
	in := c.visit
	in.id, in.expires = rand.Text(), c.now.Add(visitLifetime)
	if in.request != nil {
		in.agreement = c.agreement()
	}
	if cookie, err := c.r.Cookie(browserCookie); err == nil && cookie.Value != "" {
		in.browser = cookie.Value
	} else {
		in.browser = rand.Text()
		c.header.Set("Set-Cookie", (&http.Cookie{
			Name: browserCookie, Value: in.browser, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
			Secure: strings.HasPrefix(c.base, "https:"),
		}).String())
	}
	c.s.visits.put(in.id, in, c.s.limit)
	c.run(c.recognize)
	step := c.step()
	if c.asks("none") {
		c.refuseIf(step == "consent", "consent_not_prompted")
		c.refuseIf(step != "", "login_required")
	}
	if c.reply != nil || step == "" {
		c.endVisit()
		return
	}
	c.showPage(step)
}

// recognize continues the last sign-in in this browser, to any app, unless the request is for another.
// https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
func (c *call) recognize() {
	in, last := c.visit, c.s.browsers.entries[c.visit.browser]
	if last == nil || in.request == nil || c.asks("login") {
		return
	}
	age, hint := c.now.Sub(last.time), in.request.Get("login_hint")
	limit, err := strconv.Atoi(in.request.Get("max_age"))
	tooOld := age >= rememberedFor || err == nil && age > time.Duration(limit)*time.Second
	user := c.s.users[userKey(last.login)]
	if !tooOld && !user.blocked() && (hint == "" || userKey(hint) == userKey(last.login)) {
		c.user, c.methods = user, slices.Clone(last.methods)
		c.knowUser(last.time)
	}
}

// asks reports whether the request has a value of prompt.
func (c *call) asks(value string) bool {
	return slices.Contains(strings.Fields(c.visit.request.Get("prompt")), value)
}

// knowUser goes on with c.user, who gave the password at that time, as far as the policies allow.
func (c *call) knowUser(since time.Time) {
	in := c.visit
	in.login, in.time, in.methods = c.user.Login, since, c.methods
	c.run(func() { c.checkAccess("denied") }, c.checkLevel, c.evaluatePolicies)
}

// step is the page that the sign-in has come to; "" if it is complete.
func (c *call) step() string {
	in := c.visit
	switch {
	case in.request == nil && !in.device:
		return "activate"
	case in.login == "":
		return "password"
	case len(in.methods) == 1 && c.needsFactor() && c.pageFactor() == FactorPush:
		return "push"
	case len(in.methods) == 1 && c.needsFactor():
		return "code"
	case !in.agreed && c.mustAsk():
		return "consent"
	}
	return ""
}

// needsFactor reports whether a policy, or acr_values, requires a second factor.
func (c *call) needsFactor() bool {
	wanted := strings.Contains(c.visit.acr, ":2fa:") && len(c.user.Factors) > 0
	return wanted || c.user.MFA || c.user.TwoFactors
}

// mustAsk reports whether the user has to agree: to a device always, since the user code may be someone else's.
// https://www.rfc-editor.org/rfc/rfc8628#section-5.4
func (c *call) mustAsk() bool {
	consent := c.scopeNames(func(s Scope) bool { return s.Consent && c.has(s.Name) })
	return c.visit.device || c.asks("consent") || len(consent) > 0 && !c.app.Trusted
}

// takeForm is /signin, where every page sends its form.
func (c *call) takeForm() {
	in := c.s.visits.entries[c.form.Get("signin")]
	cookie, err := c.r.Cookie(browserCookie)
	if in == nil || in.ended || err != nil || cookie.Value != in.browser || !c.now.Before(in.expires) {
		c.visit = &visit{}
		c.refuse("request_expired")
		c.showPage("failed")
		return
	}
	c.adopt(in)
	step := c.step()
	if c.form.Get("step") == step { // the form of an earlier page shows where the sign-in is
		map[string]func(){
			"activate": c.takeUserCode, "password": c.takePassword, "code": c.takeFactor, "push": c.takeFactor,
			"consent": c.takeConsent,
		}[step]()
	}
	switch {
	case c.visit.ended:
	case c.step() == "":
		c.endVisit()
	default:
		c.showPage(c.step())
	}
}

// adopt continues the sign-in of an earlier request.
func (c *call) adopt(in *visit) {
	if c.entry.ErrorCode != "" {
		return
	}
	c.visit, c.grant, c.scopes, c.methods = in, in.grant, in.scopes, in.methods
	c.user = c.s.users[userKey(in.login)]
	if in.clientID != "" {
		c.app, c.server = c.s.apps[in.clientID], in.server
		c.findServer()
	}
}

// takePassword shows the page again after a wrong password. What else the user lacks ends the sign-in.
func (c *call) takePassword() {
	c.run(c.countAttempt, c.checkPassword, func() { c.refuseIf(c.user.Status == PasswordExpired, "password_expired") })
	if c.reply != nil {
		return
	}
	c.knowUser(c.now)
	if c.reply != nil {
		c.endVisit()
	}
}

// checkLevel sets the first of acr_values that the user can reach. phr and phrh need what no user here has.
// https://developer.okta.com/docs/guides/step-up-authentication/main/
func (c *call) checkLevel() {
	wanted := strings.Fields(c.visit.request.Get("acr_values"))
	reachable := "urn:okta:loa:1fa:any urn:okta:loa:1fa:pwd urn:okta:loa:2fa:any:ifpossible"
	if len(c.user.Factors) > 0 {
		reachable += " urn:okta:loa:2fa:any"
	}
	levels := strings.Fields(reachable)
	i := slices.IndexFunc(wanted, func(level string) bool { return slices.Contains(levels, level) })
	c.refuseIf(i < 0 && len(wanted) > 0, "unmet_authentication_requirements")
	if i >= 0 {
		c.visit.acr = wanted[i]
	}
}

// pageFactor is the second factor that a page asks for: a code, or a push for a user who has no other.
func (c *call) pageFactor() string {
	factors := []string{FactorOTP, FactorSMS, FactorVoice, FactorPush}
	has := func(factor string) bool { return c.user.Factors[factor] != "" }
	return factors[max(0, slices.IndexFunc(factors, has))]
}

// takeFactor checks the second factor. By the time that a form arrives, who answers a push at all has done so.
func (c *call) takeFactor() {
	factor := c.pageFactor()
	switch answer := c.user.Factors[FactorPush]; {
	case factor != FactorPush:
		c.checkCode(factor, c.form.Get("code"))
	case answer == PushReject:
		c.refuse("denied")
		c.endVisit()
	case answer == PushIgnore:
		c.refuse("push_pending")
	default:
		c.methods = append(c.methods, FactorPush)
	}
	if c.reply == nil {
		c.visit.methods = c.methods
	}
}

func (c *call) takeConsent() {
	c.visit.agreed = c.form.Get("decision") == "allow"
	if !c.visit.agreed {
		c.refuse("denied")
		c.endVisit()
	}
}

// endVisit gives the result to the app, or to the device that waits for it.
func (c *call) endVisit() {
	in := c.visit
	in.ended, in.denied = true, c.entry.ErrorCode != ""
	if !in.denied {
		c.user.failures = 0
		c.s.browsers.put(in.browser, in, c.s.limit)
	}
	switch {
	case !in.device:
		c.redirectToApp()
	case in.denied:
		c.showPage("failed")
	default:
		c.showPage("done")
	}
}

// exchangeVisit answers with the tokens, which tell how and when the user signed in.
func (c *call) exchangeVisit() {
	c.run(c.evaluatePolicies, c.startSession)
	if in := c.visit; c.reply == nil {
		in.session, c.nonce = c.session, in.request.Get("nonce")
		c.session.begin, c.session.acr = in.time, in.acr
		c.issue()
	}
}

// showPage answers with the page of a step, which says what was refused.
func (c *call) showPage(step string) {
	in, status := c.visit, http.StatusOK
	values := map[string]string{
		"nonce": rand.Text(), "host": strings.SplitAfter(c.base, "://")[1], "signin": in.id, "step": step,
		"refusal": c.refusal, "code": c.entry.ErrorCode, "user_code": in.userCode, "app": cmp.Or(c.app, &App{}).Name,
		"login":  cmp.Or(in.login, c.form.Get("username"), in.request.Get("login_hint")),
		"scopes": strings.Join(in.scopes, " "), "device": "", "form": "yes", "mark": "",
		"number": regexp.MustCompile("[0-9]*").FindString(cmp.Or(c.user, &User{}).Factors[FactorPush]),
	}
	if in.device {
		values["device"], values["user_code"] = "yes", in.userCode[:4]+"-"+in.userCode[4:]
	}
	if c.entry.ErrorCode != "" {
		status, values["mark"] = c.reply.Status, "Error: "
	}
	// Browsers apply form-action to the redirect at the end, too.
	allowed := "form-action 'self' " + originOf(in.request.Get("redirect_uri")) + "; frame-ancestors 'none'"
	if step == "done" || step == "failed" || step == "signedout" {
		values["form"], values["mark"], allowed = "", "", "form-action 'none'; frame-ancestors 'none'"
	}
	c.sendPage(status, step, values, allowed)
}

// showAnswer answers with a page that takes the answer to the app: in a form, or as a message to the page that has
// opened it, or that it is a frame of. https://openid.net/specs/oauth-v2-form-post-response-mode-1_0.html
func (c *call) showAnswer(mode, target string, answer url.Values) {
	values := map[string]string{
		"target": target, "nonce": rand.Text(), "host": strings.SplitAfter(c.base, "://")[1], mode: "yes", "mark": "",
	}
	for _, name := range []string{"code", "state", "iss", "error", "error_description"} {
		values[name] = answer.Get(name)
	}
	c.sendPage(http.StatusOK, "answer", values,
		strings.ReplaceAll("form-action APP; frame-ancestors APP; script-src 'nonce-NONCE'", "APP", originOf(target)))
}

// originOf is a URI's origin, or the scheme of one that has none, as a policy names it. It cannot name an IPv6 address.
func originOf(uri string) string {
	return regexp.MustCompile(`^[-+.\w]+:(//[^]/?#[]+)?`).FindString(uri)
}

// sendPage answers with a page. allowed are the directives of its Content-Security-Policy that differ between pages.
func (c *call) sendPage(status int, page string, values map[string]string, allowed string) {
	for _, row := range rows("pageheaders.txt") {
		c.header.Set(row[0], strings.ReplaceAll(strings.Replace(row[1], "ALLOWED", allowed, 1), "NONCE", values["nonce"]))
	}
	c.reply = &Response{status, c.header, []byte(fillPage(page, values))}
}

// fillPage makes a page of pages.html: what stands before the first "== ", with the section of the step in its place.
// A line that begins with "?name" is there if the value is not empty, one with "!name" if it is. Every value becomes
// text. (html/template would do the same, and make every program with this package 3 MB larger.)
func fillPage(step string, values map[string]string) string {
	sections := strings.Split(embedded("pages.html"), "\n== ")
	find := func(s string) bool { return strings.HasPrefix(s, step+" ") }
	heading, section, _ := strings.Cut(sections[slices.IndexFunc(sections, find)], "\n")
	values["title"] = strings.TrimPrefix(heading, step+" ")
	var lines, pairs []string
	for line := range strings.SplitSeq(strings.Replace(sections[0], "SECTION", section, 1), "\n") {
		if condition, rest, _ := strings.Cut(line, " "); condition != "" && strings.Contains("?!", condition[:1]) {
			if (values[condition[1:]] == "") != (condition[0] == '!') {
				continue
			}
			line = rest
		}
		lines = append(lines, line)
	}
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", html.EscapeString(value))
	}
	return strings.NewReplacer(pairs...).Replace(strings.Join(lines, "\n"))
}
