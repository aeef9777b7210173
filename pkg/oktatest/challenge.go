package oktatest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

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
	method, number, interval := "prompt", any(nil), any(nil)
	if channel == FactorPush {
		method, interval = "none", wholeSeconds(polling.interval)
		if n, err := strconv.Atoi(c.user.Factors[channel]); err == nil {
			method, number = "transfer", c.user.Factors[channel]
			if c.s.options.Quirks.NumericBindingCode {
				number = n
			}
		}
	}
	c.respond(200, object{
		{"challenge_type", challengeType}, {"oob_code", code}, {"expires_in", int64(c.factorLifetime() / time.Second)},
		{"interval", interval}, {"channel", channel}, {"binding_method", method}, {"binding_code", number},
	})
}
