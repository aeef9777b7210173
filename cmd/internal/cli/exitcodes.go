package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/pkg/output"
)

// The exit codes of okauth. They are part of its contract: scripts branch on them, so a number never changes its
// meaning.
const (
	ExitOK            = 0
	ExitFailure       = 1
	ExitUsage         = 2
	exitNetwork       = 3
	ExitLoginRequired = 4
	exitRefused       = 5
	ExitStorage       = 6
	ExitInvalidToken  = 7
	// "If a command is not found, the exit status shall be 127. If the command name is found, but it is not an
	// executable utility, the exit status shall be 126."
	// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02
	ExitNotExecutable = 126
	ExitNotFound      = 127
	exitSignal        = 128 // plus the number of the signal
)

// ExitCodeRow explains one exit code.
type ExitCodeRow struct {
	Code string // "2", or "128+n"
	Name string // in JSON errors
	When string
}

// ExitCodes lists the exit codes.
func ExitCodes() []ExitCodeRow {
	return []ExitCodeRow{
		{"0", "ok", "success"},
		{"1", "failure", "anything without a code of its own"},
		{"2", "usage", "a bad flag, a bad or missing setting, an unreadable configuration"},
		{"3", "network", "cannot reach the server, TLS, timeout, rate limit, server error, or an answer that is not Okta's"},
		{"4", "login_required", "no valid session, and no way to get one without asking"},
		{"5", "refused", "Okta said no: credentials, client, scope, policy, MFA"},
		{"6", "storage", "keychain, sealed file or server absent, locked, slow, full or damaged; " +
			"lock not obtained in time; file not written"},
		{"7", "invalid_token", "decode: not a token; verify: not valid; introspect: not active"},
		{"126", "not_executable", "exec: CMD was found, but cannot be run"},
		{"127", "not_found", "exec: CMD was not found; otherwise exec exits with CMD's own code"},
		{"128+n", "signal", "ended by signal n: 130 after Ctrl-C"},
	}
}

// exitName returns the code's name in JSON errors.
func exitName(code int) string {
	for _, row := range ExitCodes() {
		if row.Code == fmt.Sprint(code) {
			return row.Name
		}
	}
	if code > exitSignal {
		return "signal"
	}
	return "failure"
}

// NewExitCodesTopic returns "okauth help exit-codes".
func NewExitCodesTopic() *cobra.Command {
	var table strings.Builder
	for _, row := range ExitCodes() {
		fmt.Fprintf(&table, "  %-6s %-15s %s\n", row.Code, row.Name, output.Wrap(row.When, 25, 25, 79))
	}
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "Exit codes and what they mean",
		Long: `A script can branch on okauth's exit code instead of reading messages.

` + table.String() + `
When the code is not 0, standard output is empty, with these exceptions: status,
verify, introspect and doctor print their result in any case; token, exchange
and userinfo print theirs if the session could not be stored (6); decode of many
tokens answers every line (7: at least one is not a token); demo prints its
story up to that point.

With -o json or OKAUTH_ERRORS=json the error on standard error is a JSON object:

  {"error":{"code":"refused","exit":5,"message":"…","hint":"…","okta":
   {"status":400,"error":"invalid_grant","description":"…","request_id":"…"}}}`,
	}
}
