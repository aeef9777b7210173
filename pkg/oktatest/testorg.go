package oktatest

import (
	"cmp"
	"slices"
)

// addTestOrg adds the users, apps and servers of Scenarios. Every user has DefaultPassword, every app with a secret
// DefaultClientSecret.
func (s *Server) addTestOrg(rotation Rotation) {
	var assigned []string
	for _, u := range []User{
		{Login: DefaultUser, GivenName: "Alice", FamilyName: "Example", Groups: []string{"Engineering"}},
		{Login: "locked@example.com", Status: Locked},
		{Login: "expired@example.com", Status: PasswordExpired},
		{Login: "mfa@example.com", MFA: true},
		{Login: "denied@example.com"},
		{Login: "lite@example.com", Lite: true},
		{Login: "busy@example.com", Throttled: true},
		{Login: "nopassword@example.com"},
		{Login: "unassigned@example.com"},
	} {
		if u.Login != "nopassword@example.com" {
			u.Password = DefaultPassword
		}
		if u.Login != "unassigned@example.com" {
			assigned = append(assigned, u.Login)
		}
		s.AddUser(u)
	}

	grants := []string{GrantAuthorizationCode, GrantPassword, GrantRefreshToken}
	for _, a := range []App{
		{ClientID: DefaultClientID, Name: "Sandbox", Assigned: assigned, DenySignOn: []string{"denied@example.com"}},
		{ClientID: PostClientID, Name: "Secret in the body", AuthMethod: ClientSecretPost},
		{ClientID: PublicClientID, Name: "Public", AuthMethod: NoSecret},
		{ClientID: NoPasswordClientID, Name: "No password grant",
			Grants: []string{GrantAuthorizationCode, GrantRefreshToken}},
		{ClientID: NoRefreshClientID, Name: "No refresh grant", Grants: []string{GrantAuthorizationCode, GrantPassword}},
		{ClientID: DirectAuthClientID, Name: "Direct Authentication",
			Grants: append(slices.Clone(grants), GrantMFAOTP, GrantMFAOOB)},
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

	policies := []Policy{{Rules: []Rule{
		{Grants: []string{GrantPassword, GrantClientCredentials}, Denied: []string{"api:admin"}},
	}}}
	for _, a := range []AuthServer{
		{ID: DefaultServerID, Audience: DefaultAudience, Policies: policies, Scopes: []Scope{
			{Name: "api:read"}, {Name: "api:write"}, {Name: "api:admin"}, {Name: "api:consent", Consent: true},
		}},
		{ID: NoPolicyServerID, Audience: "api://no-policy", Scopes: []Scope{{Name: "api:read"}}},
		{ID: DefaultScopesServerID, Audience: "api://default-scopes", Policies: policies,
			Scopes: []Scope{{Name: "api:read", Default: true}, {Name: "api:write"}}},
	} {
		s.AddAuthServer(a)
	}
}
