package oktatest

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// Options are what Start builds a server from. The zero value is an org over plain HTTP with Okta's own settings.
type Options struct {
	// Addr is the address to listen on: a loopback address or "localhost", and a port. "" is "127.0.0.1:0", a free one.
	Addr string

	// TLS serves HTTPS with a certificate for 127.0.0.1, ::1 and localhost, signed by an authority made for this start
	// (Server.CAPEM). The four options below imply it.
	TLS                      bool
	SelfSigned               bool                    // the certificate is signed by itself, and is its own authority
	RequireClientCertificate bool                    // mutual TLS: Server.ClientCertificate is accepted, Client sends it
	EditCertificate          func(*x509.Certificate) // changes the certificate before it is signed: expired, another name
	EditTLS                  func(*tls.Config)       // changes the configuration: an old protocol version, say

	Clock *Clock // of iat, exp, the Date header and the limits; nil runs with the system's
	Keys  *Keys  // signing keys, which servers of one test run can share; nil makes new ones

	Limits    *Limits   // nil is DefaultLimits
	Lifetimes Lifetimes // of tokens
	Rotation  Rotation  // of the refresh tokens of the apps in Scenarios; App.Rotation is for one app
	Quirks    Quirks    // what Okta's documents leave open

	// Issuer is the base URL, without a slash at its end, that every authorization server names in its metadata and its
	// tokens, whatever host it is asked at (Okta: issuer mode CUSTOM_URL). The endpoints stay where they are. "" follows
	// the host of the request. App.Issuer is for one app.
	Issuer string
}

// Change edits the options of a running server. Limits, Lifetimes, Quirks and Issuer take effect with the next request
// and the next token; what was counted stays counted, and the other options have no effect.
func (s *Server) Change(edit func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&s.options)
	if s.options.Limits == nil {
		limits := DefaultLimits()
		s.options.Limits = &limits
	}
}

// Limits are the numbers that an Okta org enforces. Zero means: no limit.
type Limits struct {
	// UserPerSecond: password attempts at /token per second and user name, whatever client or server. One more is 429 invalid_grant.
	UserPerSecond int
	// BucketPerMinute: requests per minute and bucket. The buckets are: /token of the org server, /token of all custom servers, the org server's other
	// endpoints, the custom servers' other endpoints. One more is 429 E0000047. Discovery and keys are not limited.
	BucketPerMinute int
	// MaxAttempts: wrong passwords in a row until a user is locked. Nothing but SetUserStatus unlocks.
	MaxAttempts int
}

// DefaultLimits are Okta's: 4 attempts per second and user, 1200 requests per minute and bucket (a One App or Enterprise org), locked after 10 wrong passwords.
func DefaultLimits() Limits { return Limits{UserPerSecond: 4, BucketPerMinute: 1200, MaxAttempts: 10} }

// Lifetimes is how long tokens live. Zero means: as long as Okta's by default.
type Lifetimes struct {
	Access  time.Duration // where no Rule says otherwise; 1 hour
	ID      time.Duration // 1 hour
	Refresh time.Duration // from the sign-in on, rotated or not; 90 days at the org server, unlimited at the others
	Idle    time.Duration // a refresh token dies when it is not used for so long; never at the org server, 7 days at the others
}

const defaultLifetime = time.Hour

// refresh is how long refresh tokens of a server live, and how long unused; 0 is without limit.
// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-lifetime
func (l Lifetimes) refresh(server string) (lifetime, idle time.Duration) {
	const day = 24 * time.Hour
	if server == OrgServerID {
		return orElse(l.Refresh, 90*day), l.Idle
	}
	return l.Refresh, orElse(l.Idle, 7*day)
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Quirks are the switches for what Okta's documents leave open, contradict, or tie to a feature of the org. The zero value is what the documents (or,
// where they are silent, most observations) say.
type Quirks struct {
	DecodeBasic            bool // form-decode both halves of Basic credentials (RFC 6749 §2.3.1); otherwise they are taken as they are (RFC 7617)
	AnySecretMethod        bool // an app with a secret may send it by Basic or in the body, whichever its AuthMethod says
	PolicyRefusal400       bool // "Policy evaluation failed …" and …
	MultipleCredentials400 bool // … "Cannot supply multiple client credentials. …" come with 400, not 401
	OpenIDRequired403      bool // an OIDC scope without openid: 403 access_denied, not 400 invalid_scope
	OfflineDeniedByPolicy  bool // offline_access without the refresh grant: access_denied "… denied by the policy. …", not invalid_scope
	ExpiredPassword403     bool // Identity Engine's words for an expired password: 403 access_denied
	NoAPIAccessManagement  bool // the org has no licence for custom authorization servers: 401 E0000015
	NoOrgOAuthMetadata     bool // the org server has no /.well-known/oauth-authorization-server
	OrgGrantUnsupported    bool // older orgs: client credentials at the org server are 400 unsupported_grant_type, not 401 invalid_client
	RefreshNotEchoed       bool // a refresh that leaves the refresh token as it is does not say it again
	OneSuccessor           bool // a spent refresh token brings, within its leeway, the newest one, not a further one that takes the newest one's place
	RetryAfter             bool // a 429 carries Retry-After (seconds) beside X-Rate-Limit-Reset
	AudienceArray          bool // aud of access tokens is an array of one
	LongChallenges         bool // the challenges of userinfo are the long ones, with realm and resource
	ClassicEngine          bool // okta-organization says pipeline "v1" (Classic Engine), not "idx"
}
