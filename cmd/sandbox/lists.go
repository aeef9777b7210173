package sandbox

import (
	"fmt"
	"strings"

	"okauth/cmd/internal/cli"
	"okauth/pkg/oktatest"
)

// lists returns the lists that the flags ask for: an entry is a line of text, and a line with the command that triggers
// it in a shell that has the sandbox's variables.
func (o *options) lists() string {
	var b strings.Builder
	if o.listScenarios {
		for _, e := range oktatest.Scenarios() {
			if e.Error != "" && e.Login != "" && e.Password != "" && e.Scope != "" { // okauth sends no other
				fmt.Fprintf(&b, "%s: %d %s\n  %s\n", e.Description, e.Status, e.Error, scenarioCommand(e))
			}
		}
	}
	if o.listTokens {
		const command = `curl -s "$OKAUTH_DOMAIN/sandbox/tokens/%s" | okauth verify`
		for _, t := range oktatest.InvalidTokenKinds() {
			fmt.Fprintf(&b, "%s: %s\n  "+command+"\n", t.Name, t.Description, t.Name)
		}
	}
	if o.listFaults {
		const command = `curl -X PUT "$OKAUTH_DOMAIN/sandbox/fault/%s?path=%s"`
		for _, f := range oktatest.NamedFaults() {
			fmt.Fprintf(&b, "%s: %s\n  "+command+"\n", f.Name, f.Description, f.Name, oktatest.DefaultFaultPath)
		}
		b.WriteString("turn all faults off\n  curl -X DELETE \"$OKAUTH_DOMAIN/sandbox/fault\"\n")
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
