package oktatest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
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

// Org is what an administrator sets up. As JSON, times are in nanoseconds, and what is left out is the zero value.
type Org struct {
	Users       []User       `json:"users"`
	Apps        []App        `json:"apps"`
	AuthServers []AuthServer `json:"auth_servers"`
}

// App is an app integration: a client.
type App struct {
	ClientID   string   `json:"client_id"`            // "0oa" and 17 more characters, as Okta makes them
	Name       string   `json:"name,omitzero"`        // for people
	Secrets    []string `json:"secrets,omitzero"`     // one, or two while rotating; none with NoSecret
	AuthMethod string   `json:"auth_method,omitzero"` // "" is ClientSecretBasic
	Grants     []string `json:"grants"`               // grant_type values that are enabled

	Keys []json.RawMessage `json:"keys,omitzero"` // of PrivateKeyJWT: public JWKs

	// "Sign-in redirect URIs": compared as strings, with the port
	RedirectURIs []string `json:"redirect_uris,omitzero"`
	LogoutURIs   []string `json:"logout_uris,omitzero"`  // "Sign-out redirect URIs"
	RequirePKCE  bool     `json:"require_pkce,omitzero"` // of a client with a secret; one without always needs it

	Inactive bool     `json:"inactive,omitzero"` // answered like an unknown client
	Trusted  bool     `json:"trusted,omitzero"`  // consent_method TRUSTED: scopes that need consent need none
	Rotation Rotation `json:"rotation,omitzero"` // of refresh tokens
	// Issuer is like Options.Issuer, in its tokens and in the metadata requested with its client_id; "": that.
	Issuer string `json:"issuer,omitzero"`

	Assigned    []string `json:"assigned,omitzero"`     // logins; nil: everyone is assigned
	DenySignOn  []string `json:"deny_sign_on,omitzero"` // logins that the app's sign-on policy denies
	OktaScopes  []string `json:"okta_scopes,omitzero"`  // okta.* scopes of the org server granted to the app
	OutsideZone bool     `json:"outside_zone,omitzero"` // requests come from outside the client's network zones
	OrgOnly     bool     `json:"org_only,omitzero"`     // the app cannot use a custom authorization server
	RequireDPoP bool     `json:"require_dpop,omitzero"` // requires a DPoP proof
	Service     bool     `json:"service,omitzero"`      // application_type "service"
}

