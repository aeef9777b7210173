package oktatest

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const deviceCodeLifetime = 600 * time.Second

// authorizeDevice is /v1/device/authorize: https://www.rfc-editor.org/rfc/rfc8628#section-3.1
func (c *call) authorizeDevice() {
	c.grant = GrantDeviceCode
	c.run(c.authenticateRequest, c.checkGrant, func() { c.refuseIf(c.form.Get("scope") == "", "no_scope_at_org") },
		c.checkScopes, c.countUserCodes, c.issueDeviceCode)
}

// countUserCodes limits the codes that wait for a user, which the more of them there are, the easier are to guess:
// https://www.rfc-editor.org/rfc/rfc8628#section-5.1
func (c *call) countUserCodes() {
	waiting := 0
	for _, in := range c.s.devices {
		if in.clientID == c.app.ClientID && !in.ended && c.now.Before(in.expires) {
			waiting++
		}
	}
	limit := c.s.options.Limits.UserCodes
	c.refuseIf(limit > 0 && waiting >= limit, "too_many_user_codes")
}

// issueDeviceCode answers with members in the order that was recorded.
func (c *call) issueDeviceCode() {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	code := fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
	in := &visit{
		userCode: letters(rand.Text() + rand.Text())[:8], expires: c.now.Add(deviceCodeLifetime), device: true,
		agreement: c.agreement(), polling: c.newPolling(),
	}
	c.s.devices[code] = in
	activate := c.base + "/activate"
	c.respond(200, object{
		{"device_code", code}, {"user_code", in.userCode}, {"verification_uri", activate},
		{"verification_uri_complete", activate + "?user_code=" + in.userCode},
		{"expires_in", int64(deviceCodeLifetime / time.Second)}, {"interval", wholeSeconds(in.interval)},
	})
}

// letters are the capital letters of a text.
func letters(s string) string { return regexp.MustCompile("[^A-Z]").ReplaceAllString(s, "") }

// wholeSeconds rounds up: who waits that long, waits long enough.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// poll sets c.visit once the user has allowed the device.
func (c *call) poll() {
	in := c.s.devices[c.form.Get("device_code")]
	if in == nil || in.session != nil {
		c.refuse("device_code_invalid")
		return
	}
	c.checkOwner(in.agreement)
	c.refuseIf(!c.now.Before(in.expires), "device_code_expired")
	c.refuseIf(c.reply == nil && in.tooEarly(c.now), "slow_down")
	c.refuseIf(in.denied, "device_denied")
	c.refuseIf(!in.ended, "authorization_pending")
	c.refuseIf(!c.s.inOrder(in.agreement), "device_code_invalid")
	c.adopt(in)
}

// activate is the page at which a user enters the code that a device shows.
func (c *call) activate() {
	c.visit = &visit{userCode: c.r.URL.Query().Get("user_code")}
	c.beginVisit()
}

// takeUserCode goes on with the sign-in of the device that the user means, from its beginning. Typed codes may have
// small letters and separators: https://www.rfc-editor.org/rfc/rfc8628#section-6.1
func (c *call) takeUserCode() {
	typed := c.form.Get("user_code")
	c.visit.userCode = typed
	for _, in := range c.s.devices {
		if in.userCode == letters(strings.ToUpper(typed)) && !in.ended && c.now.Before(in.expires) {
			in.id, in.browser, in.login = c.visit.id, c.visit.browser, ""
			c.s.visits[in.id] = in
			c.adopt(in)
			return
		}
	}
	c.refuse("user_code_invalid")
}
