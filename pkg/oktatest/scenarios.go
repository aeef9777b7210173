package oktatest

import (
	"encoding/json"
	"strconv"
)

// The app and the user that work, at the org server and at "default". The documentation shows their secrets.
const (
	DefaultServerID     = "default"
	DefaultAudience     = "api://default"
	DefaultClientID     = "0oaSandboxClient0001"
	DefaultClientSecret = "not-a-secret-sandbox-client-000000000000000000000000000000000001"
	DefaultUser         = "alice@example.com"
	DefaultPassword     = "correct-horse-battery-staple"
	DefaultRedirectURI  = "http://127.0.0.1:8085/callback"
	DefaultOTP          = "123456" // of users with a second factor
)

// The other apps and servers of Scenarios.
const (
	PostClientID       = "0oaPostBodyClient001" // DefaultClientSecret in the body
	PublicClientID     = "0oaPublicClient00001" // no secret
	NoPasswordClientID = "0oaNoPasswordGrant01" // without the password grant
	NoRefreshClientID  = "0oaNoRefreshGrant001" // without the refresh grant
	DirectAuthClientID = "0oaDirectAuthApp0001" // with Direct Authentication's MFA grants
	DPoPClientID       = "0oaNeedsDPoPProof001" // requires a DPoP proof
	ServiceClientID    = "0oaServiceClient0001" // acts for itself: the client credentials grant and no other

	NoPolicyServerID      = "ausNoPolicy000000001" // without an access policy, like a new org's default server
	DefaultScopesServerID = "ausDefaultScope00001" // accepts a request without scope
)

// Scenario is one sign-in at a freshly started server, and its result.
type Scenario struct {
	Description string // in a few words
	Grant       string // grant_type: GrantPassword; GrantOTP; GrantClientCredentials, which sends no Login
	Server      string // authorization server id, or OrgServerID
	ClientID    string
	AuthMethod  string // how the client sends its secret: ClientSecretBasic, ClientSecretPost, NoSecret
	Secret      string
	Login       string
	Password    string // of GrantPassword
	OTP         string // of GrantOTP, where the Login is login_hint
	Scope       string // space-separated; "" sends none
	Status      int    // of the answer
	Error       string // error or errorCode of the answer; "" for tokens
	Text        string // error_description or errorSummary
}

// Scenarios are what the test users, apps and servers are for: first what works, then one for each refusal of the
// password grant, of client credentials and of one-time codes that one request can meet. What is an org's setting at
// Okta (MFA, consent, policies) has a user, an app, a scope or a server of its own. The results are those with the
// zero Quirks.
func Scenarios() (list []Scenario) {
	for _, cells := range rows("scenarios.txt") {
		s := Scenario{
			Description: cells[0], Grant: cells[1], Error: cells[4], Text: cells[5], Server: DefaultServerID,
			ClientID: DefaultClientID, AuthMethod: ClientSecretBasic, Secret: DefaultClientSecret,
			Login: DefaultUser, Password: DefaultPassword, Scope: "openid profile",
		}
		s.Status, _ = strconv.Atoi(cells[3])
		switch s.Grant {
		case GrantClientCredentials:
			s.ClientID, s.Login, s.Password, s.Scope = ServiceClientID, "", "", "api:read"
		case GrantOTP:
			s.ClientID, s.Login, s.Password, s.OTP = DirectAuthClientID, "otp@example.com", "", DefaultOTP
		}
		_ = json.Unmarshal([]byte(cells[2]), &s) // valid, or empty
		list = append(list, s)
	}
	return list
}

func (s *Server) addTestOrg(rotation Rotation) {
	var org struct {
		Users       []User
		Apps        []App
		AuthServers []AuthServer
	}
	_ = json.Unmarshal([]byte(embedded("testorg.json")), &org) // valid, see testorg.json
	for _, u := range org.Users {
		s.AddUser(u)
	}
	for _, a := range org.Apps {
		a.Rotation = rotation
		s.AddApp(a)
	}
	for _, a := range org.AuthServers {
		s.AddAuthServer(a)
	}
}
