package oktatest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// Options are what Start builds a server from. The zero value is an org over plain HTTP with Okta's own settings.
type Options struct {
	// Addr is the address to listen on: a loopback address or "localhost", and a port. "" is "127.0.0.1:0", a free one.
	Addr string

	// AllowRemote lets Addr be one that other machines and containers reach, such as "0.0.0.0:8080". Addresses in answers
	// then have the host that the client used, whatever it is.
	AllowRemote bool

	// TLS serves HTTPS with a certificate for 127.0.0.1, ::1 and localhost, signed by an authority made for this start
	// (Server.CAPEM). The four options below imply it.
	TLS                      bool
	SelfSigned               bool                    // the certificate is signed by itself, and is its own authority
	RequireClientCertificate bool                    // mutual TLS: Server.ClientCertificate is accepted, Client sends it
	EditCertificate          func(*x509.Certificate) // changes the certificate before it is signed: expired, another name
	EditTLS                  func(*tls.Config)       // changes the configuration: an old protocol version, say

	Clock *Clock // of iat, exp, the Date header and the limits; nil runs with the system's
	Keys  *Keys  // signing keys, which servers of one test run can share; nil makes new ones

	// Org is what there is at the start; nil is the test org, which the constants and Scenarios are about.
	Org *Org

	Limits    *Limits   // nil is those of a One App or Enterprise org
	Lifetimes Lifetimes // of tokens
	Rotation  Rotation  // of the refresh tokens of the test org's apps; App.Rotation is for one app
	Quirks    Quirks    // what Okta's documentation leaves open

	// PollInterval is how long a client has to wait before each poll for a person's answer; 0 is 5 seconds. Answers
	// round it up to seconds.
	PollInterval time.Duration

	// Control makes the handler of the paths below /sandbox/, which no fault and no limit is for; nil is none.
	Control func(*Server) http.Handler

	// Issuer is the base URL, without a slash at its end, that metadata and tokens name (Okta: issuer mode CUSTOM_URL).
	// The endpoints stay where they are. "" follows the host of the request.
	Issuer string

	// TrustedOrigins are the origins, such as "http://localhost:3000", whose pages may use the endpoints (CORS). At the
	// token endpoint, the origins of an app's redirect URIs may, too.
	TrustedOrigins []string

	// Logged gets each request when its answer begins, in the order of the answers; nil: nothing does. It must not use the
	// server.
	Logged func(Request)
}

// Change edits the Limits, Lifetimes, Quirks, PollInterval and Issuer of a running server. What was counted
// stays counted.
func (s *Server) Change(edit func(*Options)) {
	defer s.lock()()
	edit(&s.options)
	s.options.Limits = cmp.Or(s.options.Limits, &Limits{
		UserPerSecond: 4, BucketPerMinute: 1200, MaxAttempts: 10, CodesPer5Minutes: 5, MessagesPer30Seconds: 1,
		UserCodes: 50,
	})
}

// Limits are the limits that an Okta org enforces. Zero means no limit.
type Limits struct {
	UserPerSecond int // password attempts for a user name, of all clients and servers together; then 429 invalid_grant
	// BucketPerMinute is for requests to one of: /token of the org server, /token of all custom servers, the org server's
	// other endpoints but for discovery and keys, the custom servers'. One more is 429 E0000047.
	BucketPerMinute int
	MaxAttempts     int // wrong passwords and codes in a row that lock a user; only SetUserStatus unlocks

	CodesPer5Minutes     int // one-time codes of a user, right or wrong; then 429 invalid_grant
	MessagesPer30Seconds int // SMS and calls to a user; then 429 invalid_grant
	UserCodes            int // user codes of an app that wait for a user; one more is 429 too_many_user_codes
}

// Lifetimes is how long tokens live. Zero means Okta's default.
type Lifetimes struct {
	Access  time.Duration // where no Rule says otherwise; 1 hour
	ID      time.Duration // 1 hour
	Refresh time.Duration // from the sign-in on, rotated or not; 90 days at the org server, unlimited at the others
	Factor  time.Duration // of mfa_token and oob_code; 5 minutes
	Idle    time.Duration // how long a refresh token may be unused; unlimited at the org server, 7 days at the others
}

// Quirks are switches for what Okta's documentation leaves open, contradicts, or ties to a feature of the org. The zero
// value is what it says, or, where it is silent, what was observed most often. What differs in one answer only, such as
// a status or a member, is a Fault: Alter, Override, Header.
type Quirks struct {
	OpenIDRequired403     bool // an OIDC scope without openid: 403 access_denied, not 400 invalid_scope
	OfflineDeniedByPolicy bool // offline_access without the refresh grant: access_denied, not invalid_scope
	NoAPIAccessManagement bool // the org has no license for custom authorization servers: 401 E0000015
	ResourceNonce         bool // userinfo and /api/hello demand a nonce in DPoP proofs
}

// Clock is a clock that can be moved. The zero Clock runs with the system's.
type Clock struct {
	at    time.Time    // when it was stopped; zero: it runs
	moved atomic.Int64 // nanoseconds
}

// NewClock returns a clock that is stopped at t.
func NewClock(t time.Time) *Clock { return &Clock{at: t} }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	return cmp.Or(c.at, time.Now()).Add(time.Duration(c.moved.Load()))
}

// Advance moves the clock by d, forward or (negative) back; one that runs goes on running.
func (c *Clock) Advance(d time.Duration) { c.moved.Add(int64(d)) }

// bucket is one minute of a rate limit. It begins with its first request, not with the clock's minute.
type bucket struct {
	begin time.Time
	spent int
}

// spend counts the request against the bucket of its endpoint, and sets the X-Rate-Limit headers of the answer, of a
// success as well. https://developer.okta.com/docs/reference/rl-best-practices/
func (c *call) spend() {
	key := [2]bool{c.server == OrgServerID, c.endpoint == "v1/token"} // one of the four of Limits.BucketPerMinute
	b := c.s.buckets[key]
	if age := c.now.Sub(b.begin); age < 0 || age >= time.Minute {
		b = bucket{begin: c.now}
	}
	b.spent++
	c.s.buckets[key] = b
	limit, reset := c.s.options.Limits.BucketPerMinute, b.begin.Add(time.Minute)
	if limit == 0 {
		limit, b.spent = 1200, 1 // Okta's, and never used up
	}
	setRateLimit(c.header, limit, limit-b.spent, reset)
	c.refuseIf(b.spent > limit, "too_many_requests")
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
	c.refuseIf(user != nil && user.Throttled, "too_many_attempts")
	if limit == 0 {
		return
	}
	recent := slices.DeleteFunc(c.s.attempts.entries[key], func(t time.Time) bool { return c.now.Sub(t).Abs() >= period })
	c.refuseIf(len(recent) >= limit, "too_many_attempts")
	if c.reply == nil {
		recent = append(recent, c.now)
	}
	c.s.attempts.put(key, recent, c.s.limit)
}
