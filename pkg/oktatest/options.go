package oktatest

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// Option changes how Start builds the server.
type Option func(*options)

type options struct {
	addr   string
	tls    bool
	clock  *Clock
	keys   *Keys
	limits Limits
	quirks Quirks

	lifetimes Lifetimes
	rotation  Rotation
	issuer    string

	editLeaf func(*x509.Certificate)
	editTLS  func(*tls.Config)

	selfSigned bool
	clientCert bool
}

// WithAddr listens on addr ("127.0.0.1:8099"; port 0 = a free one). Only loopback addresses and "localhost" are taken.
func WithAddr(addr string) Option { return func(o *options) { o.addr = addr } }

// WithTLS serves HTTPS with a certificate for 127.0.0.1, ::1 and localhost, signed by an authority made for this start (Server.CAPEM).
func WithTLS() Option { return func(o *options) { o.tls = true } }

// WithCertificate is WithTLS with a certificate that edit has changed before it was signed: expired, or for another name.
func WithCertificate(edit func(leaf *x509.Certificate)) Option {
	return func(o *options) { o.tls, o.editLeaf = true, edit }
}

// WithTLSConfig is WithTLS with a configuration that edit has changed: an old protocol version, say.
func WithTLSConfig(edit func(*tls.Config)) Option {
	return func(o *options) { o.tls, o.editTLS = true, edit }
}

// WithSelfSigned is WithTLS with a certificate that nobody signed but itself. It is its own authority: CAPEM.
func WithSelfSigned() Option { return func(o *options) { o.tls, o.selfSigned = true, true } }

// WithClientCertificate is WithTLS for clients that show a certificate of the server's authority (mTLS): Server.ClientCertificate is one, Client shows it.
func WithClientCertificate() Option { return func(o *options) { o.tls, o.clientCert = true, true } }

// WithClock lets the server live by this clock: iat and exp, the Date header, rate limits.
func WithClock(c *Clock) Option { return func(o *options) { o.clock = c } }

// WithKeys lets several servers of one test run share their signing keys: making an RSA key takes about a tenth of a second.
func WithKeys(k *Keys) Option { return func(o *options) { o.keys = k } }

// WithLimits replaces DefaultLimits.
func WithLimits(l Limits) Option { return func(o *options) { o.limits = l } }

// WithLifetimes sets how long tokens live.
func WithLifetimes(l Lifetimes) Option { return func(o *options) { o.lifetimes = l } }

// WithRotation sets what becomes of the refresh tokens of the cast's apps; see App.Rotation for your own.
func WithRotation(r Rotation) Option { return func(o *options) { o.rotation = r } }

// WithQuirks sets the switches for what Okta's documents leave open.
func WithQuirks(q Quirks) Option { return func(o *options) { o.quirks = q } }

// WithIssuer lets every authorization server name itself as one of the org at base ("https://login.example.com", without a slash at its end), in its
// metadata and its tokens, whatever host it is asked at: issuer mode CUSTOM_URL. The endpoints stay where they are. See App.Issuer for one app alone.
func WithIssuer(base string) Option { return func(o *options) { o.issuer = base } }

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

// SetLimits changes the limits of a running server; what was counted stays counted.
func (s *Server) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
}

// Lifetimes is how long tokens live. Zero means: as long as Okta's by default.
type Lifetimes struct {
	Access  time.Duration // where no Rule says otherwise; 1 hour
	ID      time.Duration // 1 hour
	Refresh time.Duration // from the sign-in on, rotated or not; 90 days at the org server, unlimited at the others
	Idle    time.Duration // a refresh token dies when it is not used for so long; never at the org server, 7 days at the others
}

const defaultLifetime = time.Hour

// SetLifetimes changes how long tokens live that are made from now on. A refresh does not prolong its refresh token: that lives by its sign-in.
func (s *Server) SetLifetimes(l Lifetimes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetimes = l
}

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

// SetQuirks changes the switches of a running server.
func (s *Server) SetQuirks(q Quirks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quirks = q
}
