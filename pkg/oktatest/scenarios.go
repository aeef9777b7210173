package oktatest

import (
	"cmp"
	"slices"
)

// The app and the user that just work, at the org server and at the server "default". The secrets are no secrets: they are printed in the documentation.
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
	DPoPClientID        = "0oaNeedsDPoPProof001" // wants a DPoP proof
	ServiceClientID     = "0oaServiceClient0001" // signs in for itself: the client credentials grant and no other

	NoPolicyServerID      = "ausNoPolicy000000001" // no access policy at all: what a new org's default server looks like
	DefaultScopesServerID = "ausDefaultScope00001" // takes a request without scope
)

// Scenario is one thing to try at a freshly started server, and what comes of it.
type Scenario struct {
	Description string // in a few words
	Grant       string // grant_type: GrantPassword, or GrantClientCredentials, which sends no Login and no Password
	Server      string // authorization server id, or OrgServerID
	ClientID    string
	AuthMethod  string // how the client shows its secret: ClientSecretBasic, ClientSecretPost, NoSecret
	Secret      string
	Login       string
	Password    string
	Scope       string // space-separated; "" sends none
	Status      int    // of the answer
	Error       string // error or errorCode of the answer; "" for tokens
	Text        string // error_description or errorSummary
}

// Scenarios is everything that is on stage after Start: first what works, then one example for each refusal of the password grant and of client credentials. Those about MFA, consent
// and policies are settings of an org, not of a request; here each has a user, an app, a scope or a server of its own. What is said of an answer holds
// with the zero Quirks.
func Scenarios() []Scenario {
	return slices.Concat(successes(), refusals(), clientRefusals())
}

// example is an Scenario at the default server with the default app, user and scope, changed by edit.
func example(shows string, edit func(*Scenario)) Scenario {
	e := Scenario{
		Description: shows, Grant: GrantPassword, Server: DefaultServerID, ClientID: DefaultClientID, AuthMethod: ClientSecretBasic, Secret: DefaultClientSecret,
		Login: DefaultUser, Password: DefaultPassword, Scope: "openid profile", Status: 200,
	}
	if edit != nil {
		edit(&e)
	}
	return e
}

func successes() []Scenario {
	return []Scenario{
		example("a user signs in", nil),
		example("the org server", func(e *Scenario) { e.Server = OrgServerID }),
		example("a refresh token and a custom scope", func(e *Scenario) { e.Scope = "openid offline_access api:read" }),
		example("the secret in the body", func(e *Scenario) { e.ClientID, e.AuthMethod = PostClientID, ClientSecretPost }),
		example("a public client", func(e *Scenario) { *e = e.client(PublicClientID).public() }),
		example("no scope, at a server with default scopes", func(e *Scenario) { e.Server, e.Scope = DefaultScopesServerID, "" }),
		example("a custom scope alone: no ID token", func(e *Scenario) { e.Scope = "api:read" }),
		example("a client signs in for itself", func(e *Scenario) { *e = e.itself() }),
		example("a client, no scope, at a server with default scopes", func(e *Scenario) { *e = e.itself().server(DefaultScopesServerID).scope("") }),
	}
}

// refused is an Scenario that ends in a refusal.
func refused(shows string, status int, code, text string) Scenario {
	return example(shows, func(e *Scenario) { e.Status, e.Error, e.Text = status, code, text })
}

func (e Scenario) by(login string) Scenario      { e.Login = login; return e }
func (e Scenario) client(id string) Scenario     { e.ClientID = id; return e }
func (e Scenario) scope(scope string) Scenario   { e.Scope = scope; return e }
func (e Scenario) server(id string) Scenario     { e.Server = id; return e }
func (e Scenario) public() Scenario              { e.AuthMethod, e.Secret = NoSecret, ""; return e }
func (e Scenario) password(p string) Scenario    { e.Password = p; return e }
func (e Scenario) secret(secret string) Scenario { e.Secret = secret; return e }

// itself is what a client asks for that has no user.
func (e Scenario) itself() Scenario {
	e.Grant, e.ClientID, e.Login, e.Password, e.Scope = GrantClientCredentials, ServiceClientID, "", "", "api:read"
	return e
}

