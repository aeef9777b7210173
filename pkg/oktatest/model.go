package oktatest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// OrgServerID stands for the org authorization server, which has no id at Okta: its paths are /oauth2/v1/….
const OrgServerID = "org"

const orgID = "00oOktatestOrg000001"

// The token_endpoint_auth_method of an App: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	ClientSecretJWT   = "client_secret_jwt" // an assertion, signed with the secret
	PrivateKeyJWT     = "private_key_jwt"   // an assertion, signed with a key of App.Keys
	NoSecret          = "none"              // a public client: client_id in the body
)

// DefaultLeeway is Okta's default for Rotation.Leeway.
const DefaultLeeway = 30 * time.Second

// App is an app integration: a client.
type App struct {
	ClientID   string   // "0oa" and 17 more characters, as Okta makes them
	Name       string   // for people
	Secrets    []string // one, or two while rotating; none with NoSecret
	AuthMethod string   // "" is ClientSecretBasic
	Grants     []string // grant_type values that are enabled

	Keys []json.RawMessage // of PrivateKeyJWT: public JWKs

	RedirectURIs []string // "Sign-in redirect URIs": compared as strings, with the port
	RequirePKCE  bool     // of a client with a secret; one without always needs it

	Inactive bool     // answered like an unknown client
	Trusted  bool     // consent_method TRUSTED: scopes that need consent need none
	Rotation Rotation // of refresh tokens
	Issuer   string   // like Options.Issuer, in its tokens and in the metadata requested with its client_id; "": that

	Assigned    []string // logins; nil: everyone is assigned
	DenySignOn  []string // logins that the app's sign-on policy denies
	OktaScopes  []string // okta.* scopes of the org server granted to the app
	OutsideZone bool     // requests come from outside the client's network zones
	OrgOnly     bool     // the app cannot use a custom authorization server
	RequireDPoP bool     // requires a DPoP proof
	Service     bool     // application_type "service"
}

// Rotation is an app's setting "Refresh token behavior". The zero value is that of Okta's native and web apps: the
// refresh token stays the same.
// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-rotation
type Rotation struct {
	Rotate bool // rotation_type ROTATE, not STATIC: every refresh returns a new refresh token and retires the old one
	// Leeway is how long a retired refresh token still works, 0 to 60 s at Okta. Used later, it ends the session. 0 is 0,
	// not DefaultLeeway.
	Leeway time.Duration
}

// UserStatus is the status of a user's account; the zero value is Active.
type UserStatus string

const (
	Active          UserStatus = ""
	Locked          UserStatus = "LOCKED_OUT"       // answered like a wrong password
	PasswordExpired UserStatus = "PASSWORD_EXPIRED" // revealed only with the right password
	Deactivated     UserStatus = "DEPROVISIONED"    // answered like a wrong password
)

// User is a person with an account.
type User struct {
	Login      string // compared without case; "alice@example.com"
	ID         string // "00u" and 17 more characters; "" is made from the login
	Password   string // in the clear: never a real one. "": the user has no password
	Status     UserStatus
	MFA        bool // a policy requires a factor other than the password, in its place or after it
	TwoFactors bool // a policy requires two factors, whichever comes first
	Lite       bool // "lite" classification: may not use the password grant
	Throttled  bool // every attempt is answered with 429
	GivenName  string
	FamilyName string
	Email      string // "" is the login
	Groups     []string

	// Factors are what the user has for Direct Authentication, by name. The value is the code that the user reads,
	// always the same here, or what the user does with a push.
	Factors map[string]string

	failures int // wrong passwords and codes in a row
}

// The names of User.Factors: an authenticator app, and the values of channel_hint.
const (
	FactorOTP   = "otp"
	FactorPush  = "push"
	FactorSMS   = "sms"
	FactorVoice = "voice"

	methodPassword = "password" // beside them in call.methods
)

// What a user does with a push. Any number instead is the one that the user has to choose, and does. The approval is
// there at the second poll, the rejection at the first.
const (
	PushApprove = "approve"
	PushReject  = "reject"
	PushIgnore  = "ignore"
)

