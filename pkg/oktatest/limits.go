package oktatest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// bucket is one minute of a rate limit. It begins with its first request, not with the clock's minute.
type bucket struct {
	begin time.Time
	spent int
}

// spend counts the request against its bucket, and sets the X-Rate-Limit headers of the answer, of a success as well.
// https://developer.okta.com/docs/reference/rl-best-practices/
func (c *call) spend() {
	limit := c.options.Limits.BucketPerMinute
	if limit == 0 {
		return
	}
	name := map[bool]string{true: "org", false: "custom"}[c.server == OrgServerID]
	if c.endpoint == "/v1/token" {
		name += " token"
	}
	b := c.s.buckets[name]
	if b == nil || c.now.Before(b.begin) || !c.now.Before(b.begin.Add(time.Minute)) {
		b = &bucket{begin: c.now}
		c.s.buckets[name] = b
	}
	b.spent++
	reset := b.begin.Add(time.Minute)
	setRateLimit(c.header, limit, limit-b.spent, reset)
	if b.spent > limit {
		c.retryAfter(reset.Unix() - c.now.Unix())
		c.refuse("too_many_requests")
	}
}

func setRateLimit(h http.Header, limit, left int, reset time.Time) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, left)))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10)) // seconds
}

// countAttempt limits password attempts by user name, right or wrong, known or not.
func (c *call) countAttempt() {
	key := userKey(c.form.Get("username"))
	recent := slices.DeleteFunc(c.s.attempts[key], func(t time.Time) bool {
		return t.After(c.now) || !c.now.Before(t.Add(time.Second))
	})
	c.s.attempts[key] = recent
	user, limit := c.s.users[key], c.options.Limits.UserPerSecond
	if user != nil && user.Throttled || limit > 0 && len(recent) >= limit {
		c.retryAfter(1)
		c.refuse("too_many_attempts")
		return
	}
	c.s.attempts[key] = append(recent, c.now)
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
