package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"okauth/pkg/internal/orgurl"
)

// DeviceAuthorization is a pair of codes: a person enters one of them in a browser on any device, and the client gets
// tokens for the other. RFC 8628 §3.2: https://www.rfc-editor.org/rfc/rfc8628#section-3.2
type DeviceAuthorization struct {
	DeviceCode Secret
	UserCode   string // 1 to 64 characters of printable ASCII
	// VerificationURI is the page at which to enter UserCode: https, or http at a loopback host.
	VerificationURI string
	// VerificationURIComplete has the code in it and is at the same host; "" where Okta sends none.
	VerificationURIComplete string
	Lifetime                time.Duration // of the codes: more than 0, at most a year
	// Interval is the time between two polls as Okta names it, within a year: it can be 0 or negative. "If no value is
	// provided, clients MUST use 5 as the default."
	Interval time.Duration
}

// AuthorizeDevice asks for the codes of a sign-in with scopes, with one POST. A pair that is not used does no harm. The
// error is one of Token's.
func (c *Client) AuthorizeDevice(ctx context.Context, scopes []string) (*DeviceAuthorization, error) {
	r, err := c.post(ctx, c.info(OperationDevice), url.Values{"scope": {strings.Join(scopes, " ")}})
	if err != nil {
		return nil, err
	}
	d, err := r.object.deviceAuthorization()
	if err != nil {
		return nil, r.unusable("an unusable device code", err)
	}
	return d, nil
}

func (o jsonObject) deviceAuthorization() (*DeviceAuthorization, error) {
	var d DeviceAuthorization
	var err error
	if d.DeviceCode, d.Lifetime, d.Interval, err = o.polling("device_code"); err != nil {
		return nil, err
	}
	if d.UserCode, err = o.userCode(); err != nil {
		return nil, err
	}
	d.VerificationURI, d.VerificationURIComplete, err = o.verificationPages()
	return &d, err
}

// polling reads what polls need: the code of that name, how long it lasts, and the time between two.
func (o jsonObject) polling(name string) (code Secret, lifetime, interval time.Duration, err error) {
	if code, err = o.token(name); err == nil {
		lifetime, err = o.lifetime()
	}
	if err == nil {
		interval, err = o.interval()
	}
	switch {
	case err == nil && code.IsZero():
		err = fmt.Errorf("%s is missing", name)
	case err == nil && lifetime == 0:
		err = errors.New("expires_in is missing")
	}
	return code, lifetime, interval, err
}

func (o jsonObject) userCode() (string, error) {
	code, err := o.text("user_code")
	if err != nil {
		return "", err
	}
	notPrintable := func(r rune) bool { return r <= ' ' || r > '~' }
	if code == "" || len(code) > 64 || strings.ContainsFunc(code, notPrintable) {
		return "", errors.New("user_code is not 1 to 64 printable characters")
	}
	return code, nil
}

func (o jsonObject) verificationPages() (page, complete string, err error) {
	if page, err = o.text("verification_uri"); err != nil {
		return "", "", err
	}
	u, err := checkPage("verification_uri", page)
	if err != nil {
		return "", "", err
	}
	if complete, err = o.text("verification_uri_complete"); err != nil || complete == "" {
		return page, "", err
	}
	full, err := checkPage("verification_uri_complete", complete)
	if err == nil && !strings.EqualFold(full.Host, u.Host) {
		err = errors.New("verification_uri_complete is at another host than verification_uri")
	}
	return page, complete, err
}

// checkPage checks the address of a page that a person should open.
func checkPage(name, address string) (*url.URL, error) {
	// What RFC 3986 §2 has no place for would have to be encoded, and could control a terminal.
	notInURL := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }
	if strings.ContainsFunc(address, notInURL) || len(address) > maxPageURL {
		return nil, fmt.Errorf("%s has a character that no address has, or more than %d bytes", name, maxPageURL)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%s is not the address of a page", name)
	}
	if _, err := orgurl.Parse(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return u, nil
}

// maxPageURL bounds such an address, in bytes: it must fit into a QR code.
const maxPageURL = 2048

// interval reads the seconds between two polls, 5 where there is no number of them.
func (o jsonObject) interval() (time.Duration, error) {
	if !o.has("interval") {
		return 5 * time.Second, nil
	}
	var number json.Number
	if json.Unmarshal(o["interval"], &number) != nil {
		return 0, fmt.Errorf("interval is %q, expected a number of seconds", Sanitize(string(o["interval"]), 40))
	}
	seconds, _ := number.Float64() // infinite where the number is too large
	seconds = min(max(seconds, -maxLifetime.Seconds()), maxLifetime.Seconds())
	return time.Duration(seconds * float64(time.Second)), nil
}
