package sandbox

import (
	"slices"
	"strings"

	"okauth/pkg/grant"
	"okauth/pkg/oktatest"
)

// testVariables returns those of the test org.
func testVariables() [][2]string {
	return [][2]string{
		{"OKAUTH_CLIENT_ID", oktatest.DefaultClientID},
		{"OKAUTH_CLIENT_SECRET", oktatest.DefaultClientSecret},
		{"OKAUTH_USERNAME", oktatest.DefaultUser},
		{"OKAUTH_PASSWORD", oktatest.DefaultPassword},
		{"OKAUTH_SCOPES", "openid profile offline_access"},
	}
}

// orgVariables returns the variables of the first app and of the first user who can use it, and the command to try.
func orgVariables(org *oktatest.Org) (list [][2]string, command string) {
	add := func(name, value string) {
		if value != "" {
			list = append(list, [2]string{name, value})
		}
	}
	if len(org.AuthServers) > 0 {
		add("OKAUTH_SERVER", org.AuthServers[0].ID)
		add("OKAUTH_AUDIENCE", org.AuthServers[0].Audience)
	}
	if len(org.Apps) == 0 {
		return list, ""
	}
	app := org.Apps[0]
	add("OKAUTH_CLIENT_ID", app.ClientID)
	if len(app.Secrets) > 0 {
		add("OKAUTH_CLIENT_SECRET", app.Secrets[0])
	}
	add("OKAUTH_CLIENT_AUTH", app.AuthMethod)
	if app.RequireDPoP {
		add("OKAUTH_DPOP", "true")
	}
	if len(app.RedirectURIs) > 0 {
		add("OKAUTH_REDIRECT_URI", app.RedirectURIs[0])
	}
	grants := grant.All()
	i := slices.IndexFunc(grants, func(g grant.Type) bool { return slices.Contains(app.Grants, g.GrantType) })
	if i < 0 {
		return list, ""
	}
	add("OKAUTH_GRANT", grants[i].Name)
	if !grants[i].User {
		if len(org.AuthServers) > 0 && len(org.AuthServers[0].Scopes) > 0 {
			add("OKAUTH_SCOPES", org.AuthServers[0].Scopes[0].Name)
		}
		return list, "okauth token"
	}
	if user, ok := firstUser(org, app); ok {
		add("OKAUTH_USERNAME", user.Login)
		add("OKAUTH_PASSWORD", user.Password)
	}
	scopes := "openid profile"
	if slices.Contains(app.Grants, oktatest.GrantRefreshToken) {
		scopes += " offline_access"
	}
	add("OKAUTH_SCOPES", scopes)
	return list, "okauth login && okauth token"
}

// firstUser returns the first user who can sign in to the app.
func firstUser(org *oktatest.Org, app oktatest.App) (user oktatest.User, ok bool) {
	i := slices.IndexFunc(org.Users, func(u oktatest.User) bool {
		isUser := func(login string) bool { return strings.EqualFold(login, u.Login) }
		return u.Password != "" && u.Status == oktatest.Active &&
			(app.Assigned == nil || slices.ContainsFunc(app.Assigned, isUser))
	})
	if i < 0 {
		return user, false
	}
	return org.Users[i], true
}
