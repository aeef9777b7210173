package output

import (
	"fmt"
	"time"
)

// Span says how long d is, for people: "41 minutes", "2 hours 5 minutes", "3 days". It names at most two units and rounds towards
// zero, so that it never promises more than there is. A negative d counts like a positive one.
func Span(d time.Duration) string { return span(int64(d / time.Second)) }

// In says when d will have passed: "in 41 minutes"; "now" for less than a second.
func In(d time.Duration) string { return relative(int64(d / time.Second)) }

// Relative says where t lies as seen from now: "in 41 minutes", "3 days ago" or "now". Unlike t.Sub(now) it knows no largest distance.
func Relative(t, now time.Time) string { return relative(t.Unix() - now.Unix()) }

func relative(seconds int64) string {
	switch {
	case seconds > 0:
		return "in " + span(seconds)
	case seconds < 0:
		return span(seconds) + " ago"
	}
	return "now"
}

// span names the largest unit and the one below it. The second is dropped where nobody asks for it: seconds from ten minutes on,
// hours from a week on.
func span(seconds int64) string {
	const (
		minute = 60
		hour   = 60 * minute
		day    = 24 * hour
		year   = 31556952 // 365.2425 days, the mean of the Gregorian calendar
	)
	if seconds < 0 {
		seconds = -seconds
	}
	switch s := seconds; {
	case s < minute:
		return count(s, "second")
	case s < 10*minute:
		return join(count(s/minute, "minute"), s%minute, "second")
	case s < hour:
		return count(s/minute, "minute")
	case s < day:
		return join(count(s/hour, "hour"), s%hour/minute, "minute")
	case s < 7*day:
		return join(count(s/day, "day"), s%day/hour, "hour")
	case s < year:
		return count(s/day, "day")
	default:
		return join(count(s/year, "year"), s%year/day, "day")
	}
}

func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// join leaves out a second part of zero.
func join(first string, n int64, unit string) string {
	if n == 0 {
		return first
	}
	return first + " " + count(n, unit)
}
