package oktatest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const deviceCodeLifetime = 600 * time.Second

// device is a device that waits for someone to sign in on another one:
// https://www.rfc-editor.org/rfc/rfc8628#section-3.2
type device struct {
	code, userCode string
	server         string
	clientID       string
	scopes         []string
	expires        time.Time
	interval       time.Duration // the least between two polls
	polled         time.Time

	visit  *visit // of the user who allowed or denied it; nil: pending
	denied bool
	used   bool // it has its tokens
}

// authorizeDevice is /v1/device/authorize.
func (c *call) authorizeDevice() {
	c.grant = grantOf(GrantDeviceCode)
	c.run(c.authenticateRequest, c.checkGrant, func() { c.refuseIf(c.form.Get("scope") == "", "no_scope_at_org") },
		c.checkScopes, c.countUserCodes, c.issueDeviceCode)
}

// countUserCodes limits the codes that wait for a user, which the more of them there are, the easier are to guess:
// https://www.rfc-editor.org/rfc/rfc8628#section-5.1
func (c *call) countUserCodes() {
	waiting := 0
	for _, d := range c.s.devices {
		if d.clientID == c.app.ClientID && d.visit == nil && c.now.Before(d.expires) {
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
	d := &device{
		code:     fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:]),
		userCode: letters(rand.Text() + rand.Text())[:8], server: c.as.ID, clientID: c.app.ClientID, scopes: c.scopes,
		expires: c.now.Add(deviceCodeLifetime), interval: cmp.Or(c.s.options.PollInterval, 5*time.Second),
	}
	c.s.devices[d.code] = d
	activate := c.base + "/activate"
	c.respond(200, object{
		{"device_code", d.code}, {"user_code", d.userCode}, {"verification_uri", activate},
		{"verification_uri_complete", activate + "?user_code=" + d.userCode},
		{"expires_in", int64(deviceCodeLifetime / time.Second)}, {"interval", wholeSeconds(d.interval)},
	})
}

// letters are the capital letters of a text.
func letters(s string) string { return regexp.MustCompile("[^A-Z]").ReplaceAllString(s, "") }

// wholeSeconds rounds up: who waits that long, waits long enough.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// deviceGrant is one poll: https://www.rfc-editor.org/rfc/rfc8628#section-3.4
func (c *call) deviceGrant() {
	c.run(c.poll, c.evaluatePolicies, c.startSession, c.recordVisit, c.issue)
	if d := c.s.devices[c.form.Get("device_code")]; d != nil && c.session != nil {
		d.used = true
	}
}

// poll sets c.visit once the user has allowed the device.
func (c *call) poll() {
	d := c.s.devices[c.form.Get("device_code")]
	if d == nil || d.used {
		c.refuse("device_code_invalid")
		return
	}
	soon := !d.polled.IsZero() && c.now.Sub(d.polled) < d.interval
	d.polled = c.now
	c.refuseIf(d.server != c.as.ID, "other_server")
	c.refuseIf(d.clientID != c.app.ClientID, "other_client")
	c.refuseIf(!c.now.Before(d.expires), "device_code_expired")
	if c.reply == nil && soon {
		// "the interval MUST be increased by 5 seconds for this and all subsequent requests":
		// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
		d.interval += 5 * time.Second
		c.refuse("slow_down")
	}
	c.refuseIf(d.denied, "device_denied")
	c.refuseIf(d.visit == nil, "authorization_pending")
	if c.reply == nil {
		c.refuseIf(!d.visit.alive(c.s), "device_code_invalid")
		c.adopt(d.visit)
	}
}

// activate is the page at which a user enters the code that a device shows.
func (c *call) activate() {
	c.visit = &visit{userCode: c.r.URL.Query().Get("user_code")}
	c.beginVisit()
}

// takeUserCode sets the device that the user means. Typed codes may have small letters and separators:
// https://www.rfc-editor.org/rfc/rfc8628#section-6.1
func (c *call) takeUserCode() {
	in := c.visit
	in.userCode = c.form.Get("user_code")
	typed := letters(strings.ToUpper(in.userCode))
	for _, d := range c.s.devices {
		if d.userCode == typed && d.visit == nil && c.now.Before(d.expires) {
			in.device, in.server, in.clientID, in.scopes = d, d.server, d.clientID, slices.Clone(d.scopes)
			in.grant, in.userCode = grantOf(GrantDeviceCode), typed[:4]+"-"+typed[4:]
			return
		}
	}
	c.refuse("user_code_invalid")
}
