package grant

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"okauth/pkg/okta"
)

const (
	// The interval that the server asks for is kept between these: 0 would be a flood, 1e9 a wait for nothing.
	minInterval = time.Second
	maxInterval = time.Minute
	// slowDown: "the interval MUST be increased by 5 seconds for this and all subsequent requests". RFC 8628 §3.5:
	// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
	slowDown = 5 * time.Second
	// maxPoll bounds expires_in. Okta's pushes last 5 minutes, its device codes 10.
	maxPoll = 30 * time.Minute
)

// ExpiredError says that no one approved the sign-in in time.
type ExpiredError struct {
	What string // what has expired: "push", "device code"
	Err  error  // Okta's word for it, or the failure of the last poll; nil where the time was just up
}

func (e *ExpiredError) Error() string {
	text := e.What + " has expired: no one approved it in time"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *ExpiredError) Unwrap() error { return e.Err }

// poll waits until a person has approved a sign-in on another device. It asks the token endpoint for the tokens, by the
// rules of RFC 8628 §3.4 and §3.5, which Okta's out-of-band factors follow as well: first after one interval, never
// sooner than that after the answer before, and slower after each slow_down.
type poll struct {
	what     string        // what waits for approval, for ExpiredError
	form     url.Values    // the token request
	interval time.Duration // as the server names it
	expires  time.Time     // made by expiry
}

// expiry returns when something expires that the server has just made for that long.
func expiry(lifetime time.Duration) time.Time { return time.Now().Add(min(lifetime, maxPoll)) }

// tokens returns the tokens, the first error that is an answer, an *ExpiredError, or the error of ctx.
func (p poll) tokens(ctx context.Context, c *okta.Client) (*okta.TokenResponse, error) {
	client := *c
	client.Wait = func(context.Context, time.Duration, string) error {
		return errors.New("no repeat before the interval is over")
	}
	interval := min(max(p.interval, minInterval), maxInterval)
	bounded := interval != p.interval
	pause := interval
	var failed error // of the last poll, where that says nothing about the person
	for {
		if err := okta.Sleep(ctx, min(pause, time.Until(p.expires))); err != nil {
			return nil, err
		}
		if !time.Now().Before(p.expires) {
			return nil, &ExpiredError{p.what, failed}
		}
		tokens, err := client.Token(ctx, p.form)
		switch {
		case ctx.Err() != nil: // the tokens may be here, too late
			return nil, ctx.Err()
		case err == nil:
			if bounded {
				tokens.Warnings = append(tokens.Warnings, fmt.Sprintf(
					"Okta asked okauth to poll every %v s; okauth polled every %v s", p.interval.Seconds(), interval.Seconds()))
			}
			return tokens, nil
		}
		answer, _ := errors.AsType[*okta.Error](err)
		switch {
		case answer != nil && answer.Code == "expired_token":
			return nil, &ExpiredError{p.what, err}
		case answer != nil && answer.Code == "authorization_pending":
			failed, pause = nil, interval
			continue
		case answer != nil && answer.Code == "slow_down":
			failed = nil
		case passes(err):
			failed = err
		default:
			return nil, err
		}
		interval += slowDown
		pause = interval
		if answer != nil {
			pause = max(pause, answer.RetryAfter)
		}
	}
}

// passes reports whether err may be over at the next poll. A poll spends nothing, so that it can be repeated: "On
// encountering a connection timeout, clients MUST unilaterally reduce their polling frequency before retrying." §3.5
func passes(err error) bool {
	if e, ok := errors.AsType[*okta.Error](err); ok {
		return !e.IsRejection()
	}
	if e, ok := errors.AsType[*okta.NetworkError](err); ok {
		return e.Certificate == nil && !e.ClientCertificate
	}
	e, ok := errors.AsType[*okta.ResponseError](err)
	return ok && (e.Status == http.StatusTooManyRequests ||
		e.Status >= 500 && e.Status != http.StatusNetworkAuthenticationRequired)
}
