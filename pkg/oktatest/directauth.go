package oktatest

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step is what an mfa_token or an oob_code stands for: a sign-in that waits for a factor. Every request about it comes
// from the same client, to the same server, for the same scopes.
// https://developer.okta.com/docs/guides/configure-direct-auth-grants/bmfaotp/main/
type step struct {
	agreement
	expires time.Time

	channel  string // of an oob_code: "push", "sms" or "voice"
	mfaToken string // of an oob_code: the one it was requested with; "" for a first factor
	polling
}

// polling is how often a client may ask whether a person has answered.
type polling struct {
	interval time.Duration
	next     time.Time // when the client may ask
	polls    int       // those that came in time
}

func (c *call) newPolling() polling {
	interval := cmp.Or(c.s.options.PollInterval, 5*time.Second)
	return polling{interval: interval, next: c.now.Add(interval)}
}

// tooEarly counts a poll, and makes the interval longer if it comes too early: "the interval MUST be increased by 5
// seconds for this and all subsequent requests". https://www.rfc-editor.org/rfc/rfc8628#section-3.5
func (p *polling) tooEarly(now time.Time) bool {
	early := now.Before(p.next)
	if early {
		p.interval += 5 * time.Second
	} else {
		p.polls++
	}
	p.next = now.Add(p.interval)
	return early
}

// newStep adds what is common to all steps, and remembers this one.
func (c *call) newStep(code string, in step) {
	in.agreement, in.expires = c.agreement(), c.now.Add(c.factorLifetime())
	c.s.steps.put(code, &in, c.s.limit)
}

func (c *call) factorLifetime() time.Duration {
	return cmp.Or(c.s.options.Lifetimes.Factor, 5*time.Minute)
}

// findStep sets c.user. One that is unknown or used up is answered like one that has expired.
func (c *call) findStep(name string) *step {
	in := c.s.steps.entries[c.form.Get(name)]
	if in == nil || !c.now.Before(in.expires) || (in.channel == "") != (name == "mfa_token") {
		c.refuse("step_expired", name, name)
		return &step{}
	}
	c.refuseIf(in.server != c.as.ID, "step_at_other_server", c.as.ID, in.server)
	c.refuseIf(in.clientID != c.app.ClientID, "step_of_other_client", c.app.ClientID, in.clientID)
	c.user = c.s.users[userKey(in.login)]
	return in
}

// resume continues the sign-in of an mfa_token. A request may name its scopes again, and no others.
func (c *call) resume() {
	in := c.findStep("mfa_token")
	c.readScopes(in.scopes)
	c.methods = slices.Clone(in.methods)
	c.refuseIf(!slices.Equal(c.scopes, in.scopes), "step_for_other_scopes",
		strings.Join(c.scopes, " "), strings.Join(in.scopes, " "))
}

func (c *call) checkOTP() {
	c.user = cmp.Or(c.user, c.s.users[userKey(c.form.Get("login_hint"))])
	c.checkCode(FactorOTP, c.form.Get("otp"))
}

// checkAnswer is about an oob_code: did the user answer? One that has been answered is used up, and a
// rejected push too.
func (c *call) checkAnswer() {
	code := c.form.Get("oob_code")
	in := c.findStep("oob_code")
	c.refuseIf(in.mfaToken != c.form.Get("mfa_token"), "oob_code_of_other_token")
	if c.reply != nil {
		return
	}
	answer := c.user.Factors[in.channel]
	switch {
	case in.channel != FactorPush:
		c.requireParameters("binding_code")
		c.run(func() { c.checkCode(in.channel, c.form.Get("binding_code")) })
	case in.tooEarly(c.now):
		c.refuse("slow_down")
	case answer == PushReject:
		delete(c.s.steps.entries, code)
		c.refuse("push_rejected")
	case answer == PushIgnore, in.polls < 2:
		c.refuse("push_pending")
	case c.user.blocked():
		c.refuse("policy_unsatisfied")
	default:
		c.methods = append(c.methods, in.channel)
	}
	if c.reply == nil {
		delete(c.s.steps.entries, code)
	}
}

// checkCode compares a code that the user has typed. Wrong ones count as wrong passwords do.
func (c *call) checkCode(factor, code string) {
	user := cmp.Or(c.user, &User{Login: c.form.Get("login_hint"), Status: Deactivated})
	c.limitAttempts("code", user.Login, c.s.options.Limits.CodesPer5Minutes, 5*time.Minute)
	c.refuseIf(user.blocked(), "wrong_otp")
	c.checkEnrolled(factor)
	if c.reply == nil && user.Factors[factor] != code {
		c.countFailure(user)
		c.refuse("wrong_otp")
	}
	c.methods = append(c.methods, factor)
}

// requireFactor answers with an mfa_token where a policy wants more than the factor that c.methods begins with.
func (c *call) requireFactor() {
	first := c.methods[0]
	if first != methodPassword { // for which checkUser did it
		c.checkAccess("policy_unsatisfied")
	}
	if !c.user.TwoFactors && (!c.user.MFA || first != methodPassword) {
		return
	}
	var usable []string // grants of the user's other factors
	mfaGrants := map[string]string{FactorOTP: GrantMFAOTP}
	for factor := range c.user.Factors {
		if factor != first {
			usable = append(usable, cmp.Or(mfaGrants[factor], GrantMFAOOB))
		}
	}
	allowedBy := func(list []string) bool {
		return slices.ContainsFunc(usable, func(name string) bool { return slices.Contains(list, name) })
	}
	supported := strings.Fields(c.form.Get("grant_types_supported"))
	direct := slices.Contains(c.app.Grants, GrantMFAOTP) || slices.Contains(c.app.Grants, GrantMFAOOB)
	c.refuseIf(first == methodPassword && !direct, "mfa_enabled")
	c.refuseIf(len(usable) == 0, "no_authenticators")
	c.refuseIf(!allowedBy(c.app.Grants), "mfa_grants_disabled")
	c.refuseIf(len(supported) > 0 && !allowedBy(supported), "mfa_grants_insufficient", strings.Join(supported, " "))
	if c.reply == nil {
		token := rand.Text()[:20]
		c.newStep(token, step{})
		c.refuse("mfa_required")
		c.reply.Body = patch(c.reply.Body, map[string]string{"mfa_token": strconv.Quote(token)})
	}
}

