package oktatest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	userWindow   = time.Second
	bucketWindow = time.Minute
)

// tries counts what Okta counts.
type tries struct {
	recent  map[string][]time.Time // password attempts of the last second, by user name
	failed  map[string]int         // wrong passwords in a row, by user name
	buckets map[string]*bucket
}

// bucket is one window of a rate limit; it begins with its first request, not with the clock's minute.
type bucket struct {
	begin time.Time
	spent int
}

func newTries() tries {
	return tries{recent: map[string][]time.Time{}, failed: map[string]int{}, buckets: map[string]*bucket{}}
}

// spend counts a request against its bucket and puts the X-Rate-Limit headers on the answer, on a success as well as on a 429.
// https://developer.okta.com/docs/reference/rl-best-practices/
func (s *Server) spend(c *call, id, endpoint string, h http.Header) *reply {
	limit := s.options.Limits.BucketPerMinute
	if limit == 0 {
		return nil
	}
	name := "custom "
	if id == OrgServerID {
		name = "org "
	}
	if endpoint == "token" {
		name += endpoint
	}
	b := s.tries.buckets[name]
	if b == nil || c.now.Before(b.begin) || !c.now.Before(b.begin.Add(bucketWindow)) {
		b = &bucket{begin: c.now}
		s.tries.buckets[name] = b
	}
	b.spent++
	reset := b.begin.Add(bucketWindow)
	setRateLimit(h, limit, max(0, limit-b.spent), reset)
	if b.spent <= limit {
		return nil
	}
	rep := apiError(http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.")
	s.retryAfter(rep, reset.Unix()-c.now.Unix())
	return rep
}

// countAttempt: four passwords per second and user name, right or wrong, known or not.
func (s *Server) countAttempt(c *call, login string) *reply {
	key := userKey(login)
	recent := slices.DeleteFunc(s.tries.recent[key], func(t time.Time) bool {
		return t.After(c.now) || !c.now.Before(t.Add(userWindow))
	})
	user := s.users[key]
	throttled := user != nil && user.Throttled
	if throttled || (s.options.Limits.UserPerSecond > 0 && len(recent) >= s.options.Limits.UserPerSecond) {
		s.tries.recent[key] = recent
		rep := oauthError(http.StatusTooManyRequests, "invalid_grant", "API call exceeded rate limit due to too many requests.")
		s.retryAfter(rep, 1)
		return rep
	}
	s.tries.recent[key] = append(recent, c.now)
	return nil
}

func (s *Server) retryAfter(rep *reply, seconds int64) {
	if s.options.Quirks.RetryAfter {
		rep.header = http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}
	}
}

// countFailure locks the user when it was one wrong password too many. Nobody is told: https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Policy/
func (s *Server) countFailure(user *User) {
	key := userKey(user.Login)
	s.tries.failed[key]++
	if s.options.Limits.MaxAttempts > 0 && s.tries.failed[key] >= s.options.Limits.MaxAttempts {
		user.Status = Locked
	}
}