// clientRefusals are those of client credentials.
func clientRefusals() []Scenario {
	return []Scenario{
		refused("a client asks for openid", 400, "invalid_scope", "Cannot request 'openid' scopes using client credentials.").itself().scope("openid api:read"),
		refused("a client asks for an unknown scope", 400, "invalid_scope",
			"One or more scopes are not configured for the authorization server resource.").itself().scope("api:unknown"),
		refused("a client names no scope", 400, "invalid_scope",
			"The authorization server resource does not have any configured default scopes, 'scope' must be provided.").itself().scope(""),
		refused("a client at the org server", 401, "invalid_client", "Client Credentials requests to the Org Authorization Server must use the private_key_jwt "+
			"token_endpoint_auth_method.").itself().server(OrgServerID),
		refused("no access policy matches the client", 401, "access_denied",
			"Policy evaluation failed for this request, please check the policy configurations.").itself().server(NoPolicyServerID),
		refused("policy rejects the client's scope", 400, "access_denied",
			"Policy evaluation succeeded, but all the requested scopes were rejected.").itself().scope("api:admin"),
		refused("a client asks for a scope that needs consent", 400, "consent_required",
			"The following scopes require user consent and cannot be granted for the client credentials grant type: [api:consent].").itself().scope("api:consent"),
		refused("client credentials not enabled", 400, "unauthorized_client", "The client is not authorized to use the provided grant type. "+
			"Configured grant types: [authorization_code, password, refresh_token].").itself().client(DefaultClientID),
		refused("a public client cannot sign in for itself", 400, "unauthorized_client", "The client is not authorized to use the provided grant type. "+
			"Configured grant types: [authorization_code, password, refresh_token].").itself().client(PublicClientID).public(),
		refused("wrong secret of a client", 401, "invalid_client",
			"The client secret supplied for a confidential client is invalid.").itself().secret("canary-wrong-secret"),
	}
}