// blocked reports whether no sign-in can succeed. Okta does not say why.
func (u *User) blocked() bool { return u == nil || u.Status == Deactivated || u.Status == Locked }

func (u *User) name() string  { return strings.TrimSpace(u.GivenName + " " + u.FamilyName) }
func (u *User) email() string { return cmp.Or(u.Email, u.Login) }

// AuthServer is an authorization server. The OIDC scopes (openid, profile, email, address, phone, offline_access,
// device_sso) exist without being listed.
type AuthServer struct {
	ID       string         // "default", or "aus" and 17 more characters
	Audience string         // aud of its access tokens; "api://default"
	Scopes   []Scope        // custom scopes
	Rules    []Rule         // of its access policies, which are allow lists: the first match wins, none is a refusal
	Claims   map[string]any // custom claims of its access tokens; values must be fit for JSON
}

// Scope is a custom scope of an authorization server.
type Scope struct {
	Name    string
	Default bool // granted when a request names no scope at all
	Consent bool // the user must consent, which only a page can ask for
}

// Rule is one rule of an access policy. A nil list matches everything.
type Rule struct {
	Clients  []string // client ids; at Okta, these are the policy's
	Grants   []string
	Users    []string // logins; ignored for a client that acts for itself
	Scopes   []string // a request for any other scope does not match
	Denied   []string // scopes that match and are denied
	Lifetime time.Duration
}

// AddApp adds an app, or replaces the one with its client id.
func (s *Server) AddApp(a App) {
	defer s.lock()()
	a.AuthMethod = cmp.Or(a.AuthMethod, ClientSecretBasic)
	s.apps[a.ClientID] = &a
}

// AddUser adds a user, or replaces the one with the same login, and forgets wrong passwords.
func (s *Server) AddUser(u User) {
	defer s.lock()()
	u.ID, u.failures = cmp.Or(u.ID, oktaID("00u", u.Login)), 0
	s.users[userKey(u.Login)] = &u
	for _, t := range s.refresh {
		t.session.ended = t.session.ended || u.Status == Deactivated && userKey(t.session.login) == userKey(u.Login)
	}
}

// AddAuthServer adds a custom authorization server, or replaces the one with its id. OrgServerID is ignored.
func (s *Server) AddAuthServer(a AuthServer) {
	defer s.lock()()
	s.servers[a.ID] = &a
}

// App returns a copy of the app; false if there is none. A changed copy given to AddApp takes effect for tokens that
// are already issued, too.
func (s *Server) App(clientID string) (App, bool) {
	defer s.lock()()
	return *cmp.Or(s.apps[clientID], &App{}), s.apps[clientID] != nil
}

// User returns a copy of the user, Status included; false if there is none.
func (s *Server) User(login string) (User, bool) {
	defer s.lock()()
	user := s.users[userKey(login)]
	return *cmp.Or(user, &User{}), user != nil
}

// SetUserStatus acts as the administrator: Active unlocks and forgets wrong passwords, Deactivated ends the user's
// sessions for good. It reports whether there is such a user.
func (s *Server) SetUserStatus(login string, status UserStatus) bool {
	u, ok := s.User(login)
	if ok {
		u.Status = status
		s.AddUser(u)
	}
	return ok
}

// userKey is the login as Okta compares it: without case.
func userKey(login string) string { return strings.ToLower(login) }

// matches reports whether the list has the value. A nil list matches everything.
func matches(list []string, value string) bool { return list == nil || slices.Contains(list, value) }

func matchesLogin(list []string, login string) bool {
	return list == nil || slices.ContainsFunc(list, func(l string) bool { return userKey(l) == userKey(login) })
}

// oktaID is an identifier that looks like Okta's: a prefix and 17 letters and digits, the same for the same name.
func oktaID(prefix, name string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + name))
	return prefix + hex.EncodeToString(sum[:])[:17]
}
