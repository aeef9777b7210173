package okta

import (
	"fmt"
	"net/http"
	"time"
)

// tolerance is how far a clock may be off before it is worth a word. Tokens, certificates and rate limits are read with less.
const tolerance = 5 * time.Minute

// clockSkew returns how far now is ahead of the answer's Date, 0 where it has none or within the tolerance.
func clockSkew(header http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	if skew := now.Sub(date); skew.Abs() > tolerance {
		return skew
	}
	return 0
}

func clockAdvice(skew time.Duration) string {
	return clockIs(skew) + ", which may be the reason: set it"
}

// clockWarning is for a request that went well all the same.
func clockWarning(skew time.Duration) string {
	return clockIs(skew) + ": set it, or tokens seem expired or not valid yet"
}

func clockIs(skew time.Duration) string {
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s Okta's", roughly(skew.Abs()), side)
}

// roughly is a duration of more than a minute in one number.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// clockExplanation stands in the list for what is added to any refusal.
func clockExplanation() Explanation {
	return Explanation{
		ID: "clock_skew", About: "Okta itself", Says: "(this machine's clock is … behind Okta's)",
		Means: "the Date of Okta's answer and this machine's clock are more than five minutes apart, so that tokens seem expired or not valid yet",
		Do:    "set the clock, and let it be kept right over the network (timedatectl set-ntp true, or the system's settings)",
	}
}
