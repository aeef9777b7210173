package oktatest

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"
)

// OrgServerID stands for the org authorization server, which has no id at Okta: its paths are /oauth2/v1/….
const OrgServerID = "org"

// The token_endpoint_auth_method of an App: https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	NoSecret          = "none" // a public client: client_id in the body
)

// IssuerDynamic is the App.Issuer (Okta: issuer_mode) that follows the host which the request used, as the server does without Options.Issuer.
const IssuerDynamic = "DYNAMIC"

// The grants that an App may be given, as they are written on the wire.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantPassword          = "password"
	GrantRefreshToken      = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
	GrantMFAOTP            = "http://auth0.com/oauth/grant-type/mfa-otp" // Direct Authentication; the value is literal
	GrantMFAOOB            = "http://auth0.com/oauth/grant-type/mfa-oob"
)

// App is an app integration: a client.
type App struct {
	ClientID   string   // "0oa" and 17 more characters, as Okta makes them
	Name       string   // what a person calls it
	Secrets    []string // one, or two while rotating; none with NoSecret
	AuthMethod string   // "" is ClientSecretBasic
	Type       string   // application_type: "native" for the password grant, "service" for client credentials; only kept, never judged
	Grants     []string // grant_type values that are switched on
	Inactive   bool     // answered like an unknown client
	Trusted    bool     // consent_method TRUSTED: scopes that need consent need none
	Rotation   Rotation // what becomes of a refresh token that is used
	// Issuer is the base URL that its tokens name as their issuer, and the metadata that is asked for with its client_id. "" is the server's (Options.Issuer).
	Issuer string

	Assigned    []string // logins; nil: everybody is assigned
	DenySignOn  []string // logins that the app's sign-on policy turns away
	OktaScopes  []string // okta.* scopes of the org server granted to the app
	OutsideZone bool     // requests come from outside the client's network zones
	OrgOnly     bool     // the app cannot use a custom authorization server
	RequireDPoP bool     // asks for a DPoP proof (proofs themselves are not played yet)
}

// Rotation is an app's setting "Refresh token behavior". The zero value is that of Okta's native and web apps: the refresh token stays the same.
// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-rotation
type Rotation struct {
	Rotate bool // rotation_type ROTATE, not STATIC: every refresh brings a new refresh token and spends the old one
	// Leeway is how long a spent refresh token goes on working, 0 to 60 s at Okta. Shown later, it ends the sign-in. It matters only with Rotate,
	// and 0 is 0: Okta's own default is DefaultLeeway.
	Leeway time.Duration
}

// DefaultLeeway is the leeway of an app at Okta for which nobody chose another.
const DefaultLeeway = 30 * time.Second

// UserStatus is what Okta thinks of a user's account.
type UserStatus string

// What a user's account can be. The zero value is Active.
const (
	Active          UserStatus = ""
	Locked          UserStatus = "LOCKED_OUT"       // refused with the words for a wrong password
	PasswordExpired UserStatus = "PASSWORD_EXPIRED" // told only to somebody who knows the password
	Deactivated     UserStatus = "DEPROVISIONED"    // refused with the words for a wrong password
)

// User is somebody who can sign in, or can't.
type User struct {
	Login      string // compared without case; "alice@example.com"
	ID         string // "00u" and 17 more characters; made from the login when empty
	Password   string // in the clear: never a real one. Empty: the user has no password
	Status     UserStatus
	MFA        bool // a policy asks for a second factor
	Lite       bool // "lite" classification: may not use the password grant
	Throttled  bool // every attempt is answered as one too many
	GivenName  string
	FamilyName string
	Email      string // the login when empty
	Groups     []string
}

func (u *User) name() string { return strings.TrimSpace(u.GivenName + " " + u.FamilyName) }

func (u *User) email() string {
	if u.Email != "" {
		return u.Email
	}
	return u.Login
}

// AuthServer is an authorization server. The OIDC scopes (openid, profile, email, address, phone, offline_access, device_sso) are there without being listed.
type AuthServer struct {
	ID       string         // "default", or "aus" and 17 more characters
	Audience string         // aud of its access tokens; "api://default"
	Scopes   []Scope        // custom scopes
	Policies []Policy       // allow lists: the first match wins, no match is a refusal
	Claims   map[string]any // custom claims of its access tokens; values must be fit for JSON
}

// Scope is a custom scope of an authorization server.
type Scope struct {
	Name    string
	Default bool // granted when a request names no scope at all
	Consent bool // the user must consent, which nobody can do with the password grant and with client credentials
}

// Policy is an access policy of an authorization server.
type Policy struct {
	Clients []string // client ids; nil: all clients
	Rules   []Rule
}

// Rule is one rule of a Policy. A nil list matches everything.
type Rule struct {
	Grants   []string
	Users    []string // logins; not looked at where a client signs in for itself
	Scopes   []string // a request that asks for any other scope does not match
	Denied   []string // scopes that match and are refused all the same
	Lifetime time.Duration
}

// AddApp adds an app, or replaces the one with its client id.
func (s *Server) AddApp(a App) {
	if a.AuthMethod == "" {
		a.AuthMethod = ClientSecretBasic
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[a.ClientID] = &a
}

// AddUser adds a user, or replaces the one with the same login.
func (s *Server) AddUser(u User) {
	if u.ID == "" {
		u.ID = oktaID("00u", u.Login)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[userKey(u.Login)] = &u
	delete(s.tries.failed, userKey(u.Login))
}

// AddAuthServer adds a custom authorization server, or replaces the one with its id. OrgServerID is taken: the org server cannot be configured.
func (s *Server) AddAuthServer(a AuthServer) {
	if a.ID == OrgServerID {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers[a.ID] = &a
}

// App is a copy of the app as it is now; false if there is none. Changed and given to AddApp, it takes effect for tokens that are out already, too.
func (s *Server) App(clientID string) (App, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.apps[clientID]
	if !ok {
		return App{}, false
	}
	return *a, true
}

// User is a copy of the user as they are now, Status included; false if there is none.
func (s *Server) User(login string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[userKey(login)]
	if !ok {
		return User{}, false
	}
	return *u, true
}

// SetUserStatus is the administrator: Active unlocks and forgets wrong passwords, Deactivated ends the user's sign-ins for good. It reports whether
// there is such a user.
func (s *Server) SetUserStatus(login string, status UserStatus) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[userKey(login)]
	if ok {
		u.Status = status
		delete(s.tries.failed, userKey(login))
	}
	for _, t := range s.refresh {
		if ok && status == Deactivated && userKey(t.of.login) == userKey(login) {
			t.of.over = true
		}
	}
	return ok
}

// userKey: Okta compares logins without case.
func userKey(login string) string { return strings.ToLower(login) }

// matches: a nil list matches everything.
func matches(list []string, value string) bool { return list == nil || slices.Contains(list, value) }

func matchesLogin(list []string, login string) bool {
	return list == nil || slices.ContainsFunc(list, func(l string) bool { return userKey(l) == userKey(login) })
}

// oktaID makes an identifier as Okta's look, prefix and 17 letters and digits, always the same for the same name.
func oktaID(prefix, name string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + name))
	return prefix + alphanumeric(sum[:17])
}

func alphanumeric(random []byte) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, len(random))
	for i, b := range random {
		out[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(out)
}
