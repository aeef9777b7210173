package cmd

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type tokenOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	kind    session.TokenType
	refresh bool
	printFlags
	fileFlags
	githubOutput string
}

func newTokenCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &tokenOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:        "token",
		SuggestFor: []string{"refresh", "get-token"},
		Short:      "Print a token that is valid now",
		Long: `Print an access token that stays valid for at least --min-ttl: the cached one, a
refreshed one, or one from a sign-in, with a password from --password-stdin, a
variable, a file or a command, with the client's own credentials (--grant
client-credentials), or with you, on the terminal. Otherwise the exit code is 4.

When several processes run "okauth token" at once, one asks or makes the request
and all print its result. A token that never lives that long has a warning.

-o chooses what to print:

` + formatHelp() + `

--shell and --env belong to -o env. With dpop, header and curl are for the one
request of --url and --method. --github-output NAME writes the token to a step
output of GitHub Actions, masks it in the log, and prints nothing else. --type
refresh prints the refresh token: its use elsewhere may end the session.

--file writes a file of yours, whole or not at all. --watch keeps it fresh until
a signal (exit code 0), and then removes it. See docs/sidecars.md.`,
		Example: `  # into a variable
  TOKEN=$(okauth token)
  # to curl, without showing the token in the process list
  okauth token -o curl | curl -K - https://api.example.com/v1/orders
  # with dpop: the token and the proof for one request
  okauth token -o curl --url https://api.example.com/v1/orders |
    curl -K - https://api.example.com/v1/orders
  # into the environment of this shell
  eval "$(okauth token -o env)"
  # the ID token
  okauth token --type id
  # a token with other scopes
  okauth token --scope "openid orders:read"
  # a token that stays valid for ten more minutes
  okauth token --min-ttl 10m
  # for a program that reads a file: a token that is always valid
  okauth token --file "$XDG_RUNTIME_DIR/okauth-token" --watch`,
		Args: cli.ArgsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	o.session.AddFlags(c, append(cli.SignInKeys(), config.KeyMinTTL)...)
	o.session.AddPageFlags(c)
	o.session.AddStdinFlags(c)
	cli.TokenTypeFlag(c, &o.kind, session.Access, session.ID, session.Refresh)
	f := c.Flags()
	f.BoolVar(&o.refresh, "refresh", false, "get a new token even if the cached one is valid")
	o.printFlags.addFlags(c, "OKTA_ACCESS_TOKEN or OKTA_ID_TOKEN", output.Formats()...)
	o.fileFlags.addFlags(c)
	f.StringVar(&o.githubOutput, "github-output", "", "step output of GitHub Actions to write the token to")
	cli.CompleteFlag(c, "github-output")
	return c
}

func (o *tokenOptions) run(c *cobra.Command) error {
	if err := o.check(c); err != nil {
		return err
	}
	if o.watch {
		return o.keepFresh(c.Context())
	}
	token, saveErr := o.session.Token(c.Context(), o.env, o.kind, o.refresh)
	if saveErr != nil && !cli.Is[*session.SaveError](saveErr) {
		return saveErr
	}
	return cmp.Or(o.write(token), saveErr) // after the token: it is good, and it may be the last
}

// check refuses flags that contradict each other, before anything is read or sent.
func (o *tokenOptions) check(c *cobra.Command) error {
	if o.format.Format == "exec-credential" {
		// kubectl names the version it accepts, and most clusters need the ID token.
		var err error
		if o.format.APIVersion, err = output.ExecAPIVersion(o.env.Getenv("KUBERNETES_EXEC_INFO")); err != nil {
			return cli.Usage("KUBERNETES_EXEC_INFO: "+err.Error(), "")
		}
		if !c.Flags().Changed("type") {
			o.kind = session.ID
		}
	}
	if err := o.printFlags.check(c, o.kind); err != nil {
		return err
	}
	if err := o.checkFile(c); err != nil {
		return err
	}
	if o.githubOutput != "" && c.Flags().Changed("output") {
		return cli.Usage("--github-output prints no token, so there is nothing for -o to say", "")
	}
	if o.githubOutput == "" {
		return nil
	}
	if err := output.CheckGitHubOutput(o.githubOutput); err != nil {
		return cli.Usage("--github-output: "+err.Error(), "")
	}
	if o.env.Getenv("GITHUB_OUTPUT") == "" {
		return cli.Usage("--github-output: GITHUB_OUTPUT is not set",
			"it is for a step of GitHub Actions; elsewhere, print the token: okauth token")
	}
	return nil
}

func (o *tokenOptions) write(token output.Token) error {
	if o.path == "" && o.githubOutput == "" {
		return o.print(o.env, token)
	}
	if o.url == "" { // else the proof is there, too
		o.env.WarnBound(token)
	}
	if o.path != "" {
		text, err := o.render(token)
		if err != nil {
			return err
		}
		return output.WriteFile(o.path, text)
	}
	// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
	file, err := os.OpenFile(o.env.Getenv("GITHUB_OUTPUT"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write the step output: %w", err)
	}
	return cmp.Or(output.WriteGitHubOutput(o.env.Stdout, file, o.githubOutput, token), file.Close())
}
