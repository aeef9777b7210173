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

type bucketKey struct{ org, token bool } // one of the four of Limits.BucketPerMinute

// spend counts the request against the bucket of its endpoint, and sets the X-Rate-Limit headers of the answer, of a
// success as well. https://developer.okta.com/docs/reference/rl-best-practices/
func (c *call) spend() {
	limit := c.s.options.Limits.BucketPerMinute
	if limit == 0 {
		return
	}
	key := bucketKey{org: c.server == OrgServerID, token: c.endpoint == "v1/token"}
	b := c.s.buckets[key]
	if age := c.now.Sub(b.begin); age < 0 || age >= time.Minute {
		b = bucket{begin: c.now}
	}
	b.spent++
	c.s.buckets[key] = b
	reset := b.begin.Add(time.Minute)
	setRateLimit(c.header, limit, limit-b.spent, reset)
	if b.spent > limit {
		c.tooMany("too_many_requests", reset.Unix()-c.now.Unix())
	}
}

func setRateLimit(h http.Header, limit, left int, reset time.Time) {
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, left)))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(reset.Unix(), 10)) // seconds
}

// countAttempt limits password attempts by user name, right or wrong, known or not.
func (c *call) countAttempt() {
	c.limitAttempts("password", c.form.Get("username"), c.s.options.Limits.UserPerSecond, time.Second)
}

// limitAttempts limits what is done for a user in any period of this length. limit 0 is no limit.
func (c *call) limitAttempts(what, login string, limit int, period time.Duration) {
	key, user := what+" "+userKey(login), c.s.users[userKey(login)]
	recent := slices.DeleteFunc(c.s.attempts[key], func(t time.Time) bool { return c.now.Sub(t).Abs() >= period })
	if user != nil && user.Throttled || limit > 0 && len(recent) >= limit {
		c.tooMany("too_many_attempts", int64(period/time.Second))
	} else {
		recent = append(recent, c.now)
	}
	c.s.attempts[key] = recent
}

// tooMany refuses for so many seconds.
func (c *call) tooMany(name string, seconds int64) {
	if c.s.options.Quirks.RetryAfter {
		c.header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	c.refuse(name)
}