// signIn issues the tokens of a user who has given all factors, as far as the server's policies allow.
func (c *call) signIn() {
	c.user.failures = 0
	delete(c.s.steps.entries, c.form.Get("mfa_token"))
	c.run(c.evaluatePolicies, c.checkConsent, c.startSession, c.issue)
}

// amr are the values of an ID token: https://www.rfc-editor.org/rfc/rfc8176#section-2
func amr(methods []string) (values []string) {
	names := map[string]string{FactorOTP: "otp", FactorPush: "swk", FactorSMS: "sms", FactorVoice: "tel"}
	for _, method := range slices.Backward(methods) {
		values = append(values, cmp.Or(names[method], "pwd"))
	}
	if len(values) > 1 {
		values = slices.Insert(values, 1, "mfa") // in the order that was recorded
	}
	return values
}

// challengeFactor is /v1/challenge, which asks for the second factor of an mfa_token. A one-time code needs no
// such request.
// https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS/#tag/CustomAS/operation/challengeCustomAS
func (c *call) challengeFactor() {
	c.run(c.authenticateRequest, c.refuseScope, func() { c.requireParameters("mfa_token challenge_types_supported") },
		c.resume, c.chooseChallenge)
}

// refuseScope: the scopes are those of the request for tokens.
func (c *call) refuseScope() { c.refuseIf(c.form.Has("scope"), "scope_unsupported") }

func (c *call) chooseChallenge() {
	types, channel := strings.Fields(c.form.Get("challenge_types_supported")), c.form.Get("channel_hint")
	for _, name := range types {
		c.refuseIf(name != GrantMFAOTP && name != GrantMFAOOB, "hint_unsupported", name, "challenge_type")
	}
	disabled := func(name string) bool { return !slices.Contains(c.app.Grants, name) }
	types = slices.DeleteFunc(types, disabled)
	c.refuseIf(!c.user.MFA && !c.user.TwoFactors, "not_challenged")
	c.refuseIf(len(types) == 0, "mfa_grants_disabled")
	if channel == "" && slices.Contains(types, GrantMFAOTP) {
		c.checkEnrolled(FactorOTP)
		c.run(func() { c.respond(200, object{{"challenge_type", GrantMFAOTP}}) })
		return
	}
	c.requireParameters("channel_hint")
	c.refuseIf(!slices.Contains(types, GrantMFAOOB), "hint_unsupported", channel, "channel_hint")
	c.run(func() { c.reachUser(GrantMFAOOB) })
}

// primaryAuthenticate is /v1/primary-authenticate, which asks for a first factor.
// https://developer.okta.com/docs/guides/configure-direct-auth-grants/coobov/main/
func (c *call) primaryAuthenticate() {
	c.run(c.authenticateRequest, c.refuseScope, func() { c.requireParameters("login_hint channel_hint challenge_hint") },
		func() {
			hint := c.form.Get("challenge_hint")
			c.user = c.s.users[userKey(c.form.Get("login_hint"))]
			c.refuseIf(hint != GrantOOB, "hint_unsupported", hint, "challenge_hint")
			c.refuseIf(!slices.Contains(c.app.Grants, GrantOOB), "grant_not_enabled", strings.Join(c.app.Grants, ", "))
		}, func() { c.reachUser("") })
}

// checkEnrolled answers alike for a user who does not exist, is locked, or does not have the factor.
func (c *call) checkEnrolled(factor string) {
	c.refuseIf(c.user.blocked() || c.user.Factors[factor] == "", "authenticator_unusable")
	c.refuseIf(slices.Contains(c.methods, factor), "authenticator_not_prompted") // it was the first factor
}

// reachUser sends a push, or a code by SMS or a call, and answers with an oob_code.
func (c *call) reachUser(challengeType string) {
	channel := c.form.Get("channel_hint")
	c.refuseIf(channel != FactorPush && channel != FactorSMS && channel != FactorVoice, "hint_unsupported",
		channel, "channel_hint")
	c.checkEnrolled(channel)
	if c.reply == nil && channel != FactorPush {
		c.limitAttempts("message", c.user.Login, c.s.options.Limits.MessagesPer30Seconds, 30*time.Second)
	}
	if c.reply != nil {
		return
	}
	code, polling := randomBase64(32)[:34], c.newPolling()
	c.newStep(code, step{channel: channel, mfaToken: c.form.Get("mfa_token"), polling: polling})
	method, number, interval := "prompt", "", any(nil)
	if channel == FactorPush {
		method, interval = "none", wholeSeconds(polling.interval)
		if _, err := strconv.Atoi(c.user.Factors[channel]); err == nil {
			method, number = "transfer", c.user.Factors[channel]
		}
	}
	c.respond(200, object{
		{"challenge_type", challengeType}, {"oob_code", code}, {"expires_in", int64(c.factorLifetime() / time.Second)},
		{"interval", interval}, {"channel", channel}, {"binding_method", method}, {"binding_code", number},
	})
}
