package okta

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	htmlPage    = "an HTML page"
	emptyAnswer = "an empty answer"
)

// Error is Okta's "no", or its "not now". A caller asks Refused which of the two it is.
// Foreign text in it has been made harmless by Printable and holds no secret of the request.
type Error struct {
	Status      int    // HTTP status; also 200, where an error came with it
	Code        string // "invalid_grant", or "E0000007" in Okta's other shape
	Description string // Okta's words, or ""
	RequestID   string // X-Okta-Request-Id, what Okta's support and its System Log know the request by
	ErrorID     string // errorId of the other shape
	// RetryAfter is how long to wait before another request makes sense, by the answer's header; 0 where it says nothing.
	RetryAfter time.Duration
	// ClockSkew is how far this machine's clock is ahead of Okta's, by the answer's Date; 0 within five minutes, or where there is no Date.
	ClockSkew time.Duration

	about  operation // what was refused
	client *Client   // who was refused, for the explanation; nil in an Error made elsewhere
}

func (e *Error) Error() string {
	var b strings.Builder
	name := e.about.words().name
	switch {
	case e.Status == http.StatusTooManyRequests:
		b.WriteString("Okta put the " + name + " off")
	case !e.IsRejection():
		b.WriteString("Okta could not handle the " + name)
	default:
		b.WriteString("Okta refused the " + name)
	}
	if e.Description != "" {
		b.WriteString(": " + e.Description)
	}
	fmt.Fprintf(&b, " (%s, HTTP %d", e.Code, e.Status)
	if e.RequestID != "" {
		b.WriteString(", request " + e.RequestID)
	}
	b.WriteString(")")
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; it may be asked again in %s", e.RetryAfter.Round(time.Second))
	}
	return b.String()
}

// IsRejection reports whether the answer is about these credentials, this client or this request, so that sending the same again is of no use and may lock
// the account. It is false where Okta had too much to do, was down or was failing (429, 5xx, temporarily_unavailable).
func (e *Error) IsRejection() bool {
	return e.Status != http.StatusTooManyRequests && e.Status < 500 && e.Code != "temporarily_unavailable"
}

// ResponseError says that something answered, but not as the endpoint does: a proxy's page, a captive portal, a redirect, JSON that
// cannot be trusted. Nothing of the body is in it.
type ResponseError struct {
	Host      string // who was asked
	Status    int
	What      string // what came, "an HTML page"
	Redirect  string // the host that a redirect pointed to, made harmless; "" where it was none
	RequestID string
	Err       error // what is wrong with it, or nil

	about operation
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("expected %s from %s, got %s (HTTP %d", e.about.words().answer, e.Host, e.What, e.Status)
	if e.RequestID != "" {
		text += ", request " + e.RequestID
	}
	text += ")"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ResponseError) Unwrap() error { return e.Err }

// Hint says who usually answers like that.
func (e *ResponseError) Hint() string {
	row := why(responseCauses(), e)
	return fill(row.means+": "+row.do, e.about, "", "")
}
