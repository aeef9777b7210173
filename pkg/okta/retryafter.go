package okta

import (
	"net/http"
	"strconv"
	"time"
)

// maxWait bounds what a header may ask for. Okta counts in windows of a minute.
const maxWait = 5 * time.Minute

// retryAfter reads from a 429 or 503 how long to wait, at least 1 s after a 429 and at most maxWait; 0 where the header says nothing.
//
// "X-Rate-Limit-Reset … the time at which the current rate limit resets, in UTC epoch seconds"; it is compared with the answer's own
// Date, so that a wrong clock here does no harm. https://developer.okta.com/docs/reference/rl2-monitor/
// Okta does not document Retry-After (RFC 9110 §10.2.3), but what stands before it may send it.
func retryAfter(status int, header http.Header, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	var wait time.Duration
	if status == http.StatusTooManyRequests {
		wait = max(time.Second, untilReset(header, now))
	}
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		// Bounded before it is multiplied, which could overflow.
		wait = max(wait, time.Duration(min(seconds, int64(maxWait/time.Second)))*time.Second)
	} else if date, err := http.ParseTime(text); err == nil {
		wait = max(wait, date.Sub(now))
	}
	return min(max(wait, 0), maxWait)
}

// namedWait is retryAfter where a header names the time, and 0 where none does.
func namedWait(status int, header http.Header, now time.Time) time.Duration {
	_, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if header.Get("Retry-After") == "" && (err != nil || status != http.StatusTooManyRequests) {
		return 0
	}
	return retryAfter(status, header, now)
}

// untilReset is 0 while the bucket still has room: then it was another limit, the one per user, which lasts a second.
func untilReset(header http.Header, now time.Time) time.Duration {
	if left, err := strconv.ParseInt(header.Get("X-Rate-Limit-Remaining"), 10, 64); err == nil && left > 0 {
		return 0
	}
	reset, err := strconv.ParseInt(header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return time.Unix(reset, 0).Sub(now) + time.Second
}
