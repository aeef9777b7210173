package oktatest

import (
	"cmp"
	"encoding/json"
	"strconv"
)

// The app and the user that work, at the org server and at "default". The documentation shows their secrets.
const (
	DefaultServerID     = "default"
	DefaultAudience     = "api://default"
	DefaultClientID     = "0oaSandboxClient0001"
	DefaultClientSecret = "NotASecretSandboxClient00000000000000000000000000000000000000001"
	DefaultUser         = "alice@example.com"
	DefaultPassword     = "correct-horse-battery-staple"
	DefaultRedirectURI  = "http://127.0.0.1:8085/callback"
	DefaultOTP          = "123456" // of users with a second factor
)

// The other apps and servers of Scenarios.
const (
	PostClientID       = "0oaPostBodyClient001" // DefaultClientSecret in the body
	PublicClientID     = "0oaPublicClient00001" // no secret
	SecretJWTClientID  = "0oaSecretJWTClient01" // an assertion, signed with DefaultClientSecret
	PrivateKeyClientID = "0oaPrivateKeyApp0001" // an assertion, signed with TestKey
	ServiceKeyClientID = "0oaServiceWithKey001" // the same, of a client that acts for itself
	NoPasswordClientID = "0oaNoPasswordGrant01" // without the password grant
	NoRefreshClientID  = "0oaNoRefreshGrant001" // without the refresh grant
	DirectAuthClientID = "0oaDirectAuthApp0001" // with Direct Authentication's MFA grants
	DPoPClientID       = "0oaNeedsDPoPProof001" // requires a DPoP proof
	ServiceClientID    = "0oaServiceClient0001" // acts for itself: the client credentials grant and no other

	NoPolicyServerID      = "ausNoPolicy000000001" // without an access policy, like a new org's default server
	DefaultScopesServerID = "ausDefaultScope00001" // accepts a request without scope
)

// TestKey returns the private key, in PEM, of the apps that sign with one. It is published: for tests only.
func TestKey() []byte { return []byte(embedded("testkey.pem")) }

// TestKeyID is its kid.
const TestKeyID = "oktatest-public-key"

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

func testOrg(rotation Rotation) *Org {
	var org Org
	_ = json.Unmarshal([]byte(embedded("testorg.json")), &org) // valid, see testorg.json
	for i := range org.Apps {
		org.Apps[i].Rotation = rotation
	}
	return &org
}

// hello is GET /api/hello, a protected API for demonstrations, which is not Okta's. It accepts the access tokens of the
// custom servers: the org server's are for Okta's own APIs.
func (c *call) hello() {
	if c.r.Header.Get("Authorization") == "" { // https://www.rfc-editor.org/rfc/rfc6750#section-3.1
		c.header.Set("Www-Authenticate", `Bearer realm="oktatest"`)
		c.entry.ErrorCode = "no_token"
		c.respond(401, nil)
		return
	}
	c.protect(func() {
		t := cmp.Or(c.presented, &issuedToken{session: &session{}})
		c.refuseIf(c.presented == nil, "hello_unknown")
		c.refuseIf(t.isID || t.session.server == OrgServerID, "hello_audience")
		c.refuseIf(!c.now.Before(t.expires), "hello_expired")
		c.refuseIf(!c.s.active(c.presented, c.now), "hello_revoked")
	}, func() {
		in := c.presented.session
		c.respond(200, object{{"hello", cmp.Or(in.login, in.clientID)}, {"scopes", c.presented.scopes}})
	})
}
