package cmd

import (
	"fmt"
	"strings"

	"okauth/cmd/internal/cli"
	"okauth/pkg/oktatest"
)

// scenarioList shows each refusal with the command that provokes it, in a shell
// that has the sandbox's variables. What okauth never sends is left out.
func scenarioList() string {
	var b strings.Builder
	for _, e := range oktatest.Scenarios() {
		if e.Error == "" || e.Login == "" || e.Password == "" || e.Scope == "" {
			continue
		}
		fmt.Fprintf(&b, "%s: %d %s\n  %s\n", e.Description, e.Status, e.Error, scenarioCommand(e))
	}
	return b.String()
}

func scenarioCommand(e oktatest.Scenario) string {
	var line strings.Builder
	if e.Secret != oktatest.DefaultClientSecret {
		line.WriteString("OKAUTH_CLIENT_SECRET=" + e.Secret + " ")
	}
	if e.Password != oktatest.DefaultPassword {
		line.WriteString("OKAUTH_PASSWORD=" + cli.ShellQuote(e.Password) + " ")
	}
	line.WriteString("okauth login --scope " + cli.ShellQuote(e.Scope))
	for _, flag := range [][3]string{
		{"server", e.Server, oktatest.DefaultServerID},
		{"client-id", e.ClientID, oktatest.DefaultClientID},
		{"username", e.Login, oktatest.DefaultUser},
	} {
		if flag[1] != flag[2] {
			line.WriteString(" --" + flag[0] + " " + cli.ShellQuote(flag[1]))
		}
	}
	return line.String()
}

// tokenList shows each invalid token with the command that verifies it.
func tokenList() string {
	var b strings.Builder
	for _, f := range oktatest.InvalidTokenKinds() {
		fmt.Fprintf(&b, "%s: %s\n  curl -s \"$OKAUTH_DOMAIN/sandbox/tokens/%s\" | okauth verify\n", f.Name, f.Description, f.Name)
	}
	return b.String()
}

// faultList shows each fault with the command that switches it on in a sandbox
// that runs, and the one that ends them all.
func faultList() string {
	var b strings.Builder
	for _, f := range oktatest.NamedFaults() {
		fmt.Fprintf(&b, "%s: %s\n  curl -X PUT \"$OKAUTH_DOMAIN/sandbox/fault/%s?path=%s\"\n", f.Name, f.Description, f.Name, oktatest.DefaultFaultPath)
	}
	return b.String() + "all is well again\n  curl -X DELETE \"$OKAUTH_DOMAIN/sandbox/fault\"\n"
}
