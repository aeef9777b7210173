package okta

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestErrorReadsLikeASentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body    string
		status  int
		want    string
		refused bool
	}{
		{`{"error":"invalid_grant","error_description":"The credentials provided were invalid."}`, 400,
			"Okta refused the sign-in: The credentials provided were invalid. (invalid_grant, HTTP 400, request reqVy8wsvmBQN27h4soUE3ZEnA)", true},
		{`{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter.","errorLink":"invalid_client","errorId":"oae1","errorCauses":[]}`, 401,
			"Okta refused the sign-in: Invalid value for 'client_id' parameter. (invalid_client, HTTP 401, request reqVy8wsvmBQN27h4soUE3ZEnA)", true},
		{`{"errorCode":"E0000047","errorSummary":"Too many."}`, 429,
			"Okta rate-limited the sign-in: Too many. (E0000047, HTTP 429, request reqVy8wsvmBQN27h4soUE3ZEnA); retry after 1s", false},
		{`{"errorCode":"E0000009"}`, 500,
			"Okta could not handle the sign-in (E0000009, HTTP 500, request reqVy8wsvmBQN27h4soUE3ZEnA)", false},
		{`{"error":"temporarily_unavailable"}`, 400,
			"Okta could not handle the sign-in (temporarily_unavailable, HTTP 400, request reqVy8wsvmBQN27h4soUE3ZEnA)", false},
	} {
		_, err := ask(t, respond(test.status, "application/json", test.body))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Error() != test.want || e.IsRejection() != test.refused {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestAT13_RetryAfter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return strconv.FormatInt(at.Add(d).Unix(), 10) }
	date := at.Format(http.TimeFormat)
	for _, test := range []struct {
		name                                string
		status                              int
		date, limit, remaining, reset, text string
		want                                time.Duration
	}{
		{"reset", 429, date, "300", "0", in(20 * time.Second), "", 21 * time.Second},
		{"reset, no Date", 429, "", "300", "0", in(20 * time.Second), "",
			20*time.Second + time.Second + time.Hour}, // our clock is an hour behind: capped
		{"reset in the past", 429, date, "300", "0", in(-time.Hour), "", time.Second},
		{"reset far away", 429, date, "300", "0", in(100 * 365 * 24 * time.Hour), "", maxWait},
		{"reset garbage", 429, date, "300", "0", "soon", "", time.Second},
		{"reset huge", 429, date, "300", "0", "9223372036854775807", "", maxWait},
		{"another limit than the bucket's", 429, date, "300", "250", in(50 * time.Second), "", time.Second},
		{"nothing", 429, "", "", "", "", "", time.Second},
		{"seconds", 429, date, "", "", "", "7", 7 * time.Second},
		{"negative", 429, date, "", "", "", "-7", time.Second},
		{"huge", 429, date, "", "", "", "9223372036854775807", maxWait},
		{"too long for a number", 429, date, "", "", "", "99999999999999999999", time.Second},
		{"garbage", 429, date, "", "", "", "soon", time.Second},
		{"date", 429, date, "", "", "", at.Add(9 * time.Second).Format(http.TimeFormat), 9 * time.Second},
		{"year 2099", 429, date, "", "", "", "Thu, 01 Jan 2099 00:00:00 GMT", maxWait},
		{"past date", 429, date, "", "", "", "Thu, 01 Jan 1970 00:00:00 GMT", time.Second},
		{"503 silent", 503, date, "", "", in(time.Minute), "", 0},
		{"503 seconds", 503, date, "", "", "", "30", 30 * time.Second},
		{"503 negative", 503, date, "", "", "", "-30", 0},
		{"400", 400, date, "", "", "", "30", 0},
	} {
		header := http.Header{}
		for name, value := range map[string]string{"Date": test.date, "X-Rate-Limit-Limit": test.limit,
			"X-Rate-Limit-Remaining": test.remaining,
			"X-Rate-Limit-Reset":     test.reset, "Retry-After": test.text} {
			if value != "" {
				header.Set(name, value)
			}
		}
		got, _ := retryAfter(test.status, header, at.Add(-time.Hour))
		if want := min(test.want, maxWait); got != want {
			t.Errorf("%s: got %s, want %s", test.name, got, want)
		}
	}
	_, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "17")
		respond(429, "application/json", `{"errorCode":"E0000047","errorSummary":"x"}`)(w, r)
	})
	if e, ok := errors.AsType[*Error](err); !ok || e.RetryAfter != 17*time.Second {
		t.Errorf("got %v", err)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add(429, "Sat, 01 Aug 2026 12:00:00 GMT", "0", "1785585620", "7")
	f.Add(503, "", "", "", "Thu, 01 Jan 2099 00:00:00 GMT")
	f.Add(429, "x", "-1", "-9223372036854775808", "9223372036854775807")
	f.Fuzz(func(t *testing.T, status int, date, remaining, reset, text string) {
		header := http.Header{"Date": {date}, "X-Rate-Limit-Remaining": {remaining}, "X-Rate-Limit-Reset": {reset},
			"Retry-After": {text}}
		got, _ := retryAfter(status, header, time.Unix(1785585600, 0))
		if got < 0 || got > maxWait || status == 429 && got < time.Second {
			t.Errorf("got %s", got)
		}
	})
}

func TestClockSkewNeedsADate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, date := range []string{"", "soon", "Thu, 01 Jan 10000 00:00:00 GMT"} {
		if got := clockSkew(http.Header{"Date": {date}}, now); got != 0 {
			t.Errorf("%q: got %s", date, got)
		}
	}
}
