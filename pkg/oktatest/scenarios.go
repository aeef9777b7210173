package oktatest

import (
	"cmp"
	_ "embed" // scenarios.txt
	"strconv"
	"strings"
)

// The app and the user that work, at the org server and at the server "default". The secrets are no secrets: they are
// printed in the documentation.
const (
	DefaultServerID     = "default"
	DefaultAudience     = "api://default"
	DefaultClientID     = "0oaSandboxClient0001"
	DefaultClientSecret = "not-a-secret-sandbox-client-000000000000000000000000000000000001"
	DefaultUser         = "alice@example.com"
	DefaultPassword     = "correct-horse-battery-staple"
)

// The other apps and servers of Scenarios.
const (
	PostClientID        = "0oaPostBodyClient001" // DefaultClientSecret in the body
	PublicClientID      = "0oaPublicClient00001" // no secret
	NoPasswordClientID  = "0oaNoPasswordGrant01" // without the password grant
	NoRefreshClientID   = "0oaNoRefreshGrant001" // without the refresh grant
	DirectAuthClientID  = "0oaDirectAuthApp0001" // with Direct Authentication's MFA grants
	OutsideZoneClientID = "0oaOutsideTheZone001" // used from outside its network zones
	InactiveClientID    = "0oaInactiveClient001" // deactivated
	DPoPClientID        = "0oaNeedsDPoPProof001" // requires a DPoP proof
	ServiceClientID     = "0oaServiceClient0001" // acts for itself: the client credentials grant and no other

	NoPolicyServerID      = "ausNoPolicy000000001" // without an access policy, like a new org's default server
	DefaultScopesServerID = "ausDefaultScope00001" // accepts a request without scope
)

// Scenario is one sign-in at a freshly started server, and its result.
type Scenario struct {
	Description string // in a few words
	Grant       string // grant_type: GrantPassword, or GrantClientCredentials, which sends no Login and no Password
	Server      string // authorization server id, or OrgServerID
	ClientID    string
	AuthMethod  string // how the client sends its secret: ClientSecretBasic, ClientSecretPost, NoSecret
	Secret      string
	Login       string
	Password    string
	Scope       string // space-separated; "" sends none
	Status      int    // of the answer
	Error       string // error or errorCode of the answer; "" for tokens
	Text        string // error_description or errorSummary
}

// scenarioTable has a row for each scenario.
//
//go:embed scenarios.txt
var scenarioTable string

// Scenarios are what the test users, apps and servers are for: first what works, then one for each refusal of the
// password grant and of client credentials. What is an org's setting at Okta (MFA, consent, policies) has a user, an
// app, a scope or a server of its own. The results are those with the zero Quirks.
func Scenarios() (list []Scenario) {
	for _, cells := range rows(scenarioTable) {
		s := Scenario{
			Description: cells[0], Grant: cells[1], Error: cells[4], Text: cells[5], Server: DefaultServerID,
			ClientID: DefaultClientID, AuthMethod: ClientSecretBasic, Secret: DefaultClientSecret,
			Login: DefaultUser, Password: DefaultPassword, Scope: "openid profile",
		}
		s.Status, _ = strconv.Atoi(cells[3])
		if s.Grant == GrantClientCredentials {
			s.ClientID, s.Login, s.Password, s.Scope = ServiceClientID, "", "", "api:read"
		}
		fields := map[string]*string{
			"server": &s.Server, "client": &s.ClientID, "auth": &s.AuthMethod, "secret": &s.Secret, "login": &s.Login,
			"password": &s.Password, "scope": &s.Scope,
		}
		for pair := range strings.SplitSeq(cells[2], "; ") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				*fields[name] = value
			}
		}
		list = append(list, s)
	}
	return list
}

// addTestOrg adds the users, apps and servers of Scenarios. Every user has DefaultPassword, every app with a secret
// DefaultClientSecret.
func (s *Server) addTestOrg(rotation Rotation) {
	var assigned []string
	for _, u := range testUsers() {
		if u.Login != "nopassword@example.com" {
			u.Password = DefaultPassword
		}
		if u.Login != "unassigned@example.com" {
			assigned = append(assigned, u.Login)
		}
		s.AddUser(u)
	}
	for _, a := range testApps(assigned) {
		a.Type, a.Rotation = cmp.Or(a.Type, "native"), rotation
		if a.Grants == nil {
			a.Grants = []string{GrantAuthorizationCode, GrantPassword, GrantRefreshToken}
		}
		if a.AuthMethod != NoSecret {
			a.Secrets = []string{DefaultClientSecret}
		}
		s.AddApp(a)
	}
	for _, a := range testServers() {
		s.AddAuthServer(a)
	}
}

func testUsers() []User {
	return []User{
		{Login: DefaultUser, GivenName: "Alice", FamilyName: "Example", Groups: []string{"Engineering"}},
		{Login: "locked@example.com", Status: Locked},
		{Login: "expired@example.com", Status: PasswordExpired},
		{Login: "mfa@example.com", MFA: true},
		{Login: "denied@example.com"},
		{Login: "lite@example.com", Lite: true},
		{Login: "busy@example.com", Throttled: true},
		{Login: "nopassword@example.com"},
		{Login: "unassigned@example.com"},
	}
}

func testApps(assigned []string) []App {
	return []App{
		{ClientID: DefaultClientID, Name: "Sandbox", Assigned: assigned, DenySignOn: []string{"denied@example.com"}},
		{ClientID: PostClientID, Name: "Secret in the body", AuthMethod: ClientSecretPost},
		{ClientID: PublicClientID, Name: "Public", AuthMethod: NoSecret},
		{ClientID: NoPasswordClientID, Name: "No password grant",
			Grants: []string{GrantAuthorizationCode, GrantRefreshToken}},
		{ClientID: NoRefreshClientID, Name: "No refresh grant", Grants: []string{GrantAuthorizationCode, GrantPassword}},
		{ClientID: DirectAuthClientID, Name: "Direct Authentication",
			Grants: []string{GrantAuthorizationCode, GrantPassword, GrantRefreshToken, GrantMFAOTP, GrantMFAOOB}},
		{ClientID: OutsideZoneClientID, Name: "Outside the zone", OutsideZone: true},
		{ClientID: InactiveClientID, Name: "Deactivated", Inactive: true},
		{ClientID: DPoPClientID, Name: "DPoP", RequireDPoP: true},
		{ClientID: ServiceClientID, Name: "Service", Type: "service", Grants: []string{GrantClientCredentials}},
	}
}

func testServers() []AuthServer {
	policies := []Policy{{Rules: []Rule{
		{Grants: []string{GrantPassword, GrantClientCredentials}, Denied: []string{"api:admin"}},
	}}}
	return []AuthServer{
		{ID: DefaultServerID, Audience: DefaultAudience, Policies: policies, Scopes: []Scope{
			{Name: "api:read"}, {Name: "api:write"}, {Name: "api:admin"}, {Name: "api:consent", Consent: true},
		}},
		{ID: NoPolicyServerID, Audience: "api://no-policy", Scopes: []Scope{{Name: "api:read"}}},
		{ID: DefaultScopesServerID, Audience: "api://default-scopes", Policies: policies,
			Scopes: []Scope{{Name: "api:read", Default: true}, {Name: "api:write"}}},
	}
}
