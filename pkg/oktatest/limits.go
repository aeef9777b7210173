package oktatest

import (
	"net/http"
	"strconv"
	"time"
)

// window counts what happens in a time that begins with the first, not with the clock's minute or second.
type window struct {
	begin time.Time
	spent int
}

// spend counts the request against the bucket of its endpoint, and sets the X-Rate-Limit headers of the answer, of a
// success as well. https://developer.okta.com/docs/reference/rl-best-practices/
func (c *call) spend() {
	limit := c.options.Limits.BucketPerMinute
	if limit == 0 {
		return
	}
	name := map[bool]string{true: "org", false: "custom"}[c.server == OrgServerID]
	if c.endpoint == "/v1/token" {
		name += " token"
	}
	b := c.window("bucket "+name, time.Minute)
	b.spent++
	reset := b.begin.Add(time.Minute)
	setRateLimit(c.header, limit, limit-b.spent, reset)
	if b.spent > limit {
		c.retryAfter(reset.Unix() - c.now.Unix())
		c.refuse("too_many_requests")
	}
}

func (c *call) window(name string, length time.Duration) *window {
	b := c.s.windows[name]
	if b == nil || c.now.Before(b.begin) || !c.now.Before(b.begin.Add(length)) {
		b = &window{begin: c.now}
		c.s.windows[name] = b
	}
	return b
}

func setRateLimit(h http.Header, limit, left int, reset time.Time) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, left)))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10)) // seconds
}

// countAttempt limits password attempts by user name, right or wrong, known or not.
func (c *call) countAttempt() {
	key := userKey(c.form.Get("username"))
	attempts, user, limit := c.window("user "+key, time.Second), c.s.users[key], c.options.Limits.UserPerSecond
	if attempts.spent++; user != nil && user.Throttled || limit > 0 && attempts.spent > limit {
		c.retryAfter(1)
		c.refuse("too_many_attempts")
	}
}

func (c *call) retryAfter(seconds int64) {
	if c.options.Quirks.RetryAfter {
		c.header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
}

// countFailure locks the user after too many wrong passwords, without saying so.
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Policy/
func (s *Server) countFailure(user *User) {
	key := userKey(user.Login)
	s.failures[key]++
	if limit := s.options.Limits.MaxAttempts; limit > 0 && s.failures[key] >= limit {
		user.Status = Locked
	}
}