// refusals follow the table of failures of the password grant, and then that of client authentication.
func refusals() []Scenario {
	const wrong = "The credentials provided were invalid."
	return []Scenario{
		refused("wrong password", 400, "invalid_grant", wrong).password("wrong-horse"),
		refused("unknown user", 400, "invalid_grant", wrong).by("nobody@example.com"),
		refused("locked user", 400, "invalid_grant", wrong).by("locked@example.com"),
		refused("expired password", 400, "invalid_grant", "Password has expired.").by("expired@example.com"),
		refused("user without a password", 400, "invalid_grant", "The user does not configure a password.").by("nopassword@example.com"),
		refused("MFA is required", 400, "invalid_grant", "Resource owner password credentials cannot be used with MFA enabled.").by("mfa@example.com"),
		refused("sign-on policy says no", 400, "invalid_grant",
			"Resource owner password credentials authentication denied by sign on policy.").by("denied@example.com"),
		refused("MFA is required, and the app could do it", 403, "mfa_required",
			"Verify with an additional authenticator to complete the sign-in process.").by("mfa@example.com").client(DirectAuthClientID),
		refused("user not assigned to the app", 400, "access_denied", "User is not assigned to the client application.").by("unassigned@example.com"),
		refused("no access policy matches", 401, "access_denied",
			"Policy evaluation failed for this request, please check the policy configurations.").server(NoPolicyServerID),
		refused("policy rejects every scope", 400, "access_denied",
			"Policy evaluation succeeded, but all the requested scopes were rejected.").scope("api:admin"),
		refused("policy rejects one scope", 400, "access_denied",
			"Some of the requested scopes were denied by the policy. Denied scopes: [api:admin].").scope("openid api:admin"),
		refused("password grant not enabled", 400, "unauthorized_client", "The client is not authorized to use the provided grant type. "+
			"Configured grant types: [authorization_code, refresh_token].").client(NoPasswordClientID),
		refused("scope needs consent", 400, "consent_required", "The following scopes require user consent: [api:consent]. To access protected scopes using "+
			"the resource owner password grant type, please uncheck 'Require consent' in the app settings or set the 'consent_method' to 'TRUSTED' through "+
			"the apps API.").scope("openid api:consent"),
		refused("unknown scope", 400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.").scope("openid api:unknown"),
		refused("custom scope at the org server", 400, "invalid_scope",
			"Custom scopes are not allowed for this request.").server(OrgServerID).scope("openid api:read"),
		refused("OIDC scope without openid", 400, "invalid_scope",
			"Requests for ID tokens or access tokens with OpenID scopes require the 'openid' scope.").scope("profile"),
		refused("no scope", 400, "invalid_scope", "The authorization server resource does not have any configured default scopes, 'scope' must be provided.").scope(""),
		refused("no scope at the org server", 400, "invalid_scope", "No scopes were requested.").scope("").server(OrgServerID),
		refused("offline_access without the refresh grant", 400, "invalid_scope",
			"The following scopes are not allowed for this request: [offline_access].").scope("openid offline_access").client(NoRefreshClientID),
		refused("no user name", 400, "invalid_request", "The required parameter 'username' is missing.").by(""),
		refused("no password", 400, "invalid_request", "The required parameter 'password' is missing.").password(""),
		refused("too many tries for this user", 429, "invalid_grant", "API call exceeded rate limit due to too many requests.").by("busy@example.com"),
		refused("wrong network zone", 403, "access_denied",
			"The request is made from outside the client's permitted network zones.").client(OutsideZoneClientID),
		refused("lite user", 403, "access_denied",
			"User with lite classification status is not allowed to use the provided 'grant_type'").by("lite@example.com"),
		refused("DPoP is required", 400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.").client(DPoPClientID),
		refused("unknown client", 401, "invalid_client", "Invalid value for 'client_id' parameter.").client("0oaNobodyKnowsMe0001"),
		refused("deactivated app", 401, "invalid_client", "Invalid value for 'client_id' parameter.").client(InactiveClientID),
		refused("wrong client secret", 401, "invalid_client", "The client secret supplied for a confidential client is invalid.").secret("canary-wrong-secret"),
		refused("no client secret", 401, "invalid_client",
			"Client authentication failed. Either the client or the client credentials are invalid.").public(),
		refused("secret sent in the wrong way", 401, "invalid_client",
			"Client authentication failed. Either the client or the client credentials are invalid.").client(PostClientID),
		refused("unknown authorization server", 404, "E0000007",
			"Not found: Resource not found: ausNobodyKnowsMe0001 (AuthorizationServer)").server("ausNobodyKnowsMe0001"),
	}
}

// addScenarios fills the org. Every user has DefaultPassword, every app with a secret DefaultClientSecret.
func (s *Server) addScenarios(rotation Rotation) {
	s.AddUser(User{Login: DefaultUser, Password: DefaultPassword, GivenName: "Alice", FamilyName: "Example", Groups: []string{"Engineering"}})
	for _, u := range []User{
		{Login: "locked@example.com", Status: Locked},
		{Login: "expired@example.com", Status: PasswordExpired},
		{Login: "mfa@example.com", MFA: true},
		{Login: "denied@example.com"},
		{Login: "unassigned@example.com"},
		{Login: "lite@example.com", Lite: true},
		{Login: "busy@example.com", Throttled: true},
	} {
		u.Password = DefaultPassword
		s.AddUser(u)
	}
	s.AddUser(User{Login: "nopassword@example.com"})

	assigned := []string{
		DefaultUser, "locked@example.com", "expired@example.com", "mfa@example.com", "denied@example.com",
		"lite@example.com", "busy@example.com", "nopassword@example.com",
	}
	grants := []string{GrantAuthorizationCode, GrantPassword, GrantRefreshToken}
	for _, a := range []App{
		{ClientID: DefaultClientID, Name: "Sandbox", Assigned: assigned, DenySignOn: []string{"denied@example.com"}},
		{ClientID: PostClientID, Name: "Secret in the body", AuthMethod: ClientSecretPost},
		{ClientID: PublicClientID, Name: "Public", AuthMethod: NoSecret},
		{ClientID: NoPasswordClientID, Name: "No password grant", Grants: []string{GrantAuthorizationCode, GrantRefreshToken}},
		{ClientID: NoRefreshClientID, Name: "No refresh grant", Grants: []string{GrantAuthorizationCode, GrantPassword}},
		{ClientID: DirectAuthClientID, Name: "Direct Authentication", Grants: append(slices.Clone(grants), GrantMFAOTP, GrantMFAOOB)},
		{ClientID: OutsideZoneClientID, Name: "Outside the zone", OutsideZone: true},
		{ClientID: InactiveClientID, Name: "Deactivated", Inactive: true},
		{ClientID: DPoPClientID, Name: "DPoP", RequireDPoP: true},
		{ClientID: ServiceClientID, Name: "Service", Type: "service", Grants: []string{GrantClientCredentials}},
	} {
		a.Type, a.Rotation = cmp.Or(a.Type, "native"), rotation
		if a.Grants == nil {
			a.Grants = grants
		}
		if a.AuthMethod != NoSecret {
			a.Secrets = []string{DefaultClientSecret}
		}
		s.AddApp(a)
	}

	policies := []Policy{{Rules: []Rule{{Grants: []string{GrantPassword, GrantClientCredentials}, Denied: []string{"api:admin"}}}}}
	s.AddAuthServer(AuthServer{ID: DefaultServerID, Audience: DefaultAudience, Policies: policies, Scopes: []Scope{
		{Name: "api:read"}, {Name: "api:write"}, {Name: "api:admin"}, {Name: "api:consent", Consent: true},
	}})
	s.AddAuthServer(AuthServer{ID: NoPolicyServerID, Audience: "api://no-policy", Scopes: []Scope{{Name: "api:read"}}})
	s.AddAuthServer(AuthServer{ID: DefaultScopesServerID, Audience: "api://default-scopes", Policies: policies,
		Scopes: []Scope{{Name: "api:read", Default: true}, {Name: "api:write"}}})
}
