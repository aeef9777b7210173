package cmd

import "github.com/spf13/cobra"

// newExitCodesTopic is "okauth help exit-codes".
func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit code says",
		Long: `okauth's exit code says what happened, so that a script need not read messages.

  0      ok
  1      failure         anything without a code of its own
  2      usage           a bad flag, a bad or missing setting, an unreadable
                         configuration
  3      network         the server cannot be reached, TLS, a timeout, a rate
                         limit, a server error, or an answer that is not Okta's
  4      login_required  no valid session, and no way to get one without asking
  5      refused         Okta said no: credentials, client, scope, policy, MFA
  6      storage         keychain or sealed file absent, locked, slow, full or
                         damaged; another process kept the session too long
  7      invalid_token   decode: what was given is not a token; verify: it
                         does not pass; introspect: it is not active
  126    not_executable  exec: CMD was found, but cannot be run
  127    not_found       exec: CMD was not found; else the code is CMD's own
  128+n  signal          ended by signal n: 130 after Ctrl-C

Whenever the code is not 0, nothing is on standard output, with these
exceptions: what "status", "verify", "introspect" and "doctor" find is their
result, whatever it is; "token" prints a token that could not be stored (6);
"decode" of many tokens answers every line (7: one of them is none); "demo" has
told its story up to there.

With OKAUTH_ERRORS=json, or when the command was given -o json, the error on
standard error is one JSON object:

  {"error":{"code":"refused","exit":5,"message":"…","hint":"…",
   "okta":{"status":400,"error":"invalid_grant","description":"…",
   "request_id":"…"}}}`,
	}
}