// Rotation is an app's setting "Refresh token behavior". The zero value is that of Okta's native and web apps: the
// refresh token stays the same.
// https://developer.okta.com/docs/guides/refresh-tokens/main/#refresh-token-rotation
type Rotation struct {
	// Rotate is rotation_type ROTATE, not STATIC: every refresh returns a new refresh token and retires the old one.
	Rotate bool `json:"rotate,omitzero"`
	// Leeway is how long a retired refresh token still works, 0 to 60 s at Okta. Used later, it ends the session. 0 is 0,
	// not DefaultLeeway.
	Leeway time.Duration `json:"leeway,omitzero"`
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
	Login      string     `json:"login"`             // compared without case; "alice@example.com"
	ID         string     `json:"id,omitzero"`       // "00u" and 17 more characters; "" is made from the login
	Password   string     `json:"password,omitzero"` // in the clear: never a real one. "": the user has no password
	Status     UserStatus `json:"status,omitzero"`
	MFA        bool       `json:"mfa,omitzero"`         // a policy requires a factor other than the password
	TwoFactors bool       `json:"two_factors,omitzero"` // a policy requires two factors, whichever comes first
	Lite       bool       `json:"lite,omitzero"`        // "lite" classification: may not use the password grant
	Throttled  bool       `json:"throttled,omitzero"`   // every attempt is answered with 429
	GivenName  string     `json:"given_name,omitzero"`
	FamilyName string     `json:"family_name,omitzero"`
	Email      string     `json:"email,omitzero"` // "" is the login
	Groups     []string   `json:"groups,omitzero"`

	// Profile are further attributes, which AuthServer.Claims can name; values must be fit for JSON.
	Profile map[string]any `json:"profile,omitzero"`

	// Factors are what the user has for Direct Authentication, by name. The value is the code that the user reads,
	// always the same here, or what the user does with a push.
	Factors map[string]string `json:"factors,omitzero"`

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

// attribute is one that AuthServer.Claims can name; nil if there is none.
func (u *User) attribute(name string) any {
	switch {
	case u == nil:
		return nil
	case name == "groups" && u.Groups != nil:
		return u.Groups
	}
	named := map[string]string{
		"login": u.Login, "email": u.email(), "firstName": u.GivenName, "lastName": u.FamilyName,
	}
	if text := named[name]; text != "" {
		return text
	}
	return u.Profile[name]
}

// AuthServer is an authorization server. The OIDC scopes (openid, profile, email, address, phone, offline_access,
// device_sso) exist without being listed.
type AuthServer struct {
	ID       string  `json:"id"`                // "default", or "aus" and 17 more characters
	Audience string  `json:"audience,omitzero"` // aud of its access tokens; "api://default"
	Scopes   []Scope `json:"scopes,omitzero"`   // custom scopes
	Rules    []Rule  `json:"rules,omitzero"`    // of its access policies: the first match wins, none is a refusal

	// Claims are custom claims of its access tokens; values must be fit for JSON. Text such as "user.department" is that
	// attribute of the user: groups, login, email, firstName, lastName or a name of User.Profile. Where the user has no
	// such attribute, or there is no user, there is no such claim.
	Claims map[string]any `json:"claims,omitzero"`
}

// Scope is a custom scope of an authorization server.
type Scope struct {
	Name    string `json:"name"`
	Default bool   `json:"default,omitzero"` // granted when a request names no scope at all
	Consent bool   `json:"consent,omitzero"` // the user must consent, which only a page can ask for
}

// Rule is one rule of an access policy. A nil list matches everything.
type Rule struct {
	Clients []string `json:"clients,omitzero"` // client ids; at Okta, these are the policy's
	Grants  []string `json:"grants,omitzero"`
	Users   []string `json:"users,omitzero"`  // logins; ignored for a client that acts for itself
	Scopes  []string `json:"scopes,omitzero"` // a request for any other scope does not match
	Denied  []string `json:"denied,omitzero"` // scopes that match and are denied

	Lifetime time.Duration `json:"lifetime,omitzero"`         // of access tokens; here and below, 0 is that of Lifetimes
	Refresh  time.Duration `json:"refresh_lifetime,omitzero"` // of refresh tokens, from the sign-in on
	Idle     time.Duration `json:"refresh_idle,omitzero"`     // how long a refresh token may be unused
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
	for _, t := range s.refresh.entries {
		t.session.ended = t.session.ended || u.Status == Deactivated && userKey(t.session.login) == userKey(u.Login)
	}
}

// AddAuthServer adds a custom authorization server, or replaces the one with its id. OrgServerID is ignored.
func (s *Server) AddAuthServer(a AuthServer) {
	defer s.lock()()
	s.servers[a.ID] = &a
}

func (s *Server) addOrg(org Org) {
	for _, u := range org.Users {
		s.AddUser(u)
	}
	for _, a := range org.Apps {
		s.AddApp(a)
	}
	for _, a := range org.AuthServers {
		s.AddAuthServer(a)
	}
}

// Org returns a copy of what there is, sorted.
func (s *Server) Org() (org Org) {
	defer s.lock()()
	for _, login := range slices.Sorted(maps.Keys(s.users)) {
		org.Users = append(org.Users, *s.users[login])
	}
	for _, id := range slices.Sorted(maps.Keys(s.apps)) {
		org.Apps = append(org.Apps, *s.apps[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.servers)) {
		org.AuthServers = append(org.AuthServers, *s.servers[id])
	}
	return org
}

// RemoveUser removes the user and all sign-ins of this user.
func (s *Server) RemoveUser(login string) {
	defer s.lock()()
	delete(s.users, userKey(login))
	s.forget(func(in agreement) bool { return userKey(in.login) == userKey(login) })
}

// RemoveApp removes the app and all sign-ins to it.
func (s *Server) RemoveApp(clientID string) {
	defer s.lock()()
	delete(s.apps, clientID)
	s.forget(func(in agreement) bool { return in.clientID == clientID })
}

// RemoveAuthServer removes the authorization server and all sign-ins at it.
func (s *Server) RemoveAuthServer(id string) {
	defer s.lock()()
	delete(s.servers, id)
	s.forget(func(in agreement) bool { return in.server == id })
}

func (s *Server) forget(gone func(agreement) bool) {
	goneSession := func(_ string, in *session) bool { return gone(in.agreement) }
	goneVisit := func(_ string, in *visit) bool { return gone(in.agreement) }
	maps.DeleteFunc(s.issued.entries, func(_ string, t *issuedToken) bool { return gone(t.session.agreement) })
	maps.DeleteFunc(s.refresh.entries, func(_ string, t *refreshToken) bool { return gone(t.session.agreement) })
	maps.DeleteFunc(s.steps.entries, func(_ string, in *step) bool { return gone(in.agreement) })
	maps.DeleteFunc(s.visits.entries, goneVisit)
	maps.DeleteFunc(s.browsers.entries, goneVisit)
	maps.DeleteFunc(s.codes.entries, goneVisit)
	maps.DeleteFunc(s.pushed.entries, goneVisit)
	maps.DeleteFunc(s.devices.entries, goneVisit)
	maps.DeleteFunc(s.jags.entries, goneSession)
	maps.DeleteFunc(s.deviceSecrets.entries, goneSession)
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
